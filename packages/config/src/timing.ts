// The times of an election and of the self-probe as formulas, exact in µs: divided last, so that nothing is rounded away at
// 10 ms. The failover agent runs by them, and the fault table is worked out with them. RFC 9568 section 6.1, RFC 3768
// section 6.1 for version 2. Pure.

/** The kernel counts leases in whole seconds. */
const secondUs = 1_000_000;

/** What the timers need to know of an election. `intervalUs` is that of the adverts that count: the owner's. */
export interface ElectionTiming {
  /** The priority that the waiting node stands with, 1..255. */
  readonly priority: number;
  readonly intervalUs: number;
  readonly missedAdverts: number;
  readonly version: 2 | 3;
}

/** Skew_Time, rounded up to a µs: (256 - priority) / 256 of the interval; in version 2 of a second. */
export function skewUs({ priority, intervalUs, version }: Omit<ElectionTiming, 'missedAdverts'>): number {
  return Math.ceil(((256 - priority) * (version === 2 ? secondUs : intervalUs)) / 256);
}

/** Active_Down_Interval: the adverts that must be missed and the skew. */
export function downUs(timing: ElectionTiming): number {
  return timing.missedAdverts * timing.intervalUs + skewUs(timing);
}

/**
 * Seconds for which the kernel keeps the address without renewal: the down interval in whole seconds, rounded up. A stall
 * that is shorter costs no address, and after a longer one the peer owns it: more would only be time with two owners.
 */
export function leaseSeconds(timing: ElectionTiming): number {
  return Math.ceil(downUs(timing) / secondUs);
}

/** Delay of a preferred node before it takes the address back: three down intervals. */
export function defaultPreemptDelayUs(timing: ElectionTiming): number {
  return 3 * downUs(timing);
}

/** The self-probe. Calm: an answer twice a second costs nothing; suspicious: as fast as the two-second bound needs. */
export const PROBE_TIMES = { calmMs: 500, suspiciousMs: 200, timeoutMs: 800, secondTimeoutMs: 500 } as const;

/** Longest time until a proxy that answers nothing counts as dead, ms: two requests in a row time out. */
export function probeDetectionMs(): number {
  return PROBE_TIMES.calmMs + PROBE_TIMES.timeoutMs + PROBE_TIMES.secondTimeoutMs;
}
