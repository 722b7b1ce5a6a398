// `tospann status`: the pair as this node sees it, as a table or JSON; the exit code tells scripts how it is.
import { pairStatus, type PairStatus } from '@tospann/api';
import { renderStatus } from '../core/render-status.ts';
import { ask } from './control.ts';
import { complain, Exit, type ExitCode, out, outJson } from './exit.ts';
import { problemOf } from './failover.ts';

export interface StatusOptions {
  readonly runDir: string;
  readonly json?: boolean;
  readonly watch?: boolean;
}

const WATCH_INTERVAL_MS = 1000;

export async function statusCommand(options: StatusOptions): Promise<ExitCode> {
  let code = await once(options);
  while (options.watch === true) {
    await new Promise((resolve) => setTimeout(resolve, WATCH_INTERVAL_MS));
    if (options.json !== true) out('');
    code = await once(options);
  }
  return code;
}

async function once(options: StatusOptions): Promise<ExitCode> {
  const answer = await ask(options.runDir, { method: 'GET', path: '/api/v1/status' });
  const parsed = pairStatus.safeParse(answer.body);
  if (answer.status !== 200 || !parsed.success) {
    complain(problemOf(answer.body));
    return Exit.failed;
  }
  const status: PairStatus = parsed.data;
  if (options.json === true) outJson(status);
  else out(renderStatus(status));
  return status.verdict.level === 'ok' ? Exit.ok : Exit.degraded;
}
