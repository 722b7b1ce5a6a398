// One run of a program: no shell, a process group of its own, a time limit that ends the whole group, JSON on its
// standard input, its output kept up to a bound. Side effects: one process.
import type { CallOutcome, CallResult, RunningCall } from './call.ts';
import { killGroup, OutputTail, startGroup } from './process-group.ts';

/** Between SIGTERM and SIGKILL, ms. */
const graceMs = 1000;
/** After the end of a program: for what is left of its output, ms. */
const outputWaitMs = 200;
/** What a program may rely on; nothing of this process's own environment, which has other children's roles in it. */
const plainEnvironment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };

export interface ProgramCallOptions {
  /** Program and arguments. */
  readonly run: readonly string[];
  readonly timeoutMs: number;
  readonly body: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts the program. */
export function callProgram(options: ProgramCallOptions): RunningCall {
  const { promise, resolve } = Promise.withResolvers<CallResult>();
  const { run, body, environment } = options;
  const process = startGroup({ run, body, environment: { ...plainEnvironment, ...environment } });
  if (typeof process === 'string') {
    resolve({ outcome: { type: 'not-started', why: process }, output: '', mayRetry: true });
    return { result: promise, cancel: () => undefined };
  }
  const output = new OutputTail(process);
  let ended: CallOutcome | undefined;
  let hardKill: NodeJS.Timeout | undefined;
  const endGroup = (why: CallOutcome): void => {
    if (ended !== undefined) return;
    ended = why;
    killGroup(process, 'SIGTERM');
    hardKill = setTimeout(() => killGroup(process, 'SIGKILL'), graceMs);
  };
  const limit = setTimeout(
    () => endGroup({ type: 'timed-out', afterMs: options.timeoutMs }),
    Math.max(1, options.timeoutMs),
  );
  const finish = (outcome: CallOutcome): void => {
    clearTimeout(limit);
    clearTimeout(hardKill);
    // Its parent has gone at SIGTERM; whoever of the group has not would go on for ever.
    if (ended !== undefined) killGroup(process, 'SIGKILL');
    resolve({ outcome: ended ?? outcome, output: output.close(), mayRetry: true });
    ended ??= outcome;
  };
  process.on('error', (error) => finish({ type: 'not-started', why: error.message }));
  process.on('exit', (code, signal) => {
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    const outcome: CallOutcome = code === 0 ? { type: 'done' } : { type: 'failed', how };
    // What it printed last is still in the pipes; a grandchild that keeps them open is not waited for.
    const limit = setTimeout(() => finish(outcome), outputWaitMs);
    process.on('close', () => {
      clearTimeout(limit);
      finish(outcome);
    });
  });
  return { result: promise, cancel: () => endGroup({ type: 'cancelled' }) };
}
