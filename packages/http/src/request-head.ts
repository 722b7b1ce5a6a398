// The request head parser: one pass over the bytes of an HTTP/1.1 or 1.0 request head, strict by RFC 9110 and
// 9112. It finds and judges; it changes nothing (request-writer.ts makes the forwarded head). One parser serves a
// whole worker: it keeps nothing between calls but the result of the last one, and allocates nothing.
import {
  ascii,
  CR,
  hasLineFeed,
  LF,
  sameIgnoringCase,
  SLASH,
  SPACE,
  spansEqualIgnoringCase,
  TARGET,
  TOKEN,
} from './bytes.ts';
import { ConnectionToken, dropNamedFields, readConnectionTokens } from './connection-field.ts';
import { readContentLength } from './content-length.ts';
import { Fault, NEED_MORE, OK } from './fault.ts';
import { FieldId } from './field-id.ts';
import { fieldName, findField } from './field-name.ts';
import { DROPPED, FIELD_ID, FIELD_STRIDE, FieldTable, NAME_END, VALUE_END, VALUE_START } from './field-table.ts';
import { isWebsocketKey } from './websocket-key.ts';
import { identifyMethod, Method } from './method.ts';
import { authorityEnd, authorityStart, isAuthority } from './request-target.ts';
import { word, wordAt, wordsOf } from './words.ts';

/** Bounds on a head. */
export interface HeadLimits {
  /** Bytes from the first to the empty line, both included. @default 16384 */
  readonly maxHeadBytes?: number;
  /** Field lines. @default 128 */
  readonly maxFields?: number;
}

/** HAProxy refuses 16 KiB too; 7 kB cookies pass. */
export const DEFAULT_MAX_HEAD_BYTES = 16_384;
/** Browsers send 10 to 30 fields. */
export const DEFAULT_MAX_FIELDS = 128;

/** How the end of a body is found. UNTIL_CLOSE is for answers only. */
export const BodyKind = { NONE: 0, LENGTH: 1, CHUNKED: 2, UNTIL_CLOSE: 3 } as const;

/** Bits of `RequestHeadParser.flags`. */
export const RequestFlag = {
  /** The client's connection may stay open after the answer. */
  KEEP_ALIVE: 1,
  /** HTTP/1.1 with `Expect: 100-continue` and a body: the field is forwarded, the server's 100 is passed on. */
  EXPECT_CONTINUE: 2,
  /** A valid wish to upgrade to websocket; forwarded with `Connection: upgrade`. */
  WEBSOCKET: 4,
  COOKIE: 8,
  FORWARDED_FOR: 16,
  /** HTTP/1.0 without Host: the writer needs `hostField`. */
  HOST_ABSENT: 32,
  /** Set by the parser for the writer: Content-Length or Transfer-Encoding is written anew in plain form. */
  FRAMING_REWRITTEN: 64,
  /** Set by the parser for the writer: Host is written from the target of absolute-form. */
  HOST_REWRITTEN: 128,
  /** `TE: trailers` with `Connection: TE`: the client reads trailers; forwarded in this form. */
  TRAILERS: 256,
} as const;

/** At most this many empty lines may stand before a request line (RFC 9112 section 2.2 asks for one at least). */
const MAX_EMPTY_LINES = 4;
const MAX_METHOD_BYTES = 32;
/** Of `#emptyLines`: no fault has this number. */
const INCOMPLETE = -1;
const CHUNKED = ascii('chunked');
const CONTINUE = ascii('100-continue');
const WEBSOCKET = ascii('websocket');
const WEBSOCKET_KEY = fieldName('Sec-WebSocket-Key');
const TRAILERS = ascii('trailers');
const HTTP = word('HTTP');
const SLASH_1_1 = word('/1.1');
const HTTP_SLASH = ascii('HTTP/');
const STAR = 42;
const DOT = 46;
const COMMA = 44;
/** "HTTP/1.1" and its CR LF. */
const VERSION_BYTES = 10;

