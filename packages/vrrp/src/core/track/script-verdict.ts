// What the runs of a track script mean. Failed and timed out are a script's answer that the node should not serve: it gives
// way to a node that may, and to no other, since what both lose must not leave the address without an owner. A script
// that could not be started has said nothing: it raises an alarm and moves nothing, in either direction. Pure.
import type { Finding } from './condition.ts';
import { count, noResults, type Tally } from './rise-and-fall.ts';

/** How one run ended. */
export type ScriptOutcome =
  | { readonly type: 'passed' }
  /** `how`: `exit code 3`, `signal SIGSEGV`. */
  | { readonly type: 'failed'; readonly how: string }
  | { readonly type: 'timed-out'; readonly afterMs: number }
  /** `why`: the kernel's reason. */
  | { readonly type: 'not-started'; readonly why: string };

export interface ScriptState {
  readonly tally: Tally;
  readonly last: ScriptOutcome | undefined;
}

export const newScript: ScriptState = { tally: noResults, last: undefined };

/** Takes one run into account. */
export function judgeScript(
  before: ScriptState,
  last: ScriptOutcome,
  limits: { readonly rise: number; readonly fall: number },
): ScriptState {
  if (last.type === 'not-started') return { ...before, last };
  return { tally: count(before.tally, last.type === 'passed', limits), last };
}

/** The condition that this makes; `output`: the end of what the last run printed. */
export function scriptFinding({ tally, last }: ScriptState, output: string): Finding {
  const shown = output === '' ? {} : { output };
  if (last === undefined) return { state: 'waiting', sentence: 'its first run has not ended yet' };
  const sentence = sentenceOf(last);
  if (tally.verdict === 'bad') {
    const before =
      last.type === 'passed' || last.type === 'not-started' ? `it failed before; now ${sentence}` : sentence;
    return { state: 'impaired', sentence: before, ...shown };
  }
  if (last.type === 'passed') return { state: 'ok', sentence, ...shown };
  const note = last.type === 'not-started' ? ', which says nothing about this node' : ', not often enough yet to count';
  return { state: 'warning', sentence: `${sentence}${note}`, ...shown };
}

function sentenceOf(outcome: ScriptOutcome): string {
  if (outcome.type === 'passed') return 'it passed';
  if (outcome.type === 'failed') return `it failed with ${outcome.how}`;
  if (outcome.type === 'timed-out') return `it timed out after ${outcome.afterMs} ms and was killed`;
  return `it could not be started (${outcome.why})`;
}
