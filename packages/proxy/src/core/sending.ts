// Sending: ranges go out one after another, each from the buffer in which it lies. Small pieces are put behind the last
// range that has not been sent yet, so that a head and a small body are one send and a slow reader holds few buffers.
import type { ChunkedParser } from '@tospann/http';
import { NONE } from './buffers.ts';
import type { Client, Outbound, Upstream } from './connection.ts';
import type { Chain } from './buffers.ts';
import type { Engine } from './engine.ts';
import { MAX_HELD_BYTES, MAX_HELD_RANGES } from './engine-options.ts';

/** Up to this many bytes are copied rather than sent from where they lie: cheaper than a second send. */
const COPY_BYTES = 4096;

/** Appends memory[offset, offset + length) to a list; the caller's own use of the buffer stays with the caller. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
export function append(engine: Engine, chain: Chain, offset: number, length: number, inFlight: boolean): void {
  const { ranges, buffers } = engine;
  const tail = chain.tail;
  if (length <= COPY_BYTES && tail !== NONE && !(inFlight && tail === chain.head)) {
    const at = ranges.offset[tail]! + ranges.length[tail]!;
    // `at` may be the start of the next buffer when this one is full: then there is no room either.
    const last = ranges.offset[tail]!;
    // Alone in its buffer; or behind it in the same one (the other use is the caller's): then the bytes move left.
    const users = buffers.start(last) === buffers.start(offset) ? 2 : 1;
    if (at + length <= buffers.end(last) && buffers.users(last) === users) {
      const memory = buffers.memory;
      if (length > 96) memory.copyWithin(at, offset, offset + length);
      else for (let i = 0; i < length; i++) memory[at + i] = memory[offset + i]!;
      ranges.length[tail]! += length;
      chain.bytes += length;
      return;
    }
  }
  buffers.hold(offset);
  chain.push(ranges, offset, length);
}

/** Trailers lie in the parser, as they may have come in pieces; false if there was no buffer for them. */
export function appendTrailers(engine: Engine, chain: Chain, parser: ChunkedParser): boolean {
  const { buffers } = engine;
  for (let done = 0; done < parser.trailerLength; done += buffers.bufferBytes) {
    const at = buffers.take();
    if (at === NONE) return false;
    const length = Math.min(parser.trailerLength - done, buffers.bufferBytes);
    buffers.memory.set(parser.trailers.subarray(done, done + length), at);
    chain.push(engine.ranges, at, length);
  }
  return true;
}

/** Lets a list rest: while buffers are short its ranges move to pieces of their size, but for one that is being sent. */
export function settle(engine: Engine, chain: Chain, inFlight: boolean): void {
  const { ranges, buffers } = engine;
  let range = inFlight ? ranges.next[chain.head]! : chain.head;
  for (; range !== NONE; range = ranges.next[range]!) {
    ranges.offset[range] = buffers.settle(ranges.offset[range]!, ranges.length[range]!);
  }
}

/** Starts the next send if none is under way. */
export function pump(engine: Engine, out: Outbound): void {
  if (out.head === NONE) return;
  if (engine.buffers.short) settle(engine, out, out.sending);
  if (out.sending) return;
  const range = out.head;
  out.sending = true;
  out.sinceMs = engine.buffers.short ? engine.transport.nowMs() : 0;
  engine.transport.send(out.handle, engine.ranges.offset[range]!, engine.ranges.length[range]!, out.count > 1);
}

/** The send under way has ended: its buffer is free. */
export function shiftSent(engine: Engine, out: Outbound): void {
  const offset = engine.ranges.offset[out.head]!;
  out.sending = false;
  out.shift(engine.ranges);
  engine.buffers.drop(offset);
}

/** Whether a list holds as much as one connection may. */
export function isFull(engine: Engine, chain: Chain): boolean {
  if (chain.count >= MAX_HELD_RANGES || chain.bytes >= MAX_HELD_BYTES) return true;
  return chain.count > 0 && engine.buffers.shortOfReceived;
}

/** As `isFull`, for a list that gets bytes which are written into buffers taken for it. */
export function isFullToWrite(engine: Engine, chain: Chain): boolean {
  return isFull(engine, chain) || (chain.count > 0 && engine.buffers.shortOfTaken);
}

/** Turns receiving on or off; does nothing when it is so already. */
export function setReceiving(engine: Engine, connection: Client | Upstream, on: boolean): void {
  if (connection.receiving === on) return;
  connection.receiving = on;
  engine.transport.receive(connection.handle, on);
}
