// What the tables of metrics are made of: families, samples, and rows that read them from a part of the status. Pure.
export type Labels = Readonly<Record<string, string>>;

/** One sample; `suffix` is `_bucket`, `_sum` or `_count` in a histogram. */
export interface MetricSample {
  readonly labels: Labels;
  readonly value: number;
  readonly suffix?: string;
}

/** One family: all samples of one name. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly MetricSample[];
}

type Read<T> = (item: T) => readonly MetricSample[];
/** A metric's name without prefix, its type and help, and how its samples are read from an item. */
export type Row<T> = readonly [name: string, type: 'counter' | 'gauge', help: string, read: Read<T>];

export function family<T>(row: Row<T>, items: readonly T[]): MetricFamily {
  const [name, type, help, read] = row;
  return { name: `tospann_${name}`, type, help, samples: items.flatMap(read) };
}

export function one(value: number, labels: Labels = {}): readonly MetricSample[] {
  return Number.isFinite(value) ? [{ labels, value }] : [];
}

/** Nothing where the node does not know the figure. */
export function known(value: number | undefined, labels: Labels): readonly MetricSample[] {
  return value === undefined ? [] : one(value, labels);
}

export function oneHot(states: readonly string[], state: string, labels: Labels): readonly MetricSample[] {
  return states.map((name) => ({ labels: { ...labels, state: name }, value: name === state ? 1 : 0 }));
}

export function reasons(counts: Readonly<Record<string, number>>, labels: Labels): readonly MetricSample[] {
  return Object.entries(counts).map(([reason, value]) => ({ labels: { ...labels, reason }, value }));
}
