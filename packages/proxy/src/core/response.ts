// Answers: from a server's bytes to ranges that go to the client. Interim answers are passed on; a final one is framed
// for the client, gets the session cookie, and its body goes on from the buffers in which it came. What breaks before
// the head is a 502 or a retry; what breaks behind it is cut with RST, so that it is never taken for complete.
import {
  BodyKind,
  CHUNKED_DONE,
  ChunkedParser,
  ChunkResult,
  ConnectionChoice,
  Fault,
  FIELD_STRIDE,
  fieldName,
  findField,
  isAcceptOf,
  Method,
  NEED_MORE,
  OK,
  ResponseFlag,
  VALUE_END,
  VALUE_START,
} from '@tospann/http';
import { answerLocally } from './answers.ts';
import { NONE } from './buffers.ts';
import { dropClient, finishIfSent } from './client.ts';
import { beginEncoding, encodeReceived, encodingGoesOn, finishEncoding } from './compress/encode.ts';
import { SetCookieState, UpstreamPhase, type Client, type Upstream } from './connection.ts';
import { closeUpstream, detach, freePlace, repeat, retireUpstream } from './dispatch.ts';
import type { Engine } from './engine.ts';
import { MAX_INTERIM_ANSWERS } from './engine-options.ts';
import { noteAnswer, noteAnswerFault, noteConnectionFault } from './health/faults.ts';
import { RetryCause, retryAnswer } from './flow/retry.ts';
import { isEventStream } from './event-stream.ts';
import { joinHead, keepHead } from './partial-head.ts';
import { isGone } from './replace.ts';
import { writeCookie } from './persistence/answer-cookie.ts';
import { append, appendTrailers, isFull, pump, setReceiving, settle, shiftSent } from './sending.ts';
import { ServerCounter } from './shared.ts';
import { beginTunnel, endTunnelIfDone, tunnelFromServer } from './tunnel.ts';

const EMPTY = new Uint8Array(0);
const WEBSOCKET_ACCEPT = fieldName('Sec-WebSocket-Accept');

/** Bytes have come from a server; the buffer has one use, which is the callee's. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
export function upstreamReceived(engine: Engine, upstream: Upstream, offset: number, length: number): void {
  switch (upstream.phase) {
    case UpstreamPhase.HEAD:
      readAnswer(engine, upstream, offset, length);
      return;
    case UpstreamPhase.BODY:
      answerBody(engine, upstream, offset, length);
      return;
    case UpstreamPhase.TUNNEL:
      tunnelFromServer(engine, upstream, offset, length);
      return;
    case UpstreamPhase.IDLE:
      // Nobody asked: whatever it is must not become the answer to the next request.
      engine.buffers.drop(offset);
      closeUpstream(engine, upstream, true);
      return;
    default:
      engine.buffers.drop(offset);
  }
}

/** The server has sent FIN. */
export function upstreamEnded(engine: Engine, upstream: Upstream): void {
  upstream.ended = true;
  const client = upstream.client;
  if (upstream.phase === UpstreamPhase.TUNNEL) {
    tunnelFromServer(engine, upstream, NONE, 0);
    return;
  }
  if (client === null) {
    closeUpstream(engine, upstream, false);
    return;
  }
  if (encodingGoesOn(client, false)) return;
  if (upstream.phase === UpstreamPhase.BODY && upstream.bodyKind === BodyKind.UNTIL_CLOSE) {
    if (client.encoding !== null) {
      finishEncoding(engine, client, upstream);
      return;
    }
    answerComplete(engine, client, upstream);
    pump(engine, client.out);
    finishIfSent(engine, client);
    return;
  }
  upstreamLost(engine, client, upstream);
}

/** The server's connection broke. */
export function upstreamFailed(engine: Engine, upstream: Upstream, errno: number): void {
  const client = upstream.client;
  if (client === null || upstream.phase === UpstreamPhase.CLOSING) {
    closeUpstream(engine, upstream, true);
    return;
  }
  if (upstream.phase === UpstreamPhase.TUNNEL) {
    client.endCause = 83;
    client.endPhase = 68;
    dropClient(engine, client, true);
    return;
  }
  upstream.ended = errno !== 0;
  if (encodingGoesOn(client, true)) return;
  upstreamLost(engine, client, upstream);
}

