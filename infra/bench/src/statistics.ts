// Small statistics over paired runs, as pure functions.

/** The middle value; the mean of the two in the middle when their number is even. NaN for none. */
export function median(values: readonly number[]): number {
  const ordered = values.toSorted((one, other) => one - other);
  const middle = ordered.length / 2;
  if (ordered.length === 0) return NaN;
  if (ordered.length % 2 === 1) return ordered[Math.floor(middle)] ?? NaN;
  return ((ordered[middle - 1] ?? NaN) + (ordered[middle] ?? NaN)) / 2;
}

/** Median, least and greatest of the ratios of two series of paired runs: `one[i] / other[i]`. */
export interface RatioSummary {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
  readonly pairs: number;
}

/** Compares two series pair by pair; a pair of which one half is missing is left out. */
export function compareRuns(one: readonly number[], other: readonly number[]): RatioSummary {
  const ratios = one.flatMap((value, index) => {
    const against = other[index];
    return against === undefined || against === 0 ? [] : [value / against];
  });
  return { median: median(ratios), least: Math.min(...ratios), greatest: Math.max(...ratios), pairs: ratios.length };
}
