// Writes the answer head that goes to the client, from the head that ResponseHeadParser has just judged: always
// HTTP/1.1, without the fields of the server's hop, with the framing and persistence that the engine has chosen.
// Status, Date and all other fields stay as the server sent them.
import { ascii, CR, LF, putDecimal, SPACE } from './bytes.ts';
import { FieldId } from './field-id.ts';
import type { HeadEdits } from './head-edits.ts';
import { BodyKind } from './request-head.ts';
import { ResponseFlag, type ResponseHeadParser } from './response-head.ts';
import { SpanWriter } from './span-writer.ts';

/** What the Connection field tells the client. NONE is right for an HTTP/1.1 connection that stays open. */
export const ConnectionChoice = { NONE: 0, CLOSE: 1, KEEP_ALIVE: 2, UPGRADE: 3 } as const;

const VERSION = ascii('HTTP/1.1 ');
const CONTENT_LENGTH = ascii('Content-Length: ');
const CHUNKED = ascii('Transfer-Encoding: chunked\r\n');
const CONNECTIONS: readonly Uint8Array[] = [
  new Uint8Array(0),
  ascii('Connection: close\r\n'),
  ascii('Connection: keep-alive\r\n'),
  ascii('Connection: upgrade\r\n'),
];
const CACHE_PRIVATE = ascii('Cache-control: private\r\n');
/** RFC 9110 section 15.1: heuristically cacheable. */
const CACHEABLE_STATUSES: readonly number[] = [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501];
const EMPTY = new Uint8Array(0);
const MOST_GROWTH = 128;

/** Writes answer heads; made once, its settings are changed for each answer. */
export class ResponseHeadWriter {
  /**
   * How the client finds the end of the body, a number of `BodyKind`: CHUNKED adds Transfer-Encoding; LENGTH and
   * NONE keep the server's Content-Length, if there was one, CHUNKED and UNTIL_CLOSE drop it (the body is another one
   * than the server's); UNTIL_CLOSE needs `connection` CLOSE.
   */
  framing: number = BodyKind.NONE;
  /** A number of `ConnectionChoice`. */
  connection: number = ConnectionChoice.NONE;
  /** Whole field lines that are put after the server's: `Set-Cookie: SERVERID=s1; path=/\r\n`. */
  insert: Uint8Array = EMPTY;
  /** Adds `Cache-control: private`, so that no shared cache keeps the cookie (HAProxy's `nocache`). */
  cachePrivate = false;
  /** What else is changed in the fields; null: nothing. Applied by each `write`. */
  edits: HeadEdits | null = null;
  readonly #response: ResponseHeadParser;
  readonly #out: SpanWriter;

  constructor(response: ResponseHeadParser) {
    this.#response = response;
    this.#out = new SpanWriter(response.memory);
  }

  /**
   * Writes the head of the answer that the parser holds.
   *
   * @param at Where to write, in the parser's memory; must not overlap the received head.
   * @param limit Offset after the last byte that may be written.
   * @returns The offset after the head, or -1 if it might not fit (then nothing was written).
   */
  write(at: number, limit: number): number {
    const response = this.#response;
    const edits = this.edits;
    let most = response.headEnd - response.lineStart + this.insert.length + MOST_GROWTH;
    if (edits !== null) most += edits.overflowed ? limit : edits.length;
    if (at + most > limit) return -1;
    const memory = response.memory;
    if (edits !== null) edits.applyTo(response);
    const ownLength = this.framing !== BodyKind.CHUNKED && this.framing !== BodyKind.UNTIL_CLOSE;
    if (!ownLength && (response.flags & ResponseFlag.LENGTH_GIVEN) !== 0) this.#dropLength();
    let out = this.#statusLine(at);
    out = this.#out.fields(out, response.fields, response);
    if (this.framing === BodyKind.CHUNKED) out = this.#out.put(out, CHUNKED);
    else if (ownLength && (response.flags & ResponseFlag.LENGTH_REWRITTEN) !== 0) out = this.#length(out);
    if (this.connection !== ConnectionChoice.NONE) out = this.#out.put(out, CONNECTIONS[this.connection]!);
    out = this.#out.put(out, this.insert);
    if (edits !== null) out = this.#out.putPart(out, edits.lines, edits.length);
    if (this.cachePrivate) out = this.#out.put(out, CACHE_PRIVATE);
    memory[out] = CR;
    memory[out + 1] = LF;
    return out + 2;
  }

  #statusLine(at: number): number {
    const response = this.#response;
    const memory = response.memory;
    if (response.reasonStart > response.lineStart + 12) {
      const out = this.#out.copy(at, response.lineStart, response.fieldsStart);
      memory[at + 7] = 49;
      return out;
    }
    // No space after the status: the grammar wants one (RFC 9112 section 4).
    let out = this.#out.put(at, VERSION);
    out = putDecimal(memory, out, response.status);
    memory[out] = SPACE;
    memory[out + 1] = CR;
    memory[out + 2] = LF;
    return out + 3;
  }

  #dropLength(): void {
    const { fields } = this.#response;
    const entry = fields.find(FieldId.CONTENT_LENGTH);
    if (entry >= 0) fields.drop(entry);
  }

  #length(at: number): number {
    const memory = this.#response.memory;
    const out = putDecimal(memory, this.#out.put(at, CONTENT_LENGTH), this.#response.contentLength);
    memory[out] = CR;
    memory[out + 1] = LF;
    return out + 2;
  }
}

/**
 * Tells whether a shared cache could keep this answer by default (RFC 9111 section 3, RFC 9110 section 15.1):
 * then an inserted session cookie needs `cachePrivate`.
 *
 * @param method A number of `Method`; GET (1) and HEAD (2) are cached, and HAProxy guards OPTIONS (6) alike.
 */
export function isSharedCacheable(response: ResponseHeadParser, method: number): boolean {
  if (method !== 1 && method !== 2 && method !== 6) return false;
  if ((response.flags & ResponseFlag.NOT_SHARED) !== 0) return false;
  return CACHEABLE_STATUSES.includes(response.status);
}
