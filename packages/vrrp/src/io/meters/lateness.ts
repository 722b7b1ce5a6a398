// How late the loop wakes, and how late its adverts leave: the largest since start, and of the last minute largest and
// percentiles. Two half-minute halves make the minute; nothing is allocated after the constructor. Times are monotonic
// µs from the caller.

const halfUs = 30_000_000;
/** Eight steps in each power of two, from 1 µs to beyond an hour: a percentile is right within an eighth. */
const stepsPerOctave = 8;
const octaves = 32;

/** Percentiles of the last minute in ms; all 0 without samples. */
export interface LatenessFigures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  readonly count: number;
}

export class LatenessMeter {
  #maxUs = 0;
  #recentUs = 0;
  #halfStartUs = 0;
  #current = new Histogram();
  #previous = new Histogram();

  /** Notes a wake-up at `nowUs` for a timer that was due at `dueUs`; an earlier wake-up is no lateness. */
  note(nowUs: number, dueUs: number): void {
    if (dueUs > nowUs) return;
    this.#turn(nowUs);
    this.#current.add(nowUs - dueUs);
    this.#maxUs = Math.max(this.#maxUs, nowUs - dueUs);
    this.#recentUs = Math.max(this.#recentUs, nowUs - dueUs);
  }

  get maxMs(): number {
    return this.#maxUs / 1000;
  }

  /** The largest since this was asked last. */
  takeRecentMs(): number {
    const recentUs = this.#recentUs;
    this.#recentUs = 0;
    return recentUs / 1000;
  }

  lastMinuteMs(nowUs: number): number {
    this.#turn(nowUs);
    return Math.max(this.#current.maxUs, this.#previous.maxUs) / 1000;
  }

  figures(nowUs: number): LatenessFigures {
    this.#turn(nowUs);
    const count = this.#current.count + this.#previous.count;
    const percentile = (share: number): number => this.#rankUs(Math.ceil(count * share)) / 1000;
    return {
      p50Ms: percentile(0.5),
      p99Ms: percentile(0.99),
      p999Ms: percentile(0.999),
      maxMs: this.lastMinuteMs(nowUs),
      count,
    };
  }

  /** The sample of this rank, smallest first; no more than the largest. */
  #rankUs(rank: number): number {
    const maxUs = Math.max(this.#current.maxUs, this.#previous.maxUs);
    let seen = 0;
    for (let bucket = 0; bucket < stepsPerOctave * octaves; bucket++) {
      seen += (this.#current.counts[bucket] ?? 0) + (this.#previous.counts[bucket] ?? 0);
      if (seen >= rank && rank > 0) return Math.min(upperUs(bucket), maxUs);
    }
    return 0;
  }

  #turn(nowUs: number): void {
    if (nowUs - this.#halfStartUs < halfUs) return;
    const oldest = this.#previous;
    oldest.clear();
    if (nowUs - this.#halfStartUs < 2 * halfUs) {
      this.#previous = this.#current;
      this.#current = oldest;
    } else this.#current.clear();
    this.#halfStartUs = nowUs;
  }
}

class Histogram {
  readonly counts = new Uint32Array(stepsPerOctave * octaves);
  count = 0;
  maxUs = 0;

  add(us: number): void {
    const bucket = bucketOf(us);
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.count++;
    this.maxUs = Math.max(this.maxUs, us);
  }

  clear(): void {
    this.counts.fill(0);
    this.count = 0;
    this.maxUs = 0;
  }
}

function bucketOf(us: number): number {
  const octave = Math.floor(Math.log2(us + 1));
  const step = Math.floor(((us + 1) / 2 ** octave - 1) * stepsPerOctave);
  return Math.min(octave * stepsPerOctave + step, stepsPerOctave * octaves - 1);
}

/** The largest value of a bucket. */
function upperUs(bucket: number): number {
  const octave = Math.floor(bucket / stepsPerOctave);
  const step = bucket % stepsPerOctave;
  return Math.ceil(2 ** octave * (1 + (step + 1) / stepsPerOctave)) - 1;
}
