// What sources of requests have done lately: one table of fixed size for all workers of a node, in shared memory, with
// Atomics and without locks. A source is an IPv4 address or an IPv6 /64, at one frontend. Sets of eight places; when a
// set is full the one unused for longest goes, so a flood of sources makes limits milder and never stricter.
import type { SourceAddress } from '../source.ts';

/** Words of one place. */
const TAG = 0;
/** When it was last asked about, ms. */
const LAST = 1;
const CONNECTIONS = 2;
/** Two windows: when something was last counted (ms), and a ring of counts, each of a part of the period. */
const WINDOWS = 4;
const RING = 16;
const WINDOW_WORDS = 1 + RING;
const ENTRY_WORDS = 40;
const WAYS = 8;
const SETS = 8192;
const SET_WORDS = WAYS * ENTRY_WORDS;
/** Two words of chance, so that nobody can choose addresses that meet in one set. */
const HEADER_WORDS = 8;

const FREE = 0;
const CLAIMED = 1;
const FIRST_TAG = 2;
/** A count and, above it, the low bits of the number of the part that it is of: who finds other ones begins anew. */
const COUNT_BITS = 20;
const MOST = (1 << COUNT_BITS) - 1;
const TAG_MASK = 0xfff;
const ATTEMPTS = 4;

/** Bytes of the table: 10 MiB for 65 536 sources; a page of it is used when its first source comes. */
export const SOURCE_TABLE_BYTES = 4 * (HEADER_WORDS + SETS * SET_WORDS);

/** Nothing is known of the source: it is not limited. */
export const UNKNOWN = -1;

/** The two windows of a source. */
export const Window = { REQUESTS: WINDOWS, CONNECTIONS: WINDOWS + WINDOW_WORDS } as const;

/**
 * So many in any period of this length. The period is counted in 15 parts: a part that has begun to leave it still counts
 * as a whole, so there are never more than `count`, and a source waits longer than it must by a 15th of the period at most.
 */
export class Rate {
  readonly count: number;
  readonly periodMs: number;
  /** What is refused counts as well, as in HAProxy: who goes on stays out. */
  readonly countsRefused: boolean;
  readonly partMs: number;

  constructor(count: number, periodMs: number, countsRefused: boolean) {
    this.count = count;
    this.periodMs = periodMs;
    this.countsRefused = countsRefused;
    this.partMs = periodMs / (RING - 1);
  }

  /** After so long without a request the next one is taken. */
  get restMs(): number {
    return this.periodMs + this.partMs;
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
      words.fill(0, at + WINDOWS, at + WINDOWS + 2 * WINDOW_WORDS);
      Atomics.store(words, at + TAG, tag);
      return at;
    }
    return UNKNOWN;
  }

  /** The tag at a place: it says later whether the place is still the same source's. */
  tagOf(at: number): number {
    return Atomics.load(this.#words, at + TAG);
  }

  /**
   * Counts one more in a window; false when there are too many in the period that ends now. What is counted first and
   * added up then is never too little, whatever other workers do meanwhile.
   */
  // oxlint-disable-next-line max-params -- long: hot path, an options object would be allocated
  take(at: number, window: number, rate: Rate, nowMs: number): boolean {
    const words = this.#words;
    const ring = at + window + 1;
    const part = Math.floor(nowMs / rate.partMs);
    const current = ring + (part & (RING - 1));
    this.#forget(at + window, rate, nowMs, current);
    add(words, current, part & TAG_MASK);
    let sum = 0;
    for (let back = 0; back < RING; back++) {
      const word = Atomics.load(words, ring + ((part - back) & (RING - 1)));
      if (word >>> COUNT_BITS === ((part - back) & TAG_MASK)) sum += word & MOST;
    }
    if (sum <= rate.count) return true;
    if (!rate.countsRefused) Atomics.sub(words, current, 1);
    return false;
  }

  /** After a long rest nothing in the ring is of this period; the numbers of its parts may have come round again. */
  // oxlint-disable-next-line max-params -- long: hot path, an options object would be allocated
  #forget(stamp: number, rate: Rate, nowMs: number, current: number): void {
    const words = this.#words;
    const now = nowMs | 0;
    const before = Atomics.load(words, stamp);
    const elapsed = (now - before) | 0;
    if (elapsed === 0) return;
    const old = Atomics.load(words, current);
    if (Atomics.compareExchange(words, stamp, before, now) !== before) return;
    if (elapsed > 0 && elapsed < rate.restMs) return;
    // A clock that has gone back a little is that of another worker.
    if (elapsed < 0 && elapsed > -rate.partMs) return;
    for (let i = 1; i <= RING; i++) if (stamp + i !== current) Atomics.store(words, stamp + i, 0);
    // Another worker may have begun to count here already.
    Atomics.compareExchange(words, current, old, 0);
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

/** One more in a part; its word begins anew when it was of another. */
function add(words: Int32Array, at: number, tag: number): void {
  for (;;) {
    const word = Atomics.load(words, at);
    const count = word >>> COUNT_BITS === tag ? word & MOST : 0;
    const next = (tag << COUNT_BITS) | Math.min(count + 1, MOST);
    if (Atomics.compareExchange(words, at, word, next) === word) return;
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
