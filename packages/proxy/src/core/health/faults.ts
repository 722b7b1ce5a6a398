// Counting of faults in a row for passive health, on the workers' side: one shared word for each server, and a flag
// for the main thread. A server that is not observed costs one branch; a success costs one more load.
import type { ObserveConfig } from '@tospann/config';
import type { Engine } from '../engine.ts';
import type { ServerPlan } from '../plan.ts';
import { ServerWord } from '../shared.ts';

/** What is counted of a server: nothing, what happens to connections, or answers and time-outs too. */
export const Observed = { NOTHING: 0, CONNECTION: 1, HTTP: 2 } as const;

/** What is counted for a backend's servers. */
export function observedOf(observe: ObserveConfig | undefined): number {
  if (observe === undefined) return Observed.NOTHING;
  return observe.layer === 'http' ? Observed.HTTP : Observed.CONNECTION;
}

/** A connection to the server failed or was reset. */
export function noteConnectionFault(engine: Engine, server: ServerPlan): void {
  if (server.observed !== Observed.NOTHING) count(engine, server);
}

/** No answer in time, or one that is none. */
export function noteAnswerFault(engine: Engine, server: ServerPlan): void {
  if (server.observed === Observed.HTTP) count(engine, server);
}

/** An answer has begun. 501 and 505 are about the request, not about the server's health. */
export function noteAnswer(engine: Engine, server: ServerPlan, status: number): void {
  if (server.observed === Observed.NOTHING) return;
  if (server.observed === Observed.HTTP && status >= 500 && status !== 501 && status !== 505) count(engine, server);
  else clear(engine, server);
}

/** A connection of TCP mode stands. */
export function noteConnected(engine: Engine, server: ServerPlan): void {
  if (server.observed !== Observed.NOTHING) clear(engine, server);
}

function count(engine: Engine, server: ServerPlan): void {
  const faults = Atomics.add(engine.words, server.word + ServerWord.faults, 1) + 1;
  if (faults >= server.errorLimit) Atomics.store(engine.words, server.word + ServerWord.tripped, 1);
}

function clear(engine: Engine, server: ServerPlan): void {
  if (engine.words[server.word + ServerWord.faults] !== 0) {
    Atomics.store(engine.words, server.word + ServerWord.faults, 0);
  }
}
