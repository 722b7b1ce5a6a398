// Writes the head that is forwarded to a server, from the head that RequestHeadParser has just judged: always
// HTTP/1.1, origin-form, without the fields of this hop (RFC 9110 section 7.6.1), with one framing field in plain
// form, with what the proxy inserts at the end. It decides nothing about the request; the engine sets the fields.
import { ascii, CR, LF, putDecimal, SLASH, SPACE } from './bytes.ts';
import { type CookieFinder, isCookieSeparator } from './cookie.ts';
import { FieldId } from './field-id.ts';
import { FIELD_ID, FIELD_STRIDE, NAME_START, VALUE_END, VALUE_START } from './field-table.ts';
import type { HeadEdits } from './head-edits.ts';
import { BodyKind, type RequestHeadParser, RequestFlag } from './request-head.ts';
import { SpanWriter } from './span-writer.ts';

const VERSION = ascii(' HTTP/1.1\r\n');
const HOST = ascii('Host: ');
const CONTENT_LENGTH = ascii('Content-Length: ');
const CHUNKED = ascii('Transfer-Encoding: chunked\r\n');
const CONNECTION_CLOSE = ascii('Connection: close\r\n');
const CONNECTION_UPGRADE = ascii('Connection: upgrade\r\n');
const CONNECTION_TE = ascii('Connection: TE\r\n');
const CONNECTION_CLOSE_TE = ascii('Connection: close, TE\r\n');
const TE_TRAILERS = ascii('TE: trailers\r\n');
const EMPTY = new Uint8Array(0);
/** More than all that a head can grow by beside `insert`, `hostField` and a Host taken from the target. */
const MOST_GROWTH = 128;
/** Bit in `FIELD_ID`: a dropped Cookie line of which a part is written anew. */
const REWRITTEN = 512;

/** Writes forwarded request heads; made once, its settings are changed for each request. */
export class RequestHeadWriter {
  /** `Connection: close` is sent: the server's connection is not kept. Not for websocket. */
  close = false;
  /** Whole field lines, each with its CR LF, that are put after all others: `X-Forwarded-For: 192.0.2.1\r\n`. */
  insert: Uint8Array = EMPTY;
  /** A whole Host line for requests with HOST_ABSENT (HTTP/1.0): `Host: 10.0.0.1:80\r\n`. */
  hostField: Uint8Array = ascii('Host:\r\n');
  /** What else is changed in the fields; null: nothing. Applied by each `write`. */
  edits: HeadEdits | null = null;
  readonly #request: RequestHeadParser;
  readonly #out: SpanWriter;
  #cookie: CookieFinder | null = null;
  #delimiter = 0;
  #path: Uint8Array = EMPTY;
  #pathBytes = -1;

  constructor(request: RequestHeadParser) {
    this.#request = request;
    this.#out = new SpanWriter(request.memory);
  }

  /**
   * Leaves every cookie of a name out of the forwarded head (HAProxy's `indirect`), or, with a delimiter, what stands
   * in its value up to and with that byte (HAProxy's `prefix`); holds for the next `write` only.
   */
  removeCookie(cookie: CookieFinder, delimiter = 0): void {
    this.#cookie = cookie;
    this.#delimiter = delimiter;
  }

  /**
   * Puts another path in the place of the request's, in front of its query; holds for the next `write` only.
   *
   * @param path Its first `bytes` bytes are written as they are: "/" and what may stand in a path, without query.
   */
  replacePath(path: Uint8Array, bytes: number): void {
    this.#path = path;
    this.#pathBytes = bytes;
  }

  /**
   * Writes the head of the request that the parser holds.
   *
   * @param at Where to write, in the parser's memory; must not overlap the received head.
   * @param limit Offset after the last byte that may be written.
   * @returns The offset after the head, or -1 if it might not fit (then nothing was written).
   */
  write(at: number, limit: number): number {
    const request = this.#request;
    const edits = this.edits;
    let most = request.headEnd - request.methodStart + this.insert.length + this.hostField.length + MOST_GROWTH;
    if (edits !== null) most += edits.overflowed ? limit : edits.length;
    if (this.#pathBytes > 0) most += this.#pathBytes;
    if (at + most + request.hostEnd - request.hostStart > limit) {
      this.#cookie = null;
      this.#pathBytes = -1;
      return -1;
    }
    const memory = request.memory;
    if (edits !== null) edits.applyTo(request);
    let out = this.#requestLine(at);
    out = this.#fieldLines(out);
    const ownHost = (request.flags & (RequestFlag.HOST_ABSENT | RequestFlag.HOST_REWRITTEN)) !== 0;
    if (ownHost && (edits === null || !edits.setsHost)) out = this.#host(out);
    if ((request.flags & RequestFlag.FRAMING_REWRITTEN) !== 0) out = this.#framing(out);
    if ((request.flags & (RequestFlag.WEBSOCKET | RequestFlag.TRAILERS)) !== 0) out = this.#hop(out);
    else if (this.close) out = this.#out.put(out, CONNECTION_CLOSE);
    out = this.#out.put(out, this.insert);
    if (edits !== null) out = this.#out.putPart(out, edits.lines, edits.length);
    memory[out] = CR;
    memory[out + 1] = LF;
    return out + 2;
  }

  #requestLine(at: number): number {
    const request = this.#request;
    const memory = request.memory;
    if (this.#pathBytes >= 0) return this.#lineWithPath(at);
    if (request.forwardStart === request.targetStart && request.minorVersion === 1) {
      return this.#out.copy(at, request.methodStart, request.fieldsStart);
    }
    let out = this.#out.copy(at, request.methodStart, request.methodEnd);
    memory[out++] = SPACE;
    if (request.forwardStart === request.forwardEnd || memory[request.forwardStart] === 63) {
      memory[out++] = this.#emptyTarget();
    }
    out = this.#out.copy(out, request.forwardStart, request.forwardEnd);
    return this.#out.put(out, VERSION);
  }

  #lineWithPath(at: number): number {
    const request = this.#request;
    let out = this.#out.copy(at, request.methodStart, request.methodEnd);
    request.memory[out++] = SPACE;
    out = this.#out.putPart(out, this.#path, this.#pathBytes);
    this.#pathBytes = -1;
    out = this.#out.copy(out, request.pathEnd, request.forwardEnd);
    return this.#out.put(out, VERSION);
  }

