// The retry budget of one worker: how many of the requests of the last 10 s may be sent a second time, so that servers
// that fail under load do not get more of it. Ten buckets of a second; no clock of its own.

const BUCKETS = 10;
const BUCKET_MS = 1000;
/** So many are always allowed, or a site with few requests would never retry. */
const AT_LEAST = 10;

export class RetryBudget {
  readonly #share: number;
  readonly #requests = new Float64Array(BUCKETS);
  readonly #retries = new Float64Array(BUCKETS);
  #second = 0;

  /** @param percent Retries for each 100 requests. */
  constructor(percent: number) {
    this.#share = percent / 100;
  }

  /** Counts a request. */
  request(nowMs: number): void {
    this.#turn(nowMs);
    this.#requests[this.#second % BUCKETS]! += 1;
  }

  /** Whether one more retry is within the budget; if so, it is counted. */
  take(nowMs: number): boolean {
    this.#turn(nowMs);
    let requests = 0;
    let retries = 0;
    for (let i = 0; i < BUCKETS; i++) {
      requests += this.#requests[i]!;
      retries += this.#retries[i]!;
    }
    if (retries >= Math.max(AT_LEAST, requests * this.#share)) return false;
    this.#retries[this.#second % BUCKETS]! += 1;
    return true;
  }

  /** Empties the buckets of the seconds that have passed. */
  #turn(nowMs: number): void {
    const second = Math.floor(nowMs / BUCKET_MS);
    if (second === this.#second) return;
    const first = Math.max(this.#second + 1, second - BUCKETS + 1);
    for (let i = first; i <= second; i++) {
      this.#requests[i % BUCKETS] = 0;
      this.#retries[i % BUCKETS] = 0;
    }
    this.#second = second;
  }
}
