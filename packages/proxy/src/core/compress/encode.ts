// Compressed answers: from the server's bytes to chunks of compressed ones. Received ranges wait in `raw` until their
// slice's turn; the output goes into buffers of its own, as chunks. Back-pressure is as for plain answers: while the
// client's list is full nothing is compressed, and the server is not read. What breaks is never ended properly.
import {
  BodyKind,
  CHUNKED_DONE,
  ChunkResult,
  Fault,
  LAST_CHUNK,
  Method,
  OK,
  putChunkSize,
  ResponseFlag,
} from '@tospann/http';
import { NONE } from '../buffers.ts';
import { dropClient } from '../client.ts';
import type { Client, Upstream } from '../connection.ts';
import { answerEdits } from '../edits.ts';
import type { Engine } from '../engine.ts';
import { afterAnswerBytes, answerComplete, brokenAnswer, upstreamLost } from '../response.ts';
import { append, isFullToWrite, setReceiving, settle } from '../sending.ts';
import { FrontendCounter } from '../shared.ts';
import { Coding } from './coding.ts';
import { Step } from './compressors.ts';
import { type Compression, type Encoding, SLICE_BYTES } from './compression.ts';

/** Received ranges that wait to be compressed; then the server is not read any more. */
const MAX_RAW_RANGES = 2;
/** Room for the longest size line before a chunk, and for CR LF behind it. */
const BEFORE_CHUNK = 8;
const BEHIND_CHUNK = 2;
const NOT_MODIFIED = 304;
const CR = 13;
const LF = 10;

/**
 * Decides about the answer whose head the engine's parser holds, and asks for the edits of its head. The client's
 * `encoding` is set when its body is to be compressed (never for HEAD).
 *
 * @returns Whether the head is that of a compressed answer, which is always chunked.
 */
export function beginEncoding(engine: Engine, client: Client, kind: number): boolean {
  const plan = client.frontend.compression;
  const { compression } = engine;
  if (plan === null || compression === null) return false;
  const head = engine.answerHead;
  if (head.status === NOT_MODIFIED) {
    if (compression.editor.isAboutCompressible(plan)) {
      compression.editor.editNotModified(answerEdits(engine, client), client.coding);
    }
    return false;
  }
  const toHead = client.method === Method.HEAD;
  if (kind === BodyKind.NONE && !toHead) return false;
  const known = (head.flags & ResponseFlag.LENGTH_GIVEN) !== 0 ? head.contentLength : -1;
  if (!compression.editor.isCompressible(plan, known)) return false;
  let coding = client.coding;
  if (coding !== Coding.NONE && !toHead) {
    const level = coding === Coding.GZIP ? plan.gzipLevel : plan.brotliQuality;
    client.encoding = compression.begin(client, coding, level);
    if (client.encoding === null) coding = Coding.NONE;
    else engine.counters[client.frontend.counter + FrontendCounter.compressedAnswers]! += 1;
  }
  compression.editor.edit(answerEdits(engine, client), coding);
  return coding !== Coding.NONE;
}

/** Gives up what is being compressed: the answer is complete, or will never be. */
export function endEncoding(engine: Engine, client: Client): void {
  const encoding = client.encoding;
  if (encoding === null) return;
  client.encoding = null;
  encoding.raw.clear(engine.ranges, engine.buffers);
  engine.compression!.end(encoding);
}

/** Bytes of the answer's body have come; the buffer's one use is the callee's. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
export function encodeReceived(engine: Engine, upstream: Upstream, offset: number, length: number): void {
  const encoding = upstream.client!.encoding!;
  encoding.raw.push(engine.ranges, offset, length);
  if (isRawFull(engine, encoding)) setReceiving(engine, upstream, false);
  if (!encoding.queued) work(engine, encoding, false);
  // What could not be compressed rests until the client has read.
  if (engine.buffers.short && encoding.raw.head !== NONE) settle(engine, encoding.raw, false);
}

function isRawFull(engine: Engine, { raw }: Encoding): boolean {
  return raw.count >= MAX_RAW_RANGES || (raw.count > 0 && engine.buffers.shortOfReceived);
}

/** The server's connection has ended or broken; true if bytes that came before are still to be compressed. */
export function encodingGoesOn(client: Client, broken: boolean): boolean {
  const encoding = client.encoding;
  if (encoding === null || encoding.raw.head === NONE) return false;
  encoding.ended = true;
  encoding.broken = broken;
  return true;
}

