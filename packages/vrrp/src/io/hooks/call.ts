// One call of a program or a web address: what both have in common. How each is done is in program-call.ts and
// web-call.ts; who calls, and how often again, is hooks.ts and mover.ts.
import type { CallConfig } from '@tospann/config';
import { callProgram } from './program-call.ts';
import { callWeb } from './web-call.ts';

/** How a call ended. The three ways in which it can go wrong have different causes, so they are kept apart. */
export type CallOutcome =
  | { readonly type: 'done' }
  /** It ran and said no: `exit code 3`, `status 500`. */
  | { readonly type: 'failed'; readonly how: string }
  | { readonly type: 'timed-out'; readonly afterMs: number }
  /** There was nobody to ask: no such program, no connection, no trusted certificate. */
  | { readonly type: 'not-started'; readonly why: string }
  | { readonly type: 'cancelled' };

export interface CallResult {
  readonly outcome: CallOutcome;
  /** The end of what it printed or answered, bounded. */
  readonly output: string;
  /** Asking again may help: of a web address, what is not the caller's fault. */
  readonly mayRetry: boolean;
}

/** A call under way. `result` resolves in every case, when nothing of the call runs any more, and never rejects. */
export interface RunningCall {
  readonly result: Promise<CallResult>;
  /** Ends it as soon as possible. */
  cancel(): void;
}

export interface CallInput {
  /** JSON: standard input, or the body. */
  readonly body: string;
  /** Of a program, beside a plain PATH. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Calls what the configuration names. */
export function startCall(call: CallConfig, input: CallInput): RunningCall {
  const { run, url, timeoutMs } = call;
  if (url !== undefined) return callWeb({ url, timeoutMs, body: input.body });
  return callProgram({ run: run ?? [], timeoutMs, ...input });
}

/** What went wrong, as the end of a sentence; empty when nothing did. */
export function problemOf({ outcome, output }: CallResult): string {
  const said = output === '' ? '' : `; it said: ${output}`;
  if (outcome.type === 'done') return '';
  if (outcome.type === 'failed') return `it failed (${outcome.how})${said}`;
  if (outcome.type === 'timed-out') return `it did not end within ${outcome.afterMs} ms and was ended${said}`;
  return outcome.type === 'not-started' ? `it could not be started (${outcome.why})` : 'it was called off';
}
