// What a frontend compresses, worked out for the hot path: codings as numbers, media types as lower-case bytes.
import type { CompressionConfig } from '@tospann/config';
import { latin1 } from '../bytes.ts';
import { Coding } from './coding.ts';
import { isName } from './names.ts';

/** Brotli above this takes more than about a millisecond for one of its blocks (64 KiB), which is held against every
 * other connection of the worker; and above 6 tens of MiB a stream. 4 packs better than gzip's 9. */
const MAX_BROTLI_QUALITY = 4;

const EVENT_STREAM = latin1('text/event-stream');
const SLASH = 47;

export class CompressionPlan {
  /** Numbers of `Coding`, the preferred one first. */
  readonly offered: readonly number[];
  readonly minBytes: number;
  /** 1..9. */
  readonly gzipLevel: number;
  readonly brotliQuality: number;
  readonly #types: readonly Uint8Array[];
  /** `text/` for `text/*`. */
  readonly #families: readonly Uint8Array[];

  constructor(config: CompressionConfig) {
    this.offered = config.algorithms.map((name) => (name === 'br' ? Coding.BR : Coding.GZIP));
    this.minBytes = config.minBytes;
    this.gzipLevel = Math.max(1, Math.min(9, config.level));
    this.brotliQuality = Math.max(1, Math.min(MAX_BROTLI_QUALITY, config.level));
    const types = config.types.map((type) => type.trim().toLowerCase());
    this.#types = types.filter((type) => !type.endsWith('/*')).map(latin1);
    this.#families = types.filter((type) => type.endsWith('/*')).map((type) => latin1(type.slice(0, -1)));
  }

  /** Whether answers of this Content-Type value are compressed. Event streams never are: each event must go out at
   * once, and a block for each would be larger than the event. */
  takesType(memory: Uint8Array, start: number, end: number): boolean {
    let stop = start;
    let slash = start;
    while (stop < end && memory[stop] !== 59 && memory[stop] !== 32 && memory[stop] !== 9) {
      if (memory[stop] === SLASH && slash === start) slash = stop;
      stop++;
    }
    if (isName(memory, start, stop, EVENT_STREAM)) return false;
    for (const type of this.#types) if (isName(memory, start, stop, type)) return true;
    if (slash === start || slash + 1 >= stop) return false;
    for (const family of this.#families) if (isName(memory, start, slash + 1, family)) return true;
    return false;
  }
}
