// The messages of the canary runs: every request and every answer carries the number of its exchange in its head and in
// every byte of its body, so that a byte of another exchange shows wherever it comes. Written and read by both sides.
import type { Random } from '../random.ts';

/** What a server wraps an answer's body in. */
export type Framing = 'length' | 'chunked' | 'close' | 'none';

/** A request as its client knows it. */
export interface Asked {
  readonly id: string;
  readonly method: string;
  readonly text: string;
}

/** An answer, and where its bytes may be cut with a meaning. */
export interface Answer {
  readonly text: string;
  readonly framing: Framing;
  /** The server closes behind it. */
  readonly closes: boolean;
  /** End of the head, ends of chunks, ends of receive buffers. */
  readonly edges: readonly number[];
}

const HEAD_END = '\r\n\r\n';

/** Body bytes of an exchange: its number again and again. */
export function bodyOf(id: string, bytes: number): string {
  return `${id};`.repeat(Math.ceil(bytes / (id.length + 1))).slice(0, bytes);
}

/** A request for a path whose last part is the exchange's number. */
export function makeRequest(random: Random, id: string, lane: string): Asked {
  const path = `${lane}/${id}`;
  const head = `${path} HTTP/1.1\r\nHost: a\r\nX-Canary: ${id}\r\n`;
  const kind = random.below(10);
  if (kind < 6) return { id, method: 'GET', text: `GET ${head}\r\n` };
  if (kind === 6) return { id, method: 'HEAD', text: `HEAD ${head}\r\n` };
  const body = bodyOf(id, 1 + random.below(random.chance(0.1) ? 6000 : 300));
  if (kind < 9) return { id, method: 'POST', text: `POST ${head}Content-Length: ${body.length}\r\n\r\n${body}` };
  return { id, method: 'POST', text: `POST ${head}Transfer-Encoding: chunked\r\n\r\n${chunks(random, body)}` };
}

function chunks(random: Random, body: string): string {
  let text = '';
  for (let at = 0; at < body.length;) {
    const size = Math.min(body.length - at, 1 + random.below(body.length));
    text += `${size.toString(16)}\r\n${body.slice(at, at + size)}\r\n`;
    at += size;
  }
  return `${text}0\r\n\r\n`;
}

/**
 * An answer to an exchange; often one whose last byte is the last of a receive buffer, or the one before or behind it.
 *
 * @param bufferBytes Of the transport's receive buffers.
 */
export function makeAnswer(random: Random, asked: { id: string; method: string }, bufferBytes: number): Answer {
  const { id, method } = asked;
  const framing = random.pick<Framing>(['length', 'length', 'length', 'chunked', 'chunked', 'close', 'none']);
  const toEdge = random.chance(bufferBytes > 8192 ? 0.1 : 0.3);
  const wanted = toEdge ? bufferBytes * (random.chance(0.9) ? 1 : 2) + random.pick([-1, 0, 0, 1]) : random.below(600);
  const interim = random.chance(0.05) ? `HTTP/1.1 103 Early Hints\r\nX-Canary: ${id}\r\n\r\n` : '';
  if (framing === 'none') {
    const text = `${interim}HTTP/1.1 204 No Content\r\nX-Canary: ${id}\r\n\r\n`;
    return { text, framing, closes: false, edges: [text.length] };
  }
  const closes = framing === 'close' || random.chance(0.05);
  const head = (size: number): string => {
    const frame =
      framing === 'length'
        ? `Content-Length: ${size}\r\n`
        : framing === 'chunked'
          ? 'Transfer-Encoding: chunked\r\n'
          : '';
    return `${interim}HTTP/1.1 200 OK\r\nX-Canary: ${id}\r\nX-Size: ${size}\r\n${closes ? 'Connection: close\r\n' : ''}${frame}\r\n`;
  };
  const wrap = (size: number): string => {
    if (method === 'HEAD') return head(size);
    const body = bodyOf(id, size);
    return head(size) + (framing === 'chunked' ? oneChunk(body) : body);
  };
  let size = Math.max(0, wanted - wrap(wanted).length + wanted);
  // The numbers in the head have as many digits as they need.
  for (let tries = 0; tries < 4 && wrap(size).length !== wanted && size > 0; tries++) {
    size = Math.max(0, size + wanted - wrap(size).length);
  }
  const text = wrap(size);
  const headEnd = head(size).length;
  const edges = [headEnd, text.length - 1, bufferBytes, text.length - 5].filter((at) => at > 0 && at < text.length);
  return { text, framing, closes, edges };
}

function oneChunk(body: string): string {
  return body === '' ? '0\r\n\r\n' : `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

/** A whole answer that nobody has asked for: one that fits behind a cut head, or one with a body. */
export function poisonBehind(random: Random, id: string): string {
  if (random.chance(0.5)) return 'HTTP/1.1 204 \r\nX-Canary: left\r\n\r\n';
  const body = bodyOf(`left-over-${id}`, 40);
  return `HTTP/1.1 200 OK\r\nX-Canary: left-over-${id}\r\nX-Size: 40\r\nContent-Length: 40\r\n\r\n${body}`;
}

/** A message cut off the front of a text. */
export interface Cut {
  readonly head: string;
  readonly body: string;
  readonly rest: string;
  /** The body ends only with the connection. */
  readonly untilClose: boolean;
}

/** How the body behind a head is framed: its length, -1 for chunks, -2 for the end of the connection. */
type BodyRule = (head: string) => number;

/** Cuts one message off; null: it is not whole yet; a string: what is wrong with it. */
export function cutMessage(text: string, rule: BodyRule): Cut | string | null {
  const end = text.indexOf(HEAD_END);
  if (end < 0) return null;
  const head = text.slice(0, end + 4);
  const length = rule(head);
  const from = end + 4;
  if (length === -2) return { head, body: text.slice(from), rest: '', untilClose: true };
  if (length >= 0) {
    if (text.length < from + length) return null;
    return { head, body: text.slice(from, from + length), rest: text.slice(from + length), untilClose: false };
  }
  return cutChunks(text, head, from);
}

function cutChunks(text: string, head: string, from: number): Cut | string | null {
  let body = '';
  for (let at = from; ;) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return null;
    const size = Number.parseInt(text.slice(at, line), 16);
    if (Number.isNaN(size)) return `a chunk of size ${text.slice(at, line)}`;
    at = line + 2;
    if (text.length < at + size + 2) return null;
    body += text.slice(at, at + size);
    if (text.slice(at + size, at + size + 2) !== '\r\n') return 'a chunk without its end';
    at += size + 2;
    if (size === 0) return { head, body, rest: text.slice(at), untilClose: false };
  }
}

/** Content-Length, chunks, or else. */
export function lengthIn(head: string, otherwise: number): number {
  if (/\r\ntransfer-encoding: chunked/i.test(head)) return -1;
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  return length === undefined ? otherwise : Number(length);
}

/** The value of the canary's field. */
export function canaryIn(head: string): string | undefined {
  return /\r\nx-canary: (\S+)/i.exec(head)?.[1];
}
