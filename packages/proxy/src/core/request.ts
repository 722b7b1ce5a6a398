// A request: from its parsed head to the ranges that go to a server. Chooses the backend, reads the session cookie,
// writes the forwarded head, and passes the body on as it comes. Choosing the server is dispatch.ts.
import {
  BodyKind,
  CHUNKED_DONE,
  ChunkedParser,
  ChunkResult,
  faultStatus,
  Fault,
  isIdempotent,
  RequestFlag,
  type RequestHeadParser,
  WEBSOCKET_KEY_BYTES,
} from '@tospann/http';
import { answerLocally } from './answers.ts';
import { KeyFrom } from './balance/balance.ts';
import { takeKey } from './balance/key.ts';
import { nameClient } from './client-names.ts';
import { chooseCoding } from './compress/coding.ts';
import { NONE, type Chain } from './buffers.ts';
import { bodyTooSlow, dropClient } from './client.ts';
import { ClientPhase, UpstreamPhase, Wait, type Client } from './connection.ts';
import { assign } from './dispatch.ts';
import type { Engine } from './engine.ts';
import { MIN_BODY_BYTES_PER_S } from './engine-options.ts';
import { readCookie } from './persistence/request-cookie.ts';
import { countRefusal, keepForLog } from './finish.ts';
import type { BackendPlan } from './plan.ts';
import { restRequest } from './flow/resting.ts';
import { isGone } from './replace.ts';
import { resetRequest } from './reset.ts';
import { admitRequest } from './limits/admit.ts';
import { route } from './route.ts';
import { isTraced, mayForward } from './max-forwards.ts';
import { identify } from './rules/identity.ts';
import { isSelfProbe } from './self-probe.ts';
import { append, appendTrailers, isFull, pump, setReceiving, settle } from './sending.ts';
import { FrontendCounter } from './shared.ts';

const HEAD_TOO_LARGE = 431;
/** Termination state of a request that finds no room in its queue. */
const PROXY = 80;
const QUEUE = 81;

/** Begins the request whose head the engine's parser holds; its buffer has one use, which is this function's. */
export function startRequest(engine: Engine, client: Client): void {
  const head = engine.requestHead;
  const end = engine.place.end;
  beginRequest(engine, client);
  if (client.logged === null) nameClient(engine, client);
  client.probe = client.loopback && isSelfProbe(head);
  if (!client.probe) engine.counters[client.frontend.counter + FrontendCounter.requestsTotal]! += 1;
  const writer = engine.requestWriter;
  writer.edits = null;
  engine.path.reset();
  keepForLog(engine, client);
  const backend = choose(engine, client);
  client.backend = backend;
  if (backend === null) return;
  readWish(engine, client, backend);
  const refused = writeRequest(engine, client, backend);
  if (refused !== 0) {
    engine.buffers.drop(head.headEnd - 1);
    answerLocally(engine, client, refused);
    return;
  }
  const rest = head.headEnd;
  if (client.requestDone) {
    engine.wheel.set(client.handle, Infinity);
    if (rest < end) keepRest(engine, client, rest, end);
    else engine.buffers.drop(rest - 1);
    assign(engine, client);
    return;
  }
  engine.wheel.set(client.handle, client.headMs + engine.options.timeouts.clientMs);
  if (rest < end) requestBody(engine, client, rest, end - rest);
  else engine.buffers.drop(rest - 1);
  // A broken body may have ended the request already.
  if (client.phase === ClientPhase.BUSY && !client.answering) assign(engine, client);
}

/** Writes the head that goes to a server, where it may wait for one; 0, or a status when there is no room. */
function writeRequest(engine: Engine, client: Client, backend: BackendPlan): number {
  const { buffers, requestHead: head, requestWriter: writer } = engine;
  writer.insert = client.forwarded;
  writer.close = engine.options.http.serverClose;
  writer.hostField = backend.hostField;
  const target = buffers.take();
  if (target === NONE) return 503;
  const stop = writer.write(target, buffers.end(target));
  if (stop === NONE) {
    buffers.drop(target);
    return HEAD_TOO_LARGE;
  }
  client.bytesIn = head.headEnd - head.methodStart;
  client.request.push(engine.ranges, target, stop - target);
  if (!buffers.short || restRequest(engine, client)) return 0;
  client.endCause = PROXY;
  client.endPhase = QUEUE;
  return 503;
}

