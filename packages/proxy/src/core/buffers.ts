// Buffers and chains: who still needs which buffer of the transport, and lists of byte ranges that wait to be sent or
// read. A range is a number (its slot in three arrays), so a queue costs no object. Not thread-safe: one for each engine.
//
// Nobody may take what all need. As long as there are plenty, bytes that rest stay where they came. Once many buffers are
// held they are short: whatever rests from then on is copied to a piece of its own size (pieces.ts), one range for each
// direction of a connection, and a receive brings little (`receiveMost`), so that the other half stays free for those who
// hold nothing. That ends when half of the held ones have come back.
import { DIVIDED, Pieces } from './pieces.ts';
import type { Transport } from './transport.ts';

/** Share of the receive buffers that may be held as they came. */
const RECEIVED_SHARE = 1 / 2;
/** From this share on nothing else helps: flow/last-resort.ts. */
const EXHAUSTED_SHARE = 3 / 4;
/** Share of the send buffers that may be held as they were written: most hold a head, which is a hundredth of one. */
const TAKEN_SHARE = 1 / 8;
/** With more of them than this only what goes on at once is taken on: the rest is for answers of our own. */
const SPARED_SHARE = 3 / 16;
/** Share of the send buffers that may be divided into pieces. */
const DIVIDED_SHARE = 3 / 4;
/** A share is relieved when only this part of it is still held. */
const RELIEVED_AT = 1 / 2;
/** What one receive may bring while buffers are short, by the share of the pieces that is in use. Of the ring's 96 MiB the
 * first is for 3072 stalled connections, the second for 6144 more, the third for 18 432 more, the last for 24 576 more.
 * As much as possible at a time, since each piece costs the same work. */
