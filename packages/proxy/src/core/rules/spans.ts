// Where the values lie that rules ask for: host, header, cookie and query parameter of the request that the engine's
// parser holds. The result is a place in the memory, kept in one reused object, so that asking allocates nothing.
import {
  type CookieFinder,
  type FieldName,
  findField,
  type RequestHeadParser,
  VALUE_END,
  VALUE_START,
} from '@tospann/http';

const AMPERSAND = 38;
const EQUALS = 61;
const COLON = 58;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const QUESTION = 63;

/** A place in a memory: [from, to). */
export class Span {
  from = 0;
  to = 0;
}

/** The host without port, as it was sent; an IPv6 literal with its brackets. Empty if there is none. */
export function hostSpan(head: RequestHeadParser, span: Span): void {
  const { memory, hostStart, hostEnd } = head;
  let end = hostStart;
  const stop = hostEnd > hostStart && memory[hostStart] === BRACKET_OPEN ? BRACKET_CLOSE : COLON;
  while (end < hostEnd && memory[end] !== stop) end++;
  span.from = hostStart;
  span.to = stop === BRACKET_CLOSE && end < hostEnd ? end + 1 : end;
}

/** The query without its question mark; empty if there is none. */
export function querySpan(head: RequestHeadParser, span: Span): void {
  const from = head.pathEnd;
  const has = from < head.forwardEnd && head.memory[from] === QUESTION;
  span.from = has ? from + 1 : head.forwardEnd;
  span.to = head.forwardEnd;
}

/** The value of the first query parameter with this name (compared as sent, without decoding); false: not there. */
export function parameterSpan(head: RequestHeadParser, name: Uint8Array, span: Span): boolean {
  const { memory } = head;
  querySpan(head, span);
  const stop = span.to;
  let p = span.from;
  while (p < stop) {
    const start = p;
    while (p < stop && memory[p] !== AMPERSAND) p++;
    let i = 0;
    while (i < name.length && start + i < p && memory[start + i] === name[i]) i++;
    const after = start + i;
    if (i === name.length && (after === p || memory[after] === EQUALS)) {
      span.from = after === p ? p : after + 1;
      span.to = p;
      return true;
    }
    p++;
  }
  return false;
}

/** The value of the first cookie that the finder is for; false: not there. */
export function cookieSpan(head: RequestHeadParser, finder: CookieFinder, span: Span): boolean {
  if (!finder.find(head)) return false;
  span.from = finder.valueStart;
  span.to = finder.valueEnd;
  return true;
}

/** The value of the first field with this name; false: not there. */
export function headerSpan(head: RequestHeadParser, name: FieldName, span: Span): boolean {
  const entry = findField(head, name, 0);
  if (entry < 0) return false;
  span.from = head.fields.entries[entry + VALUE_START]!;
  span.to = head.fields.entries[entry + VALUE_END]!;
  return true;
}
