// Access log lines, written byte by byte straight into the log ring: json (one flat object), haproxy (httplog with
// timers and termination state) and combined. Hostile bytes are escaped: one request is always one line.
import type { LogConfig } from '@tospann/config';
import { catalogue } from '@tospann/errors';
import { FAULT_COUNT, faultCode } from '@tospann/http';
import { latin1, put, putNumber } from './bytes.ts';
import { ClockText, LOG_TIME_AT } from './clock-text.ts';
import type { LogRingWriter } from './log-ring.ts';

/** Bytes of a request's line that are kept for the log; a longer one is cut, as in HAProxy. */
export const LOGGED_LINE_BYTES = 1024;
/** Bytes of Referer and of User-Agent that are kept for the combined format. */
export const LOGGED_FIELD_BYTES = 256;
/** Most bytes that one line can have: every logged byte may become six (a JSON escape). */
const MAX_LINE_BYTES = 6 * LOGGED_LINE_BYTES + 12 * LOGGED_FIELD_BYTES + 1024;

const EMPTY = new Uint8Array(0);

/** The part of a line that names frontend, backend and server, in each format that has one. */
export interface LogWay {
  readonly json: Uint8Array;
  /** The same for a session in mode tcp, which has no method and path. */
  readonly jsonTcp: Uint8Array;
  readonly haproxy: Uint8Array;
}

const NO_WAY: LogWay = { json: EMPTY, jsonTcp: EMPTY, haproxy: EMPTY };

/** Makes the part of a log line that names frontend, backend and server; empty names: none was chosen. */
export function logWay(frontend: string, backend: string, server: string): LogWay {
  const json = [
    ['frontend', frontend],
    ['backend', backend],
    ['server', server],
  ].map(([key, name]) => `","${key}":${JSON.stringify(name).slice(0, -1)}`);
  return {
    json: latin1(`${json.join('')}","method":"`),
    jsonTcp: latin1(`${json.join('')}","protocol":"tcp","bytesIn":`),
    haproxy: latin1(`] ${frontend} ${backend === '' ? frontend : backend}/${server === '' ? '<NOSRV>' : server} `),
  };
}

/** One finished request: filled by the engine, read by the writer at once, then used again. */
export class LogRecord {
  /** Wall-clock ms of the request's first byte. */
  startWallMs = 0;
  /** The client's address as it may be logged. */
  client: Uint8Array = EMPTY;
  clientLength = 0;
  clientPort = 0;
  /** Where it came in and went, as text for one log line; made once for each way through the configuration. */
  way: LogWay = NO_WAY;
  /** A session in mode tcp: no request, no status. */
  tcp = false;
  /** The request line (without CRLF), as it came; length 0 when no valid one came. */
  line: Uint8Array = EMPTY;
  lineFrom = 0;
  lineLength = 0;
  /** Within the line: the path without query. */
  methodLength = 0;
  pathFrom = 0;
  pathLength = 0;
  refererLength = 0;
  agentLength = 0;
  status = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** HAProxy's TR, Tw, Tc, Tr, Ta in ms; -1: not reached. */
  requestMs = 0;
  queueMs = 0;
  connectMs = 0;
  responseMs = 0;
  totalMs = 0;
  retries = 0;
  redispatched = false;
  /** The first bytes are the request's id; length 0: it has none. */
  requestId: Uint8Array = EMPTY;
  requestIdLength = 0;
  /** Termination state: four ASCII codes. */
  state0 = 45;
  state1 = 45;
  state2 = 45;
  state3 = 45;
  /** Why it was refused, a number of `Fault`; 0: it was not. */
  fault = 0;
  /** Connections when it ended, on the node and at the frontend; requests at the backend, with those that wait, and at the
   * server. All over all workers; only if the log wants counts. */
  connections = 0;
  frontendConnections = 0;
  backendSessions = 0;
  serverSessions = 0;
  /** Its turn, from 1, when it waited for its server or for any of the backend; 0: it did not. */
  serverQueue = 0;
  backendQueue = 0;
}

const HEX = latin1('0123456789abcdef');
const HEX_UPPER = latin1('0123456789ABCDEF');

const J_PATH = latin1('","path":"');
const J_STATUS = latin1('","status":');
const J_IN = latin1(',"bytesIn":');
const J_OUT = latin1(',"bytesOut":');
const J_QUEUE = latin1(',"queueMs":');
const J_CONNECT = latin1(',"connectMs":');
const J_RESPONSE = latin1(',"responseMs":');
const J_TOTAL = latin1(',"totalMs":');
const J_RETRIES = latin1(',"retries":');
const J_REQUEST_ID = latin1(',"requestId":"');
const J_QUOTE = latin1('"');
const J_STATE = latin1(',"state":"');
const J_END = latin1('"}\n');
/** `","reason":"...` for each fault: the catalogue's message, in words. */
const REASONS: readonly Uint8Array[] = Array.from({ length: FAULT_COUNT }, (_, fault) =>
  latin1(`","reason":${JSON.stringify(catalogue[faultCode(fault)].message).slice(0, -1)}`),
);
const BAD_REQUEST = latin1('<BADREQ>');
const NO_CAPTURE = latin1(' - - ');
const COMBINED_USER = latin1(' - - [');
const COMBINED_ZONE = latin1(' +0000] "');

