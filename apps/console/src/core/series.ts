// The charts' data: samples of counters become one value a second and node, on one axis. Pure.
import type { HistorySample } from '@tospann/api/contract';

/** Seconds on the axis: five minutes. */
export const spanSeconds = 300;
// A sample that came late covers the seconds before it; a longer silence stays a gap.
const bridgedSeconds = 3;

/** Columns of a chart: seconds since 1970, and for each node a rate or null where nothing is known. */
export interface Series {
  readonly seconds: readonly number[];
  readonly values: ReadonlyMap<string, readonly (number | null)[]>;
}

/** Samples by node, oldest first. */
export type Samples = ReadonlyMap<string, readonly HistorySample[]>;

/** Adds samples; each row keeps what the axis shows. */
export function addSamples(rows: Samples, samples: readonly HistorySample[]): Samples {
  const next = new Map<string, readonly HistorySample[]>(rows);
  for (const sample of samples) {
    const row = next.get(sample.node) ?? [];
    const last = row.at(-1);
    // The same status of a peer may be heard twice: it says nothing new about the second that has passed.
    if (last !== undefined && (sample.timeMs <= last.timeMs || sample.monotonicMs === last.monotonicMs)) continue;
    next.set(sample.node, [...row.slice(-spanSeconds), sample]);
  }
  return next;
}

/**
 * Makes the columns.
 *
 * @param endSecond The newest second of the axis.
 * @param pick Which counter of a sample.
 */
export function seriesOf(rows: Samples, endSecond: number, pick: (sample: HistorySample) => number): Series {
  const start = endSecond - spanSeconds + 1;
  const seconds = Array.from({ length: spanSeconds }, (_, i) => start + i);
  const values = new Map<string, readonly (number | null)[]>();
  for (const [node, row] of rows) values.set(node, columnOf(row, start, pick));
  return { seconds, values };
}

function columnOf(
  row: readonly HistorySample[],
  start: number,
  pick: (sample: HistorySample) => number,
): readonly (number | null)[] {
  const column: (number | null)[] = Array.from({ length: spanSeconds }, () => null);
  for (let i = 1; i < row.length; i++) {
    const [before, now] = [row[i - 1], row[i]];
    if (before === undefined || now === undefined) continue;
    const rate = rateBetween(before, now, pick);
    if (rate === undefined) continue;
    const from = Math.floor(before.timeMs / 1000) + 1;
    const to = Math.floor(now.timeMs / 1000);
    if (to - from >= bridgedSeconds) continue;
    for (let second = Math.max(from, start); second <= to; second++) {
      if (second - start < spanSeconds) column[second - start] = rate;
    }
  }
  return column;
}

function rateBetween(
  before: HistorySample,
  now: HistorySample,
  pick: (sample: HistorySample) => number,
): number | undefined {
  const seconds = (now.monotonicMs - before.monotonicMs) / 1000;
  const grown = pick(now) - pick(before);
  return seconds > 0 && grown >= 0 ? grown / seconds : undefined;
}

/** One sentence for those who do not see the chart: each node's newest value and its highest. */
export function describeSeries(title: string, { values }: Series, format: (value: number) => string): string {
  const parts = [...values].map(([node, column]) => {
    const known = column.filter((value) => value !== null);
    const now = column.slice(-5).findLast((value) => value !== null);
    if (known.length === 0) return `${node}: no figures yet`;
    return `${node}: ${now === undefined || now === null ? 'unknown' : format(now)} now, ${format(Math.max(...known))} at most`;
  });
  return parts.length === 0 ? `${title}: no figures yet.` : `${title}, last five minutes. ${parts.join('; ')}.`;
}
