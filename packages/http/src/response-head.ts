// The response head parser: one pass over a server's answer head, strict where a mistake could let one message be
// taken for another, lenient in the status line's reason only. Framing by RFC 9112 section 6.3. It finds and
// judges; response-writer.ts makes the client's head. One parser serves a whole worker.
import { ascii, CR, hasLineFeed, LF, sameIgnoringCase, SPACE, TAB } from './bytes.ts';
import { ConnectionToken, dropNamedFields, readConnectionTokens } from './connection-field.ts';
import { readContentLength, readContentLengths } from './content-length.ts';
import { Fault, NEED_MORE, OK } from './fault.ts';
import { FieldId } from './field-id.ts';
import { FIELD_ID, FIELD_STRIDE, FieldTable, NAME_END, VALUE_END, VALUE_START } from './field-table.ts';
import { BodyKind, DEFAULT_MAX_FIELDS, DEFAULT_MAX_HEAD_BYTES, type HeadLimits } from './request-head.ts';

/** Bits of `ResponseHeadParser.flags`. */
export const ResponseFlag = {
  /** The server will keep its connection open after this answer. */
  KEEP_ALIVE: 1,
  /** The answer is odd but usable: its connection must not be used again (both framings, a length where none may be). */
  NO_REUSE: 2,
  /** Status 101 that names websocket in Upgrade, and upgrade in Connection. */
  WEBSOCKET: 4,
  /** The server itself forbids shared caches to keep it (private, no-cache, no-store). */
  NOT_SHARED: 8,
  SET_COOKIE: 16,
  /** Set by the parser for the writer: the length is written anew in plain form. */
  LENGTH_REWRITTEN: 32,
  /** The server sent a Content-Length, used or not (an answer to HEAD has one without a body). */
  LENGTH_GIVEN: 64,
  /** The server sent `Transfer-Encoding: chunked`. */
  CHUNKED: 128,
} as const;

const VERSION = ascii('HTTP/1.');
const CHUNKED = ascii('chunked');
const WEBSOCKET = ascii('websocket');
const PRIVATE = ascii('private');
const NO_CACHE = ascii('no-cache');
const NO_STORE = ascii('no-store');
/** "HTTP/1.x 200". */
const STATUS_BYTES = 12;

/** Parses answer heads in one memory; the result fields are valid after `parse` has returned OK. */
export class ResponseHeadParser {
  readonly fields: FieldTable;
  readonly memory: Uint8Array;
  /** First byte after the head. */
  headEnd = 0;
  /** First byte of the status line. */
  lineStart = 0;
  /** Where the reason begins, after its space; equal to `reasonEnd` if there is none. */
  reasonStart = 0;
  reasonEnd = 0;
  fieldsStart = 0;
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  minorVersion = 1;
  /** 100..999. Below 200: an interim answer, another head follows (except 101). */
  status = 0;
  /** Bits of `ResponseFlag`. */
  flags = 0;
  /** What Content-Length says; 0 if there is none. */
  contentLength = 0;
  readonly #maxHeadBytes: number;
  #connection = 0;
  #upgradeIsWebsocket = false;

  constructor(memory: Uint8Array, limits: HeadLimits = {}) {
    this.memory = memory;
    this.fields = new FieldTable(memory, limits.maxFields ?? DEFAULT_MAX_FIELDS, true);
    this.#maxHeadBytes = limits.maxHeadBytes ?? DEFAULT_MAX_HEAD_BYTES;
  }

  /**
   * Parses the head that begins at `start`; the parameters and their rules are those of `RequestHeadParser.parse`.
   *
   * @returns NEED_MORE, OK, or a number of `Fault` (all ANSWER_...: answer 502 and close the server's connection).
   */
  parse(start: number, end: number, seen: number): number {
    const full = end - start >= this.#maxHeadBytes;
    if (seen > 0 && !full && !hasLineFeed(this.memory, start + seen, end)) return NEED_MORE;
    const stop = full ? start + this.#maxHeadBytes : end;
    const at = this.#statusLine(start, stop);
    if (at < 0) return Fault.ANSWER_STATUS_LINE;
    if (at === 0) return full ? Fault.ANSWER_TOO_LARGE : NEED_MORE;
    this.fieldsStart = at;
    const headEnd = this.fields.scan(at, stop);
    if (headEnd < 0) return headEnd === -Fault.TOO_MANY_FIELDS ? Fault.ANSWER_TOO_LARGE : Fault.ANSWER_FIELD;
    if (headEnd === 0) return full ? Fault.ANSWER_TOO_LARGE : NEED_MORE;
    this.headEnd = headEnd;
    return this.#judge();
  }

