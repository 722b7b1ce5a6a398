// Where the values lie that rules ask for: path, host and query of the request, as rules so far have left it. The result
// is a place in a memory, kept in one reused object, so that asking allocates nothing. Fields, cookies and query
// parameters, of which there may be several, are in values.ts.
import {
  FIELD_STRIDE,
  type FieldName,
  fieldName,
  findField,
  type RequestHeadParser,
  VALUE_END,
  VALUE_START,
} from '@tospann/http';
import type { Engine } from '../engine.ts';

const HOST = fieldName('Host');
const COLON = 58;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const QUESTION = 63;
const NOWHERE = new Uint8Array(0);

/** A place in a memory: bytes[from, to). */
export class Span {
  bytes: Uint8Array = NOWHERE;
  from = 0;
  to = 0;

  set(bytes: Uint8Array, from: number, to: number): void {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
  }
}

/** Host and port: what a rule has set, or what was sent. Empty if there is none. */
export function authoritySpan(engine: Engine, span: Span): void {
  const { edits } = engine.requestWriter;
  const head = engine.requestHead;
  if (edits === null || !edits.setsHost) {
    span.set(head.memory, head.hostStart, head.hostEnd);
    return;
  }
  const line = edits.findLine(HOST, 0);
  span.set(edits.lines, edits.lineValueStart(line), edits.lineValueEnd(line));
}

/** The host without port, as it was sent or set; an IPv6 literal with its brackets. Empty if there is none. */
export function hostSpan(engine: Engine, span: Span): void {
  authoritySpan(engine, span);
  const { bytes, from, to } = span;
  let end = from;
  const stop = to > from && bytes[from] === BRACKET_OPEN ? BRACKET_CLOSE : COLON;
  while (end < to && bytes[end] !== stop) end++;
  span.to = stop === BRACKET_CLOSE && end < to ? end + 1 : end;
}

/** The query without its question mark; empty if there is none. */
export function querySpan(head: RequestHeadParser, span: Span): void {
  const from = head.pathEnd;
  const has = from < head.forwardEnd && head.memory[from] === QUESTION;
  span.set(head.memory, has ? from + 1 : head.forwardEnd, head.forwardEnd);
}

/** The value of the last field with this name in the head as it came; false: not there. */
export function sentHeaderSpan(head: RequestHeadParser, name: FieldName, span: Span): boolean {
  let entry = findField(head, name, 0);
  if (entry < 0) return false;
  for (let next = entry; next >= 0; next = findField(head, name, next + FIELD_STRIDE)) entry = next;
  span.set(head.memory, head.fields.entries[entry + VALUE_START]!, head.fields.entries[entry + VALUE_END]!);
  return true;
}
