// Hysteresis over single results. The first result since the start decides at once, whatever `rise` and `fall` are: a node
// that comes up with a bad condition must not own the address for a few intervals first. Pure.

export interface Tally {
  readonly verdict: 'unknown' | 'good' | 'bad';
  /** Results in a row that speak against the verdict. */
  readonly against: number;
}

export const noResults: Tally = { verdict: 'unknown', against: 0 };

/** Takes one result into account; `fall` bad ones in a row end a good verdict, `rise` good ones a bad one. */
export function count(before: Tally, good: boolean, limits: { readonly rise: number; readonly fall: number }): Tally {
  const says = good ? 'good' : 'bad';
  if (before.verdict === 'unknown' || before.verdict === says) return { verdict: says, against: 0 };
  const against = before.against + 1;
  return against >= (good ? limits.rise : limits.fall) ? { verdict: says, against: 0 } : { ...before, against };
}
