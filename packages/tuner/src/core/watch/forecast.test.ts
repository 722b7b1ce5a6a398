import { describe, expect, test } from 'vitest';
import { addSample, forecast, type FillSample } from './forecast.ts';

function samplesOf(count: number, entriesAt: (second: number) => number): readonly FillSample[] {
  let samples: readonly FillSample[] = [];
  for (let second = 0; second < count; second++)
    samples = addSample(samples, { atMs: 5000 + second * 1000, entries: entriesAt(second) });
  return samples;
}

describe('forecast', () => {
  test('a steady growth is followed to the limit', () => {
    const found = forecast(
      samplesOf(10, (second) => 100 * second),
      2000,
    );
    expect(found?.ratePerSecond).toBeCloseTo(100);
    expect(found?.fullInSeconds).toBeCloseTo(11);
  });

  test('bursts around a growth do not lead it astray', () => {
    const found = forecast(
      samplesOf(20, (second) => 100 * second + (second % 2 === 0 ? 40 : -40)),
      4000,
    );
    expect(found?.fullInSeconds).toBeGreaterThan(18);
    expect(found?.fullInSeconds).toBeLessThan(24);
  });

  test('a steady or falling count is never full', () => {
    expect(
      forecast(
        samplesOf(10, () => 1000),
        2000,
      )?.fullInSeconds,
    ).toBe(Infinity);
    expect(
      forecast(
        samplesOf(10, (second) => 1000 - second),
        2000,
      )?.fullInSeconds,
    ).toBe(Infinity);
  });

  test('a full table is full now', () => {
    expect(
      forecast(
        samplesOf(10, (second) => 100 * second),
        900,
      )?.fullInSeconds,
    ).toBe(0);
  });

  test('four samples are too few, and samples older than the window are forgotten', () => {
    expect(
      forecast(
        samplesOf(4, (second) => second),
        100,
      ),
    ).toBeUndefined();
    const changed = samplesOf(60, (second) => (second < 30 ? 0 : (second - 30) * 50));
    expect(changed.length).toBeLessThanOrEqual(21);
    expect(forecast(changed, 10_000)?.ratePerSecond).toBeCloseTo(50);
  });

  test('a clock that stands still gives no slope', () => {
    const sample = { atMs: 1, entries: 5 };
    expect(forecast([sample, sample, sample, sample, sample], 10)).toBeUndefined();
  });
});