/** Bits of `#seen`: which fields of the head have come. */
const Seen = {
  HOST: 1,
  LENGTH: 2,
  CODING: 4,
  EXPECT: 8,
  UPGRADE: 16,
  WEBSOCKET: 32,
  TRAILERS: 64,
  ANNOUNCED: 128,
} as const;

/**
 * Parses request heads in one memory. All offsets are positions in that memory and hold as long as its bytes do.
 * The result fields are valid after `parse` has returned OK.
 */
export class RequestHeadParser {
  /** Names, values and numbers of the fields, in order. */
  readonly fields: FieldTable;
  readonly memory: Uint8Array;
  /** First byte after the head: the body, or the next request. */
  headEnd = 0;
  /** A number of `Method`. */
  method = 0;
  /** First byte of the request line (empty lines before it are skipped). */
  methodStart = 0;
  methodEnd = 0;
  /** The target as received. */
  targetStart = 0;
  targetEnd = 0;
  /** The target as forwarded: origin-form or "*". Empty for absolute-form without path: then "/" goes before it. */
  forwardStart = 0;
  forwardEnd = 0;
  /** The path without query, inside the forwarded target; empty means "/". */
  pathStart = 0;
  pathEnd = 0;
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  minorVersion = 1;
  /** NONE, LENGTH or CHUNKED of `BodyKind`. */
  bodyKind = 0;
  /** Bytes of the body if `bodyKind` is LENGTH, else 0. */
  contentLength = 0;
  /** Bits of `RequestFlag`. */
  flags = 0;
  /** The authority of the request: Host's value, or absolute-form's. Empty if HOST_ABSENT. */
  hostStart = 0;
  hostEnd = 0;
  /** Where the key of a wish for websocket begins (`WEBSOCKET_KEY_BYTES`), if there is one. */
  websocketKey = 0;
  /** Where the first field line begins. */
  fieldsStart = 0;
  /** A longer head is a fault; may be changed between heads. */
  maxHeadBytes: number;
  readonly #words: Int32Array;
  #queryStart = 0;
  #seen = 0;
  #connection = 0;

  constructor(memory: Uint8Array, limits: HeadLimits = {}) {
    this.memory = memory;
    this.#words = wordsOf(memory);
    this.fields = new FieldTable(memory, limits.maxFields ?? DEFAULT_MAX_FIELDS, false);
    this.maxHeadBytes = limits.maxHeadBytes ?? DEFAULT_MAX_HEAD_BYTES;
  }

  /**
   * Parses the head that begins at `start`.
   *
   * A head that came in pieces is put together by the caller, at any place, and parsed again from its beginning.
   * The work stays bounded: without a new line end nothing is parsed again.
   *
   * @param start First byte.
   * @param end Offset after the last byte that has come; bytes after the head are not looked at.
   * @param seen How many bytes from `start` on an earlier call has seen that returned NEED_MORE; 0 at first.
   * @returns NEED_MORE, OK, or a number of `Fault`: then answer `faultStatus` and close.
   */
  parse(start: number, end: number, seen: number): number {
    const full = end - start >= this.maxHeadBytes;
    if (seen > 0 && !full && !hasLineFeed(this.memory, start + seen, end)) return NEED_MORE;
    const stop = full ? start + this.maxHeadBytes : end;
    const lineStart = start < stop && this.memory[start] === CR ? this.#emptyLines(start, stop) : start;
    if (lineStart === INCOMPLETE) return NEED_MORE;
    if (lineStart < 0) return -lineStart;
    const at = this.#requestLine(lineStart, stop);
    if (at < 0) return -at;
    if (at === 0) return full ? this.#tooLongLine(stop) : NEED_MORE;
    this.fieldsStart = at;
    const headEnd = this.fields.scan(at, stop);
    if (headEnd < 0) return -headEnd;
    if (headEnd === 0) return full ? Fault.HEAD_TOO_LARGE : NEED_MORE;
    this.headEnd = headEnd;
    return this.#judge();
  }

