// Streaming compressors: the zlib and Brotli that are built into the Node executable, called in place through node:ffi.
// They work synchronously in the steps that the caller chooses, from memory to memory, which node:zlib cannot do
// without its event loop. It knows nothing of HTTP. RFC 1952 (gzip), RFC 7932 (Brotli).
import { TospannError } from '@tospann/errors';
import { addressOf, libc } from './libc.ts';

const zlib = libc({
  deflateInit2_: { arguments: ['pointer', 'i32', 'i32', 'i32', 'i32', 'i32', 'pointer', 'i32'], return: 'i32' },
  deflate: { arguments: ['pointer', 'i32'], return: 'i32' },
  deflateReset: { arguments: ['pointer'], return: 'i32' },
  deflateEnd: { arguments: ['pointer'], return: 'i32' },
});
const brotli = libc({
  BrotliEncoderCreateInstance: { arguments: ['pointer', 'pointer', 'pointer'], return: 'pointer' },
  BrotliEncoderDestroyInstance: { arguments: ['pointer'], return: 'void' },
  BrotliEncoderSetParameter: { arguments: ['pointer', 'i32', 'u32'], return: 'i32' },
  BrotliEncoderCompressStream: {
    arguments: ['pointer', 'i32', 'pointer', 'pointer', 'pointer', 'pointer', 'pointer'],
    return: 'i32',
  },
  BrotliEncoderHasMoreOutput: { arguments: ['pointer'], return: 'i32' },
});

/** What a step is to do with its input. */
export const CompressStep = {
  /** Take it; output comes when it pays. */
  PROCESS: 0,
  /** Give out all that has been taken so far. */
  FLUSH: 1,
  /** End the stream. */
  FINISH: 2,
} as const;

/** One stream. Its input and output lie in the memory that it was made for. */
export interface StreamCompressor {
  /** Bytes of the input that have not been taken yet. */
  readonly inputLeft: number;
  /** After `step`: there is more output; call again with the same step and more room before anything else. */
  readonly more: boolean;
  /** Begins a new stream, whatever the last one was doing. */
  reset(): void;
  /** Gives the next input, memory[offset, offset + length); the last one must have been taken. */
  input(offset: number, length: number): void;
  /**
   * Works, and writes at most `room` (1 or more) bytes of output at memory[at].
   *
   * @param step A number of `CompressStep`.
   * @returns Bytes written.
   * @throws {TospannError} LB_INTERNAL when the library refuses: a fault of the program.
   */
  step(step: number, at: number, room: number): number;
  /** Frees its native memory; it can be used again after `reset`. */
  release(): void;
}

// struct z_stream (LP64): next_in, avail_in, total_in, next_out, avail_out, total_out, msg, state, ...
const Z_STREAM_BYTES = 112;
const NEXT_IN = 0;
const AVAILABLE_IN = 8 >> 2;
const NEXT_OUT = 24 >> 2;
const AVAILABLE_OUT = 32 >> 2;
const Z_DEFLATED = 8;
const GZIP_WINDOW_BITS = 15 + 16;
/** zlib's default: 128 KiB window and 128 KiB tables. */
const MEMORY_LEVEL = 8;
const Z_STREAM_END = 1;
const Z_BUF_ERROR = -5;
/** Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH. */
const Z_FLUSH = [0, 2, 4] as const;
// The library compares the first character.
const VERSION = new Uint8Array(new ArrayBuffer(8));
VERSION[0] = 49;

const TWO_TO_32 = 4_294_967_296;

/** Where a memory begins, as the two 32-bit halves that a pointer in a structure is written from. */
class Base {
  readonly #address: number;

  constructor(memory: Uint8Array) {
    this.#address = Number(addressOf(memory));
  }

  /** Writes the address of memory[offset] as words[at], words[at + 1]. */
  point(words: Int32Array, at: number, offset: number): void {
    const address = this.#address + offset;
    words[at] = (address % TWO_TO_32) | 0;
    words[at + 1] = Math.floor(address / TWO_TO_32);
  }
}

/** gzip by zlib: about 270 KiB of native memory from the first `reset` to `release`. */
export class GzipCompressor implements StreamCompressor {
  more = false;
  readonly #base: Base;
  readonly #level: number;
  // Outside the JavaScript heap: zlib remembers the address.
  readonly #stream = new Uint8Array(new ArrayBuffer(Z_STREAM_BYTES));
  readonly #words = new Int32Array(this.#stream.buffer);
  #open = false;

  /** @param level 1..9. */
  constructor(memory: Uint8Array, level: number) {
    this.#base = new Base(memory);
    this.#level = level;
  }

  get inputLeft(): number {
    return this.#words[AVAILABLE_IN]!;
  }

