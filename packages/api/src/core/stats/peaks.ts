// Rates and maxima for the statistics page: looks at the counters once a second and remembers. A counter that went
// back belongs to a new proxy process: its rate begins anew, the maxima stay. Pure; the caller brings the time.

/** What is watched of one frontend, backend or server: a level now, and a counter that only grows. */
export interface Watched {
  readonly key: string;
  readonly level: number;
  readonly total: number;
}

/** Of one key: the highest level, and the events a second now and at most. */
export interface Peak {
  readonly levelMax: number;
  readonly rate: number;
  readonly rateMax: number;
}

const NOTHING: Peak = { levelMax: 0, rate: 0, rateMax: 0 };

export class Peaks {
  #seen = new Map<string, { readonly peak: Peak; readonly total: number }>();
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Takes the figures of now; what is not named any more is forgotten. */
  take(items: readonly Watched[], nowMs: number): void {
    const seconds = (nowMs - this.#lastMs) / 1000;
    if (seconds <= 0) return;
    this.#lastMs = nowMs;
    const next = new Map<string, { readonly peak: Peak; readonly total: number }>();
    for (const { key, level, total } of items) {
      const before = this.#seen.get(key);
      const rate = before === undefined ? 0 : Math.round(Math.max(0, total - before.total) / seconds);
      const peak = before?.peak ?? NOTHING;
      const now = { levelMax: Math.max(peak.levelMax, level), rate, rateMax: Math.max(peak.rateMax, rate) };
      next.set(key, { peak: now, total });
    }
    this.#seen = next;
  }

  of(key: string): Peak {
    return this.#seen.get(key)?.peak ?? NOTHING;
  }
}