  /** "/" or, for OPTIONS on a whole server, "*" (RFC 9112 section 3.2.4). */
  #emptyTarget(): number {
    const request = this.#request;
    const wholeServer = request.method === 6 && request.forwardStart === request.forwardEnd;
    return wholeServer ? 42 : SLASH;
  }

  #fieldLines(at: number): number {
    const request = this.#request;
    const cookie = this.#cookie;
    if (cookie === null) return this.#out.fields(at, request.fields, request);
    this.#cookie = null;
    const { entries, count } = request.fields;
    const stop = count * FIELD_STRIDE;
    let changed = 0;
    for (let entry = 0; entry < stop; entry += FIELD_STRIDE) {
      if (entries[entry + FIELD_ID] !== FieldId.COOKIE) continue;
      cookie.pairs.begin(request.memory, entries[entry + VALUE_START]!, entries[entry + VALUE_END]!);
      if (!cookie.pairs.next()) continue;
      request.fields.drop(entry);
      entries[entry + FIELD_ID]! |= REWRITTEN;
      changed++;
    }
    // Cookie lines that have changed go after the other fields; the order of different fields does not matter.
    let out = this.#out.fields(at, request.fields, request);
    for (let entry = 0; changed > 0; entry += FIELD_STRIDE) {
      if ((entries[entry + FIELD_ID]! & REWRITTEN) === 0) continue;
      out = this.#cookieLine(out, entry, cookie);
      changed--;
    }
    return out;
  }

  /** The line without the pairs of the name, or without the beginning of their values; no line if nothing is left. */
  #cookieLine(at: number, entry: number, { pairs }: CookieFinder): number {
    const request = this.#request;
    const { entries } = request.fields;
    const { memory } = request;
    const end = entries[entry + VALUE_END]!;
    let from = entries[entry + VALUE_START]!;
    const first = this.#out.copy(at, entries[entry + NAME_START]!, from);
    let out = first;
    pairs.begin(memory, from, end);
    while (pairs.next()) {
      let cut = pairs.pairStart;
      let next = pairs.pairEnd;
      if (this.#delimiter !== 0) {
        next = pairs.valueStart;
        while (next < pairs.valueEnd && memory[next] !== this.#delimiter) next++;
        if (next === pairs.valueEnd) continue;
        cut = pairs.valueStart;
        next++;
      } else while (cut > from && isCookieSeparator(memory[cut - 1]!)) cut--;
      out = this.#kept(out, from, cut, out === first);
      from = next;
    }
    out = this.#kept(out, from, end, out === first);
    if (out === first) return at;
    memory[out] = CR;
    memory[out + 1] = LF;
    return out + 2;
  }

  /** Copies what is left between two cuts; the first part without the separators before it. */
  // oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
  #kept(at: number, start: number, end: number, isFirst: boolean): number {
    const { memory } = this.#request;
    let from = start;
    if (isFirst) while (from < end && isCookieSeparator(memory[from]!)) from++;
    return this.#out.copy(at, from, end);
  }

  /** Connection for the rare requests that need it, with the field that it names. */
  #hop(at: number): number {
    if ((this.#request.flags & RequestFlag.WEBSOCKET) !== 0) return this.#out.put(at, CONNECTION_UPGRADE);
    const out = this.#out.put(at, this.close ? CONNECTION_CLOSE_TE : CONNECTION_TE);
    return this.#out.put(out, TE_TRAILERS);
  }

  #host(at: number): number {
    const request = this.#request;
    if ((request.flags & RequestFlag.HOST_ABSENT) !== 0) return this.#out.put(at, this.hostField);
    let out = this.#out.put(at, HOST);
    out = this.#out.copy(out, request.hostStart, request.hostEnd);
    request.memory[out] = CR;
    request.memory[out + 1] = LF;
    return out + 2;
  }

  #framing(at: number): number {
    const request = this.#request;
    if (request.bodyKind === BodyKind.CHUNKED) return this.#out.put(at, CHUNKED);
    const out = putDecimal(request.memory, this.#out.put(at, CONTENT_LENGTH), request.contentLength);
    request.memory[out] = CR;
    request.memory[out + 1] = LF;
    return out + 2;
  }
}
