// When will it be full? A straight line through the last samples of a count that grows towards a limit: its slope, and
// the time until the limit at that slope. Not the alarm (alarms.ts) and not the reading. Pure; times are monotonic ms.

/** One reading of a filling table. */
export interface FillSample {
  readonly atMs: number;
  readonly entries: number;
}

/** What the last samples say. */
export interface Forecast {
  /** Entries a second; negative while it empties. */
  readonly ratePerSecond: number;
  /** Seconds until the limit at this rate; Infinity when it does not grow. */
  readonly fullInSeconds: number;
}

/** Long enough to smooth a burst of one second, short enough to follow a storm. */
const windowMs = 20_000;
/** Fewer say nothing about a slope. */
const leastSamples = 5;
/** Slower growth than this share of the limit in an hour is the noise of a steady load. */
const noisePerHour = 0.05;

/**
 * Adds a sample to those of the window; older ones go.
 *
 * @param samples Oldest first; not changed.
 */
export function addSample(samples: readonly FillSample[], sample: FillSample): readonly FillSample[] {
  return [...samples.filter(({ atMs }) => atMs > sample.atMs - windowMs && atMs < sample.atMs), sample];
}

/**
 * Fits a line by least squares and follows it to the limit.
 *
 * @param samples Oldest first, of one limit.
 * @param limit What the table holds.
 * @returns undefined while there are fewer than five samples.
 */
export function forecast(samples: readonly FillSample[], limit: number): Forecast | undefined {
  const last = samples.at(-1);
  if (last === undefined || samples.length < leastSamples) return undefined;
  const meanAt = mean(samples.map(({ atMs }) => atMs));
  const meanEntries = mean(samples.map(({ entries }) => entries));
  let covariance = 0;
  let variance = 0;
  for (const { atMs, entries } of samples) {
    covariance += (atMs - meanAt) * (entries - meanEntries);
    variance += (atMs - meanAt) ** 2;
  }
  if (variance === 0) return undefined;
  const ratePerSecond = (covariance / variance) * 1000;
  const least = (limit * noisePerHour) / 3600;
  const left = Math.max(0, limit - last.entries);
  return { ratePerSecond, fullInSeconds: ratePerSecond > least ? left / ratePerSecond : Infinity };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