/** A send to the server has ended. */
export function upstreamSent(engine: Engine, upstream: Upstream): void {
  const out = upstream.out;
  shiftSent(engine, out);
  const client = upstream.client;
  if (upstream.phase === UpstreamPhase.CLOSING) return;
  pump(engine, out);
  if (out.finAfter && out.head === NONE) {
    out.finAfter = false;
    engine.transport.shutdownSend(upstream.handle);
  }
  if (client === null) return;
  if (upstream.phase === UpstreamPhase.TUNNEL) endTunnelIfDone(engine, client);
  if (upstream.client === null) return;
  if (!client.requestDone || upstream.phase === UpstreamPhase.TUNNEL) {
    if (!client.receiving && !client.inputEnded && !isFull(engine, out)) {
      setReceiving(engine, client, true);
      engine.rearmClient(client);
    }
    engine.watchUpstream(upstream);
  }
}

/** The connection is gone before the answer was complete: repeat, 502, or cut the answer. */
export function upstreamLost(engine: Engine, client: Client, upstream: Upstream): void {
  const untouched = !upstream.touched && !client.answering && client.interims === 0;
  // A pooled connection that ends before the answer may just have been idle for too long.
  if (!upstream.reused || !untouched) noteConnectionFault(engine, upstream.server);
  if (untouched && client.repeatOffset !== NONE && !client.repeated) {
    repeat(engine, client, upstream, false);
    return;
  }
  engine.counters[upstream.server.counter + ServerCounter.responseErrors]! += 1;
  const cause = upstream.touched ? RetryCause.BAD_ANSWER : RetryCause.EMPTY;
  if (retryAnswer(engine, client, upstream, cause)) return;
  if (client.endCause === 45) {
    client.endCause = 83;
    client.endPhase = client.answering ? 68 : 72;
  }
  if (client.answering) dropClient(engine, client, true);
  else answerLocally(engine, client, 502);
}

// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function readAnswer(engine: Engine, upstream: Upstream, offset: number, length: number): void {
  const client = upstream.client!;
  upstream.touched = true;
  if (!joinHead(engine, upstream, offset, length)) {
    upstreamLost(engine, client, upstream);
    return;
  }
  const { restOffset, restLength } = engine.place;
  if (restLength === 0) {
    parseAnswer(engine, client, upstream);
    return;
  }
  // What did not fit behind a head that came in pieces. While it waits, nobody else gets the connection.
  upstream.unread = restLength;
  parseAnswer(engine, client, upstream);
  upstream.unread = 0;
  upstreamReceived(engine, upstream, restOffset, restLength);
}

/** Parses the heads in the buffer of `engine.place`, interim ones and the final one. */
function parseAnswer(engine: Engine, client: Client, upstream: Upstream): void {
  const place = engine.place;
  for (;;) {
    const result = engine.answerHead.parse(place.at, place.end, place.seen);
    if (result === NEED_MORE) {
      keepHead(engine, upstream);
      engine.watchUpstream(upstream);
      return;
    }
    if (upstream.partial !== null) upstream.partial.length = 0;
    if (result !== OK) {
      engine.buffers.drop(place.at);
      badAnswer(engine, client, upstream);
      return;
    }
    const status = engine.answerHead.status;
    if (status >= 200 || status === 101) break;
    if (!passInterim(engine, client)) {
      engine.buffers.drop(place.at);
      badAnswer(engine, client, upstream);
      return;
    }
    const next = engine.answerHead.headEnd;
    if (next === place.end) {
      engine.buffers.drop(place.at);
      pump(engine, client.out);
      return;
    }
    place.at = next;
    place.seen = 0;
  }
  beginAnswer(engine, client, upstream);
}

/** The server does not speak HTTP here: its connection is closed and the client gets 502. */
function badAnswer(engine: Engine, client: Client, upstream: Upstream): void {
  engine.counters[upstream.server.counter + ServerCounter.responseErrors]! += 1;
  noteAnswerFault(engine, upstream.server);
  if (retryAnswer(engine, client, upstream, RetryCause.BAD_ANSWER)) return;
  client.endCause = 80;
  client.endPhase = 72;
  answerLocally(engine, client, 502);
}

/** Passes 100, 103 and the like on; a client of HTTP/1.0 does not know them. */
function passInterim(engine: Engine, client: Client): boolean {
  if (++client.interims > MAX_INTERIM_ANSWERS) return false;
  if (client.minorVersion === 0) return true;
  const writer = engine.answerWriter;
  writer.framing = BodyKind.NONE;
  writer.connection = ConnectionChoice.NONE;
  writer.insert = EMPTY;
  writer.cachePrivate = false;
  writer.edits = null;
  const target = engine.buffers.take();
  if (target === NONE) return false;
  const stop = writer.write(target, engine.buffers.end(target));
  if (stop < 0) {
    engine.buffers.drop(target);
    return false;
  }
  append(engine, client.out, target, stop - target, client.out.sending);
  engine.buffers.drop(target);
  return true;
}

