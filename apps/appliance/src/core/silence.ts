// Whether a child hangs: pure. Each child says a word a second; the supervisor looks once a second. A look that comes late shows
// that this process, or the whole machine, has stood still: then silence proves nothing, and the look does not count.

/** Between two looks, ms. */
export const LOOK_MS = 1000;
/** A look later than this after the one before shows a stall. */
const LATE_MS = 1500;
/** Looks in time without a word: the child is said not to answer. */
export const SILENT_AFTER = 3;
/** Looks in time without a word: it is ended. */
export const HUNG_AFTER = 10;

export interface Silence {
  /** Looks in time since the last word. */
  readonly looks: number;
  readonly lastLookMs: number;
}

export function beginSilence(nowMs: number): Silence {
  return { looks: 0, lastLookMs: nowMs };
}

/** The child has said something. */
export function heard(before: Silence): Silence {
  return before.looks === 0 ? before : { ...before, looks: 0 };
}

/** One more look. */
export function look(before: Silence, nowMs: number): Silence {
  const isInTime = nowMs - before.lastLookMs <= LATE_MS;
  return { looks: before.looks + (isInTime ? 1 : 0), lastLookMs: nowMs };
}
