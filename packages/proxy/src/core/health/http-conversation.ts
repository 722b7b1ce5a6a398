// An http check: the request, and what is thought of the answer. The head goes through the same strict parser as
// traffic does, the body (when the check wants something of it) is taken by its framing up to 64 KiB. Pure.
import type { CheckConfig } from '@tospann/config';
import { BodyKind, CHUNKED_DONE, ChunkedParser, ChunkResult, NEED_MORE, OK, ResponseHeadParser } from '@tospann/http';
import { compileRegex } from '@tospann/regex';
import { MAX_CHECKED_BYTES, quoted, type Conversation, type Step } from './conversation.ts';
import type { Verdict } from './state.ts';

const MAX_HEAD_BYTES = 16_384;
/** More of them before the answer are no answer. */
const MAX_INTERIM_ANSWERS = 8;
const DEFAULT_STATUS: readonly StatusRange[] = [{ from: 200, to: 399 }];

interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** The request of an http check. @param host `ADDRESS:PORT`, used when the check names no host. */
export function checkRequest(check: CheckConfig, host: string): string {
  const fields = new Map([
    ['host', `Host: ${check.host ?? host}`],
    ['user-agent', 'User-Agent: tospann-check'],
    ['connection', 'Connection: close'],
  ]);
  for (const [name, value] of Object.entries(check.headers ?? {})) fields.set(name.toLowerCase(), `${name}: ${value}`);
  return `${check.method} ${check.path} HTTP/1.1\r\n${[...fields.values()].join('\r\n')}\r\n\r\n`;
}

