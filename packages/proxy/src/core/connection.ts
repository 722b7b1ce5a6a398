// Connections as the engine sees them: one object for a client's and one for a server's side, of fixed shape, made once
// and used again. They hold state only; what happens to them is in client.ts, request.ts, dispatch.ts and response.ts.
import { BodyKind, type ChunkedParser, type HeadEdits } from '@tospann/http';
import { Chain, NONE } from './buffers.ts';
import type { Encoding } from './compress/compression.ts';
import { type SourceAddress, UNKNOWN_SOURCE } from './source.ts';
import type { ProxyAddresses } from './proxy-protocol/decode.ts';
import type { ClientName } from './client-names.ts';
import type { BackendPlan, FrontendPlan, ServerPlan } from './plan.ts';
import type { Endpoint } from './transport.ts';

const EMPTY = new Uint8Array(0);

/** What a client connection is doing. */
export const ClientPhase = {
  CLOSED: 0,
  /** Waits for a request head or reads one. */
  HEAD: 1,
  /** A request is under way, up to the last byte of its answer. */
  BUSY: 2,
  /** The last answer is sent; what the client still sends is thrown away until it closes. */
  LINGER: 3,
  TUNNEL: 4,
  /** `close` was called; waits for `closed`. */
  CLOSING: 5,
  /** Its PROXY protocol header is still to come. */
  PROXY: 6,
  /** A session in mode tcp without a server yet. */
  STREAM: 7,
} as const;

/** Where a request under way waits. */
export const Wait = {
  NONE: 0,
  QUEUE: 1,
  /** A pause before the next attempt at the same server. */
  RETRY: 2,
  CONNECT: 3,
  /** A server has it. */
  ANSWER: 4,
  /** A rule holds it; then it is answered. */
  TARPIT: 5,
} as const;

export const UpstreamPhase = { CLOSED: 0, CONNECTING: 1, HEAD: 2, BODY: 3, IDLE: 4, TUNNEL: 5, CLOSING: 6 } as const;

/** How a session cookie was found in the request; the log's third letter. */
export const CookieState = { NONE: 78, INVALID: 73, DOWN: 68, VALID: 86, EXPIRED: 69, OLD: 79 } as const;

/** What became of the session cookie in the answer; the log's fourth letter. PROVIDED: the server's own passed. */
export const SetCookieState = {
  NONE: 78,
  PROVIDED: 80,
  DELETED: 68,
  REWRITTEN: 82,
  INSERTED: 73,
  UPDATED: 85,
} as const;

/** What waits to be sent on one connection. One send at most is under way: that of the first range. */
export class Outbound extends Chain {
  handle = NONE;
  sending = false;
  /** When the send under way began, if buffers were short then; 0: longer ago than that matters. */
  sinceMs = 0;
  /** FIN follows the last range. */
  finAfter = false;
}

/** The begun part of a head that came in pieces, kept outside the transport's buffers so that waiting holds none. */
export class Partial {
  bytes = new Uint8Array(512);
  length = 0;

  /** Appends memory[offset, offset + length). */
  // oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
  save(memory: Uint8Array, offset: number, length: number): void {
    const needed = this.length + length;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 4));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(memory.subarray(offset, offset + length), this.length);
    this.length = needed;
  }
}

