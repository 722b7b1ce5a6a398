// When to try again after a connection was lost. Pure: the caller brings the chance.

/** Longest wait, ms. */
export const longestWaitMs = 10_000;

/**
 * The wait before an attempt.
 *
 * @param failures Attempts that failed since the last good connection, 1 or more.
 * @param chance 0..1: spreads many consoles that lost the same node.
 */
export function waitMs(failures: number, chance: number): number {
  const full = Math.min(longestWaitMs, 500 * 2 ** Math.min(failures - 1, 10));
  return Math.round(full * (0.75 + chance * 0.25));
}
