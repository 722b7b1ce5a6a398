import { expect, test } from 'vitest';
import { nextRaise } from './raise.ts';

test('by half, up to the bound, the hash table with it', () => {
  expect(nextRaise(1000, 1000, 4000)).toEqual({ limit: 1500, buckets: 1500 });
  expect(nextRaise(3000, 8192, 4000)).toEqual({ limit: 4000, buckets: 8192 });
  expect(nextRaise(4000, 4000, 4000)).toBeUndefined();
  expect(nextRaise(5000, 4000, 4000)).toBeUndefined();
});

test('without a bound nothing is raised', () => {
  expect(nextRaise(1000, 1000, undefined)).toBeUndefined();
});