/** Writes records to a ring in the configured format. */
export class AccessLog {
  readonly #ring: LogRingWriter;
  readonly #format: LogConfig['access']['format'];
  readonly #clock = new ClockText();

  constructor(ring: LogRingWriter, format: LogConfig['access']['format']) {
    this.#ring = ring;
    this.#format = format;
  }

  /** Whether Referer and User-Agent must be kept for the line. */
  get wantsFields(): boolean {
    return this.#format === 'combined';
  }

  /** Whether counts of connections must be known for the line. */
  get wantsCounts(): boolean {
    return this.#format === 'haproxy';
  }

  /** Whether the client's port must be known for the line. */
  get wantsPort(): boolean {
    return this.#format === 'haproxy';
  }

  write(record: LogRecord): void {
    const at = this.#ring.reserve(MAX_LINE_BYTES);
    if (at < 0) return;
    this.#clock.render(record.startWallMs);
    const format = this.#format;
    if (format === 'json') this.#ring.commit(this.#json(at, record));
    else if (format === 'haproxy') this.#ring.commit(this.#haproxy(at, record));
    else this.#ring.commit(this.#combined(at, record));
  }

  #json(from: number, r: LogRecord): number {
    const d = this.#ring.data;
    let at = put(d, from, this.#clock.json);
    at = putPart(d, at, r.client, 0, r.clientLength);
    if (r.tcp) return this.#jsonTcp(at, r);
    at = put(d, at, r.way.json);
    at = putJson(d, at, r.line, r.lineFrom, r.methodLength);
    at = put(d, at, J_PATH);
    at = putJson(d, at, r.line, r.lineFrom + r.pathFrom, r.pathLength);
    at = putNumber(d, put(d, at, J_STATUS), r.status);
    at = putNumber(d, put(d, at, J_IN), r.bytesIn);
    at = putNumber(d, put(d, at, J_OUT), r.bytesOut);
    at = putSigned(d, put(d, at, J_QUEUE), r.queueMs);
    at = putSigned(d, put(d, at, J_CONNECT), r.connectMs);
    at = putSigned(d, put(d, at, J_RESPONSE), r.responseMs);
    at = putSigned(d, put(d, at, J_TOTAL), r.totalMs);
    at = putNumber(d, put(d, at, J_RETRIES), r.retries);
    if (r.requestIdLength > 0) {
      at = putJson(d, put(d, at, J_REQUEST_ID), r.requestId, 0, r.requestIdLength);
      at = put(d, at, J_QUOTE);
    }
    at = putState(d, put(d, at, J_STATE), r);
    if (r.fault !== 0) at = put(d, at, REASONS[r.fault] ?? EMPTY);
    return put(d, at, J_END);
  }

  #jsonTcp(from: number, r: LogRecord): number {
    const d = this.#ring.data;
    let at = putNumber(d, put(d, from, r.way.jsonTcp), r.bytesIn);
    at = putNumber(d, put(d, at, J_OUT), r.bytesOut);
    at = putSigned(d, put(d, at, J_QUEUE), r.queueMs);
    at = putSigned(d, put(d, at, J_CONNECT), r.connectMs);
    at = putSigned(d, put(d, at, J_TOTAL), r.totalMs);
    at = putNumber(d, put(d, at, J_RETRIES), r.retries);
    at = put(d, at, J_STATE);
    d[at++] = r.state0;
    d[at++] = r.state1;
    return put(d, at, J_END);
  }

  #haproxy(from: number, r: LogRecord): number {
    const d = this.#ring.data;
    let at = putPart(d, from, r.client, 0, r.clientLength);
    d[at++] = 58;
    at = putNumber(d, at, r.clientPort);
    at = put(d, at, this.#clock.haproxy);
    at = put(d, at, r.way.haproxy);
    if (r.tcp) return this.#haproxyTcp(at, r);
    at = putSigned(d, at, r.requestMs);
    d[at++] = 47;
    at = putSigned(d, at, r.queueMs);
    d[at++] = 47;
    at = putSigned(d, at, r.connectMs);
    d[at++] = 47;
    at = putSigned(d, at, r.responseMs);
    d[at++] = 47;
    at = putSigned(d, at, r.totalMs);
    d[at++] = 32;
    at = putSigned(d, at, r.status === 0 ? -1 : r.status);
    d[at++] = 32;
    at = putNumber(d, at, r.bytesOut);
    at = put(d, at, NO_CAPTURE);
    at = putState(d, at, r);
    d[at++] = 32;
    at = this.#haproxyCounts(at, r);
    d[at++] = 32;
    d[at++] = 34;
    at = r.lineLength === 0 ? put(d, at, BAD_REQUEST) : putHashed(d, at, r.line, r.lineFrom, r.lineLength);
    d[at++] = 34;
    d[at++] = 10;
    return at;
  }

  /** HAProxy's tcplog: Tw/Tc/Tt, bytes, two letters of termination state, counts. */
  #haproxyTcp(from: number, r: LogRecord): number {
    const d = this.#ring.data;
    let at = putSigned(d, from, r.queueMs);
    d[at++] = 47;
    at = putSigned(d, at, r.connectMs);
    d[at++] = 47;
    at = putSigned(d, at, r.totalMs);
    d[at++] = 32;
    at = putNumber(d, at, r.bytesOut);
    d[at++] = 32;
    d[at++] = r.state0;
    d[at++] = r.state1;
    d[at++] = 32;
    at = this.#haproxyCounts(at, r);
    d[at++] = 10;
    return at;
  }

  #haproxyCounts(from: number, r: LogRecord): number {
    const d = this.#ring.data;
    let at = putNumber(d, from, r.connections);
    d[at++] = 47;
    at = putNumber(d, at, r.frontendConnections);
    d[at++] = 47;
    at = putNumber(d, at, r.backendSessions);
    d[at++] = 47;
    at = putNumber(d, at, r.serverSessions);
    d[at++] = 47;
    if (r.redispatched) d[at++] = 43;
    at = putNumber(d, at, r.retries);
    d[at++] = 32;
    at = putNumber(d, at, r.serverQueue);
    d[at++] = 47;
    return putNumber(d, at, r.backendQueue);
  }

  #combined(from: number, r: LogRecord): number {
    const d = this.#ring.data;
    let at = putPart(d, from, r.client, 0, r.clientLength);
    at = put(d, at, COMBINED_USER);
    at = putPart(d, at, this.#clock.haproxy, LOG_TIME_AT, 20);
    at = put(d, at, COMBINED_ZONE);
    if (r.lineLength === 0) d[at++] = 45;
    else at = putEscaped(d, at, r.line, r.lineFrom, r.lineLength);
    d[at++] = 34;
    d[at++] = 32;
    at = putNumber(d, at, r.status);
    d[at++] = 32;
    at = putNumber(d, at, r.bytesOut);
    const fields = r.lineFrom + LOGGED_LINE_BYTES;
    at = putQuoted(d, at, r.line, fields, r.refererLength);
    at = putQuoted(d, at, r.line, fields + LOGGED_FIELD_BYTES, r.agentLength);
    d[at++] = 10;
    return at;
  }
}

