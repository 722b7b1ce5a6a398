import { describe, expect, test } from 'vitest';

import { compareRuns, median } from './statistics.ts';

describe('median()', () => {
  test('takes the middle of an odd number and the mean of the middle two of an even number', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});

describe('compareRuns()', () => {
  test('compares pair by pair and not the medians of the series', () => {
    expect(compareRuns([10, 30, 50], [20, 20, 100])).toEqual({ median: 0.5, least: 0.5, greatest: 1.5, pairs: 3 });
  });

  test('leaves out a pair of which one half is missing', () => {
    expect(compareRuns([1, 2, 3], [2, 4]).pairs).toBe(2);
  });
});
