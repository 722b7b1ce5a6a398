// The client's side: bytes from clients, end of an answer, time-outs, closing. One request at a time is taken from a
// connection; what is pipelined behind it waits, bounded, and is answered in order. RFC 9112 sections 9.3 and 9.6.
import { DEFAULT_MAX_FIELDS, Fault, faultStatus, NEED_MORE, OK } from '@tospann/http';
import { answerLocally } from './answers.ts';
import { NONE } from './buffers.ts';
import { resumeEncoding } from './compress/encode.ts';
import { ClientPhase, Wait, type Client } from './connection.ts';
import { abortUpstream, assign } from './dispatch.ts';
import type { Engine } from './engine.ts';
import { LINGER_BYTES, LINGER_MS } from './engine-options.ts';
import { beginRefusal, countRefusal, finish } from './finish.ts';
import { leaveQueue } from './flow/queue.ts';
import { endRest } from './flow/resting.ts';
import { joinHead, keepHead } from './partial-head.ts';
import { proxyHeaderReceived } from './proxy-protocol/accept.ts';
import { moveClient } from './replace.ts';
import { nameClient } from './client-names.ts';
import { requestBody, startRequest } from './request.ts';
import { answerHeld, heldReceived, leaveHeld, leaveTarpit } from './rules/hold.ts';
import { isSelfProbe } from './self-probe.ts';
import { append, isFull, pump, setReceiving, settle, shiftSent } from './sending.ts';
import { FrontendCounter } from './shared.ts';
import { streamEnded, streamExpired, streamReceived } from './tcp/stream.ts';
import { endTunnelIfDone, tunnelExpired, tunnelFromClient } from './tunnel.ts';

/** Pipelined ranges and bytes that wait on one connection before its receiving is stopped. */
const MAX_PIPELINED_RANGES = 2;
const MAX_PIPELINED_BYTES = 4096;

/** Bytes have come; the buffer has one use, which is the callee's. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
export function clientReceived(engine: Engine, client: Client, offset: number, length: number): void {
  switch (client.phase) {
    case ClientPhase.HEAD:
      readHead(engine, client, offset, length);
      // What stood behind a full head buffer goes on here.
      if (client.input.head !== NONE) takeInput(engine, client);
      return;
    case ClientPhase.BUSY:
      if (!client.requestDone) requestBody(engine, client, offset, length);
      else if (client.wait === Wait.TARPIT) heldReceived(engine, client, offset, length);
      else keepPipelined(engine, client, offset, length);
      return;
    case ClientPhase.TUNNEL:
      tunnelFromClient(engine, client, offset, length);
      return;
    case ClientPhase.STREAM:
      streamReceived(engine, client, offset, length);
      return;
    case ClientPhase.PROXY:
      proxyHeaderReceived(engine, client, offset, length);
      return;
    case ClientPhase.LINGER:
      engine.buffers.drop(offset);
      client.wasted += length;
      if (client.wasted > LINGER_BYTES) closeClient(engine, client, true);
      return;
    default:
      engine.buffers.drop(offset);
  }
}

/** Bytes behind a request under way wait: small ones together in one place, and not many of them. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function keepPipelined(engine: Engine, client: Client, offset: number, length: number): void {
  const { input } = client;
  append(engine, input, offset, length, false);
  engine.buffers.drop(offset);
  if (engine.buffers.short) settle(engine, input, false);
  const most = engine.buffers.shortOfReceived ? 1 : MAX_PIPELINED_RANGES;
  if (input.count >= most || input.bytes >= MAX_PIPELINED_BYTES) setReceiving(engine, client, false);
}

/** The client has sent FIN. What it has asked for is still answered. */
export function clientEnded(engine: Engine, client: Client): void {
  client.inputEnded = true;
  switch (client.phase) {
    case ClientPhase.HEAD:
      if (isBegun(client)) logUnanswered(engine, client, 67);
      else logEmpty(engine, client, 67);
      closeClient(engine, client, false);
      return;
    case ClientPhase.BUSY:
      if (client.wait === Wait.TARPIT) {
        leaveHeld(engine, client, false);
        return;
      }
      if (isTakenAsGone(client)) {
        giveUp(engine, client);
        return;
      }
      if (client.requestDone && !(client.answering && client.eventStream)) return;
      client.endCause = 67;
      client.endPhase = 68;
      if (!client.answering) client.status = 400;
      dropClient(engine, client, false);
      return;
    case ClientPhase.TUNNEL:
      tunnelFromClient(engine, client, NONE, 0);
      return;
    case ClientPhase.STREAM:
      streamEnded(engine, client);
      return;
    default:
      closeClient(engine, client, false);
  }
}