function putState(d: Uint8Array, at: number, r: LogRecord): number {
  d[at] = r.state0;
  d[at + 1] = r.state1;
  d[at + 2] = r.state2;
  d[at + 3] = r.state3;
  return at + 4;
}

function putSigned(d: Uint8Array, at: number, value: number): number {
  if (value >= 0) return putNumber(d, at, Math.round(value));
  d[at] = 45;
  d[at + 1] = 49;
  return at + 2;
}

// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function putPart(d: Uint8Array, at: number, source: Uint8Array, from: number, length: number): number {
  for (let i = 0; i < length; i++) d[at + i] = source[from + i]!;
  return at + length;
}

/** JSON string content; every byte that is not printable ASCII becomes \u00XX, so the line is valid whatever came. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function putJson(d: Uint8Array, start: number, source: Uint8Array, from: number, length: number): number {
  let at = start;
  for (let i = from; i < from + length; i++) {
    const byte = source[i]!;
    if (byte >= 32 && byte < 127 && byte !== 34 && byte !== 92) {
      d[at++] = byte;
      continue;
    }
    d[at++] = 92;
    if (byte === 34 || byte === 92) {
      d[at++] = byte;
      continue;
    }
    d[at++] = 117;
    d[at++] = 48;
    d[at++] = 48;
    d[at++] = HEX[byte >>> 4]!;
    d[at++] = HEX[byte & 15]!;
  }
  return at;
}

/** HAProxy's escape: `#` and two hexadecimal digits for what is not printable, and for `"` and `#`. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function putHashed(d: Uint8Array, start: number, source: Uint8Array, from: number, length: number): number {
  let at = start;
  for (let i = from; i < from + length; i++) {
    const byte = source[i]!;
    if (byte >= 32 && byte < 127 && byte !== 34 && byte !== 35) {
      d[at++] = byte;
      continue;
    }
    d[at++] = 35;
    d[at++] = HEX_UPPER[byte >>> 4]!;
    d[at++] = HEX_UPPER[byte & 15]!;
  }
  return at;
}

/** The common log format's escape: `\xHH`. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function putEscaped(d: Uint8Array, start: number, source: Uint8Array, from: number, length: number): number {
  let at = start;
  for (let i = from; i < from + length; i++) {
    const byte = source[i]!;
    if (byte >= 32 && byte < 127 && byte !== 34 && byte !== 92) {
      d[at++] = byte;
      continue;
    }
    d[at++] = 92;
    d[at++] = 120;
    d[at++] = HEX[byte >>> 4]!;
    d[at++] = HEX[byte & 15]!;
  }
  return at;
}

// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function putQuoted(d: Uint8Array, start: number, source: Uint8Array, from: number, length: number): number {
  let at = start;
  d[at++] = 32;
  d[at++] = 34;
  if (length === 0) d[at++] = 45;
  else at = putEscaped(d, at, source, from, length);
  d[at++] = 34;
  return at;
}
