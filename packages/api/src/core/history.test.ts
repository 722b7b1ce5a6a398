// The memory behind the charts: what is summed, what is kept, what a restart does.
import { expect, test } from 'vitest';
import { node } from '../../test/fixture.ts';
import { historyLimit, remember, sampleOf } from './history.ts';
import type { HistorySample } from '../contract.ts';

const at = (monotonicMs: number): HistorySample => ({
  node: 'lb1',
  timeMs: 0,
  monotonicMs,
  requests: monotonicMs,
  errors: 0,
});

test('sampleOf() sums all frontends, errors are 5xx answers', () => {
  const status = node('lb1', 'master');
  const frontend = status.proxy?.frontends[0];
  const two = {
    ...status,
    proxy: status.proxy && { ...status.proxy, frontends: frontend ? [frontend, frontend] : [] },
  };
  expect(sampleOf(two, 5000)).toEqual({ node: 'lb1', timeMs: 5000, monotonicMs: 70_000, requests: 4000, errors: 4 });
});

test('sampleOf() has nothing to tell while the data plane is silent', () => {
  const { proxy: _proxy, ...silent } = node('lb1', 'master');
  expect(sampleOf(silent, 5000)).toBeUndefined();
});

test('remember() keeps the newest samples only', () => {
  let row: readonly HistorySample[] = [];
  for (let i = 0; i < historyLimit + 50; i++) row = remember(row, at(i));
  expect(row).toHaveLength(historyLimit);
  expect(row.at(-1)?.monotonicMs).toBe(historyLimit + 49);
});

test('remember() takes no sample twice and starts anew when the machine did', () => {
  const row = remember(remember([], at(5)), at(6));
  expect(remember(row, at(6))).toBe(row);
  expect(remember(row, at(1))).toEqual([at(1)]);
});