/** What stands behind a request, memory[from, to), waits for its end; the buffer's one use goes with it. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function keepRest(engine: Engine, client: Client, from: number, to: number): void {
  client.input.unshift(engine.ranges, from, to - from);
  if (!engine.buffers.short) return;
  settle(engine, client.input, false);
  if (engine.buffers.shortOfReceived) setReceiving(engine, client, false);
}

/** Who it is from, whether it may, and where it goes; null: it has been answered, or held, and its buffer is dropped. */
function choose(engine: Engine, client: Client): BackendPlan | null {
  const { identity, limits, rules, similar } = client.frontend;
  if (similar !== null) similar.drop(engine.requestHead);
  client.backend = null;
  if (identity !== null) identify(engine, client, identity);
  if (limits !== null && !admitRequest(engine, client)) return null;
  const routed = rules === null ? route(engine, client.frontend) : engine.rules.run(client, rules);
  const own = routed === null ? null : routed.rules;
  const backend = own === null || engine.rules.runOwn(client, own) ? routed : null;
  const goes = backend !== null && (!isTraced(engine.requestHead.method) || mayForward(engine, client));
  if (!goes) endHead(engine, client);
  return goes ? backend : null;
}

/** The request has been answered by a rule: what stands behind its head is the next one, or nobody's. */
function endHead(engine: Engine, client: Client): void {
  const { headEnd } = engine.requestHead;
  const { end } = engine.place;
  client.bytesIn = headEnd - engine.requestHead.methodStart;
  const isHeld = client.wait === Wait.TARPIT;
  const goesOn = client.requestDone && !isHeld && client.phase === ClientPhase.BUSY && headEnd < end;
  if (goesOn) client.input.unshift(engine.ranges, headEnd, end - headEnd);
  else engine.buffers.drop(headEnd - 1);
}

function beginRequest(engine: Engine, client: Client): void {
  const head = engine.requestHead;
  resetRequest(client);
  client.phase = ClientPhase.BUSY;
  client.requests++;
  client.headMs = engine.transport.nowMs();
  client.headDone = true;
  client.method = head.method;
  client.minorVersion = head.minorVersion;
  client.bodyKind = head.bodyKind;
  client.bodyLeft = head.contentLength;
  client.requestDone = head.bodyKind === BodyKind.NONE;
  client.keepAlive = (head.flags & RequestFlag.KEEP_ALIVE) !== 0 && !isGone(engine, client);
  client.closeAsked = (head.flags & RequestFlag.KEEP_ALIVE) === 0;
  client.wantsUpgrade = (head.flags & RequestFlag.WEBSOCKET) !== 0;
  if (client.wantsUpgrade) keepWebsocketKey(client, head);
  client.repeatable = client.requestDone && !client.wantsUpgrade && isIdempotent(head.method);
  const { compression } = client.frontend;
  if (compression !== null && head.minorVersion !== 0) client.coding = chooseCoding(head, compression.offered);
  if (client.bodyKind === BodyKind.CHUNKED) {
    client.chunked ??= new ChunkedParser({ keepTrailers: true, refuseFramingTrailers: true });
    client.chunked.reset(false);
  }
  if (engine.retry !== null) engine.retry.budget.request(client.headMs);
  client.rateMs = client.headMs;
}

function keepWebsocketKey(client: Client, head: RequestHeadParser): void {
  client.websocketKey ??= new Uint8Array(WEBSOCKET_KEY_BYTES);
  client.websocketKey.set(head.memory.subarray(head.websocketKey, head.websocketKey + WEBSOCKET_KEY_BYTES));
}

/** What in the request bears on the choice of a server. */
function readWish(engine: Engine, client: Client, backend: BackendPlan): void {
  if (backend.balance.keyFrom !== KeyFrom.NONE) takeKey(engine, client, backend.balance);
  const cookies = (engine.requestHead.flags & RequestFlag.COOKIE) !== 0;
  if (backend.cookie !== null && cookies) readCookie(engine, client, backend);
}

