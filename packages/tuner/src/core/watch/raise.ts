// How far may the limit of connection tracking be raised by itself? In steps of a half, never beyond the bound that the
// configuration allows, and the hash table grows with it, so that chains stay short. Pure.

export interface Raise {
  readonly limit: number;
  /** Written first: entries that come in between find short chains. */
  readonly buckets: number;
}

/** Half of it more: enough for a storm to be seen by a person, small enough to be no surprise. */
const step = 1.5;

/**
 * The next step.
 *
 * @param bound Upper bound of the configuration; undefined: nothing is raised by itself.
 * @returns undefined when there is no room.
 */
export function nextRaise(limit: number, buckets: number, bound: number | undefined): Raise | undefined {
  if (bound === undefined || limit >= bound || limit <= 0) return undefined;
  const raised = Math.min(bound, Math.ceil(limit * step));
  return { limit: raised, buckets: Math.max(buckets, raised) };
}
