// Buffers and chains: who still needs which buffer of the transport, and lists of byte ranges that wait to be sent or
// read. A range is a number (its slot in three arrays), so a queue costs no object. Not thread-safe: one for each engine.
import type { Transport } from './transport.ts';

/** Share of the buffers in use from which on they are scarce. */
const SCARCE_FROM = 0.75;

/** End of a chain, and "no range". */
export const NONE = -1;

/** Counts the users of each transport buffer and gives a buffer back when the last one is done with it. */
export class Buffers {
  readonly memory: Uint8Array;
  readonly bufferBytes: number;
  readonly count: number;
  /** Buffers that the engine holds now: received and not released, and taken. */
  heldReceived = 0;
  heldTaken = 0;
  readonly #transport: Transport;
  readonly #shift: number;
  readonly #users: Uint16Array;
  /** 1: came from `takeBuffer`. */
  readonly #taken: Uint8Array;
  readonly #enough: number;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.memory = transport.memory;
    this.bufferBytes = transport.bufferBytes;
    this.count = transport.bufferCount;
    this.#shift = Math.log2(transport.bufferBytes);
    if (!Number.isInteger(this.#shift)) throw new RangeError('bufferBytes must be a power of two');
    this.#users = new Uint16Array(transport.bufferCount);
    this.#taken = new Uint8Array(transport.bufferCount);
    // Half of the buffers are for receiving, half for sending.
    this.#enough = (transport.bufferCount / 2) * SCARCE_FROM;
  }

  /** A buffer has come from the transport with received bytes: one user. */
  received(offset: number): void {
    const index = offset >>> this.#shift;
    this.#users[index] = 1;
    this.#taken[index] = 0;
    this.heldReceived++;
  }

  /** A buffer to write into: its offset with one user, or -1. */
  take(): number {
    const offset = this.#transport.takeBuffer();
    if (offset < 0) return NONE;
    const index = offset >>> this.#shift;
    this.#users[index] = 1;
    this.#taken[index] = 1;
    this.heldTaken++;
    return offset;
  }

  hold(offset: number): void {
    this.#users[offset >>> this.#shift]! += 1;
  }

  drop(offset: number): void {
    const index = offset >>> this.#shift;
    const users = this.#users[index]! - 1;
    this.#users[index] = users;
    if (users > 0) return;
    if (this.#taken[index] === 1) this.heldTaken--;
    else this.heldReceived--;
    this.#transport.releaseBuffer(offset);
  }

  /** Users of the buffer; 1 means that the caller may write into it. */
  users(offset: number): number {
    return this.#users[offset >>> this.#shift]!;
  }

  /** First offset of the buffer that holds `offset`. */
  start(offset: number): number {
    return (offset >>> this.#shift) << this.#shift;
  }

  /** First offset behind the buffer that holds `offset`. */
  end(offset: number): number {
    return ((offset >>> this.#shift) + 1) << this.#shift;
  }

  /** Whether buffers are getting short (three quarters are in use): then every connection holds as few as it can. */
  get scarce(): boolean {
    return this.heldReceived > this.#enough || this.heldTaken > this.#enough;
  }
}

/** Byte ranges in the transport's memory, linked by number. Each range is one user of its buffer. */
export class Ranges {
  next: Int32Array;
  offset: Int32Array;
  length: Int32Array;
  #free = NONE;

  constructor(capacity: number) {
    this.next = new Int32Array(capacity);
    this.offset = new Int32Array(capacity);
    this.length = new Int32Array(capacity);
    this.#link(0, capacity);
  }

  take(offset: number, length: number): number {
    if (this.#free === NONE) this.#grow();
    const range = this.#free;
    this.#free = this.next[range]!;
    this.next[range] = NONE;
    this.offset[range] = offset;
    this.length[range] = length;
    return range;
  }

  free(range: number): void {
    this.next[range] = this.#free;
    this.#free = range;
  }

  #link(from: number, to: number): void {
    for (let i = from; i < to; i++) this.next[i] = i + 1;
    this.next[to - 1] = this.#free;
    this.#free = from;
  }

  #grow(): void {
    const old = this.next.length;
    this.next = copyInto(new Int32Array(old * 2), this.next);
    this.offset = copyInto(new Int32Array(old * 2), this.offset);
    this.length = copyInto(new Int32Array(old * 2), this.length);
    this.#link(old, old * 2);
  }
}

/** A first-in first-out list of ranges, with its number of ranges and bytes. */
export class Chain {
  head = NONE;
  tail = NONE;
  count = 0;
  bytes = 0;

  push(ranges: Ranges, offset: number, length: number): void {
    const range = ranges.take(offset, length);
    if (this.tail === NONE) this.head = range;
    else ranges.next[this.tail] = range;
    this.tail = range;
    this.count++;
    this.bytes += length;
  }

  unshift(ranges: Ranges, offset: number, length: number): void {
    const range = ranges.take(offset, length);
    ranges.next[range] = this.head;
    this.head = range;
    if (this.tail === NONE) this.tail = range;
    this.count++;
    this.bytes += length;
  }

  /** Takes over all ranges of another list, which is empty afterwards. */
  takeAll(ranges: Ranges, other: Chain): void {
    if (other.head === NONE) return;
    if (this.tail === NONE) this.head = other.head;
    else ranges.next[this.tail] = other.head;
    this.tail = other.tail;
    this.count += other.count;
    this.bytes += other.bytes;
    other.head = NONE;
    other.tail = NONE;
    other.count = 0;
    other.bytes = 0;
  }

  /** Removes the first range (the list is not empty); its buffer's user stays with the caller. */
  shift(ranges: Ranges): void {
    const range = this.head;
    this.head = ranges.next[range]!;
    if (this.head === NONE) this.tail = NONE;
    this.count--;
    this.bytes -= ranges.length[range]!;
    ranges.free(range);
  }

  /** Empties the list and drops all its buffers. */
  clear(ranges: Ranges, buffers: Buffers): void {
    while (this.head !== NONE) {
      buffers.drop(ranges.offset[this.head]!);
      this.shift(ranges);
    }
  }
}

function copyInto(target: Int32Array<ArrayBuffer>, source: Int32Array): Int32Array {
  target.set(source);
  return target;
}