/** Whether FIN means that the client has left: nobody works for it yet, or its backend wants it so. */
function isTakenAsGone(client: Client): boolean {
  if (client.wait === Wait.QUEUE) return true;
  return client.backend !== null && client.backend.abortOnClose && client.requestDone && !client.answering;
}

/** The client has left before its answer began: what is under way for it ends. */
export function giveUp(engine: Engine, client: Client): void {
  client.endCause = 67;
  client.endPhase = client.wait === Wait.QUEUE ? 81 : client.wait === Wait.ANSWER ? 72 : 67;
  if (client.wait === Wait.ANSWER && !client.frontend.tcp) client.status = 400;
  dropClient(engine, client, false);
}

/** The client's connection broke. */
export function clientFailed(engine: Engine, client: Client): void {
  if (client.wait === Wait.TARPIT) {
    leaveHeld(engine, client, true);
    return;
  }
  if (isBusy(client)) {
    client.endCause = 67;
    client.endPhase = phaseOf(client);
  } else if (client.phase === ClientPhase.HEAD && isBegun(client)) logUnanswered(engine, client, 67);
  dropClient(engine, client, true);
}

/** What a request is at, as HAProxy's second letter says it: queue, connect, data (of the request too), head of the answer. */
function phaseOf(client: Client): number {
  if (client.answering) return 68;
  if (client.wait === Wait.QUEUE) return 81;
  if (client.wait === Wait.CONNECT || client.wait === Wait.RETRY) return 67;
  return client.requestDone ? 72 : 68;
}

/** A send to the client has ended. */
export function clientSent(engine: Engine, client: Client): void {
  const out = client.out;
  shiftSent(engine, out);
  if (client.phase === ClientPhase.CLOSING) return;
  if (out.head !== NONE) {
    pump(engine, out);
    engine.wheel.set(client.handle, engine.transport.nowMs() + sendTimeoutMs(engine, client));
  } else if (client.answered) {
    endOfAnswer(engine, client);
    return;
  } else if (client.requestDone && client.phase === ClientPhase.BUSY) engine.wheel.set(client.handle, Infinity);
  if (out.finAfter && out.head === NONE) {
    out.finAfter = false;
    engine.transport.shutdownSend(client.handle);
  }
  const upstream = client.upstream;
  if (upstream === null) return;
  if (client.phase === ClientPhase.TUNNEL) endTunnelIfDone(engine, client);
  if (client.encoding !== null) {
    resumeEncoding(engine, client.encoding);
    return;
  }
  if (!upstream.receiving && !upstream.ended && !isFull(engine, out) && upstream.client === client) {
    setReceiving(engine, upstream, true);
    engine.watchUpstream(upstream);
  }
}

function sendTimeoutMs(engine: Engine, client: Client): number {
  const { timeouts } = engine.options;
  return client.phase === ClientPhase.TUNNEL ? timeouts.tunnelMs : timeouts.clientMs;
}

/** Ends the answer if its last byte has been sent already. */
export function finishIfSent(engine: Engine, client: Client): void {
  if (client.answered && client.out.head === NONE && client.phase === ClientPhase.BUSY) endOfAnswer(engine, client);
}

/** The whole answer is with the kernel: log it, then take the next request or close. */
function endOfAnswer(engine: Engine, client: Client): void {
  finish(engine, client);
  if (client.frontend.retired && !moveClient(engine, client)) client.keepAlive = false;
  if (!client.keepAlive || (client.inputEnded && client.input.head === NONE)) {
    if (client.inputEnded || (client.closeAsked && client.requestDone && client.input.head === NONE)) {
      closeClient(engine, client, false);
    } else linger(engine, client);
    return;
  }
  client.phase = ClientPhase.HEAD;
  if (client.input.head !== NONE) {
    takeInput(engine, client);
    return;
  }
  // The last piece of a large body may have left it off.
  setReceiving(engine, client, true);
  engine.wheel.set(client.handle, engine.transport.nowMs() + engine.options.timeouts.httpKeepAliveMs);
}