/** The end of the body is the end of the connection, which has come. */
export function finishEncoding(engine: Engine, client: Client, upstream: Upstream): void {
  if (!emit(engine, client.encoding!, Step.FINISH) || !putLastChunk(engine, client)) {
    dropClient(engine, client, true);
    return;
  }
  endEncoding(engine, client);
  answerComplete(engine, client, upstream);
  afterAnswerBytes(engine, client, upstream);
}

/** The client has taken something: there may be room for more. */
export function resumeEncoding(engine: Engine, encoding: Encoding): void {
  if (!encoding.queued) work(engine, encoding, false);
}

/** A turn of the loop for those who wait. */
export function encodeTurn(engine: Engine, compression: Compression): void {
  compression.askedAgain = false;
  compression.newTurn();
  while (compression.first !== null && compression.mayWork(engine.transport.nowMs())) {
    const encoding = compression.first;
    compression.remove(encoding);
    work(engine, encoding, true);
  }
  if (compression.first !== null) askAgain(engine, compression);
}

function askAgain(engine: Engine, compression: Compression): void {
  if (compression.askedAgain) return;
  compression.askedAgain = true;
  engine.transport.again();
}

/** Compresses slices until there is nothing to do, no room, or no more time; `once`: one slice, others wait. */
function work(engine: Engine, encoding: Encoding, once: boolean): void {
  const compression = engine.compression!;
  const client = encoding.client!;
  const upstream = client.upstream!;
  let slices = 0;
  while (encoding.raw.head !== NONE && !isFullToWrite(engine, client.out)) {
    if ((once && slices > 0) || !compression.mayWork(engine.transport.nowMs())) {
      compression.push(encoding);
      askAgain(engine, compression);
      break;
    }
    slices++;
    const result = slice(engine, client, upstream);
    if (result === OK) continue;
    if (result === CHUNKED_DONE) finishEncoding(engine, client, upstream);
    else if (result === Fault.ANSWER_TOO_LARGE) dropClient(engine, client, true);
    else brokenAnswer(engine, client, upstream);
    return;
  }
  if (encoding.raw.head === NONE && !caughtUp(engine, encoding, upstream)) return;
  afterAnswerBytes(engine, client, upstream);
  readOn(engine, encoding, upstream);
}

/** Receives from the server again if there is room for it. */
function readOn(engine: Engine, encoding: Encoding, upstream: Upstream): void {
  if (encoding.ended || upstream.receiving || isRawFull(engine, encoding)) return;
  if (isFullToWrite(engine, encoding.client!.out)) return;
  setReceiving(engine, upstream, true);
  engine.watchUpstream(upstream);
}

/** All that has come is compressed. False if that was the end of the answer, one way or the other. */
function caughtUp(engine: Engine, encoding: Encoding, upstream: Upstream): boolean {
  const client = encoding.client!;
  if (encoding.ended) {
    if (upstream.bodyKind === BodyKind.UNTIL_CLOSE && !encoding.broken) finishEncoding(engine, client, upstream);
    else upstreamLost(engine, client, upstream);
    return false;
  }
  // A server that pauses in a body of unknown length may be waiting for the reader.
  if (!encoding.dirty || !encoding.paused || upstream.bodyKind === BodyKind.LENGTH) return true;
  encoding.dirty = false;
  if (emit(engine, encoding, Step.FLUSH)) return true;
  dropClient(engine, client, true);
  return false;
}

/** Takes a slice of the first range: OK, CHUNKED_DONE at the body's end, or a fault (ANSWER_TOO_LARGE: no buffer). */
function slice(engine: Engine, client: Client, upstream: Upstream): number {
  const encoding = client.encoding!;
  const { raw } = encoding;
  const { ranges, buffers } = engine;
  const range = raw.head;
  const offset = ranges.offset[range]!;
  const length = ranges.length[range]!;
  const size = length < SLICE_BYTES ? length : SLICE_BYTES;
  engine.compression!.spend(encoding, size);
  encoding.paused = offset + length < buffers.end(offset);
  const result = takeBody(engine, upstream, offset, size);
  if (size === length) {
    raw.shift(ranges);
    buffers.drop(offset);
  } else {
    ranges.offset[range] = offset + size;
    ranges.length[range] = length - size;
    raw.bytes -= size;
  }
  // Bytes that belong to no answer.
  if (result === CHUNKED_DONE && raw.head !== NONE) upstream.keepAlive = false;
  return result;
}

// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function takeBody(engine: Engine, upstream: Upstream, offset: number, size: number): number {
  const encoding = upstream.client!.encoding!;
  if (upstream.bodyKind === BodyKind.CHUNKED) return takeChunks(engine, upstream, offset, offset + size);
  const isLength = upstream.bodyKind === BodyKind.LENGTH;
  const taken = isLength && upstream.bodyLeft < size ? upstream.bodyLeft : size;
  if (!feed(engine, encoding, offset, taken)) return Fault.ANSWER_TOO_LARGE;
  if (!isLength) return OK;
  upstream.bodyLeft -= taken;
  if (taken < size) upstream.keepAlive = false;
  return upstream.bodyLeft === 0 ? CHUNKED_DONE : OK;
}

// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function takeChunks(engine: Engine, upstream: Upstream, offset: number, end: number): number {
  const parser = upstream.chunked!;
  let at = offset;
  for (;;) {
    const result = parser.next(engine.buffers.memory, at, end);
    if (result > ChunkResult.SPAN) return result === Fault.ANSWER_TOO_LARGE ? Fault.BAD_CHUNK : result;
    const span = parser.spanEnd - parser.spanStart;
    if (span > 0 && !feed(engine, upstream.client!.encoding!, parser.spanStart, span)) return Fault.ANSWER_TOO_LARGE;
    if (result === CHUNKED_DONE) {
      if (parser.position < end) upstream.keepAlive = false;
      return CHUNKED_DONE;
    }
    if (result === ChunkResult.MORE) return OK;
    at = parser.position;
  }
}

/** Gives bytes to the compressor and sends what comes out; false if there is no buffer for it. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function feed(engine: Engine, encoding: Encoding, offset: number, length: number): boolean {
  if (length === 0) return true;
  encoding.lent!.compressor.input(offset, length);
  encoding.dirty = true;
  engine.counters[encoding.client!.frontend.counter + FrontendCounter.compressedBytesIn]! += length;
  return emit(engine, encoding, Step.PROCESS);
}

/** Runs the compressor; its output becomes chunks in the client's list. False if there is no buffer for it. */
function emit(engine: Engine, encoding: Encoding, step: number): boolean {
  const client = encoding.client!;
  const { compressor } = encoding.lent!;
  const { buffers } = engine;
  do {
    const buffer = buffers.take();
    if (buffer === NONE) return false;
    const from = buffer + BEFORE_CHUNK;
    const written = compressor.step(step, from, buffers.end(buffer) - from - BEHIND_CHUNK);
    if (written > 0) putChunk(engine, client, from, written);
    buffers.drop(buffer);
  } while (compressor.more);
  return true;
}

/** Frames memory[from, from + length) as a chunk where it lies, and appends it to the client's list. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function putChunk(engine: Engine, client: Client, from: number, length: number): void {
  const { memory } = engine.buffers;
  const digits = length < 16 ? 1 : length < 256 ? 2 : length < 4096 ? 3 : length < 65_536 ? 4 : 5;
  const start = from - digits - 2;
  putChunkSize(memory, start, length);
  memory[from + length] = CR;
  memory[from + length + 1] = LF;
  const total = digits + 2 + length + BEHIND_CHUNK;
  append(engine, client.out, start, total, client.out.sending);
  client.bytesOut += total;
  engine.counters[client.frontend.counter + FrontendCounter.compressedBytesOut]! += length;
}

function putLastChunk(engine: Engine, client: Client): boolean {
  const buffer = engine.buffers.take();
  if (buffer === NONE) return false;
  engine.buffers.memory.set(LAST_CHUNK, buffer);
  append(engine, client.out, buffer, LAST_CHUNK.length, client.out.sending);
  engine.buffers.drop(buffer);
  client.bytesOut += LAST_CHUNK.length;
  return true;
}
