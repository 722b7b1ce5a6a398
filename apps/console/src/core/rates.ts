// Rates from counters that only grow, and quantiles from bucket counts. Pure. A counter that fell was started again
// with its process: nothing before that counts.
import type { NodeStatus } from '@tospann/api/contract';

/** Statuses of one node, oldest first. */
export type Window = readonly NodeStatus[];

/** Length of a window: long enough to be calm, short enough to be now. */
export const windowMs = 5000;

/**
 * Adds a status to a node's window.
 *
 * @returns The same window when the status is not newer; a window of one when the node was started again.
 */
export function extend(window: Window, status: NodeStatus): Window {
  const last = window.at(-1);
  if (last === undefined || status.monotonicMs < last.monotonicMs) return [status];
  if (status.monotonicMs === last.monotonicMs) return window;
  const from = status.monotonicMs - windowMs - 500;
  return [...window.filter((old) => old.monotonicMs >= from), status];
}

/**
 * The rate per second of a counter over a window.
 *
 * @param pick Reads the counter; undefined where the source did not answer.
 * @returns undefined while there are no two values to compare.
 */
export function rateOf(window: Window, pick: (status: NodeStatus) => number | undefined): number | undefined {
  const last = window.at(-1);
  const end = last === undefined ? undefined : pick(last);
  if (last === undefined || end === undefined) return undefined;
  let first = last;
  let start = end;
  for (const status of window.slice(0, -1).toReversed()) {
    const value = pick(status);
    if (value === undefined || value > start) break;
    first = status;
    start = value;
  }
  const seconds = (last.monotonicMs - first.monotonicMs) / 1000;
  return seconds > 0 ? (end - start) / seconds : undefined;
}

/** What happened in a window: the difference of two lists of bucket counts, or the newer when they cannot differ. */
export function bucketsSince(before: readonly number[] | undefined, now: readonly number[]): readonly number[] {
  if (before === undefined || before.length !== now.length) return now;
  const grown = now.map((count, i) => count - (before[i] ?? 0));
  return grown.some((count) => count < 0) ? now : grown;
}

/**
 * Estimates a quantile from bucket counts, straight within a bucket.
 *
 * @param counts One more than bounds: the last is what lies beyond all bounds.
 * @param quantile 0..1
 * @returns Milliseconds; undefined without any count; the largest bound when it lies beyond.
 */
export function quantileOf(
  boundsMs: readonly number[],
  counts: readonly number[],
  quantile: number,
): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const wanted = quantile * total;
  let below = 0;
  let lower = 0;
  for (const [i, bound] of boundsMs.entries()) {
    const count = counts[i] ?? 0;
    if (count > 0 && below + count >= wanted) return lower + ((bound - lower) * (wanted - below)) / count;
    below += count;
    lower = bound;
  }
  return lower;
}
