// The conditions under which a node may own addresses, and their sum: the node's ability. What each condition measures
// is decided beside this file; the measuring is io/track. Pure.
import type { Ability } from '../state.ts';

/**
 * `waiting`: no result yet. `warning`: a person should look, the address does not move. `impaired`: this node gives way, but only to a
 * better one. `no-server`: the proxy lives, its servers do not. `failed`: this node may not serve.
 */
export type ConditionState = 'waiting' | 'ok' | 'warning' | 'impaired' | 'no-server' | 'failed';

export type ConditionKind =
  | 'frontend'
  | 'link'
  | 'configuration'
  | 'gateway'
  | 'script'
  | 'steal'
  | 'lateness'
  | 'limits';

/** One condition as it stands. */
export interface Condition {
  /** Unique on its node: `frontend main`, `script disk`, `gateway`. */
  readonly name: string;
  readonly kind: ConditionKind;
  readonly state: ConditionState;
  /** Monotonic ms of the last change of `state`. */
  readonly sinceMs: number;
  /** What was found, for the operator; begins in lower case, no final period. */
  readonly sentence: string;
  /** The end of what a script printed last. */
  readonly output?: string;
}

/** What a measurement says of a condition. */
export type Finding = Pick<Condition, 'state' | 'sentence' | 'output'>;

/** The sum of all conditions. */
export interface TrackVerdict {
  readonly ability: Ability;
  /** The sentence of the worst condition. */
  readonly reason: string;
}

/** Puts a finding in; `sinceMs` changes with the state only. */
export function noteFinding(
  before: Condition | undefined,
  finding: Finding,
  place: Pick<Condition, 'name' | 'kind'> & { readonly nowMs: number },
): Condition {
  const { name, kind, nowMs } = place;
  const { state, sentence, output } = finding;
  const sinceMs = before?.state === state ? before.sinceMs : nowMs;
  return { name, kind, state, sinceMs, sentence, ...(output === undefined ? {} : { output }) };
}

/**
 * Sums up. The link is not in it: the agent's loop sees that itself, at once, and bears a short flap. A part that is bad does
 * not take the rest: a node with one frontend of several that does not answer is worse off, and gives way to one that is not.
 *
 * @param requiredFrontends Frontends that need a live server each; empty: one of all suffices.
 */
export function sumUp(conditions: readonly Condition[], requiredFrontends: readonly string[]): TrackVerdict {
  const frontends = conditions.filter(({ kind }) => kind === 'frontend');
  const first = (state: ConditionState): Condition | undefined =>
    conditions.find((one) => one.state === state && one.kind !== 'link');
  const failed = first('failed');
  if (failed !== undefined && frontends.every(({ state }) => state === 'failed'))
    return { ability: 'cannot-serve', reason: reasonOf(failed) };
  const waiting = frontends.find(({ state }) => state === 'waiting');
  if (waiting !== undefined) return { ability: 'unknown', reason: reasonOf(waiting) };
  const empty = withoutServer(frontends, requiredFrontends);
  if (empty !== undefined) return { ability: 'no-live-server', reason: reasonOf(empty) };
  const impaired = failed ?? first('impaired');
  if (impaired !== undefined) return { ability: 'impaired', reason: reasonOf(impaired) };
  const [one] = frontends;
  return { ability: 'serves', reason: one === undefined ? 'all conditions are good' : reasonOf(one) };
}

/** A side frontend without servers must not make the election blind, so what needs a server is named or is the last. */
function withoutServer(frontends: readonly Condition[], required: readonly string[]): Condition | undefined {
  const empty = frontends.filter(({ state }) => state === 'no-server' || state === 'failed');
  const names = new Set(required.map((name) => `frontend ${name}`));
  if (names.size > 0) return empty.find(({ name }) => names.has(name));
  return empty.length === frontends.length ? empty[0] : undefined;
}

function reasonOf({ name, kind, sentence }: Condition): string {
  return kind === 'frontend' || kind === 'link' ? sentence : `${name}: ${sentence}`;
}