const RECEIVE_MOST = [
  { bytes: 16_384, upTo: 1 / 2 },
  { bytes: 4096, upTo: 3 / 4 },
  { bytes: 1024, upTo: 15 / 16 },
  { bytes: 256, upTo: Infinity },
] as const;

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
  /** So many are held that what rests is copied together; of the one kind, of the other, of any. */
  shortOfReceived = false;
  shortOfTaken = false;
  short = false;
  readonly #pieces: Pieces;
  readonly #transport: Transport;
  readonly #shift: number;
  readonly #users: Uint16Array;
  /** Buffers below this offset are received into. */
  readonly #receiveEnd: number;
  readonly #enoughReceived: number;
  readonly #mostReceived: number;
  readonly #enoughTaken: number;
  readonly #mostTaken: number;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.memory = transport.memory;
    this.bufferBytes = transport.bufferBytes;
    this.count = transport.bufferCount;
    this.#shift = Math.log2(transport.bufferBytes);
    if (!Number.isInteger(this.#shift)) throw new RangeError('bufferBytes must be a power of two');
    this.#users = new Uint16Array(transport.bufferCount);
    this.#receiveEnd = transport.receiveCount * transport.bufferBytes;
    const sends = transport.bufferCount - transport.receiveCount;
    this.#enoughReceived = transport.receiveCount * RECEIVED_SHARE;
    this.#mostReceived = transport.receiveCount * EXHAUSTED_SHARE;
    this.#enoughTaken = sends * TAKEN_SHARE;
    this.#mostTaken = sends * SPARED_SHARE;
    this.#pieces = new Pieces(transport, Math.floor(sends * DIVIDED_SHARE));
  }

  /** A buffer has come from the transport with received bytes: one user. */
  received(offset: number): void {
    this.#users[offset >>> this.#shift] = 1;
    if (++this.heldReceived > this.#enoughReceived) this.shortOfReceived = this.short = true;
  }

  /** A buffer to write into: its offset with one user, or -1. */
  take(): number {
    const offset = this.#transport.takeBuffer();
    if (offset < 0) return NONE;
    this.#users[offset >>> this.#shift] = 1;
    if (++this.heldTaken > this.#enoughTaken) this.shortOfTaken = this.short = true;
    return offset;
  }

  hold(offset: number): void {
    const index = offset >>> this.#shift;
    const users = this.#users[index]!;
    if (users === DIVIDED) this.#pieces.hold(offset);
    else this.#users[index] = users + 1;
  }

  drop(offset: number): void {
    const index = offset >>> this.#shift;
    const before = this.#users[index]!;
    if (before === DIVIDED) {
      if (this.#pieces.drop(offset)) this.#users[index] = 0;
      return;
    }
    const users = before - 1;
    this.#users[index] = users;
    if (users > 0) return;
    if (offset < this.#receiveEnd) this.heldReceived--;
    else this.heldTaken--;
    this.#transport.releaseBuffer(offset);
  }

  /** Bytes of all pieces that there may be. */
  get restBytes(): number {
    return this.#pieces.most * this.bufferBytes;
  }

  /** Whether hardly any buffer is left to receive into. */
  get exhausted(): boolean {
    return this.heldReceived > this.#mostReceived;
  }

  isReceived(offset: number): boolean {
    return offset < this.#receiveEnd;
  }

  /** Whether one more written buffer may be held although buffers are short. */
  get hasSpare(): boolean {
    return this.heldTaken <= this.#mostTaken;
  }

  /** A piece for bytes that rest, with one user: its offset, or -1. */
  takePiece(length: number): number {
    const offset = this.#pieces.take(length);
    if (offset !== NONE) this.#users[offset >>> this.#shift] = DIVIDED;
    return offset;
  }

  isPiece(offset: number): boolean {
    return this.#users[offset >>> this.#shift] === DIVIDED;
  }

  /**
   * Puts bytes that will rest where they cost their own size, if buffers of their kind are short; the use goes with them.
   *
   * @returns Where they lie now.
   */
  settle(offset: number, length: number): number {
    if (this.isPiece(offset)) return offset;
    const taken = offset >= this.#receiveEnd;
    if (!(taken ? this.shortOfTaken : this.shortOfReceived)) return offset;
    // A piece of a whole buffer is as dear as the buffer, but it is not one that is received into.
    if (taken && this.#pieces.sizeFor(length) === this.bufferBytes) return offset;
    const piece = this.takePiece(length);
    if (piece === NONE) return offset;
    this.memory.copyWithin(piece, offset, offset + length);
    this.drop(offset);
    return piece;
  }

  /** Users of the buffer or piece; 1 means that the caller may write into it. */
  users(offset: number): number {
    const users = this.#users[offset >>> this.#shift]!;
    return users === DIVIDED ? this.#pieces.users(offset) : users;
  }

  /** First offset of the buffer or piece that holds `offset`. */
  start(offset: number): number {
    const index = offset >>> this.#shift;
    return this.#users[index] === DIVIDED ? this.#pieces.start(offset) : index << this.#shift;
  }

  /** First offset behind the buffer or piece that holds `offset`. */
  end(offset: number): number {
    const index = offset >>> this.#shift;
    return this.#users[index] === DIVIDED ? this.#pieces.end(offset) : (index + 1) << this.#shift;
  }

  /**
   * Bytes that one receive may bring; Infinity: as many as come.
   *
   * @param slack Reckons with so many times the pieces that are in use.
   */
  receiveMost(slack: number): number {
    if (!this.shortOfReceived) return Infinity;
    const rested = (this.#pieces.divided / this.#pieces.most) * slack;
    let bytes: number = this.bufferBytes;
    for (const step of RECEIVE_MOST) {
      if (step.bytes < bytes) bytes = step.bytes;
      if (rested < step.upTo) break;
    }
    return bytes;
  }

  /** Looks whether enough has come back; once a tick. */
  relieve(): void {
    if (this.heldReceived <= this.#enoughReceived * RELIEVED_AT) this.shortOfReceived = false;
    if (this.heldTaken <= this.#enoughTaken * RELIEVED_AT) this.shortOfTaken = false;
    this.short = this.shortOfReceived || this.shortOfTaken;
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
