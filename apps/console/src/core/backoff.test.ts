// Waits grow, stop growing, and are spread.
import { expect, test } from 'vitest';
import { longestWaitMs, waitMs } from './backoff.ts';

test('waitMs() doubles up to the longest wait', () => {
  expect([1, 2, 3, 4, 5, 6, 50].map((failures) => waitMs(failures, 1))).toEqual([
    500,
    1000,
    2000,
    4000,
    8000,
    longestWaitMs,
    longestWaitMs,
  ]);
});

test('waitMs() is spread over a quarter', () => {
  expect([waitMs(2, 0), waitMs(2, 0.5)]).toEqual([750, 875]);
});
