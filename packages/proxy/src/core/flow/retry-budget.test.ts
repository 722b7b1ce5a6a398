import { describe, expect, it } from 'vitest';
import { RetryBudget } from './retry-budget.ts';

function taken(budget: RetryBudget, nowMs: number): number {
  let count = 0;
  while (budget.take(nowMs)) count++;
  return count;
}

describe('RetryBudget', () => {
  it('allows ten at least, and a share of the requests', () => {
    expect(taken(new RetryBudget(20), 5000)).toBe(10);
    const busy = new RetryBudget(20);
    for (let i = 0; i < 1000; i++) busy.request(5000 + i);
    expect(taken(busy, 6000)).toBe(200);
    expect(busy.take(6000)).toBe(false);
  });

  it('looks at the last ten seconds only', () => {
    const budget = new RetryBudget(10);
    for (let i = 0; i < 1000; i++) budget.request(20_000);
    expect(taken(budget, 20_500)).toBe(100);
    expect(taken(budget, 29_999)).toBe(0);
    expect(taken(budget, 30_000)).toBe(10);
    expect(taken(budget, 90_000)).toBe(10);
  });
});
