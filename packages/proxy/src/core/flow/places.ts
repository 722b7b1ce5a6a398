// Places at servers: how many requests are under way, over all workers, exactly. A count never goes above its limit, not
// even for a moment: it is compared and raised in one step.
import type { ServerPlan } from '../plan.ts';
import { BackendWord, ServerWord } from '../shared.ts';

/** Takes a place at a server and at its backend; false when one of them has its maximum. */
export function takePlace(words: Int32Array, server: ServerPlan): boolean {
  return !server.counted || takeCounted(words, server);
}

/** The same for one that has waited: it is counted in any case, also where a reload has taken the limit away meanwhile. */
export function takeCounted(words: Int32Array, server: ServerPlan): boolean {
  if (!raise(words, server.word + ServerWord.inUse, server.limit)) return false;
  if (raise(words, server.backend.word + BackendWord.inUse, server.backend.balance.maxConnections)) return true;
  Atomics.sub(words, server.word + ServerWord.inUse, 1);
  return false;
}

/** Whether a server and its backend have room at this moment. */
export function hasRoom(words: Int32Array, server: ServerPlan): boolean {
  const { limit, backend } = server;
  const most = backend.balance.maxConnections;
  if (limit > 0 && Atomics.load(words, server.word + ServerWord.inUse) >= limit) return false;
  return most === 0 || Atomics.load(words, backend.word + BackendWord.inUse) < most;
}

/** Raises a count by one unless it has reached its limit; 0: no limit. */
export function raise(words: Int32Array, word: number, limit: number): boolean {
  if (limit === 0) {
    Atomics.add(words, word, 1);
    return true;
  }
  for (;;) {
    const count = Atomics.load(words, word);
    if (count >= limit) return false;
    if (Atomics.compareExchange(words, word, count, count + 1) === count) return true;
  }
}