/** A client's connection and the request that is under way on it. A new field has its place in reset.ts, too. */
export class Client {
  handle = NONE;
  phase: number = ClientPhase.CLOSED;
  frontend: FrontendPlan;
  /** What waits to be sent to the client. */
  readonly out = new Outbound();
  /** Received and not looked at yet: pipelined requests. */
  readonly input = new Chain();
  /** Parts of the request that no server has yet: its head first. */
  readonly request = new Chain();
  partial: Partial | null = null;
  /** Made when the first chunked body comes. */
  chunked: ChunkedParser | null = null;
  receiving = false;
  /** The client has sent FIN. */
  inputEnded = false;
  /** Requests seen on this connection. */
  requests = 0;
  /** The address as it may be logged, and the X-Forwarded-For line (empty: none); null until the first request. */
  logged: Uint8Array | null = null;
  /** The connection's other end in all its forms; null until it is asked for. */
  peerName: ClientName | null = null;
  /** `source` as text. */
  address: Uint8Array = EMPTY;
  /** Port of the listener; 0 if it is not known. */
  localPort = 0;
  forwarded: Uint8Array = EMPTY;
  /** The connection's other end as numbers (what the PROXY protocol says of it included); never changed in place. */
  peer: SourceAddress = UNKNOWN_SOURCE;
  /** The client that the request under way is from: `peer`, or whom a trusted proxy names. For ACLs, limits, hashes. */
  source: SourceAddress = UNKNOWN_SOURCE;
  /** It comes from this machine. */
  loopback = false;
  /** What a PROXY protocol header says about the connection; null: there was none, or it says nothing. */
  proxied: ProxyAddresses | null = null;
  /** The client's port if the log has it, else 0. */
  port = 0;

  // ---- the request under way
  /** It is this node's own probe: not counted, not logged. */
  probe = false;
  /** It has been begun and not logged yet. */
  open = false;
  backend: BackendPlan | null = null;
  server: ServerPlan | null = null;
  upstream: Upstream | null = null;
  wait: number = Wait.NONE;
  /** The request's slot in the log store, or NONE. */
  logSlot = NONE;
  method = 0;
  minorVersion = 1;
  bodyKind: number = BodyKind.NONE;
  /** Bytes of the request body still to come (LENGTH). */
  bodyLeft = 0;
  requestDone = false;
  /** The connection stays open after this answer. */
  keepAlive = false;
  /** The client itself closes after this answer: nothing more comes from it. */
  closeAsked = false;
  /** The client asked for an upgrade to websocket. */
  wantsUpgrade = false;
  /** Its Sec-WebSocket-Key: made with the first upgrade. */
  websocketKey: Uint8Array | null = null;
  /** May be sent again after a server may have seen it: idempotent and without body. */
  repeatable = false;
  /** Copy of the forwarded head, kept for a second attempt: offset and length, or NONE. */
  repeatOffset = NONE;
  repeatLength = 0;
  /** The second attempt has been made. */
  repeated = false;
  /** Attempts that have failed. */
  retries = 0;
  redispatched = false;
  /** The server that the request must go to as long as it is up; null: free choice. */
  wanted: ServerPlan | null = null;
  /** The server that the client's cookie means. */
  cookieServer: ServerPlan | null = null;
  /** A server that has just failed: another one is taken if there is one. */
  avoid: ServerPlan | null = null;
  /** The next attempt must not use a pooled connection. */
  freshOnly = false;
  cookieState: number = CookieState.NONE;
  setCookie: number = SetCookieState.NONE;
  /** The dates in the client's cookie, Unix time in seconds; 0: none. */
  cookieFirstS = 0;
  cookieLastS = 0;
  /** What is changed in the answer's head; see edits.ts. */
  answerEdits: HeadEdits | null = null;
  /** Status of the answer that a tarpit holds back. */
  heldStatus = 0;
  /** The request's id: the first bytes of a buffer made with the first id; length 0: none. */
  requestId: Uint8Array | null = null;
  requestIdLength = 0;
  /** `Name: ` of the id in answers of our own; null: not sent back. */
  idAnswer: Uint8Array | null = null;
  /** The final answer's head has gone to `out`. */
  answering = false;
  /** The last byte of the answer has gone to `out`. */
  answered = false;
  status = 0;
  /** Where its connection is counted among those of its source, and for whom; NONE: nowhere. */
  sourcePlace = NONE;
  sourceTag = 0;
  /** Why the request under way was refused, a number of `Fault`; 0: it was not. */
  fault = 0;
  /** The content coding that the client takes of those that the frontend offers, a number of `Coding`. */
  coding = 0;
  /** The answer under way is being compressed; null: its bytes go on as they come. */
  encoding: Encoding | null = null;
  /** Interim answers passed on for this request. */
  interims = 0;
  /** Large pieces in a row, in a tunnel. */
  bulk = 0;
  /** The answer is a stream of events, which has no end. */
  eventStream = false;
  /** Counted in the server's limit. */
  holdsSlot = false;
  /** Its entry in the waiting line, 0: it does not wait; the server that it waits for, null: any. */
  queueEntry = 0;
  waitsFor: ServerPlan | null = null;
  /** Its turn when it began to wait the last time, from 1, and in whose queue. */
  queuePosition = 0;
  /** It has been in a queue. */
  hasQueued = false;
  queuedForServer = false;
  /** What its head takes of the pieces while no server has it, and of whose share; 0: nothing. */
  restBytes = 0;
  restsFor = 0;
  /** What hash balancing hashes, if `keyed`. */
  keyed = false;
  hashKey = 0;