  /** Reads up to the end of the request line; offset after it, 0 for more, negative for a fault. */
  #requestLine(start: number, end: number): number {
    const memory = this.memory;
    this.targetStart = 0;
    let p = start;
    this.methodStart = p;
    while (p < end && TOKEN[memory[p]!] !== 0) p++;
    if (p - this.methodStart > MAX_METHOD_BYTES) return -Fault.METHOD_TOO_LONG;
    if (p >= end) return 0;
    if (memory[p] !== SPACE || p === this.methodStart) {
      return memory[p] === LF ? -Fault.BARE_LINE_END : -Fault.BAD_METHOD;
    }
    this.methodEnd = p++;
    this.targetStart = p;
    while (p < end && TARGET[memory[p]!] === 1) p++;
    this.#queryStart = p;
    while (p < end && TARGET[memory[p]!] !== 0) p++;
    if (p >= end) return 0;
    if (memory[p] !== SPACE || p === this.targetStart) return -Fault.BAD_TARGET;
    this.targetEnd = p;
    return this.#version(p + 1, end);
  }

  /** Skips empty lines at `start`; the offset after them, INCOMPLETE, or a fault as a negative number. */
  #emptyLines(start: number, end: number): number {
    const memory = this.memory;
    let p = start;
    while (p < end && memory[p] === CR) {
      if (p + 1 >= end) return INCOMPLETE;
      if (memory[p + 1] !== LF) return -Fault.BARE_LINE_END;
      p += 2;
      if (p - start > MAX_EMPTY_LINES * 2) return -Fault.EMPTY_LINES;
    }
    return p;
  }

  /** Reads "HTTP/1.x" CR LF at `at`. */
  #version(at: number, end: number): number {
    const memory = this.memory;
    if (end - at >= VERSION_BYTES && wordAt(this.#words, at) === HTTP && wordAt(this.#words, at + 4) === SLASH_1_1) {
      if (memory[at + 8] === CR && memory[at + 9] === LF) {
        this.minorVersion = 1;
        return at + VERSION_BYTES;
      }
    }
    const available = end - at < VERSION_BYTES ? end - at : VERSION_BYTES;
    for (let i = 0; i < available; i++) {
      const fault = versionFault(memory[at + i]!, i);
      if (fault !== OK) return -fault;
    }
    if (available < VERSION_BYTES) return 0;
    const major = memory[at + 5]! - 48;
    const minor = memory[at + 7]! - 48;
    if (major !== 1 || minor > 1) return -Fault.VERSION_UNSUPPORTED;
    this.minorVersion = minor;
    return at + VERSION_BYTES;
  }

  /** Why a head is refused that is full before its request line has ended. */
  #tooLongLine(stop: number): number {
    return this.targetStart !== 0 && this.targetStart < stop ? Fault.TARGET_TOO_LONG : Fault.HEAD_TOO_LARGE;
  }

  /** What the fields mean together; OK or a fault. */
  #judge(): number {
    this.flags = 0;
    this.bodyKind = BodyKind.NONE;
    this.contentLength = 0;
    this.#seen = 0;
    this.#connection = 0;
    this.method = identifyMethod(this.memory, this.methodStart, this.methodEnd - this.methodStart);
    const entries = this.fields.entries;
    const stop = this.fields.count * FIELD_STRIDE;
    for (let entry = 0; entry < stop; entry += FIELD_STRIDE) {
      const id = entries[entry + FIELD_ID]!;
      if (id === FieldId.OTHER) continue;
      const fault = this.#field(id, entry);
      if (fault !== OK) return fault;
    }
    if ((this.#connection & ConnectionToken.NAMES) !== 0) this.#dropNamed(stop);
    const fault = this.#framing();
    if (fault !== OK) return fault;
    const upgrade = this.#hop();
    return upgrade === OK ? this.#target() : upgrade;
  }

  // oxlint-disable-next-line complexity -- long: the table of known fields as a switch
  #field(id: number, entry: number): number {
    switch (id) {
      case FieldId.HOST:
        return this.#host(entry);
      case FieldId.CONTENT_LENGTH:
        return this.#length(entry);
      case FieldId.TRANSFER_ENCODING:
        return this.#coding(entry);
      case FieldId.CONNECTION:
        this.#connection |= readConnectionTokens(this.memory, this.fields, entry);
        this.fields.drop(entry);
        return (this.#connection & ConnectionToken.INVALID) !== 0 ? Fault.BAD_CONNECTION_FIELD : OK;
      case FieldId.EXPECT:
        this.#seen |= Seen.EXPECT;
        return this.#valueIs(entry, CONTINUE) ? OK : Fault.EXPECTATION_UNKNOWN;
      case FieldId.UPGRADE:
        if (this.#valueIs(entry, WEBSOCKET) && (this.#seen & Seen.UPGRADE) === 0) this.#seen |= Seen.WEBSOCKET;
        else this.#seen &= ~Seen.WEBSOCKET;
        this.#seen |= Seen.UPGRADE;
        return OK;
      case FieldId.COOKIE:
        this.flags |= RequestFlag.COOKIE;
        return OK;
      case FieldId.X_FORWARDED_FOR:
        this.flags |= RequestFlag.FORWARDED_FOR;
        return OK;
      case FieldId.TE:
        if (hasTrailers(this.memory, this.fields.entries, entry)) this.#seen |= Seen.TRAILERS;
        this.fields.drop(entry);
        return OK;
      case FieldId.TRAILER:
        this.#seen |= Seen.ANNOUNCED;
        return OK;
      case FieldId.KEEP_ALIVE:
      case FieldId.PROXY_CONNECTION:
      case FieldId.HTTP2_SETTINGS:
        this.fields.drop(entry);
        return OK;
      default:
        return OK;
    }
  }

  #host(entry: number): number {
    if ((this.#seen & Seen.HOST) !== 0) return Fault.HOST_REPEATED;
    this.#seen |= Seen.HOST;
    this.hostStart = this.fields.entries[entry + VALUE_START]!;
    this.hostEnd = this.fields.entries[entry + VALUE_END]!;
    return isAuthority(this.memory, this.hostStart, this.hostEnd) ? OK : Fault.BAD_HOST;
  }

  #length(entry: number): number {
    if ((this.#seen & Seen.LENGTH) !== 0) return Fault.CONTENT_LENGTH_REPEATED;
    this.#seen |= Seen.LENGTH;
    const start = this.fields.entries[entry + VALUE_START]!;
    const end = this.fields.entries[entry + VALUE_END]!;
    const length = readContentLength(this.memory, start, end);
    if (length < 0) return Fault.BAD_CONTENT_LENGTH;
    this.contentLength = length;
    const leadingZero = end - start > 1 && this.memory[start] === 48;
    if (leadingZero || !this.#isPlain(entry)) this.#rewriteFraming(entry);
    return OK;
  }

  #coding(entry: number): number {
    if ((this.#seen & Seen.CODING) !== 0) return Fault.TRANSFER_CODING_REPEATED;
    this.#seen |= Seen.CODING;
    if (this.minorVersion === 0) return Fault.TRANSFER_CODING_IN_1_0;
    if (!this.#valueIs(entry, CHUNKED)) return Fault.TRANSFER_CODING;
    if (!this.#isPlain(entry) || !this.#isLowerCase(entry)) this.#rewriteFraming(entry);
    return OK;
  }

  #rewriteFraming(entry: number): void {
    this.fields.drop(entry);
    this.flags |= RequestFlag.FRAMING_REWRITTEN;
  }

  #framing(): number {
    const framing = this.#seen & (Seen.LENGTH | Seen.CODING);
    if (framing === (Seen.LENGTH | Seen.CODING)) return Fault.TWO_FRAMINGS;
    if (framing === Seen.CODING) this.bodyKind = BodyKind.CHUNKED;
    else if (framing === Seen.LENGTH && this.contentLength > 0) this.bodyKind = BodyKind.LENGTH;
    return OK;
  }

  /** Flags and drops that depend on several fields: persistence, Expect, Upgrade. */
  #hop(): number {
    const connection = this.#connection;
    const keepAlive = this.minorVersion === 1 || (connection & ConnectionToken.KEEP_ALIVE) !== 0;
    if (keepAlive && (connection & ConnectionToken.CLOSE) === 0) this.flags |= RequestFlag.KEEP_ALIVE;
    // Trailers are passed on behind a chunked body; elsewhere there are none to announce.
    if ((this.#seen & Seen.ANNOUNCED) !== 0 && this.bodyKind !== BodyKind.CHUNKED) this.#dropAll(FieldId.TRAILER);
    if ((this.#seen & Seen.EXPECT) !== 0) {
      if (this.minorVersion === 1 && this.bodyKind !== BodyKind.NONE) this.flags |= RequestFlag.EXPECT_CONTINUE;
      else this.#dropAll(FieldId.EXPECT);
    }
    const trailers = (this.#seen & Seen.TRAILERS) !== 0 && (connection & ConnectionToken.TE) !== 0;
    if (trailers && this.minorVersion === 1) this.flags |= RequestFlag.TRAILERS;
    return (this.#seen & Seen.UPGRADE) === 0 ? OK : this.#upgrade();
  }

  /** Only a whole and valid wish for websocket is passed on; without its key it is a fault (RFC 6455 section 4.2.1). */
  #upgrade(): number {
    const valid =
      (this.#seen & Seen.WEBSOCKET) !== 0 &&
      (this.#connection & ConnectionToken.UPGRADE) !== 0 &&
      this.minorVersion === 1 &&
      this.method === Method.GET &&
      this.bodyKind === BodyKind.NONE;
    if (!valid) {
      this.#dropAll(FieldId.UPGRADE);
      return OK;
    }
    this.flags |= RequestFlag.WEBSOCKET;
    return this.#findKey() ? OK : Fault.WEBSOCKET_KEY;
  }

  /** One key, that is passed on. */
  #findKey(): boolean {
    const { entries } = this.fields;
    const entry = findField(this, WEBSOCKET_KEY, 0);
    if (entry < 0 || findField(this, WEBSOCKET_KEY, entry + FIELD_STRIDE) >= 0) return false;
    this.websocketKey = entries[entry + VALUE_START]!;
    const dropped = (entries[entry + FIELD_ID]! & DROPPED) !== 0;
    return !dropped && isWebsocketKey(this.memory, this.websocketKey, entries[entry + VALUE_END]!);
  }

  #dropAll(id: number): void {
    const entries = this.fields.entries;
    for (let entry = 0; entry < this.fields.count * FIELD_STRIDE; entry += FIELD_STRIDE) {
      if (entries[entry + FIELD_ID] === id) this.fields.drop(entry);
    }
  }

  #dropNamed(stop: number): void {
    const entries = this.fields.entries;
    for (let entry = 0; entry < stop; entry += FIELD_STRIDE) {
      if ((entries[entry + FIELD_ID]! & 255) === FieldId.CONNECTION) dropNamedFields(this.memory, this.fields, entry);
    }
  }

  /** Judges the form of the target and finds what is forwarded of it. */
  #target(): number {
    const first = this.memory[this.targetStart];
    this.forwardStart = this.targetStart;
    this.forwardEnd = this.targetEnd;
    this.pathStart = this.targetStart;
    this.pathEnd = this.#queryStart;
    if (this.method === Method.CONNECT) return Fault.CONNECT_REFUSED;
    if (first !== SLASH) {
      const starOnly = first === STAR && this.targetEnd - this.targetStart === 1;
      if (starOnly && this.method !== Method.OPTIONS) return Fault.BAD_TARGET;
      if (!starOnly) return this.#absoluteTarget();
    }
    return this.#needHost();
  }

  #needHost(): number {
    if ((this.#seen & Seen.HOST) !== 0) return OK;
    if (this.minorVersion === 1) return Fault.HOST_MISSING;
    this.hostStart = 0;
    this.hostEnd = 0;
    this.flags |= RequestFlag.HOST_ABSENT;
    return OK;
  }

  /** Absolute-form: its authority replaces Host (RFC 9112 section 3.2.2), its rest is forwarded. */
  #absoluteTarget(): number {
    const memory = this.memory;
    const start = authorityStart(memory, this.targetStart, this.targetEnd);
    if (start < 0) return Fault.BAD_TARGET;
    const end = authorityEnd(memory, start, this.targetEnd);
    if (!isAuthority(memory, start, end)) return Fault.BAD_HOST;
    const fault = this.#needHost();
    if (fault !== OK) return fault;
    const same = this.hostEnd - this.hostStart === end - start;
    if (!same || !spansEqualIgnoringCase(memory, this.hostStart, { start, length: end - start })) {
      this.#dropAll(FieldId.HOST);
      this.flags = (this.flags | RequestFlag.HOST_REWRITTEN) & ~RequestFlag.HOST_ABSENT;
    }
    this.hostStart = start;
    this.hostEnd = end;
    this.forwardStart = end;
    this.pathStart = end;
    if (memory[end] !== SLASH) this.pathEnd = end;
    return OK;
  }

  #valueIs(entry: number, lower: Uint8Array): boolean {
    const start = this.fields.entries[entry + VALUE_START]!;
    const length = this.fields.entries[entry + VALUE_END]! - start;
    return length === lower.length && sameIgnoringCase(this.memory, start, lower);
  }

  /** True if the value has no upper-case letter: some servers compare "chunked" byte by byte. */
  #isLowerCase(entry: number): boolean {
    const end = this.fields.entries[entry + VALUE_END]!;
    for (let p = this.fields.entries[entry + VALUE_START]!; p < end; p++) {
      if ((this.memory[p]! & 32) === 0) return false;
    }
    return true;
  }

  /** True if the line is "Name: value" CR LF, without any other white space. */
  #isPlain(entry: number): boolean {
    const { entries } = this.fields;
    const nameEnd = entries[entry + NAME_END]!;
    const oneSpace = nameEnd + 2 === entries[entry + VALUE_START] && this.memory[nameEnd + 1] === SPACE;
    return oneSpace && this.memory[entries[entry + VALUE_END]!] === CR;
  }
}

/** True if the list in a field's value has the member "trailers", without parameters. */
function hasTrailers(memory: Uint8Array, entries: Int32Array, entry: number): boolean {
  const end = entries[entry + VALUE_END]!;
  let p = entries[entry + VALUE_START]!;
  while (p < end) {
    const start = p;
    while (p < end && TOKEN[memory[p]!] !== 0) p++;
    const ended = p === end || memory[p] === COMMA || memory[p] === SPACE;
    if (p - start === TRAILERS.length && ended && sameIgnoringCase(memory, start, TRAILERS)) return true;
    p++;
  }
  return false;
}

/** Judges byte number `i` of "HTTP/d.d" CR LF. */
function versionFault(byte: number, i: number): number {
  if (i === 8) return byte === CR ? OK : byte === LF ? Fault.BARE_LINE_END : Fault.BAD_VERSION;
  if (i === 9) return byte === LF ? OK : Fault.BARE_LINE_END;
  if (i === 5 || i === 7) return byte >= 48 && byte <= 57 ? OK : Fault.BAD_VERSION;
  return byte === (i === 6 ? DOT : HTTP_SLASH[i]) ? OK : Fault.BAD_VERSION;
}