  /**
   * How the body of this answer ends (RFC 9112 section 6.3).
   *
   * @param toHead True if the request was HEAD.
   * @returns A number of `BodyKind`; for LENGTH see `contentLength` (NONE if that is 0).
   */
  bodyKind(toHead: boolean): number {
    if (toHead || this.status < 200 || this.status === 204 || this.status === 304) return BodyKind.NONE;
    if ((this.flags & ResponseFlag.CHUNKED) !== 0) return BodyKind.CHUNKED;
    if ((this.flags & ResponseFlag.LENGTH_GIVEN) === 0) return BodyKind.UNTIL_CLOSE;
    return this.contentLength > 0 ? BodyKind.LENGTH : BodyKind.NONE;
  }

  /** Offset after the status line, 0 for more, -1 if it is none. */
  #statusLine(start: number, end: number): number {
    const memory = this.memory;
    const available = end - start < STATUS_BYTES ? end - start : STATUS_BYTES;
    for (let i = 0; i < available; i++) if (!isStatusByte(memory[start + i]!, i)) return -1;
    if (end - start <= STATUS_BYTES) return 0;
    this.lineStart = start;
    this.minorVersion = memory[start + 7]! - 48;
    this.status = (memory[start + 9]! - 48) * 100 + (memory[start + 10]! - 48) * 10 + memory[start + 11]! - 48;
    let p = start + STATUS_BYTES;
    if (memory[p] === SPACE) p++;
    else if (memory[p] !== CR) return -1;
    this.reasonStart = p;
    let byte = 0;
    while (p < end && ((byte = memory[p]!) >= SPACE ? byte !== 127 : byte === TAB)) p++;
    this.reasonEnd = p;
    if (p >= end) return 0;
    if (byte !== CR) return -1;
    if (p + 1 >= end) return 0;
    return memory[p + 1] === LF ? p + 2 : -1;
  }

  #judge(): number {
    this.flags = 0;
    this.contentLength = 0;
    this.#connection = 0;
    this.#upgradeIsWebsocket = false;
    const entries = this.fields.entries;
    const stop = this.fields.count * FIELD_STRIDE;
    for (let entry = 0; entry < stop; entry += FIELD_STRIDE) {
      const id = entries[entry + FIELD_ID]!;
      if (id === FieldId.OTHER) continue;
      const fault = this.#field(id, entry);
      if (fault !== OK) return fault;
    }
    if ((this.#connection & ConnectionToken.NAMES) !== 0) this.#dropNamed(stop);
    return this.#conclude();
  }

  // oxlint-disable-next-line complexity -- long: the table of known fields as a switch
  #field(id: number, entry: number): number {
    switch (id) {
      case FieldId.CONTENT_LENGTH:
        return this.#length(entry);
      case FieldId.TRANSFER_ENCODING:
        return this.#coding(entry);
      case FieldId.CONNECTION:
        this.#connection |= readConnectionTokens(this.memory, this.fields, entry);
        this.fields.drop(entry);
        return (this.#connection & ConnectionToken.INVALID) !== 0 ? Fault.ANSWER_FIELD : OK;
      case FieldId.UPGRADE:
        this.#upgradeIsWebsocket = this.#valueIs(entry, WEBSOCKET);
        if (this.status !== 101 && this.status !== 426) this.fields.drop(entry);
        return OK;
      case FieldId.SET_COOKIE:
        this.flags |= ResponseFlag.SET_COOKIE;
        return OK;
      case FieldId.CACHE_CONTROL:
      case FieldId.PRAGMA:
        if (this.#forbidsSharing(entry)) this.flags |= ResponseFlag.NOT_SHARED;
        return OK;
      case FieldId.KEEP_ALIVE:
      case FieldId.PROXY_CONNECTION:
      case FieldId.TE:
        this.fields.drop(entry);
        return OK;
      default:
        return OK;
    }
  }

  /** Content-Length; equal repetitions are taken as one (RFC 9112 section 6.3 allows it), others are ambiguous. */
  #length(entry: number): number {
    const start = this.fields.entries[entry + VALUE_START]!;
    const end = this.fields.entries[entry + VALUE_END]!;
    const single = readContentLength(this.memory, start, end);
    const length = single >= 0 ? single : readContentLengths(this.memory, start, end);
    if (length < 0) return Fault.ANSWER_FRAMING;
    if ((this.flags & ResponseFlag.LENGTH_GIVEN) !== 0) {
      if (length !== this.contentLength) return Fault.ANSWER_FRAMING;
      this.fields.drop(entry);
      return OK;
    }
    this.flags |= ResponseFlag.LENGTH_GIVEN;
    this.contentLength = length;
    const leadingZero = end - start > 1 && this.memory[start] === 48;
    if (single < 0 || leadingZero || !this.#isPlain(entry)) {
      this.fields.drop(entry);
      this.flags |= ResponseFlag.LENGTH_REWRITTEN;
    }
    return OK;
  }

  #coding(entry: number): number {
    if ((this.flags & ResponseFlag.CHUNKED) !== 0) return Fault.ANSWER_FRAMING;
    if (this.minorVersion === 0 || !this.#valueIs(entry, CHUNKED)) return Fault.ANSWER_FRAMING;
    this.flags |= ResponseFlag.CHUNKED;
    this.fields.drop(entry); // the writer frames the client's body itself
    return OK;
  }

  #dropNamed(stop: number): void {
    const entries = this.fields.entries;
    for (let entry = 0; entry < stop; entry += FIELD_STRIDE) {
      if ((entries[entry + FIELD_ID]! & 255) === FieldId.CONNECTION) dropNamedFields(this.memory, this.fields, entry);
    }
  }

  #conclude(): number {
    const connection = this.#connection;
    const keepAlive = this.minorVersion === 1 || (connection & ConnectionToken.KEEP_ALIVE) !== 0;
    if (keepAlive && (connection & ConnectionToken.CLOSE) === 0) this.flags |= ResponseFlag.KEEP_ALIVE;
    const both = ResponseFlag.CHUNKED | ResponseFlag.LENGTH_GIVEN;
    if ((this.flags & both) === both) {
      this.#dropLength();
      this.flags |= ResponseFlag.NO_REUSE;
    }
    const bodiless = this.status < 200 || this.status === 204;
    if (bodiless && (this.flags & both) !== 0) {
      // RFC 9112 section 6.1, RFC 9110 section 8.6: neither field may be there; what follows can not be trusted.
      if (this.contentLength > 0 || (this.flags & ResponseFlag.CHUNKED) !== 0) this.flags |= ResponseFlag.NO_REUSE;
      this.#dropLength();
    }
    if (this.status === 101 && this.#upgradeIsWebsocket && (connection & ConnectionToken.UPGRADE) !== 0) {
      this.flags |= ResponseFlag.WEBSOCKET;
    }
    return OK;
  }

  #dropLength(): void {
    const entries = this.fields.entries;
    for (let entry = 0; entry < this.fields.count * FIELD_STRIDE; entry += FIELD_STRIDE) {
      if (entries[entry + FIELD_ID] === FieldId.CONTENT_LENGTH) this.fields.drop(entry);
    }
    this.flags &= ~(ResponseFlag.LENGTH_GIVEN | ResponseFlag.LENGTH_REWRITTEN);
    this.contentLength = 0;
  }

  /** True if a token of the value is private, no-cache or no-store. Looks for the words: quoting does not matter here. */
  #forbidsSharing(entry: number): boolean {
    const start = this.fields.entries[entry + VALUE_START]!;
    const end = this.fields.entries[entry + VALUE_END]!;
    for (let p = start; p + PRIVATE.length <= end; p++) {
      const first = this.memory[p]! | 32;
      if (first === 112 && sameIgnoringCase(this.memory, p, PRIVATE)) return true;
      if (first !== 110 || p + NO_CACHE.length > end) continue;
      if (sameIgnoringCase(this.memory, p, NO_CACHE) || sameIgnoringCase(this.memory, p, NO_STORE)) return true;
    }
    return false;
  }

  #valueIs(entry: number, lower: Uint8Array): boolean {
    const start = this.fields.entries[entry + VALUE_START]!;
    const length = this.fields.entries[entry + VALUE_END]! - start;
    return length === lower.length && sameIgnoringCase(this.memory, start, lower);
  }

  #isPlain(entry: number): boolean {
    const { entries } = this.fields;
    const nameEnd = entries[entry + NAME_END]!;
    const oneSpace = nameEnd + 2 === entries[entry + VALUE_START] && this.memory[nameEnd + 1] === SPACE;
    return oneSpace && this.memory[entries[entry + VALUE_END]!] === CR;
  }
}

/** Judges byte number `i` of "HTTP/1.d ddd". */
function isStatusByte(byte: number, i: number): boolean {
  if (i < 7) return byte === VERSION[i];
  if (i === 7) return byte === 48 || byte === 49;
  if (i === 8) return byte === SPACE;
  return byte <= 57 && byte >= (i === 9 ? 49 : 48);
}