  // ---- figures for log and counters
  bytesIn = 0;
  bytesOut = 0;
  /** What of them the counters have already, and since when; not 0 in a tunnel only. */
  countedIn = 0;
  countedOut = 0;
  countedMs = 0;
  /** Bytes thrown away while lingering, or of a body after the answer. */
  wasted = 0;
  /** Monotonic ms; NaN-free: 0 before they are known. */
  startMs = 0;
  headMs = 0;
  assignedMs = 0;
  connectedMs = 0;
  answerMs = 0;
  /** A whole and valid head has come. */
  headDone = false;
  /** When the body's rate was last looked at, and its bytes then. */
  rateMs = 0;
  rateBytes = 0;
  /** Termination state, first two letters. */
  endCause = 45;
  endPhase = 45;

  constructor(frontend: FrontendPlan) {
    this.frontend = frontend;
  }
}

/** A connection to a server. A new field has its place in reset.ts, too. */
export class Upstream {
  handle = NONE;
  phase: number = UpstreamPhase.CLOSED;
  server: ServerPlan;
  /** Where it was connected to; the server may have moved since. */
  endpoint: Endpoint;
  client: Client | null = null;
  readonly out = new Outbound();
  partial: Partial | null = null;
  chunked: ChunkedParser | null = null;
  receiving = false;
  /** Has carried a request before this one. */
  reused = false;
  /** The server has sent FIN. */
  ended = false;
  /** The answer under way has begun to arrive. */
  touched = false;
  /** The answer's head waits in the client's list and nothing of it has been sent. */
  headQueued = false;
  /** The transport knows that this answer does not fit into the buffer of its head. */
  muchExpected = false;
  bodyKind: number = BodyKind.NONE;
  bodyLeft = 0;
  /** The connection may serve another request after this answer. */
  keepAlive = false;
  /** Bytes that have come and wait for those before them to be read. */
  unread = 0;
  /** When it was pooled, monotonic ms. */
  idleSinceMs = 0;
  // Pool links (idle connections of one server, last used first).
  poolNext: Upstream | null = null;
  poolPrevious: Upstream | null = null;

  constructor(server: ServerPlan) {
    this.server = server;
    this.endpoint = server.endpoint;
  }
}

/** Idle connections of one server: last in, first out, so that the least used ones time out. */
export class IdlePool {
  top: Upstream | null = null;
  length = 0;

  push(upstream: Upstream): void {
    upstream.poolPrevious = null;
    upstream.poolNext = this.top;
    if (this.top !== null) this.top.poolPrevious = upstream;
    this.top = upstream;
    this.length++;
  }

  remove(upstream: Upstream): void {
    if (upstream.poolPrevious === null) this.top = upstream.poolNext;
    else upstream.poolPrevious.poolNext = upstream.poolNext;
    if (upstream.poolNext !== null) upstream.poolNext.poolPrevious = upstream.poolPrevious;
    upstream.poolNext = null;
    upstream.poolPrevious = null;
    this.length--;
  }
}
