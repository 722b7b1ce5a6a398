import { expect, test } from 'vitest';
import { afterDeath, initialRestart } from './restart.ts';

test('afterDeath() restarts at once after the first death', () => {
  expect(afterDeath(initialRestart, 5).delayMs).toBe(0);
});

test('afterDeath() waits longer with each death in a row, and at most 5 s', () => {
  let state = initialRestart;
  const delays: number[] = [];
  for (let i = 0; i < 10; i++) {
    const next = afterDeath(state, 50);
    delays.push(next.delayMs);
    state = next.state;
  }
  expect(delays).toEqual([...delays].sort((a, b) => a - b));
  expect(delays.at(-1)).toBe(5000);
});

test('afterDeath() forgets earlier deaths when the child lived 10 s', () => {
  expect(afterDeath({ deathsInRow: 6 }, 10_000).delayMs).toBe(0);
});
