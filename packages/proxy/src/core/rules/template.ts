// Texts with variables (`TemplateConfig`), written as bytes for the request that the engine's parser holds. What a
// client has sent is made harmless for the place where it goes, and bounded.
import type { TemplateConfig } from '@tospann/config';
import { type FieldName, fieldName } from '@tospann/http';
import { latin1, putNumber } from '../bytes.ts';
import type { Client } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { headerSpan, hostSpan, querySpan, Span } from './spans.ts';

/** Most bytes that a template may become; more is a failure of its own. */
const MAX_TEXT_BYTES = 8192;
const HTTP = latin1('http');
const ROOT = latin1('/');
const EMPTY = new Uint8Array(0);
const HEX = latin1('0123456789ABCDEF');
const PERCENT = 37;
const utf8 = new TextEncoder();
const span = new Span();

/** What a byte needs at its place: `VALUE` leaves control bytes to HeadEdits, the others write %XX where it must be. */
export const Place = { VALUE: 0, URL: 1, PATH: 2 } as const;

/** 1: may stand in a URL as it is; 2: not in a path (it would begin a query). "#" may stand in a URL of ours. */
const URL_BYTES = new Uint8Array(256).fill(1, 0x21, 0x7f);
for (const byte of latin1('"<>\\^`{|}')) URL_BYTES[byte] = 0;
URL_BYTES[63] = 2;
URL_BYTES[35] = 2;

/** Where a template is written: the first `length` of `bytes`. */
export class TextBuffer {
  readonly bytes = new Uint8Array(MAX_TEXT_BYTES);
  length = 0;
  overflowed = false;
  /** A number of `Place`: for what `put` appends. */
  place: number = Place.VALUE;

  clear(): void {
    this.length = 0;
    this.overflowed = false;
  }

  /** Appends source[from, to), with percent-encoding for a place in a URL. */
  put(source: Uint8Array, from: number, to: number): void {
    const { place } = this;
    if (this.length + (place === Place.VALUE ? 1 : 3) * (to - from) > MAX_TEXT_BYTES) {
      this.overflowed = true;
      return;
    }
    const bytes = this.bytes;
    let at = this.length;
    for (let i = from; i < to; i++) {
      const byte = source[i]!;
      const kind = URL_BYTES[byte]!;
      if (place === Place.VALUE || kind === 1 || (kind === 2 && place === Place.URL)) bytes[at++] = byte;
      else {
        bytes[at++] = PERCENT;
        bytes[at++] = HEX[byte >>> 4]!;
        bytes[at++] = HEX[byte & 15]!;
      }
    }
    this.length = at;
  }

  /** Appends a decimal number. */
  putNumber(value: number): void {
    if (this.length + 16 > MAX_TEXT_BYTES) this.overflowed = true;
    else this.length = putNumber(this.bytes, this.length, value);
  }
}

/** Writes one part. */
type Part = (engine: Engine, client: Client, out: TextBuffer) => void;

/** A template, ready to be written. */
export interface Template {
  readonly parts: readonly Part[];
  readonly place: number;
}

/** Compiles a template for a place of `Place`. */
export function compileTemplate(config: TemplateConfig, place: number): Template {
  const parts = config.map((part): Part => {
    if (typeof part === 'string') return fixed(utf8.encode(part), place);
    if (part.variable === 'header') return header(fieldName(part.name ?? ''));
    const write = variables[part.variable];
    if (write === undefined) throw new RangeError(`no variable ${part.variable}`);
    return write;
  });
  return { parts, place };
}

/** Appends the template to the engine's text buffer, which is returned; `overflowed` if it has become too long. */
export function writeTemplate(template: Template, engine: Engine, client: Client): TextBuffer {
  const out = engine.text;
  out.place = template.place;
  for (const part of template.parts) part(engine, client, out);
  return out;
}

/** What the operator has written stands as it is, but for bytes that no URL may have. */
function fixed(bytes: Uint8Array, place: number): Part {
  const buffer = new TextBuffer();
  buffer.place = place;
  buffer.put(bytes, 0, bytes.length);
  const text = buffer.bytes.slice(0, buffer.length);
  return (_engine, _client, out) => {
    const { place: before } = out;
    out.place = Place.VALUE;
    out.put(text, 0, text.length);
    out.place = before;
  };
}

function header(name: FieldName): Part {
  return (engine, _client, out) => {
    const head = engine.requestHead;
    if (headerSpan(head, name, span)) out.put(head.memory, span.from, span.to);
  };
}

const variables: Readonly<Record<string, Part>> = {
  clientAddress: (_engine, client, out) => out.put(client.address, 0, client.address.length),
  host: (engine, _client, out) => {
    hostSpan(engine.requestHead, span);
    out.put(engine.requestHead.memory, span.from, span.to);
  },
  path: (engine, _client, out) => {
    const { memory, pathStart, pathEnd } = engine.requestHead;
    if (pathEnd > pathStart) out.put(memory, pathStart, pathEnd);
    else out.put(ROOT, 0, 1);
  },
  query: (engine, _client, out) => {
    querySpan(engine.requestHead, span);
    out.put(engine.requestHead.memory, span.from, span.to);
  },
  method: (engine, _client, out) => {
    const { memory, methodStart, methodEnd } = engine.requestHead;
    out.put(memory, methodStart, methodEnd);
  },
  requestId: (_engine, client, out) => out.put(client.requestId ?? EMPTY, 0, client.requestIdLength),
  frontend: (_engine, client, out) => out.put(client.frontend.nameBytes, 0, client.frontend.nameBytes.length),
  scheme: (_engine, _client, out) => out.put(HTTP, 0, HTTP.length),
  port: (_engine, client, out) => out.putNumber(client.localPort),
};
