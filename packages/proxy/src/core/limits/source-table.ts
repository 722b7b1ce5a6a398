// What sources of requests have done lately: one table of fixed size for all workers of a node, in shared memory, with
// Atomics and without locks. A source is an IPv4 address or an IPv6 /64, at one frontend. Sets of eight places; when a
// set is full the one unused for longest goes, so a flood of sources makes limits milder and never stricter.
import type { SourceAddress } from '../source.ts';

/** Words of one place. */
const TAG = 0;
/** When it was last asked about, ms. */
const LAST = 1;
const CONNECTIONS = 2;
/** Two buckets of two words: tokens, and when they were last filled up (ms). */
const BUCKETS = 3;
const ENTRY_WORDS = 8;
const WAYS = 8;
const SETS = 8192;
const SET_WORDS = WAYS * ENTRY_WORDS;
/** Two words of chance, so that nobody can choose addresses that meet in one set. */
const HEADER_WORDS = 8;

const FREE = 0;
const CLAIMED = 1;
const FIRST_TAG = 2;
/** Longer ago than any period: such a bucket is full. */
const LONG_AGO_MS = 0x3fff_ffff;
/** Workers read the clock at slightly different moments. */
const SKEW_MS = 60_000;
/** Full bucket: below half of what a word holds, so that adding cannot overflow. */
const MOST_TOKENS = 1 << 29;
const ATTEMPTS = 4;

/** Bytes of the table: 2 MiB for 65 536 sources; a page of it is used when its first source comes. */
export const SOURCE_TABLE_BYTES = 4 * (HEADER_WORDS + SETS * SET_WORDS);

/** Nothing is known of the source: it is not limited. */
export const UNKNOWN = -1;

/** The two buckets of a source. */
export const Bucket = { REQUESTS: BUCKETS, CONNECTIONS: BUCKETS + 2 } as const;

/** So many in a period, in the units of the buckets. */
export class Rate {
  readonly periodMs: number;
  readonly one: number;
  readonly full: number;
  readonly perMs: number;

  constructor(count: number, periodMs: number) {
    this.periodMs = periodMs;
    this.one = Math.floor(MOST_TOKENS / count);
    this.full = this.one * count;
    this.perMs = this.full / periodMs;
  }
}

export class SourceTable {
  readonly #words: Int32Array;

  /** @param words SOURCE_TABLE_BYTES of shared memory, zero but for `seed`. */
  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Makes the places of addresses unpredictable; once, before any worker uses the table. */
  seed(a: number, b: number): void {
    this.#words[0] = a;
    this.#words[1] = b;
  }

  /**
   * The place of a source, which is made when there is none.
   *
   * @param frontend The frontend's slot.
   * @returns UNKNOWN when others are taking the same places at this very moment.
   */
  find(source: SourceAddress, frontend: number, nowMs: number): number {
    const words = this.#words;
    const v4 = source.isV4;
    const high = v4 ? 0 : source.a;
    const low = v4 ? source.d : source.b;
    const family = (frontend << 1) | (v4 ? 1 : 0);
    let tag = mix(words[0]!, high, low, family);
    if (tag >= 0 && tag < FIRST_TAG) tag += FIRST_TAG;
    const set = HEADER_WORDS + (mix(words[1]! ^ 0x5bd1e995, high, low, family) & (SETS - 1)) * SET_WORDS;
    const now = nowMs | 0;
    for (let at = set; at < set + SET_WORDS; at += ENTRY_WORDS) {
      if (Atomics.load(words, at + TAG) !== tag) continue;
      if (words[at + LAST] !== now) Atomics.store(words, at + LAST, now);
      return at;
    }
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const at = this.#claim(set, now);
      if (at === UNKNOWN) continue;
      words[at + LAST] = now;
      words[at + CONNECTIONS] = 0;
      words[at + Bucket.REQUESTS + 1] = (now - LONG_AGO_MS) | 0;
      words[at + Bucket.CONNECTIONS + 1] = (now - LONG_AGO_MS) | 0;
      Atomics.store(words, at + TAG, tag);
      return at;
    }
    return UNKNOWN;
  }

  /** The tag at a place: it says later whether the place is still the same source's. */
  tagOf(at: number): number {
    return Atomics.load(this.#words, at + TAG);
  }

  /** Takes one from a bucket; false when it is empty. */
  // oxlint-disable-next-line max-params -- long: hot path, an options object would be allocated
  take(at: number, bucket: number, rate: Rate, nowMs: number): boolean {
    const words = this.#words;
    const tokens = at + bucket;
    const now = nowMs | 0;
    const before = Atomics.load(words, tokens + 1);
    const elapsed = (now - before) | 0;
    // Who changes the stamp fills up for the time in between; nobody else does.
    if ((elapsed > 0 || elapsed < -SKEW_MS) && Atomics.compareExchange(words, tokens + 1, before, now) === before) {
      if (elapsed < 0 || elapsed >= rate.periodMs) Atomics.store(words, tokens, rate.full);
      else {
        const more = Math.floor(elapsed * rate.perMs);
        const sum = Atomics.add(words, tokens, more) + more;
        if (sum > rate.full) Atomics.sub(words, tokens, sum - rate.full);
      }
    }
    if (Atomics.sub(words, tokens, rate.one) >= rate.one) return true;
    Atomics.add(words, tokens, rate.one);
    return false;
  }

  /** Counts a connection; false, and not counted, when the source has `most` already. */
  connect(at: number, most: number): boolean {
    if (Atomics.add(this.#words, at + CONNECTIONS, 1) < most) return true;
    Atomics.sub(this.#words, at + CONNECTIONS, 1);
    return false;
  }

  /** A counted connection has ended; `tag` is that of the time when it was counted. */
  disconnect(at: number, tag: number): void {
    if (Atomics.load(this.#words, at + TAG) === tag) Atomics.sub(this.#words, at + CONNECTIONS, 1);
  }

  /** Takes the best place of a set: a free one, the oldest without connections, or the oldest. */
  #claim(set: number, now: number): number {
    const words = this.#words;
    let best = UNKNOWN;
    let bestTag = FREE;
    let bestAge = -1;
    for (let at = set; at < set + SET_WORDS; at += ENTRY_WORDS) {
      const tag = Atomics.load(words, at + TAG);
      if (tag === CLAIMED) continue;
      let age = Math.max(0, (now - words[at + LAST]!) | 0);
      if (tag === FREE) age = Infinity;
      else if (words[at + CONNECTIONS]! <= 0) age += 2 ** 32;
      if (age <= bestAge) continue;
      best = at;
      bestTag = tag;
      bestAge = age;
    }
    if (best === UNKNOWN || Atomics.compareExchange(words, best + TAG, bestTag, CLAIMED) !== bestTag) return UNKNOWN;
    return best;
  }
}

// oxlint-disable-next-line max-params -- long: hot path, an address object would be allocated
function mix(seed: number, high: number, low: number, family: number): number {
  let h = Math.imul(seed ^ high, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15) ^ low, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13) ^ family, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 16) ^ seed, 0x165667b1);
  return h ^ (h >>> 15);
}
