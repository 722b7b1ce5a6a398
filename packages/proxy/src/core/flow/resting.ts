// What requests keep as long as no server has them: while send buffers are short, their heads rest in pieces of their own
// size, and those of one backend take a quarter of all pieces at most. A backend that hangs is refused more requests (503)
// long before those of others find no place.
import type { Client } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { settle } from '../sending.ts';

/** Share of all pieces that the waiting requests of one backend may take. */
const BACKEND_SHARE = 1 / 4;
/** A head of up to so many bytes is kept for a second attempt while buffers are short. */
const REPEATED_BYTES = 1024;

/** Lets a request rest that has no server yet, while buffers are short; false when its backend has its share already. */
export function restRequest(engine: Engine, client: Client): boolean {
  const { buffers, ranges, resting } = engine;
  const { request } = client;
  settle(engine, request, false);
  if (!buffers.shortOfTaken) return true;
  const offset = ranges.offset[request.head]!;
  const backend = client.backend!.index;
  // No piece was left for it.
  if (!buffers.isPiece(offset)) return buffers.hasSpare;
  const bytes = buffers.end(offset) - buffers.start(offset);
  if (resting[backend]! + bytes > buffers.restBytes * BACKEND_SHARE) return false;
  resting[backend]! += bytes;
  client.restBytes = bytes;
  client.restsFor = backend;
  return true;
}

/** The request has gone to a server, or will never go. */
export function endRest(engine: Engine, client: Client): void {
  if (client.restBytes === 0) return;
  engine.resting[client.restsFor]! -= client.restBytes;
  client.restBytes = 0;
}

/** Whether the head at `offset` may be kept for a second attempt once it has been sent. */
export function mayKeepHead(engine: Engine, offset: number): boolean {
  const { buffers } = engine;
  if (!buffers.shortOfTaken) return true;
  return buffers.isPiece(offset) && buffers.end(offset) - buffers.start(offset) <= REPEATED_BYTES;
}
