// The compressors of one worker: made when needed, used again, bounded in number by the memory that they take. When
// there is none left, answers go out as they are. The streams themselves are given in (they are native code).
import { Coding } from './coding.ts';

/** What a step does with its input; the same numbers as @tospann/linux gives them. */
export const Step = { PROCESS: 0, FLUSH: 1, FINISH: 2 } as const;

/** One stream of compressed bytes. See `StreamCompressor` of @tospann/linux. */
export interface Compressor {
  readonly inputLeft: number;
  readonly more: boolean;
  reset(): void;
  input(offset: number, length: number): void;
  step(step: number, at: number, room: number): number;
  release(): void;
}

/** Makes a compressor on the transport's memory. `level` is 1..9 for gzip, Brotli's quality for br. */
export type MakeCompressor = (coding: number, level: number) => Compressor;

/** Native memory of one stream, rounded up; measured. */
const GZIP_BYTES = 320 * 1024;
const BROTLI_BYTES = 2560 * 1024;
/** All streams of one worker together: 204 of gzip or 25 of Brotli. A client that reads slowly holds one for long. */
const MAX_BYTES = 64 << 20;
/** Unused gzip streams that are kept for each level. */
const MAX_IDLE = 16;

/** Nanoseconds for a byte of text on a 2.5 GHz machine, by level and quality: what a turn's work is reckoned with. */
const GZIP_COST: readonly number[] = [11, 11, 11, 12, 12, 23, 30, 34, 44, 44];
const BROTLI_COST: readonly number[] = [7, 7, 15, 16, 20, 37];

/** A compressor that is lent, and what it costs. */
export interface Lent {
  readonly compressor: Compressor;
  readonly coding: number;
  readonly level: number;
  readonly costPerByte: number;
  readonly bytes: number;
}

/** Lends compressors within a bound of memory. */
export class CompressorPool {
  readonly #make: MakeCompressor;
  readonly #idle: (Lent[] | undefined)[] = [];
  #bytes = 0;
  /** Streams that are lent now, and how often there was none. */
  lent = 0;
  refusals = 0;

  constructor(make: MakeCompressor) {
    this.#make = make;
  }

  /** A compressor at the begin of a stream; null when the memory for them is used up. */
  take(coding: number, level: number): Lent | null {
    const idle = this.#idle[key(coding, level)];
    const found = idle?.pop();
    if (found === undefined && this.#bytes + bytesOf(coding) > MAX_BYTES) this.#shrink();
    if (found === undefined && this.#bytes + bytesOf(coding) > MAX_BYTES) {
      this.refusals++;
      return null;
    }
    const lent = found ?? this.#new(coding, level);
    lent.compressor.reset();
    this.lent++;
    return lent;
  }

  give(lent: Lent): void {
    this.lent--;
    const at = key(lent.coding, lent.level);
    const idle = (this.#idle[at] ??= []);
    // Brotli cannot begin anew in its memory, so keeping it would keep the memory for nothing.
    if (lent.coding === Coding.BR || idle.length >= MAX_IDLE) this.#drop(lent);
    else idle.push(lent);
  }

  #new(coding: number, level: number): Lent {
    const costs = coding === Coding.GZIP ? GZIP_COST : BROTLI_COST;
    const bytes = bytesOf(coding);
    this.#bytes += bytes;
    return { compressor: this.#make(coding, level), coding, level, costPerByte: costs[level] ?? costs.at(-1)!, bytes };
  }

  #drop(lent: Lent): void {
    lent.compressor.release();
    this.#bytes -= lent.bytes;
  }

  /** Idle ones of other levels (after a reload) must not stand in the way of those that are needed. */
  #shrink(): void {
    for (const idle of this.#idle) for (const lent of idle?.splice(0) ?? []) this.#drop(lent);
  }
}

function key(coding: number, level: number): number {
  return coding * 16 + level;
}

function bytesOf(coding: number): number {
  return coding === Coding.GZIP ? GZIP_BYTES : BROTLI_BYTES;
}
