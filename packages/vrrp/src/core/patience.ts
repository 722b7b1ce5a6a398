// How many adverts in a row must be missed before that means something. `missedAdverts` is for a network that loses next to
// nothing: three in a row are lost by chance once in 37 where a third of them is. A backup measures how often adverts of
// the owner are missing between two that it heard, and waits for so many more that a silence by chance is as rare as one in
// a million, within a bound. Pure.

/** Of how many adverts the share of gaps is a mean. */
const memory = 32;
/** A gap here and there says nothing: two of the last 32 adverts do. */
const leastShare = 0.05;
/** A silence by chance: once in a day of adverts ten times a second. */
const rare = 1e-6;
/** At most so many times the adverts of the configuration: how much later than otherwise a crash may be found. */
const mostTimes = 4;
/** An advert that is later than this many intervals has one before it that is missing. */
const gapIntervals = 1.5;

/** What a backup knows of the path from the owner. */
export interface Stream {
  /** When its last advert came; -Infinity: none since this node listens without a pause. */
  readonly heardUs: number;
  /** The share of adverts that had a missing one before them, 0..1. */
  readonly gaps: number;
}

export const newStream: Stream = { heardUs: -Infinity, gaps: 0 };

/** Takes an advert of the owner into account. */
export function noteAdvert({ heardUs, gaps }: Stream, nowUs: number, intervalUs: number): Stream {
  if (heardUs === -Infinity) return { heardUs: nowUs, gaps };
  const gap = nowUs - heardUs >= gapIntervals * intervalUs ? 1 : 0;
  return { heardUs: nowUs, gaps: gaps + (gap - gaps) / memory };
}

/** This node was not there: what it missed says nothing about the path. */
export function interrupted(stream: Stream): Stream {
  return stream.heardUs === -Infinity ? stream : { ...stream, heardUs: -Infinity };
}

/** How many adverts in a row must be missed here, by what is known of the path. */
export function patientAdverts({ gaps }: Stream, missedAdverts: number): number {
  if (gaps < leastShare) return missedAdverts;
  const needed = Math.ceil(Math.log(rare) / Math.log(Math.min(gaps, 0.9)));
  return Math.min(Math.max(missedAdverts, needed), mostTimes * missedAdverts);
}
