// The lateness meter: percentiles within an eighth, a minute that passes, early wake-ups.
import { describe, expect, it } from 'vitest';
import { LatenessMeter } from './lateness.ts';

const secondUs = 1_000_000;

describe('LatenessMeter', () => {
  it('gives percentiles that are no less than the true ones and at most an eighth more', () => {
    const meter = new LatenessMeter();
    for (let us = 1; us <= 10_000; us++) meter.note(secondUs + us, secondUs);
    const { p50Ms, p99Ms, p999Ms, maxMs, count } = meter.figures(secondUs + 20_000);
    expect(count).toBe(10_000);
    for (const [value, truth] of [
      [p50Ms, 5],
      [p99Ms, 9.9],
      [p999Ms, 9.99],
    ] as const) {
      expect(value).toBeGreaterThanOrEqual(truth);
      expect(value).toBeLessThanOrEqual(truth * 1.126);
    }
    expect(maxMs).toBe(10);
    expect(meter.maxMs).toBe(10);
  });

  it('counts no early wake-up, and is all zeros without samples', () => {
    const meter = new LatenessMeter();
    meter.note(5, 10);
    meter.note(5, Infinity);
    expect(meter.figures(10)).toEqual({ p50Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0, count: 0 });
  });

  it('forgets after a minute, but never the largest since start', () => {
    const meter = new LatenessMeter();
    meter.note(100 * secondUs + 7000, 100 * secondUs);
    expect(meter.lastMinuteMs(131 * secondUs)).toBe(7);
    meter.note(131 * secondUs + 1000, 131 * secondUs);
    expect(meter.figures(140 * secondUs)).toMatchObject({ maxMs: 7, count: 2 });
    expect(meter.lastMinuteMs(162 * secondUs)).toBe(1);
    expect(meter.lastMinuteMs(300 * secondUs)).toBe(0);
    expect(meter.maxMs).toBe(7);
  });
});
