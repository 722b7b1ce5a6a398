// Heads that come in pieces: what has come is kept outside the transport's buffers, and put before the next bytes.
import { NONE } from './buffers.ts';
import { Partial, type Client, type Upstream } from './connection.ts';
import type { Engine } from './engine.ts';

/** Where a head lies that is to be parsed. One object for all, filled by `joinHead`. */
export class HeadPlace {
  /** First byte. */
  at = 0;
  end = 0;
  /** Bytes from `at` on that have been parsed before. */
  seen = 0;
  /** Bytes behind a full buffer, in a buffer of their own; length 0: none. */
  restOffset = 0;
  restLength = 0;
}

/**
 * Puts the begun head before memory[offset, offset + length). Takes over the caller's use of that buffer; the result
 * lies in a buffer with one use.
 *
 * @returns False if there was no buffer for it: the connection must be closed.
 */
// oxlint-disable-next-line max-params -- long: a range object would be allocated
export function joinHead(engine: Engine, connection: Client | Upstream, offset: number, length: number): boolean {
  const place = engine.place;
  const partial = connection.partial;
  place.at = offset;
  place.end = offset + length;
  place.seen = 0;
  place.restLength = 0;
  if (partial === null || partial.length === 0) return true;
  const { buffers } = engine;
  const { memory, bufferBytes } = buffers;
  place.seen = partial.length;
  const fits = Math.min(length, bufferBytes - partial.length);
  const isPiece = buffers.isPiece(offset);
  let at = buffers.start(offset);
  if (fits < length || isPiece) {
    at = buffers.take();
    if (at === NONE) {
      buffers.drop(offset);
      return false;
    }
    if (fits < length) {
      place.restOffset = offset + fits;
      place.restLength = length - fits;
    }
  }
  memory.copyWithin(at + partial.length, offset, offset + fits);
  if (isPiece && fits === length) buffers.drop(offset);
  memory.set(partial.bytes.subarray(0, partial.length), at);
  place.at = at;
  place.end = at + partial.length + fits;
  return true;
}

/** Keeps what `joinHead` has placed until more comes, and gives the buffer back. */
export function keepHead(engine: Engine, connection: Client | Upstream): void {
  const { at, end, seen } = engine.place;
  connection.partial ??= new Partial();
  connection.partial.save(engine.buffers.memory, at + seen, end - at - seen);
  engine.buffers.drop(at);
}