/** Bytes of the body have come (and maybe of the next request behind it); the buffer's one use is the callee's. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
export function requestBody(engine: Engine, client: Client, offset: number, length: number): void {
  if (client.answered) {
    // The answer is complete without the rest of the body: nobody wants it.
    engine.buffers.drop(offset);
    return;
  }
  const upstream = client.upstream;
  const connected = upstream !== null && upstream.phase !== UpstreamPhase.CONNECTING;
  const chain = connected ? upstream.out : client.request;
  const inFlight = connected && upstream.out.sending;
  const end = offset + length;
  const taken =
    client.bodyKind === BodyKind.LENGTH
      ? takeLength(engine, client, offset, length, chain, inFlight)
      : takeChunks(engine, client, offset, end, chain, inFlight);
  if (taken < 0) {
    engine.buffers.drop(offset);
    brokenBody(engine, client, -taken);
    return;
  }
  client.bytesIn += taken - offset;
  if (taken < end) keepRest(engine, client, taken, end);
  else engine.buffers.drop(offset);
  if (connected) {
    pump(engine, upstream.out);
    engine.watchUpstream(upstream);
  } else if (engine.buffers.short) settle(engine, chain, false);
  bodyProgress(engine, client, chain);
}

// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function takeLength(
  engine: Engine,
  client: Client,
  offset: number,
  length: number,
  chain: Chain,
  inFlight: boolean,
): number {
  const taken = client.bodyLeft < length ? client.bodyLeft : length;
  append(engine, chain, offset, taken, inFlight);
  client.bodyLeft -= taken;
  if (client.bodyLeft === 0) client.requestDone = true;
  return offset + taken;
}

/** Position after what belongs to the body, or a fault as a negative number. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function takeChunks(
  engine: Engine,
  client: Client,
  offset: number,
  end: number,
  chain: Chain,
  inFlight: boolean,
): number {
  const parser = client.chunked!;
  const most = client.frontend.limits === null ? Infinity : client.frontend.limits.maxBodyBytes;
  let at = offset;
  for (;;) {
    const result = parser.next(engine.buffers.memory, at, end);
    if (result > ChunkResult.SPAN) return -result;
    const span = parser.spanEnd - parser.spanStart;
    if (parser.dataBytes > most) return -Fault.BODY_TOO_LARGE;
    if (span > 0) append(engine, chain, parser.spanStart, span, inFlight);
    if (result === CHUNKED_DONE) {
      if (parser.trailerLength > 0 && !appendTrailers(engine, chain, parser)) return -Fault.TRAILERS_TOO_LARGE;
      client.requestDone = true;
      return parser.position;
    }
    if (result === ChunkResult.MORE) return end;
    at = parser.position;
  }
}

/** After a part of the body: time-outs, least rate, and back-pressure when the server takes it more slowly. */
function bodyProgress(engine: Engine, client: Client, chain: Chain): void {
  const nowMs = engine.transport.nowMs();
  const clientMs = engine.options.timeouts.clientMs;
  if (client.requestDone) {
    engine.wheel.set(client.handle, client.out.head === NONE ? Infinity : nowMs + clientMs);
    return;
  }
  if (!client.answering && nowMs - client.rateMs >= clientMs) {
    const least = (MIN_BODY_BYTES_PER_S * clientMs) / 1000;
    if (client.bytesIn - client.rateBytes < least) {
      bodyTooSlow(engine, client);
      return;
    }
    client.rateMs = nowMs;
    client.rateBytes = client.bytesIn;
  }
  if (isFull(engine, chain)) {
    setReceiving(engine, client, false);
    engine.wheel.set(client.handle, Infinity); // the server's time-out counts now
  } else engine.wheel.set(client.handle, nowMs + clientMs);
}

/** The chunk framing is broken: nothing behind it can be trusted. */
function brokenBody(engine: Engine, client: Client, fault: number): void {
  client.endCause = 80;
  client.endPhase = 68;
  client.keepAlive = false;
  client.requestDone = true;
  countRefusal(engine, client, fault);
  if (client.answering) dropClient(engine, client, true);
  else answerLocally(engine, client, faultStatus(fault));
}
