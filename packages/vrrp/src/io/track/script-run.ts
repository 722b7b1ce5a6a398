// One run of a track script: no shell, a process group of its own, as its own user, with a time limit that ends the whole
// group. The three ways in which it can go wrong are kept apart; what it prints is kept up to a bound.
import type { ChildProcess } from 'node:child_process';
import { findUser } from '@tospann/linux';
import type { ScriptOutcome } from '../../core/track/script-verdict.ts';
import { killGroup, OutputTail, startGroup } from '../hooks/process-group.ts';

/** Between SIGTERM and SIGKILL. */
const graceMs = 2000;

export interface ScriptRunOptions {
  /** Program and arguments. */
  readonly run: readonly string[];
  readonly timeoutMs: number;
  /** The first that exists is used; an unprivileged agent runs scripts as itself. */
  readonly users: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface ScriptResult {
  readonly outcome: ScriptOutcome;
  /** The end of standard output and standard error together. */
  readonly output: string;
}

/** A run under way. `kill` ends it at once; `result` resolves in every case and never rejects. */
export interface ScriptRun {
  readonly result: Promise<ScriptResult>;
  kill(): void;
}

export function runScript(options: ScriptRunOptions): ScriptRun {
  const { promise, resolve } = Promise.withResolvers<ScriptResult>();
  const started = start(options);
  if (typeof started === 'string') {
    resolve({ outcome: { type: 'not-started', why: started }, output: '' });
    return { result: promise, kill: () => {} };
  }
  const tail = new OutputTail(started);
  let timedOut = false;
  let hardKill: NodeJS.Timeout | undefined;
  const limit = setTimeout(() => {
    timedOut = true;
    killGroup(started, 'SIGTERM');
    hardKill = setTimeout(() => killGroup(started, 'SIGKILL'), graceMs);
  }, options.timeoutMs);
  const finish = (outcome: ScriptOutcome): void => {
    clearTimeout(limit);
    clearTimeout(hardKill);
    // Whoever of the group is left after a time-out would go on for ever.
    if (timedOut) killGroup(started, 'SIGKILL');
    resolve({ outcome, output: tail.close() });
  };
  started.on('error', (error) => finish({ type: 'not-started', why: error.message }));
  started.on('exit', (code, signal) => {
    if (timedOut) finish({ type: 'timed-out', afterMs: options.timeoutMs });
    else if (code === 0) finish({ type: 'passed' });
    else finish({ type: 'failed', how: signal === null ? `exit code ${code}` : `signal ${signal}` });
  });
  return { result: promise, kill: () => killGroup(started, 'SIGKILL') };
}

/** @returns The process, or why there is none. */
function start({ run, users, environment }: ScriptRunOptions): ChildProcess | string {
  if (process.getuid?.() !== 0) return startGroup({ run, environment });
  const user = users.map(findUser).find((found) => found !== null);
  if (user === undefined || user === null) return `no user "${users.join('" or "')}"`;
  return startGroup({ run, environment, user });
}
