// Texts with variables (`TemplateConfig`), written as bytes for the request that the engine's parser holds. What a
// client has sent is made harmless for the place where it goes, and bounded.
import type { TemplateConfig, TemplateVariable } from '@tospann/config';
import { fieldName } from '@tospann/http';
import { latin1 } from '../bytes.ts';
import type { Client } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { hostSpan, querySpan, Span } from './spans.ts';
import { Place, TextBuffer } from './text-buffer.ts';
import { FieldValues, MemberValues, takeValue } from './values.ts';

const HTTP = latin1('http');
const EMPTY = new Uint8Array(0);
const utf8 = new TextEncoder();
const span = new Span();

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
    if (part.variable === 'header' || part.variable === 'header-member') return header(part);
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

/** One of the values of a header: the last, unless it says another. */
function header(part: TemplateVariable): Part {
  const name = fieldName(part.name ?? '');
  const values = part.variable === 'header' ? new FieldValues(name) : new MemberValues(name);
  const occurrence = part.occurrence ?? -1;
  return (engine, _client, out) => {
    if (takeValue(values, engine, occurrence)) out.put(values.bytes, values.from, values.to);
  };
}

const variables: Readonly<Record<string, Part>> = {
  clientAddress: (_engine, client, out) => out.put(client.address, 0, client.address.length),
  host: (engine, _client, out) => {
    hostSpan(engine, span);
    out.put(span.bytes, span.from, span.to);
  },
  path: (engine, _client, out) => {
    engine.path.find(span);
    out.put(span.bytes, span.from, span.to);
  },
  query: (engine, _client, out) => {
    querySpan(engine.requestHead, span);
    out.put(span.bytes, span.from, span.to);
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