  reset(): void {
    this.more = false;
    if (this.#open) check('deflateReset', zlib.deflateReset(this.#stream));
    else {
      this.#words.fill(0);
      const bits = GZIP_WINDOW_BITS;
      const result = zlib.deflateInit2_(
        this.#stream,
        this.#level,
        Z_DEFLATED,
        bits,
        MEMORY_LEVEL,
        0,
        VERSION,
        Z_STREAM_BYTES,
      );
      check('deflateInit2', result);
      this.#open = true;
    }
    this.#words[AVAILABLE_IN] = 0;
  }

  input(offset: number, length: number): void {
    this.#base.point(this.#words, NEXT_IN, offset);
    this.#words[AVAILABLE_IN] = length;
  }

  step(step: number, at: number, room: number): number {
    const words = this.#words;
    this.#base.point(words, NEXT_OUT, at);
    words[AVAILABLE_OUT] = room;
    const result = zlib.deflate(this.#stream, Z_FLUSH[step]!);
    // Nothing to do is told as Z_BUF_ERROR, for instance a flush after a flush.
    if (result < 0 && result !== Z_BUF_ERROR) check('deflate', result);
    const left = words[AVAILABLE_OUT];
    this.more = left === 0 && result !== Z_STREAM_END;
    return room - left;
  }

  release(): void {
    if (this.#open) zlib.deflateEnd(this.#stream);
    this.#open = false;
  }
}

const BrotliParameter = { MODE: 0, QUALITY: 1, LGWIN: 2, LGBLOCK: 3 } as const;
/** Window of 2^18 bytes: what a page needs, and a bound on the memory of a stream. */
const BROTLI_WINDOW_BITS = 18;
const BROTLI_BLOCK_BITS = 16;
/** BROTLI_OPERATION_PROCESS, _FLUSH, _FINISH. */
const BROTLI_OPERATION = [0, 1, 2] as const;

/** Brotli. The library cannot begin anew in place: each stream allocates, up to about 2 MiB, by its length. */
export class BrotliCompressor implements StreamCompressor {
  more = false;
  readonly #base: Base;
  readonly #quality: number;
  // Four variables that the library is given pointers to: available_in, next_in, available_out, next_out.
  readonly #words = new Int32Array(new ArrayBuffer(32));
  readonly #availableIn = new Uint8Array(this.#words.buffer, 0, 8);
  readonly #nextIn = new Uint8Array(this.#words.buffer, 8, 8);
  readonly #availableOut = new Uint8Array(this.#words.buffer, 16, 8);
  readonly #nextOut = new Uint8Array(this.#words.buffer, 24, 8);
  #state: bigint | null = null;

  /** @param quality 0..11; from 5 on it costs more than a millisecond for 64 KiB. */
  constructor(memory: Uint8Array, quality: number) {
    this.#base = new Base(memory);
    this.#quality = quality;
  }

  get inputLeft(): number {
    return this.#words[0]!;
  }

  reset(): void {
    this.release();
    const state = brotli.BrotliEncoderCreateInstance(null, null, null);
    if (state === 0n) throw new TospannError('LB_INTERNAL', { detail: 'no memory for a Brotli stream' });
    this.#state = state;
    brotli.BrotliEncoderSetParameter(state, BrotliParameter.QUALITY, this.#quality);
    brotli.BrotliEncoderSetParameter(state, BrotliParameter.LGWIN, BROTLI_WINDOW_BITS);
    brotli.BrotliEncoderSetParameter(state, BrotliParameter.LGBLOCK, BROTLI_BLOCK_BITS);
    this.more = false;
    this.#words.fill(0);
  }

  input(offset: number, length: number): void {
    this.#base.point(this.#words, 2, offset);
    this.#words[0] = length;
  }

  step(step: number, at: number, room: number): number {
    const words = this.#words;
    this.#base.point(words, 6, at);
    words[4] = room;
    const done = brotli.BrotliEncoderCompressStream(
      this.#state,
      BROTLI_OPERATION[step]!,
      this.#availableIn,
      this.#nextIn,
      this.#availableOut,
      this.#nextOut,
      null,
    );
    if (done === 0) check('BrotliEncoderCompressStream', 0);
    const left = words[4];
    this.more = words[0]! > 0 || brotli.BrotliEncoderHasMoreOutput(this.#state) !== 0;
    return room - left;
  }

  release(): void {
    if (this.#state !== null) brotli.BrotliEncoderDestroyInstance(this.#state);
    this.#state = null;
  }
}

function check(call: string, result: number): void {
  if (result === 0 && call.startsWith('deflate')) return;
  throw new TospannError('LB_INTERNAL', { detail: `${call} returned ${result}` });
}
