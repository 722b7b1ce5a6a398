// When gratuitous ARP goes out: a burst at 0, 10, 50, 200 ms, 1, 2, 5, 10, 20 and 40 s after each cause, then every 60 s while
// the node owns the address, never more than 20 frames a second. Not the frames (io/announcer.ts). Pure: time comes in as µs.
//
// The first ones reach a client within milliseconds; those of seconds are for a switch that forwards nothing while it learns
// (a port that has just come up: 30 s by spanning tree) and for what a busy segment lost. keepalived says it at once and after 5 s.

/** Frames that one announcement makes: request form and reply form. */
export const framesPerAnnouncement = 2;
/** Why 20: keepalived answers each lower advert with ten frames; a one-way partition made 17 350 in 20 s. */
const framesPerSecond = 20;
const offsetsUs = [
  0, 10_000, 50_000, 200_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 40_000_000,
] as const;
const refreshUs = 60_000_000;
const secondUs = 1_000_000;

/** The schedule of one address; times are monotonic µs, Infinity means never. */
export interface GarpSchedule {
  readonly burstStartUs: number;
  /** Place in the burst of the next announcement; at the end of it the refresh begins. */
  readonly nextIndex: number;
  readonly dueUs: number;
  readonly windowStartUs: number;
  readonly framesInWindow: number;
}

export const silentGarp: GarpSchedule = {
  burstStartUs: 0,
  nextIndex: 0,
  dueUs: Infinity,
  windowStartUs: -Infinity,
  framesInWindow: 0,
};

/** Starts a burst now; the cap of a second that has begun goes on to hold. */
export function startBurst(schedule: GarpSchedule, nowUs: number): GarpSchedule {
  return { ...schedule, burstStartUs: nowUs, nextIndex: 0, dueUs: nowUs };
}

/** Only the first of a burst are left: nothing is refreshed. */
export function isBurstOver(schedule: GarpSchedule): boolean {
  return schedule.nextIndex >= offsetsUs.length;
}

/** Stops announcing (the address was given up); the cap of the running second is kept. */
export function stopGarp(schedule: GarpSchedule): GarpSchedule {
  return { ...schedule, dueUs: Infinity };
}

/**
 * Takes what is due at `nowUs`.
 *
 * @returns The schedule after it, and whether one announcement is to be sent now.
 */
export function takeDue(
  schedule: GarpSchedule,
  nowUs: number,
): { readonly schedule: GarpSchedule; readonly send: boolean } {
  if (nowUs < schedule.dueUs) return { schedule, send: false };
  const fresh = nowUs - schedule.windowStartUs >= secondUs;
  const framesInWindow = fresh ? 0 : schedule.framesInWindow;
  const windowStartUs = fresh ? nowUs : schedule.windowStartUs;
  if (framesInWindow + framesPerAnnouncement > framesPerSecond)
    return { schedule: { ...schedule, dueUs: windowStartUs + secondUs }, send: false };
  const nextIndex = schedule.nextIndex + 1;
  const offsetUs = offsetsUs[nextIndex];
  const dueUs = offsetUs === undefined ? nowUs + refreshUs : Math.max(nowUs, schedule.burstStartUs + offsetUs);
  return {
    schedule: {
      burstStartUs: schedule.burstStartUs,
      nextIndex: Math.min(nextIndex, offsetsUs.length),
      dueUs,
      windowStartUs,
      framesInWindow: framesInWindow + framesPerAnnouncement,
    },
    send: true,
  };
}
