// How late the loop wakes: the largest since start and of the last minute, in ms. Two half-minute buckets make the
// minute, so nothing is allocated. Times are monotonic µs from the caller.

const bucketUs = 30_000_000;

export class LatenessMeter {
  #maxUs = 0;
  #bucketStartUs = 0;
  #currentUs = 0;
  #previousUs = 0;

  /** Notes a wake-up at `nowUs` for a timer that was due at `dueUs`; an earlier wake-up is no lateness. */
  note(nowUs: number, dueUs: number): void {
    this.#turn(nowUs);
    if (nowUs <= dueUs) return;
    const lateUs = nowUs - dueUs;
    this.#currentUs = Math.max(this.#currentUs, lateUs);
    this.#maxUs = Math.max(this.#maxUs, lateUs);
  }

  get maxMs(): number {
    return this.#maxUs / 1000;
  }

  lastMinuteMs(nowUs: number): number {
    this.#turn(nowUs);
    return Math.max(this.#currentUs, this.#previousUs) / 1000;
  }

  #turn(nowUs: number): void {
    if (nowUs - this.#bucketStartUs < bucketUs) return;
    this.#previousUs = nowUs - this.#bucketStartUs < 2 * bucketUs ? this.#currentUs : 0;
    this.#currentUs = 0;
    this.#bucketStartUs = nowUs;
  }
}