/** Goes on with bytes that waited. */
function takeInput(engine: Engine, client: Client): void {
  const input = client.input;
  while (
    input.head !== NONE &&
    (client.phase === ClientPhase.HEAD || (client.phase === ClientPhase.BUSY && !client.requestDone))
  ) {
    const offset = engine.ranges.offset[input.head]!;
    const length = engine.ranges.length[input.head]!;
    input.shift(engine.ranges);
    if (client.phase === ClientPhase.HEAD) readHead(engine, client, offset, length);
    else requestBody(engine, client, offset, length);
  }
  if (client.phase === ClientPhase.HEAD) {
    if (client.inputEnded) {
      closeClient(engine, client, false);
      return;
    }
    setReceiving(engine, client, true);
  } else if (client.phase === ClientPhase.BUSY && input.head === NONE && !client.receiving && !client.inputEnded) {
    // With a body still to come and a full queue to the server, sending resumes it.
    if (client.requestDone || !isFull(engine, client.request)) setReceiving(engine, client, true);
  }
}

// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function readHead(engine: Engine, client: Client, offset: number, length: number): void {
  const first = client.partial === null || client.partial.length === 0;
  const nowMs = engine.transport.nowMs();
  if (first) client.startMs = nowMs;
  if (!joinHead(engine, client, offset, length)) {
    dropClient(engine, client, true);
    return;
  }
  const place = engine.place;
  limitHead(engine, client);
  const result = engine.requestHead.parse(place.at, place.end, place.seen);
  if (place.restLength > 0) {
    // The buffer of the rest is the one that came; the head lies in another.
    client.input.unshift(engine.ranges, place.restOffset, place.restLength);
  }
  if (result === NEED_MORE) {
    keepHead(engine, client);
    if (first && client.requests > 0) {
      engine.wheel.set(client.handle, nowMs + engine.options.timeouts.httpRequestMs);
    }
    return;
  }
  if (client.partial !== null) client.partial.length = 0;
  if (result !== OK) {
    if (client.logged === null) nameClient(engine, client);
    // The head is read while its buffer is ours.
    const isProbe = result === Fault.HOST_MISSING && client.loopback && isSelfProbe(engine.requestHead);
    engine.buffers.drop(place.at);
    if (isProbe) answerProbe(engine, client);
    else refuse(engine, client, result);
    return;
  }
  startRequest(engine, client);
}

/** The parser is everybody's; its bounds are the frontend's. */
function limitHead(engine: Engine, client: Client): void {
  const head = engine.requestHead;
  const { limits } = client.frontend;
  head.maxHeadBytes = limits === null ? engine.maxHeadBytes : Math.min(limits.maxHeadBytes, engine.maxHeadBytes);
  head.fields.maxFields = limits === null ? DEFAULT_MAX_FIELDS : limits.maxFields;
}

/** Answers a request that the parser does not take, and closes. */
export function refuse(engine: Engine, client: Client, fault: number): void {
  beginRefused(engine, client);
  countRefusal(engine, client, fault);
  answerLocally(engine, client, faultStatus(fault));
}

/** The node asks the proxy alone, by a request that it answers without a server: no client's, so it counts nowhere. */
function answerProbe(engine: Engine, client: Client): void {
  refuseNext(engine, client);
  client.probe = true;
  answerLocally(engine, client, faultStatus(Fault.HOST_MISSING));
}

function beginRefused(engine: Engine, client: Client): void {
  refuseNext(engine, client);
  engine.counters[client.frontend.counter + FrontendCounter.requestsTotal]! += 1;
}

function refuseNext(engine: Engine, client: Client): void {
  if (client.logged === null) nameClient(engine, client);
  beginRefusal(engine, client);
  client.phase = ClientPhase.BUSY;
  client.keepAlive = false;
  client.closeAsked = false;
  client.requestDone = true;
}

/** Whether a part of a head has come. */
function isBegun(client: Client): boolean {
  return client.partial !== null && client.partial.length > 0;
}

