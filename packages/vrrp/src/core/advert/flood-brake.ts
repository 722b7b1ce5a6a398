// When packets that must be dropped come in numbers, each of them would wake the loop: the wake-ups cost more than the
// packets. Then the sockets rest for a moment, and what came meanwhile is read at once. Timers are not touched by it: the
// loop wakes for them as ever, and reads everything before one of them decides. Pure.

/** Counted in windows of this length. */
const windowUs = 100_000;
/** In a window; below it every packet is read when it comes. */
const many = 20;
/** In one reading: a rest would fill the receive buffer, and valid adverts would be lost with the others. */
const tooMany = 32;
const longestRestUs = 25_000;

export class FloodBrake {
  readonly #restUs: number;
  #windowEndUs = -Infinity;
  #count = 0;
  #before = 0;

  /** @param intervalUs The shortest advert interval: a rest is a quarter of it, 25 ms at most. */
  constructor(intervalUs: number) {
    this.#restUs = Math.min(longestRestUs, intervalUs / 4);
  }

  /**
   * Notes what a wake-up has dropped.
   *
   * @returns Until when, in monotonic µs, the sockets should rest; -Infinity: they should not.
   */
  note(dropped: number, nowUs: number): number {
    if (nowUs >= this.#windowEndUs) {
      this.#before = nowUs < this.#windowEndUs + windowUs ? this.#count : 0;
      this.#count = 0;
      this.#windowEndUs = nowUs + windowUs;
    }
    this.#count += dropped;
    const flood = Math.max(this.#before, this.#count) > many;
    return flood && dropped > 0 && dropped <= tooMany ? nowUs + this.#restUs : -Infinity;
  }
}
