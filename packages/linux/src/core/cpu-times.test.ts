import { expect, test } from 'vitest';
import { decodeCpuTimes, stealRatio } from './cpu-times.ts';

test('decodeCpuTimes() counts waiting for a disk as idle and guests once, and takes nothing but the line of all processors', () => {
  expect(decodeCpuTimes('cpu  100 0 50 800 10 0 30 10 5 0\ncpu0 1 1')).toEqual({
    total: 1000,
    idle: 810,
    softirq: 30,
    steal: 10,
  });
  expect(decodeCpuTimes('nonsense')).toBeUndefined();
  expect(decodeCpuTimes('cpu 1 2 3')).toBeUndefined();
  expect(decodeCpuTimes('cpu0 1 2 3 4 5 6 7 8')).toBeUndefined();
});

test('stealRatio() is over the time between two readings', () => {
  expect(stealRatio({ total: 1000, steal: 0 }, { total: 1100, steal: 10 })).toBe(0.1);
  expect(stealRatio({ total: 1000, steal: 20 }, { total: 1100, steal: 10 })).toBe(0);
  expect(stealRatio({ total: 1000, steal: 0 }, { total: 1000, steal: 0 })).toBeUndefined();
});
