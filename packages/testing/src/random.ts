// A seeded random generator for tests: the same seed gives the same run on every machine. Not for secrets.

/** Numbers from a seed; make one for each case, so that a case can be played alone. */
export class SeededRandom {
  #state: number;

  /** @param seed Any integer. */
  constructor(seed: number) {
    this.#state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) >>> 0;
    this.unit();
    this.unit();
  }

  /** A number in 0..1, without 1. */
  unit(): number {
    // Mulberry32: passes the usual tests, and is five lines.
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** An integer in 0..`count` - 1. */
  below(count: number): number {
    return Math.floor(this.unit() * count);
  }

  /** True in `percent` of 100 calls. */
  chance(percent: number): boolean {
    return this.unit() * 100 < percent;
  }

  /** One of the values. @throws {RangeError} when there is none. */
  pick<T>(values: readonly T[]): T {
    if (values.length === 0) throw new RangeError('pick() of nothing');
    return values[this.below(values.length)]!;
  }
}
