// The bounded memories: windows open and close with the clock that the caller brings, and nothing grows past its limit.
import { expect, test } from 'vitest';
import { FailureLimiter, NonceWindow } from './limits.ts';

const limiter = (): FailureLimiter => new FailureLimiter({ allowed: 2, windowMs: 1000, addresses: 3 });

test('FailureLimiter lets what is allowed pass, then says how long to wait, then forgets', () => {
  const failures = limiter();
  expect([0, 100, 200, 999, 1000].map((nowMs) => failures.fail('a', nowMs))).toEqual([0, 0, 800, 1, 0]);
  expect(failures.fail('b', 200)).toBe(0);
});

test('FailureLimiter forgets the oldest address when there are too many', () => {
  const failures = limiter();
  for (let i = 0; i < 3; i++) failures.fail('a', 0);
  for (const other of ['b', 'c', 'd']) failures.fail(other, 1);
  expect(failures.fail('a', 2)).toBe(0);
});

test('NonceWindow refuses a nonce that comes again within the window only', () => {
  const nonces = new NonceWindow(1000, 10);
  expect(nonces.accept('a', 0)).toBe(true);
  expect(nonces.accept('a', 1000)).toBe(false);
  expect(nonces.accept('a', 1001)).toBe(true);
});

test('NonceWindow refuses new ones when full, and has room again when old ones leave', () => {
  const nonces = new NonceWindow(1000, 2);
  expect(['a', 'b', 'c'].map((nonce) => nonces.accept(nonce, 0))).toEqual([true, true, false]);
  expect(nonces.accept('c', 1001)).toBe(true);
});
