// When a dead child is started again: pure. At once the first time (a proxy that died has connections waiting in
// its backlog), later with a delay that grows, so that a child that cannot start does not eat the machine.

/** A child that lived this long in ms is healthy: its next death counts as the first. */
const HEALTHY_AFTER_MS = 10_000;
/** Delays in ms for the first, second, ... death in a row; the last one repeats. */
const DELAYS_MS = [0, 100, 250, 500, 1000, 2000, 5000] as const;

/** Deaths in a row that were not separated by a healthy life. */
export interface RestartState {
  readonly deathsInRow: number;
}

export const initialRestart: RestartState = { deathsInRow: 0 };

/**
 * Decides the wait before the next start.
 *
 * @param state Deaths so far.
 * @param livedMs How long the child lived, ms.
 * @returns The new state and the delay in ms, 0..5000.
 */
export function afterDeath(
  state: RestartState,
  livedMs: number,
): { readonly state: RestartState; readonly delayMs: number } {
  const before = livedMs >= HEALTHY_AFTER_MS ? 0 : state.deathsInRow;
  const delayMs = DELAYS_MS[Math.min(before, DELAYS_MS.length - 1)] ?? 5000;
  return { state: { deathsInRow: before + 1 }, delayMs };
}
