// Pieces: parts of send buffers, for bytes that rest. What a stalled reader has not taken, a request that waits or a few
// pipelined bytes each cost a piece of their own size instead of a whole buffer. A buffer is divided into pieces of one size,
// a power of two, and goes back when its last piece is free. Not thread-safe: one for each engine.
import type { Transport } from './transport.ts';

const NONE = -1;
/** The smallest piece has 256 bytes. */
const LEAST_SHIFT = 8;
/** Share that pieces of up to so many bytes may take of all: nothing that rests can take the last from those that need
 * least. */
const MOST = [
  { bytes: 256, share: 1 },
  { bytes: 1024, share: 15 / 16 },
  { bytes: 4096, share: 3 / 4 },
  { bytes: Infinity, share: 1 / 2 },
] as const;
/** Users of a buffer that is divided: they are counted for each piece. */
export const DIVIDED = 0xffff;

/** Divides send buffers of a transport, up to a share of them. */
export class Pieces {
  /** Buffers that may be divided at one time. */
  readonly most: number;
  /** Buffers that are divided now. */
  divided = 0;
  readonly #transport: Transport;
  readonly #shift: number;
  /** By piece, at its first 256 bytes: users; next free piece of its buffer. */
  readonly #users: Uint16Array;
  readonly #nextFree: Int32Array;
  /** By buffer: size of its pieces as a shift, how many are used now and were ever, first free one. */
  readonly #sizes: Uint8Array;
  readonly #used: Uint16Array;
  readonly #begun: Uint16Array;
  readonly #firstFree: Int32Array;
  /** Buffers with a free piece: a list for each size, linked in both directions. */
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  constructor(transport: Transport, most: number) {
    const { bufferBytes, bufferCount } = transport;
    this.#transport = transport;
    this.most = most;
    this.#shift = Math.log2(bufferBytes);
    const units = (bufferCount * bufferBytes) >>> LEAST_SHIFT;
    this.#users = new Uint16Array(units);
    this.#nextFree = new Int32Array(units);
    this.#sizes = new Uint8Array(bufferCount);
    this.#used = new Uint16Array(bufferCount);
    this.#begun = new Uint16Array(bufferCount);
    this.#firstFree = new Int32Array(bufferCount);
    this.#first = new Int32Array(this.#shift + 1).fill(NONE);
    this.#next = new Int32Array(bufferCount);
    this.#previous = new Int32Array(bufferCount);
  }

  /** Bytes of the piece that `length` bytes take. */
  sizeFor(length: number): number {
    return 1 << this.#sizeShift(length);
  }

  /** A piece with one user: its offset, or -1. `length` is at most a buffer. */
  take(length: number): number {
    const size = this.#sizeShift(length);
    let buffer = this.#first[size]!;
    if (buffer === NONE) {
      buffer = this.#divide(size);
      if (buffer === NONE) return NONE;
    }
    const used = this.#used[buffer]! + 1;
    this.#used[buffer] = used;
    const base = buffer * (1 << this.#shift);
    let offset = this.#firstFree[buffer]!;
    if (offset === NONE) offset = base + (this.#begun[buffer]!++ << size);
    else this.#firstFree[buffer] = this.#nextFree[offset >>> LEAST_SHIFT]!;
    if (used === 1 << (this.#shift - size)) this.#unlink(buffer, size);
    this.#users[offset >>> LEAST_SHIFT] = 1;
    return offset;
  }

  hold(offset: number): void {
    this.#users[this.start(offset) >>> LEAST_SHIFT]! += 1;
  }

  /** True: that was the last piece of its buffer, which has gone back to the transport. */
  drop(offset: number): boolean {
    const start = this.start(offset);
    const unit = start >>> LEAST_SHIFT;
    const users = this.#users[unit]! - 1;
    this.#users[unit] = users;
    if (users > 0) return false;
    const buffer = offset >>> this.#shift;
    const size = this.#sizes[buffer]!;
    const used = this.#used[buffer]! - 1;
    const wasFull = used + 1 === 1 << (this.#shift - size);
    this.#used[buffer] = used;
    if (used === 0) {
      if (!wasFull) this.#unlink(buffer, size);
      this.divided--;
      this.#transport.releaseBuffer(offset);
      return true;
    }
    this.#nextFree[unit] = this.#firstFree[buffer]!;
    this.#firstFree[buffer] = start;
    if (wasFull) this.#link(buffer, size);
    return false;
  }

  users(offset: number): number {
    return this.#users[this.start(offset) >>> LEAST_SHIFT]!;
  }

  /** First offset of the piece that holds `offset`. */
  start(offset: number): number {
    const size = this.#sizes[offset >>> this.#shift]!;
    return (offset >>> size) << size;
  }

  /** First offset behind the piece that holds `offset`. */
  end(offset: number): number {
    const size = this.#sizes[offset >>> this.#shift]!;
    return ((offset >>> size) + 1) << size;
  }

  #sizeShift(length: number): number {
    return length <= 1 << LEAST_SHIFT ? LEAST_SHIFT : 32 - Math.clz32(length - 1);
  }

  /** Divides one more buffer, if pieces of this size may have it. */
  #divide(size: number): number {
    if (this.divided >= this.most * shareOf(1 << size)) return NONE;
    const offset = this.#transport.takeBuffer();
    if (offset < 0) return NONE;
    const buffer = offset >>> this.#shift;
    this.divided++;
    this.#sizes[buffer] = size;
    this.#used[buffer] = 0;
    this.#begun[buffer] = 0;
    this.#firstFree[buffer] = NONE;
    this.#link(buffer, size);
    return buffer;
  }

  #link(buffer: number, size: number): void {
    const first = this.#first[size]!;
    this.#next[buffer] = first;
    this.#previous[buffer] = NONE;
    if (first !== NONE) this.#previous[first] = buffer;
    this.#first[size] = buffer;
  }

  #unlink(buffer: number, size: number): void {
    const next = this.#next[buffer]!;
    const previous = this.#previous[buffer]!;
    if (previous === NONE) this.#first[size] = next;
    else this.#next[previous] = next;
    if (next !== NONE) this.#previous[next] = previous;
  }
}

function shareOf(bytes: number): number {
  let share = 1;
  for (const step of MOST) {
    share = step.share;
    if (bytes <= step.bytes) break;
  }
  return share;
}