/** The final answer's head is parsed, in the buffer of `engine.place`. */
function beginAnswer(engine: Engine, client: Client, upstream: Upstream): void {
  const head = engine.answerHead;
  const { at, end } = engine.place;
  if (head.status === 101) {
    if (isUpgraded(engine, client)) beginTunnel(engine, client, upstream);
    else {
      engine.buffers.drop(at);
      badAnswer(engine, client, upstream);
    }
    return;
  }
  if (engine.retry !== null && retryStatus(engine, client, upstream, head.status)) {
    engine.buffers.drop(at);
    return;
  }
  client.answerMs = engine.transport.nowMs();
  const kind = head.bodyKind(client.method === Method.HEAD);
  upstream.bodyKind = kind;
  upstream.bodyLeft = head.contentLength;
  upstream.keepAlive =
    (head.flags & (ResponseFlag.KEEP_ALIVE | ResponseFlag.NO_REUSE)) === ResponseFlag.KEEP_ALIVE &&
    kind !== BodyKind.UNTIL_CLOSE &&
    !engine.options.http.serverClose;
  if (!writeAnswerHead(engine, client, kind)) {
    engine.buffers.drop(at);
    dropClient(engine, client, true);
    return;
  }
  engine.dropRepeat(client);
  noteAnswer(engine, upstream.server, head.status);
  client.answering = true;
  client.eventStream = kind >= BodyKind.CHUNKED && isEventStream(head);
  client.status = head.status;
  const responses = upstream.server.counter + ServerCounter.responses;
  if (head.status < 600 && !client.probe) engine.counters[responses + ((head.status / 100) | 0) - 1]! += 1;
  upstream.phase = UpstreamPhase.BODY;
  upstream.headQueued = true;
  const body = head.headEnd;
  if (body < end) answerBody(engine, upstream, body, end - body);
  else {
    engine.buffers.drop(body - 1);
    if (kind === BodyKind.NONE) answerComplete(engine, client, upstream);
    afterAnswerBytes(engine, client, upstream);
  }
}

/** Whether a 101 is the one that was asked for: to websocket, with the answer to the client's key (RFC 6455 4.2.2). */
function isUpgraded(engine: Engine, client: Client): boolean {
  const head = engine.answerHead;
  if (!client.wantsUpgrade || (head.flags & ResponseFlag.WEBSOCKET) === 0) return false;
  const entry = findField(head, WEBSOCKET_ACCEPT, 0);
  if (entry < 0 || findField(head, WEBSOCKET_ACCEPT, entry + FIELD_STRIDE) >= 0) return false;
  const { entries } = head.fields;
  return isAcceptOf(client.websocketKey!, head.memory, entries[entry + VALUE_START]!, entries[entry + VALUE_END]!);
}

/** Whether the request is tried again because of the answer's status; that answer is counted all the same. */
// oxlint-disable-next-line max-params -- long: no object for a failure
function retryStatus(engine: Engine, client: Client, upstream: Upstream, status: number): boolean {
  const server = upstream.server;
  if (!retryAnswer(engine, client, upstream, status)) return false;
  noteAnswer(engine, server, status);
  if (status < 600 && !client.probe) {
    engine.counters[server.counter + ServerCounter.responses + ((status / 100) | 0) - 1]! += 1;
  }
  return true;
}

/** How the client finds the end of the body, and whether its connection can stay open behind it. */
function frameForClient(engine: Engine, client: Client, kind: number): number {
  const encoded = client.frontend.compression !== null && beginEncoding(engine, client, kind);
  let framing: number = encoded ? BodyKind.CHUNKED : kind;
  if (kind === BodyKind.CHUNKED) {
    const decode = encoded || client.minorVersion === 0;
    const upstream = client.upstream!;
    upstream.chunked ??= new ChunkedParser({ keepTrailers: true });
    upstream.chunked.reset(decode);
    if (decode && !encoded) framing = BodyKind.UNTIL_CLOSE;
  }
  // Without the whole request nobody knows where the next one begins.
  const leaving = engine.draining || engine.standby || isGone(engine, client);
  if (framing === BodyKind.UNTIL_CLOSE || !client.requestDone || leaving) client.keepAlive = false;
  return framing;
}

