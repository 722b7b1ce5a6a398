// Bounded memories with a time window: how often an address failed, which nonces were seen. Pure in time: the
// caller brings the clock. Both forget by themselves and never grow past their limit.

/** Options of a FailureLimiter. */
export interface FailureLimiterOptions {
  /** Failures allowed in one window; 1 or more. */
  readonly allowed: number;
  readonly windowMs: number;
  /** Addresses remembered; the oldest is forgotten first. */
  readonly addresses: number;
}

/** Counts failures for each address in fixed windows. */
export class FailureLimiter {
  readonly #options: FailureLimiterOptions;
  readonly #seen = new Map<string, { count: number; readonly startMs: number }>();

  constructor(options: FailureLimiterOptions) {
    this.#options = options;
  }

  /** Notes one failure and returns how long the address must wait in ms: 0 while it is within what is allowed. */
  fail(address: string, nowMs: number): number {
    const entry = this.#live(address, nowMs) ?? { count: 0, startMs: nowMs };
    entry.count += 1;
    this.#seen.set(address, entry);
    if (this.#seen.size > this.#options.addresses) this.#forgetOldest();
    return entry.count > this.#options.allowed ? entry.startMs + this.#options.windowMs - nowMs : 0;
  }

  /** How long the address must wait before it may try again, ms; 0: it may. */
  blockedMs(address: string, nowMs: number): number {
    const entry = this.#live(address, nowMs);
    const isOver = entry !== undefined && entry.count >= this.#options.allowed;
    return isOver ? entry.startMs + this.#options.windowMs - nowMs : 0;
  }

  #live(address: string, nowMs: number): { count: number; readonly startMs: number } | undefined {
    const entry = this.#seen.get(address);
    return entry !== undefined && nowMs - entry.startMs < this.#options.windowMs ? entry : undefined;
  }

  #forgetOldest(): void {
    const oldest = this.#seen.keys().next();
    if (oldest.done !== true) this.#seen.delete(oldest.value);
  }
}

/** Remembers nonces for a window of time and refuses those that come again. */
export class NonceWindow {
  readonly #windowMs: number;
  readonly #limit: number;
  readonly #seen = new Map<string, number>();

  /**
   * @param windowMs How long a nonce is remembered; at least twice the accepted difference of clocks.
   * @param limit Nonces remembered at most; when full, new ones are refused until old ones have left.
   */
  constructor(windowMs: number, limit: number) {
    this.#windowMs = windowMs;
    this.#limit = limit;
  }

  /** Returns true when the nonce is new, and remembers it. */
  accept(nonce: string, nowMs: number): boolean {
    for (const [old, atMs] of this.#seen) {
      if (nowMs - atMs <= this.#windowMs) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(nonce) || this.#seen.size >= this.#limit) return false;
    this.#seen.set(nonce, nowMs);
    return true;
  }
}
