// What moves an address outside this machine, decided: one call at a time for each election, again when it fails, called
// off at once when this node is no longer the owner. Not the call (io/hooks/mover.ts). Pure; times are monotonic ms.

/** A floating address as the outside knows it. */
export interface MovedAddress {
  readonly vip: string;
  readonly address: string;
}

export interface MoverConfig {
  /** All addresses of the election, moved one after the other. */
  readonly addresses: readonly MovedAddress[];
  /** Further attempts after the first. */
  readonly retries: number;
  readonly retryIntervalMs: number;
}

/** How the last move of one address went. */
export interface MoverResult {
  readonly vip: string;
  readonly outcome: 'calling' | 'waiting' | 'done' | 'failed' | 'cancelled';
  /** The fencing token of the call: it never goes back. */
  readonly term: number;
  readonly attempts: number;
  /** Why it failed last; empty: it did not. */
  readonly detail: string;
  /** When the node became owner, and how long after that this came about. */
  readonly sinceMs: number;
  readonly durationMs: number;
}

export interface MoverState {
  /** The highest token so far. */
  readonly term: number;
  readonly isOwner: boolean;
  readonly ownerSinceMs: number;
  /** Addresses that are still to be moved; the first is under way. */
  readonly queue: readonly MovedAddress[];
  readonly attempts: number;
  /** A call runs, maybe one that was called off. */
  readonly isCalling: boolean;
  /** The call that runs is of an earlier ownership: nobody wants to know how it ends. */
  readonly isStale: boolean;
  /** When the next attempt is due; Infinity: none is. */
  readonly dueMs: number;
  readonly results: Readonly<Record<string, MoverResult>>;
}

export type MoverEvent =
  /** This node has become owner. */
  | { readonly type: 'taken'; readonly nowMs: number; readonly term: number }
  | { readonly type: 'lost'; readonly nowMs: number }
  /** The call has ended; `problem` is empty when it did its work. */
  | { readonly type: 'ended'; readonly nowMs: number; readonly problem: string }
  | { readonly type: 'tick'; readonly nowMs: number };

export type MoverEffect =
  | { readonly type: 'call'; readonly address: MovedAddress; readonly term: number }
  /** End the call that runs; it answers with `ended`. */
  | { readonly type: 'cancel' }
  | { readonly type: 'report'; readonly address: MovedAddress; readonly result: MoverResult };

export interface MoverStep {
  readonly state: MoverState;
  readonly effects: readonly MoverEffect[];
}

export const idleMover: MoverState = {
  term: 0,
  isOwner: false,
  ownerSinceMs: 0,
  queue: [],
  attempts: 0,
  isCalling: false,
  isStale: false,
  dueMs: Infinity,
  results: {},
};

/** Decides what one event means; effects are carried out in their order. */
export function stepMover(state: MoverState, event: MoverEvent, config: MoverConfig): MoverStep {
  if (event.type === 'taken') return taken(state, event, config);
  if (event.type === 'lost') return lost(state, event.nowMs);
  if (event.type === 'ended') return ended(state, event, config);
  return event.nowMs >= state.dueMs ? callNext(state, event.nowMs) : { state, effects: [] };
}

function taken(state: MoverState, event: { nowMs: number; term: number }, config: MoverConfig): MoverStep {
  const { nowMs } = event;
  // All addresses of an election change together, each with an event of its own.
  if (state.isOwner && event.term <= state.term) return { state, effects: [] };
  const before = state.isOwner ? lost(state, nowMs) : { state, effects: [] };
  const next: MoverState = {
    ...before.state,
    // A token that was lost with its file starts low again: whoever fences by it must not see it go back.
    term: Math.max(event.term, state.term),
    isOwner: true,
    ownerSinceMs: nowMs,
    queue: config.addresses,
    attempts: 0,
    dueMs: Infinity,
  };
  // One call at a time: the one that was called off has to end first.
  if (next.isCalling) return { state: next, effects: before.effects };
  const call = callNext(next, nowMs);
  return { state: call.state, effects: [...before.effects, ...call.effects] };
}

function lost(state: MoverState, nowMs: number): MoverStep {
  if (!state.isOwner) return { state, effects: [] };
  const results = { ...state.results };
  for (const { vip } of state.queue) {
    const result = results[vip];
    const isOfThis = result?.term === state.term && (result.outcome === 'calling' || result.outcome === 'waiting');
    if (isOfThis) results[vip] = { ...result, outcome: 'cancelled', durationMs: nowMs - state.ownerSinceMs };
  }
  const next: MoverState = {
    ...state,
    results,
    isOwner: false,
    queue: [],
    dueMs: Infinity,
    isStale: state.isCalling,
  };
  return { state: next, effects: state.isCalling && !state.isStale ? [{ type: 'cancel' }] : [] };
}

function ended(state: MoverState, event: { nowMs: number; problem: string }, config: MoverConfig): MoverStep {
  const { nowMs, problem } = event;
  const free: MoverState = { ...state, isCalling: false, isStale: false };
  const [address, ...rest] = state.queue;
  if (state.isStale) return state.isOwner ? callNext(free, nowMs) : { state: free, effects: [] };
  if (address === undefined) return { state: free, effects: [] };
  const attempts = state.attempts + 1;
  const measured = { vip: address.vip, term: state.term, attempts, detail: problem, sinceMs: state.ownerSinceMs };
  const result = (outcome: MoverResult['outcome']): MoverResult => ({
    ...measured,
    outcome,
    durationMs: nowMs - state.ownerSinceMs,
  });
  if (problem !== '' && attempts <= config.retries) {
    const waiting = { ...free, attempts, dueMs: nowMs + config.retryIntervalMs };
    return { state: withResult(waiting, result('waiting')), effects: [] };
  }
  const last = result(problem === '' ? 'done' : 'failed');
  const moved = withResult({ ...free, queue: rest, attempts: 0 }, last);
  const call = callNext(moved, nowMs);
  return { state: call.state, effects: [{ type: 'report', address, result: last }, ...call.effects] };
}

function callNext(state: MoverState, nowMs: number): MoverStep {
  const [address] = state.queue;
  if (address === undefined || !state.isOwner || state.isCalling)
    return { state: { ...state, dueMs: Infinity }, effects: [] };
  const { term, ownerSinceMs: sinceMs, attempts } = state;
  const detail = attempts === 0 ? '' : (state.results[address.vip]?.detail ?? '');
  const durationMs = nowMs - sinceMs;
  const result: MoverResult = {
    vip: address.vip,
    outcome: 'calling',
    term,
    attempts: attempts + 1,
    detail,
    sinceMs,
    durationMs,
  };
  const next = withResult({ ...state, isCalling: true, dueMs: Infinity }, result);
  return { state: next, effects: [{ type: 'call', address, term }] };
}

function withResult(state: MoverState, result: MoverResult): MoverState {
  return { ...state, results: { ...state.results, [result.vip]: result } };
}
