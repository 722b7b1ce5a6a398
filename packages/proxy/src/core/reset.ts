// Connection objects are used again: what one request or one connection has left behind must not be seen by the next.
// Here everything goes back to what it is in a new object, and nowhere else; what a request then knows is set by the
// code that begins it. What has to be given back (places, buffers, lines, compressors) has been by then: it is no value.
import { BodyKind } from '@tospann/http';
import { NONE } from './buffers.ts';
import {
  type Client,
  ClientPhase,
  CookieState,
  SetCookieState,
  type Upstream,
  UpstreamPhase,
  Wait,
} from './connection.ts';
import { UNKNOWN_SOURCE } from './source.ts';

const EMPTY = new Uint8Array(0);

/** A request begins, or is refused before it could. Its first byte has come already: `startMs` stays. */
export function resetRequest(client: Client): void {
  client.probe = false;
  client.open = false;
  client.backend = null;
  client.server = null;
  client.method = 0;
  client.minorVersion = 1;
  client.bodyKind = BodyKind.NONE;
  client.bodyLeft = 0;
  client.requestDone = false;
  client.keepAlive = false;
  client.closeAsked = false;
  client.wantsUpgrade = false;
  client.repeatable = false;
  client.repeatLength = 0;
  client.repeated = false;
  client.retries = 0;
  client.redispatched = false;
  client.wanted = null;
  client.cookieServer = null;
  client.avoid = null;
  client.freshOnly = false;
  client.cookieState = CookieState.NONE;
  client.setCookie = SetCookieState.NONE;
  client.cookieFirstS = 0;
  client.cookieLastS = 0;
  client.heldStatus = 0;
  client.requestIdLength = 0;
  client.idAnswer = null;
  client.answering = false;
  client.answered = false;
  client.status = 0;
  client.fault = 0;
  client.coding = 0;
  client.interims = 0;
  client.bulk = 0;
  client.eventStream = false;
  client.waitsFor = null;
  client.queuePosition = 0;
  client.hasQueued = false;
  client.queuedForServer = false;
  client.keyed = false;
  client.hashKey = 0;
  client.endCause = 45;
  client.endPhase = 45;
  resetFigures(client);
}

function resetFigures(client: Client): void {
  client.bytesIn = 0;
  client.bytesOut = 0;
  client.countedIn = 0;
  client.countedOut = 0;
  client.countedMs = 0;
  client.wasted = 0;
  client.headMs = 0;
  client.assignedMs = 0;
  client.connectedMs = 0;
  client.answerMs = 0;
  client.headDone = false;
  client.rateMs = 0;
  client.rateBytes = 0;
}

/** The connection has been closed: the object is nobody's. Its frontend stays, since there is always one. */
export function resetClient(client: Client): void {
  resetRequest(client);
  client.handle = NONE;
  client.phase = ClientPhase.CLOSED;
  client.out.handle = NONE;
  client.out.sending = false;
  client.out.finAfter = false;
  client.partial = null; // not kept: a slow-head attack would leave its memory behind
  client.receiving = false;
  client.inputEnded = false;
  client.requests = 0;
  client.logged = null;
  client.peerName = null;
  client.address = EMPTY;
  client.localPort = 0;
  client.forwarded = EMPTY;
  client.peer = UNKNOWN_SOURCE;
  client.source = UNKNOWN_SOURCE;
  client.loopback = false;
  client.proxied = null;
  client.port = 0;
  client.wait = Wait.NONE;
  client.startMs = 0;
}

/** A request has got the connection: what it is told of its answer begins anew. */
export function resetExchange(upstream: Upstream): void {
  upstream.touched = false;
  upstream.headQueued = false;
  upstream.muchExpected = false;
  upstream.bodyKind = BodyKind.NONE;
  upstream.bodyLeft = 0;
  upstream.keepAlive = false;
  upstream.unread = 0;
}

/** The connection has been closed: the object is nobody's. Its server stays, since there is always one. */
export function resetUpstream(upstream: Upstream): void {
  resetExchange(upstream);
  upstream.handle = NONE;
  upstream.phase = UpstreamPhase.CLOSED;
  upstream.out.handle = NONE;
  upstream.out.sending = false;
  upstream.out.finAfter = false;
  if (upstream.partial !== null) upstream.partial.length = 0;
  upstream.receiving = false;
  upstream.reused = false;
  upstream.ended = false;
  upstream.idleSinceMs = 0;
}
