import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roundRobinTurns } from './turns.ts';

describe('roundRobinTurns()', () => {
  it('alternates equal weights whatever they are', () => {
    expect([...roundRobinTurns([100, 100])]).toEqual([0, 1]);
    expect([...roundRobinTurns([1, 1, 1])]).toEqual([0, 1, 2]);
  });

  it('spreads the turns of a heavy server', () => {
    expect([...roundRobinTurns([5, 1, 1])]).toEqual([0, 0, 1, 0, 2, 0, 0]);
  });

  it('gives no turn to weight 0, and none at all when all are 0', () => {
    expect([...roundRobinTurns([0, 3])]).toEqual([1]);
    expect([...roundRobinTurns([0, 0])]).toEqual([]);
    expect([...roundRobinTurns([])]).toEqual([]);
  });

  it('gives each server its share exactly, and scales only rounds that would be too long', () => {
    const weights = fc.array(fc.integer({ min: 0, max: 256 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(weights, (list) => {
        const turns = roundRobinTurns(list);
        const total = list.reduce((a, b) => a + b, 0);
        list.forEach((weight, server) => {
          const share = turns.filter((turn) => turn === server).length / Math.max(1, turns.length);
          expect(share).toBeCloseTo(total === 0 ? 0 : weight / total, 9);
        });
      }),
      { numRuns: 60 },
    );
    expect(roundRobinTurns(Array.from({ length: 60 }, (_, i) => 256 - (i % 2))).length).toBeLessThanOrEqual(8300);
  });
});