/** A parser that all checks of a thread share: it keeps nothing between two calls. */
export class CheckHeadParser {
  readonly #memory = new Uint8Array(MAX_HEAD_BYTES);
  readonly head = new ResponseHeadParser(this.#memory, { maxHeadBytes: MAX_HEAD_BYTES });

  /** NEED_MORE, OK or a fault, for the first bytes of an answer. */
  parse(bytes: Uint8Array): number {
    const length = Math.min(bytes.length, MAX_HEAD_BYTES);
    this.#memory.set(bytes.subarray(0, length));
    return this.head.parse(0, length, 0);
  }

  /** Values of the fields with this name (lower case), as text. */
  values(name: string): string[] {
    const text = Buffer.from(this.#memory.buffer, 0, this.head.headEnd).toString('latin1');
    return text
      .split('\r\n')
      .slice(1)
      .filter((line) => line.slice(0, line.indexOf(':')).toLowerCase() === name)
      .map((line) => line.slice(line.indexOf(':') + 1).trim());
  }
}

export class HttpConversation implements Conversation {
  readonly #check: CheckConfig;
  readonly #parser: CheckHeadParser;
  readonly #host: string;
  /** Bytes that no head has taken yet. */
  #pending: Buffer = Buffer.alloc(0);
  #interims = 0;
  #status = 0;
  /** Null: the head is still to come. */
  #bodyKind: number | null = null;
  #bodyLeft = 0;
  #chunked: ChunkedParser | null = null;
  readonly #body: Buffer[] = [];
  #bodyBytes = 0;

  constructor(check: CheckConfig, options: { readonly parser: CheckHeadParser; readonly host: string }) {
    this.#check = check;
    this.#parser = options.parser;
    this.#host = options.host;
  }

  connected(): Step {
    return { send: checkRequest(this.#check, this.#host) };
  }

  received(bytes: Uint8Array): Step {
    if (this.#bodyKind !== null) return this.#bodyCame(bytes);
    this.#pending = Buffer.concat([this.#pending, bytes]);
    for (;;) {
      const result = this.#parser.parse(this.#pending);
      if (result === NEED_MORE) return {};
      if (result !== OK) return bad('no valid HTTP answer');
      const rest = this.#pending.subarray(this.#parser.head.headEnd);
      const { status } = this.#parser.head;
      if (status >= 200 || status === 101) return this.#headCame(rest);
      if (++this.#interims > MAX_INTERIM_ANSWERS) return bad('no valid HTTP answer');
      this.#pending = rest;
    }
  }

  ended(): Verdict {
    if (this.#bodyKind === BodyKind.UNTIL_CLOSE) return this.#judgeBody();
    if (this.#bodyKind !== null) return failed('the answer was cut in its body', 'L7RSP');
    return failed(this.#pending.length > 0 ? 'the answer was cut in its head' : 'closed without an answer', 'L7RSP');
  }

  #headCame(rest: Buffer): Step {
    const { head } = this.#parser;
    const { expect = {}, method } = this.#check;
    this.#status = head.status;
    const ranges = expect.status ?? DEFAULT_STATUS;
    if (!ranges.some(({ from, to }) => head.status >= from && head.status <= to)) {
      return { found: failed(`HTTP ${head.status}, wanted ${rangesText(ranges)}`, 'L7STS') };
    }
    const { header } = expect;
    if (
      header !== undefined &&
      !this.#parser.values(header.name.toLowerCase()).some((v) => v.includes(header.contains))
    ) {
      return { found: failed(`HTTP ${head.status} without ${quoted(header.contains)} in ${header.name}`, 'L7STS') };
    }
    if (expect.bodyContains === undefined && expect.bodyRegex === undefined) return { found: this.#good() };
    this.#bodyKind = head.bodyKind(method === 'HEAD');
    this.#bodyLeft = head.contentLength;
    if (this.#bodyKind === BodyKind.CHUNKED) {
      this.#chunked = new ChunkedParser();
      this.#chunked.reset(true);
    }
    if (this.#bodyKind === BodyKind.NONE) return { found: this.#judgeBody() };
    return rest.length > 0 ? this.#bodyCame(rest) : {};
  }

  #bodyCame(bytes: Uint8Array): Step {
    let isWhole = false;
    if (this.#bodyKind === BodyKind.CHUNKED) {
      const result = this.#chunksCame(bytes);
      if (result > 0) return bad('broken chunks in the answer');
      isWhole = result === CHUNKED_DONE;
    } else {
      const length = this.#bodyKind === BodyKind.LENGTH ? Math.min(bytes.length, this.#bodyLeft) : bytes.length;
      this.#keep(bytes.subarray(0, length));
      this.#bodyLeft -= length;
      isWhole = this.#bodyKind === BodyKind.LENGTH && this.#bodyLeft === 0;
    }
    if (isWhole || this.#bodyBytes >= MAX_CHECKED_BYTES) return { found: this.#judgeBody() };
    return {};
  }

  /** CHUNKED_DONE, 0 for more, or a fault (above 0). */
  #chunksCame(bytes: Uint8Array): number {
    const parser = this.#chunked!;
    for (let at = 0; ;) {
      const result = parser.next(bytes, at, bytes.length);
      if (result > ChunkResult.SPAN) return result;
      this.#keep(bytes.subarray(parser.spanStart, parser.spanEnd));
      if (result !== ChunkResult.SPAN) return result;
      at = parser.position;
    }
  }

  #keep(bytes: Uint8Array): void {
    const left = MAX_CHECKED_BYTES - this.#bodyBytes;
    if (left <= 0 || bytes.length === 0) return;
    const kept = Buffer.from(bytes.subarray(0, left)); // a copy: the caller's bytes are borrowed
    this.#body.push(kept);
    this.#bodyBytes += kept.length;
  }

  #judgeBody(): Verdict {
    const { bodyContains, bodyRegex } = this.#check.expect ?? {};
    const body = Buffer.concat(this.#body);
    const where = this.#bodyBytes >= MAX_CHECKED_BYTES ? 'in the first 64 KiB' : `in its ${body.length} bytes`;
    const missing = (wanted: string): Verdict => failed(`HTTP ${this.#status}, no ${quoted(wanted)} ${where}`, 'L7STS');
    if (bodyContains !== undefined && !body.includes(bodyContains)) return missing(bodyContains);
    if (bodyRegex !== undefined && !compileRegex(bodyRegex).test(body, 0, body.length)) return missing(bodyRegex);
    return this.#good();
  }

  #good(): Verdict {
    return { ok: true, detail: `HTTP ${this.#status}`, code: 'L7OK' };
  }
}

function failed(detail: string, code: Verdict['code']): Verdict {
  return { ok: false, detail, code };
}

function bad(detail: string): Step {
  return { found: failed(detail, 'L7RSP') };
}

function rangesText(ranges: readonly StatusRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(', ');
}
