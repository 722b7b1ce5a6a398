// Rates and quantiles: from nothing, steadily, through a restart, through silence.
import { expect, test } from 'vitest';
import type { NodeStatus } from '@tospann/api/contract';
import { bucketsSince, extend, quantileOf, rateOf, windowMs, type Window } from './rates.ts';

/** A status that carries one counter in its uptime: all that these functions read. */
function at(monotonicMs: number, counter: number): NodeStatus {
  const empty = { node: 'lb1', cluster: '', version: '', configHash: '', timeMs: 0, children: [], notices: [] };
  return { ...empty, monotonicMs, uptimeMs: counter };
}
const counter = (status: NodeStatus): number | undefined => (status.uptimeMs < 0 ? undefined : status.uptimeMs);
const windowOf = (...rows: readonly (readonly [number, number])[]): Window => rows.map(([ms, count]) => at(ms, count));

test('rateOf() knows nothing from one status', () => {
  expect(rateOf([], counter)).toBeUndefined();
  expect(rateOf(windowOf([0, 5]), counter)).toBeUndefined();
});

test('rateOf() is the growth over the whole window', () => {
  expect(rateOf(windowOf([0, 100], [1000, 110], [4000, 140]), counter)).toBe(10);
});

test('rateOf() starts anew where the counter fell', () => {
  expect(rateOf(windowOf([0, 1000], [1000, 1010], [2000, 3], [3000, 23]), counter)).toBe(20);
  expect(rateOf(windowOf([0, 1000], [1000, 3]), counter)).toBeUndefined();
});

test('rateOf() does not reach over a silence of the source', () => {
  expect(rateOf(windowOf([0, 0], [1000, -1], [2000, 50], [3000, 55]), counter)).toBe(5);
  expect(rateOf(windowOf([0, 0], [1000, -1]), counter)).toBeUndefined();
});

test('extend() keeps a window of the last seconds, once each', () => {
  let window: Window = [];
  for (let ms = 0; ms <= 20_000; ms += 1000) window = extend(extend(window, at(ms, ms)), at(ms, ms));
  expect(window.map((status) => status.monotonicMs)).toEqual([15_000, 16_000, 17_000, 18_000, 19_000, 20_000]);
  expect(20_000 - (window[0]?.monotonicMs ?? 0)).toBe(windowMs);
});

test('extend() forgets another life of the machine', () => {
  expect(extend(windowOf([50_000, 9]), at(100, 1))).toEqual(windowOf([100, 1]));
});

test('quantileOf() goes straight within a bucket and stops at the last bound', () => {
  const bounds = [10, 100];
  expect(quantileOf(bounds, [0, 0, 0], 0.5)).toBeUndefined();
  expect(quantileOf(bounds, [10, 0, 0], 0.5)).toBe(5);
  expect(quantileOf(bounds, [5, 5, 0], 0.5)).toBe(10);
  expect(quantileOf(bounds, [5, 5, 0], 0.9)).toBeCloseTo(82);
  expect(quantileOf(bounds, [0, 0, 7], 0.5)).toBe(100);
});

test('bucketsSince() is what came since, or all after a restart', () => {
  expect(bucketsSince([1, 2], [4, 2])).toEqual([3, 0]);
  expect(bucketsSince([9, 9], [4, 2])).toEqual([4, 2]);
  expect(bucketsSince(undefined, [4, 2])).toEqual([4, 2]);
  expect(bucketsSince([1], [4, 2])).toEqual([4, 2]);
});
