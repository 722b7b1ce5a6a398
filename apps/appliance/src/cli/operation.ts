// `tospann reload` asks the running node to take its configuration file and says what that changed; `tospann upgrade`
// asks it to go over to the program that is installed now, and waits until that one serves.
import { type Operation, type OperationReport, operationReport, pairStatus } from '@tospann/api';
import { monotonicMs } from '@tospann/linux';
import { ask } from './control.ts';
import { complain, Exit, type ExitCode, out, outJson, say } from './exit.ts';
import { problemOf } from './failover.ts';

export interface OperationOptions {
  readonly runDir: string;
  readonly json?: boolean;
  /** Of an upgrade: also to the program that runs already. */
  readonly force?: boolean;
}

/** How long the new program may take until it serves, ms. */
const UPGRADE_LIMIT_MS = 90_000;

/** Exit 3: the configuration is not valid; 1: it could not be served. Nothing has changed then. */
export async function reloadCommand(options: OperationOptions): Promise<ExitCode> {
  return (await operate(options, 'reload')).code;
}

/** Exit 0: the new program serves, or the one that runs is the installed one. Exit 1: it did not pass its check, and nothing has changed; or it does not come up. */
export async function upgradeCommand(options: OperationOptions): Promise<ExitCode> {
  const startMs = monotonicMs();
  const { code, outcome } = await operate(options, 'upgrade');
  if (code !== Exit.ok || outcome !== 'done') return code;
  while (monotonicMs() - startMs < UPGRADE_LIMIT_MS) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const version = await newVersion(options.runDir, monotonicMs() - startMs);
    if (version === undefined) continue;
    say(`Version ${version} serves; it took ${Math.round(monotonicMs() - startMs)} ms`);
    return Exit.ok;
  }
  complain({ code: 'LB_INTERNAL', message: 'the new program does not say that it serves', hint: 'Look at its log' });
  return Exit.failed;
}

/** The version of a node that is younger than this and has all its children; undefined: not yet. */
async function newVersion(runDir: string, ageMs: number): Promise<string | undefined> {
  try {
    const { body } = await ask(runDir, { method: 'GET', path: '/api/v1/status' });
    const status = pairStatus.safeParse(body);
    if (!status.success) return undefined;
    const { self } = status.data;
    const serves = self.children.length > 0 && self.children.every(({ state }) => state === 'ready');
    return serves && self.uptimeMs < ageMs ? self.version : undefined;
  } catch {
    return undefined; // between two programs nobody answers
  }
}

interface Answered {
  readonly code: ExitCode;
  readonly outcome?: OperationReport['outcome'];
}

async function operate(options: OperationOptions, operation: Operation): Promise<Answered> {
  const body = options.force === true ? { body: { force: true } } : {};
  const answer = await ask(options.runDir, { method: 'POST', path: `/api/v1/${operation}`, ...body });
  const report = operationReport.safeParse(answer.body);
  if (answer.status !== 200 || !report.success) {
    complain(problemOf(answer.body));
    return { code: Exit.failed };
  }
  const { outcome, summary, lines, code, hint } = report.data;
  if (options.json === true) outJson(report.data);
  const print = outcome === 'done' && options.json !== true ? out : say;
  if (options.json !== true || outcome === 'invalid') for (const line of lines) print(line);
  if (outcome === 'failed') complain({ code, message: summary, hint });
  else say(summary);
  if (outcome === 'unchanged' && hint !== '') say(`  hint: ${hint}`);
  const codes = { done: Exit.ok, unchanged: Exit.ok, invalid: Exit.configInvalid, failed: Exit.failed } as const;
  return { code: codes[outcome], outcome };
}