/** Writes the client's head into a buffer of its own and queues it; false when there is no buffer. */
function writeAnswerHead(engine: Engine, client: Client, kind: number): boolean {
  const writer = engine.answerWriter;
  writer.framing = frameForClient(engine, client, kind);
  if (!client.keepAlive) writer.connection = ConnectionChoice.CLOSE;
  else writer.connection = client.minorVersion === 0 ? ConnectionChoice.KEEP_ALIVE : ConnectionChoice.NONE;
  writeCookie(engine, client);
  writer.edits = client.answerEdits;
  const target = engine.buffers.take();
  if (target === NONE) return false;
  const stop = writer.write(target, engine.buffers.end(target));
  if (stop < 0) {
    engine.buffers.drop(target);
    return false;
  }
  client.bytesOut += stop - target;
  client.out.push(engine.ranges, target, stop - target);
  return true;
}

// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function answerBody(engine: Engine, upstream: Upstream, offset: number, length: number): void {
  const client = upstream.client!;
  if (client.encoding !== null) {
    encodeReceived(engine, upstream, offset, length);
    return;
  }
  const out = client.out;
  const before = out.bytes;
  let done = false;
  switch (upstream.bodyKind) {
    case BodyKind.LENGTH: {
      const taken = upstream.bodyLeft < length ? upstream.bodyLeft : length;
      append(engine, out, offset, taken, out.sending);
      upstream.bodyLeft -= taken;
      done = upstream.bodyLeft === 0;
      if (taken < length) upstream.keepAlive = false; // bytes that belong to no answer
      break;
    }
    case BodyKind.CHUNKED: {
      const result = answerChunks(engine, client, upstream, offset, offset + length);
      if (result > 0) {
        engine.buffers.drop(offset);
        brokenAnswer(engine, client, upstream);
        return;
      }
      done = result === CHUNKED_DONE;
      break;
    }
    case BodyKind.UNTIL_CLOSE:
      append(engine, out, offset, length, out.sending);
      break;
    default:
      // No body is allowed here: drop the bytes and the connection.
      upstream.keepAlive = false;
      done = true;
  }
  client.bytesOut += out.bytes - before;
  engine.buffers.drop(offset);
  if (done) answerComplete(engine, client, upstream);
  afterAnswerBytes(engine, client, upstream);
}

/** The answer's chunk framing is broken. As long as nothing of it has gone out, 502 can still be said. */
export function brokenAnswer(engine: Engine, client: Client, upstream: Upstream): void {
  if (upstream.headQueued && !client.out.sending && client.interims === 0) {
    client.out.clear(engine.ranges, engine.buffers);
    client.bytesOut = 0;
    client.setCookie = SetCookieState.NONE;
    client.answering = false;
    badAnswer(engine, client, upstream);
    return;
  }
  client.endCause = 80;
  client.endPhase = 68;
  upstreamLost(engine, client, upstream);
}

/** CHUNKED_DONE, 0 for more, or a fault (above 0). */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function answerChunks(engine: Engine, client: Client, upstream: Upstream, offset: number, end: number): number {
  const parser = upstream.chunked!;
  let at = offset;
  for (;;) {
    const result = parser.next(engine.buffers.memory, at, end);
    if (result > ChunkResult.SPAN) return result;
    const span = parser.spanEnd - parser.spanStart;
    if (span > 0) append(engine, client.out, parser.spanStart, span, client.out.sending);
    if (result === CHUNKED_DONE) {
      if (parser.trailerLength > 0 && !appendTrailers(engine, client.out, parser)) return Fault.TRAILERS_TOO_LARGE;
      if (parser.position < end) upstream.keepAlive = false;
      return CHUNKED_DONE;
    }
    if (result === ChunkResult.MORE) return 0;
    at = parser.position;
  }
}

/** The whole answer is here: the server's part is over. */
export function answerComplete(engine: Engine, client: Client, upstream: Upstream): void {
  client.answered = true;
  // An answer to what has not even been sent was nobody's; and what the server has not taken would wait there for ever.
  const clean = client.requestDone && upstream.out.head === NONE;
  const server = upstream.server;
  detach(engine, client, upstream);
  retireUpstream(engine, upstream, clean);
  freePlace(engine, client, server);
}

/** Sends what has come, and stops the server's side when the client is slower. */
export function afterAnswerBytes(engine: Engine, client: Client, upstream: Upstream): void {
  const out = client.out;
  upstream.headQueued = false;
  if (out.head !== NONE && !out.sending) {
    engine.wheel.set(client.handle, engine.transport.nowMs() + engine.options.timeouts.clientMs);
    pump(engine, out);
  } else if (engine.buffers.short && out.head !== NONE) settle(engine, out, true);
  if (client.answered) {
    finishIfSent(engine, client);
    return;
  }
  if (!upstream.muchExpected) {
    upstream.muchExpected = true;
    engine.transport.expectMuch(upstream.handle);
  }
  if (isFull(engine, out)) setReceiving(engine, upstream, false);
  engine.watchUpstream(upstream);
}
