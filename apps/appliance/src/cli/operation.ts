// `tospann reload`: asks the running node to take its configuration file, and says what that changed.
import { operationReport } from '@tospann/api';
import { ask } from './control.ts';
import { complain, Exit, type ExitCode, out, say } from './exit.ts';
import { problemOf } from './failover.ts';

export interface OperationOptions {
  readonly runDir: string;
  readonly json?: boolean;
}

/** Exit 3: the configuration is not valid; 1: it could not be served. Nothing has changed then. */
export async function reloadCommand(options: OperationOptions): Promise<ExitCode> {
  const answer = await ask(options.runDir, { method: 'POST', path: '/api/v1/reload' });
  const report = operationReport.safeParse(answer.body);
  if (answer.status !== 200 || !report.success) {
    complain(problemOf(answer.body));
    return Exit.failed;
  }
  const { outcome, summary, lines, code, hint } = report.data;
  if (options.json === true) out(JSON.stringify(report.data));
  const print = outcome === 'done' && options.json !== true ? out : say;
  if (options.json !== true || outcome === 'invalid') for (const line of lines) print(line);
  if (outcome === 'failed') complain({ code, message: summary, hint });
  else say(summary);
  if (outcome === 'invalid') return Exit.configInvalid;
  return outcome === 'failed' ? Exit.failed : Exit.ok;
}