/** Logs a request whose head never ended and that gets no answer: the client has gone. */
function logUnanswered(engine: Engine, client: Client, cause: number): void {
  beginRefused(engine, client);
  client.status = 400;
  client.endCause = cause;
  client.endPhase = 82;
  finish(engine, client);
}

/** Logs a connection that never sent a byte, unless that is switched off (HAProxy's dontlognull). */
function logEmpty(engine: Engine, client: Client, cause: number): void {
  if (client.requests === 0 && !engine.options.ignoreEmpty) logUnanswered(engine, client, cause);
}

/** A deadline of the client has passed. What it was depends on what the connection is doing. */
export function clientExpired(engine: Engine, client: Client): void {
  switch (client.phase) {
    case ClientPhase.HEAD:
      if (!isBegun(client)) {
        logEmpty(engine, client, 99);
        closeClient(engine, client, false);
        return;
      }
      client.partial!.length = 0;
      beginRefused(engine, client);
      countRefusal(engine, client, Fault.HEAD_TIMEOUT);
      client.endCause = 99;
      client.endPhase = 82;
      answerLocally(engine, client, 408);
      return;
    case ClientPhase.BUSY:
      requestExpired(engine, client);
      return;
    case ClientPhase.TUNNEL:
      tunnelExpired(engine, client);
      return;
    case ClientPhase.STREAM:
      streamExpired(engine, client);
      return;
    default:
      closeClient(engine, client, false);
  }
}

function requestExpired(engine: Engine, client: Client): void {
  if (client.wait === Wait.RETRY) {
    client.wait = Wait.NONE;
    assign(engine, client);
  } else if (client.wait === Wait.QUEUE) {
    leaveQueue(engine, client);
    client.endCause = 115;
    client.endPhase = 81;
    answerLocally(engine, client, 503);
  } else if (client.wait === Wait.TARPIT) {
    answerHeld(engine, client);
  } else if (!client.requestDone && !client.answering) {
    bodyTooSlow(engine, client);
  } else if (client.out.head !== NONE || !client.requestDone) {
    client.endCause = 99;
    client.endPhase = 68;
    dropClient(engine, client, true);
  }
}

/** The client sends its body too slowly, or not at all. */
export function bodyTooSlow(engine: Engine, client: Client): void {
  countRefusal(engine, client, Fault.BODY_TIMEOUT);
  client.endCause = 99;
  client.endPhase = 68;
  answerLocally(engine, client, 408);
}

/**
 * The last answer is sent: FIN goes out, and what the client still sends is thrown away for a while, since closing
 * with unread bytes would send RST and could take the answer back from the client.
 */
function linger(engine: Engine, client: Client): void {
  client.phase = ClientPhase.LINGER;
  client.wasted = 0;
  client.input.clear(engine.ranges, engine.buffers);
  engine.transport.shutdownSend(client.handle);
  setReceiving(engine, client, true);
  engine.wheel.set(client.handle, engine.transport.nowMs() + LINGER_MS);
}

/** Whether a request or a session is under way. */
function isBusy(client: Client): boolean {
  const { phase } = client;
  return phase === ClientPhase.BUSY || phase === ClientPhase.TUNNEL || phase === ClientPhase.STREAM;
}

/** Ends whatever is under way and closes. A request that has begun is logged. */
export function dropClient(engine: Engine, client: Client, reset: boolean): void {
  if (client.phase === ClientPhase.CLOSING || client.phase === ClientPhase.CLOSED) return;
  const busy = isBusy(client);
  if (client.wait === Wait.QUEUE) leaveQueue(engine, client);
  abortUpstream(engine, client);
  if (busy) finish(engine, client);
  closeClient(engine, client, reset);
}

/** Closes a connection on which no request is under way. */
export function closeClient(engine: Engine, client: Client, reset: boolean): void {
  if (client.phase === ClientPhase.CLOSING || client.phase === ClientPhase.CLOSED) return;
  client.phase = ClientPhase.CLOSING;
  leaveTarpit(engine, client);
  client.wait = Wait.NONE;
  client.input.clear(engine.ranges, engine.buffers);
  client.request.clear(engine.ranges, engine.buffers);
  endRest(engine, client);
  engine.wheel.remove(client.handle);
  engine.transport.close(client.handle, reset);
}
