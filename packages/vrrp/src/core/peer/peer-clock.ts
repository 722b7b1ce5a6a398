// The peer's clock as this node sees it: when a word was said at the latest, how long the way there and back takes, how
// far the wall clocks are apart. A word that waited in a buffer while this process was stalled, or was sent twice by
// TCP, is old however new it looks here: it must not count as a sign of life now. Pure.

/** Clocks drift, and the way may become longer for good: what was the shortest way is forgotten after one to two of these. */
const windowMs = 30_000;

/** The times of one word: of the sender's monotonic clock, and of ours. */
export interface WordTimes {
  readonly sentMs: number;
  /** Our `sentMs` that the sender had heard last, and how long ago; -1: none. */
  readonly echoMs: number;
  readonly heldMs: number;
  /** The sender's wall clock. */
  readonly wallMs: number;
  /** Our monotonic and wall clock when the word was read. */
  readonly nowMs: number;
  readonly nowWallMs: number;
}

export class PeerClock {
  /** Shortest `arrived - sent` of this window and of the one before. */
  #shortestMs = Infinity;
  #shortestBeforeMs = Infinity;
  #windowEndMs = -Infinity;
  #roundTripMs = -1;
  #aheadMs = 0;

  /** Time there and back of the last word in ms; -1 before the first. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  /** How far the peer's wall clock is ahead of ours, ms; good to half a round trip. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /**
   * Notes a word.
   *
   * @returns When it was said, on our monotonic clock: never later than `nowMs`.
   */
  note(times: WordTimes): number {
    const { sentMs, echoMs, heldMs, nowMs } = times;
    const differenceMs = nowMs - sentMs;
    if (nowMs >= this.#windowEndMs) {
      this.#windowEndMs = nowMs + windowMs;
      this.#shortestBeforeMs = this.#shortestMs;
      this.#shortestMs = Infinity;
    }
    this.#shortestMs = Math.min(this.#shortestMs, differenceMs);
    if (echoMs >= 0) this.#roundTripMs = Math.max(0, nowMs - echoMs - heldMs);
    const saidMs = Math.min(nowMs, sentMs + Math.min(this.#shortestMs, this.#shortestBeforeMs));
    this.#aheadMs = times.wallMs - (times.nowWallMs - (nowMs - saidMs));
    return saidMs;
  }
}
