// Walks over values of which a request may have several: fields of one name, members of their lists, cookies, query
// parameters. They see the request as rules so far have left it. Made once for each name; a walk allocates nothing.
import {
  CookiePairs,
  FIELD_STRIDE,
  FieldId,
  type FieldName,
  fieldName,
  findField,
  type HeadEdits,
  VALUE_END,
  VALUE_START,
} from '@tospann/http';
import type { Engine } from '../engine.ts';
import { authoritySpan, querySpan, Span } from './spans.ts';

const COOKIE = fieldName('Cookie');
const NOWHERE: Uint8Array = new Uint8Array(0);
const AMPERSAND = 38;
const BACKSLASH = 92;
const COMMA = 44;
const EQUALS = 61;
const PERCENT = 37;
const PLUS = 43;
const QUOTE = 34;
const SEMICOLON = 59;
const SPACE = 32;
const TAB = 9;
/** No request has a longer head. */
const MAX_VALUE_BYTES = 16_384;
const decoded = new Uint8Array(MAX_VALUE_BYTES);
const span = new Span();

/** Values of one kind and name: `begin`, then `next` until it says false; in between bytes[from, to) is a value. */
export interface Values {
  bytes: Uint8Array;
  from: number;
  to: number;
  begin(engine: Engine): void;
  /** Goes on to the next value; false: there is none, and the last one stays. */
  next(): boolean;
}

/** Whole values of the fields of one name, in their order; Host is one, as it will be passed on. */
export class FieldValues implements Values {
  bytes = NOWHERE;
  from = 0;
  to = 0;
  readonly #name: FieldName;
  #engine: Engine | null = null;
  #edits: HeadEdits | null = null;
  /** Place in the head's table; -1: that is over. */
  #entry = 0;
  #line = 0;

  constructor(name: FieldName) {
    this.#name = name;
  }

  begin(engine: Engine): void {
    this.#engine = engine;
    const { edits } = engine.requestWriter;
    this.#edits = edits;
    this.#entry = edits !== null && edits.removes(this.#name) ? -1 : 0;
    this.#line = 0;
    if (this.#name.id !== FieldId.HOST) return;
    // An authority in the target takes the place of the field; and Host is never removed.
    this.#entry = -1;
    authoritySpan(engine, span);
    this.#line = span.to > span.from ? -1 : Infinity;
  }

  next(): boolean {
    if (this.#entry >= 0) {
      const head = this.#engine!.requestHead;
      const entry = findField(head, this.#name, this.#entry);
      if (entry >= 0) {
        const { entries } = head.fields;
        this.#set(head.memory, entries[entry + VALUE_START]!, entries[entry + VALUE_END]!);
        this.#entry = entry + FIELD_STRIDE;
        return true;
      }
      this.#entry = -1;
    }
    if (this.#line === -1) {
      authoritySpan(this.#engine!, span);
      this.#set(span.bytes, span.from, span.to);
      this.#line = Infinity;
      return true;
    }
    const edits = this.#edits;
    const line = edits === null ? -1 : edits.findLine(this.#name, this.#line);
    if (line < 0) return false;
    this.#set(edits!.lines, edits!.lineValueStart(line), edits!.lineValueEnd(line));
    this.#line = line + 1;
    return true;
  }

  #set(bytes: Uint8Array, from: number, to: number): void {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
  }
}

/**
 * Members of the lists that fields of one name are (RFC 9110 section 5.6.1; HAProxy's `req.hdr`): what stands between
 * commas, without blanks around it. Empty members count. A comma inside a quoted string separates nothing.
 */
export class MemberValues implements Values {
  bytes = NOWHERE;
  from = 0;
  to = 0;
  readonly #fields: FieldValues;
  #at = 1;
  #end = 0;
  /** Quoted strings of the field are looked for. */
  #quotes = true;

  constructor(name: FieldName) {
    this.#fields = new FieldValues(name);
  }

  begin(engine: Engine): void {
    this.#fields.begin(engine);
    this.#at = 1;
    this.#end = 0;
  }

  next(): boolean {
    const fields = this.#fields;
    if (this.#at > this.#end) {
      if (!fields.next()) return false;
      this.#at = fields.from;
      this.#end = fields.to;
      this.#quotes = true;
    }
    const { bytes } = fields;
    const stop = this.#endOfMember(bytes);
    let from = this.#at;
    let to = stop;
    while (from < to && isBlank(bytes[from]!)) from++;
    while (to > from && isBlank(bytes[to - 1]!)) to--;
    this.bytes = bytes;
    this.from = from;
    this.to = to;
    this.#at = stop + 1;
    return true;
  }

  /** Where the member ends: at a comma outside quoted strings, or with the field. */
  #endOfMember(bytes: Uint8Array): number {
    const end = this.#end;
    let p = this.#at;
    while (p < end && bytes[p] !== COMMA) {
      if (bytes[p] !== QUOTE || !this.#quotes) {
        p++;
        continue;
      }
      const after = afterQuoted(bytes, p, end);
      // A quotation mark without its other half would hide what stands behind it; and it is looked for once only.
      if (after < 0) this.#quotes = false;
      p = after < 0 ? p + 1 : after;
    }
    return p;
  }
}

/** Values of the cookies of one name. */
export class CookieValues implements Values {
  bytes = NOWHERE;
  from = 0;
  to = 0;
  readonly #fields = new FieldValues(COOKIE);
  readonly #pairs: CookiePairs;

  constructor(name: Uint8Array) {
    this.#pairs = new CookiePairs(name);
  }

  begin(engine: Engine): void {
    this.#fields.begin(engine);
    this.#pairs.begin(NOWHERE, 0, 0);
  }

  next(): boolean {
    const fields = this.#fields;
    const pairs = this.#pairs;
    while (!pairs.next()) {
      if (!fields.next()) return false;
      pairs.begin(fields.bytes, fields.from, fields.to);
    }
    this.bytes = fields.bytes;
    this.from = pairs.valueStart;
    this.to = pairs.valueEnd;
    return true;
  }
}

/**
 * Values of the parameters of one name in the query; "&" and ";" end one. Without "=" the value is empty.
 */
export class ParameterValues implements Values {
  bytes = NOWHERE;
  from = 0;
  to = 0;
  readonly #name: Uint8Array;
  readonly #decodes: boolean;
  #memory = NOWHERE;
  #at = 0;
  #end = 0;

  /** @param decodes Names and values are taken as servers decode them: `%XX`, and "+" for a blank. */
  constructor(name: Uint8Array, decodes: boolean) {
    this.#name = name;
    this.#decodes = decodes;
  }

  begin(engine: Engine): void {
    querySpan(engine.requestHead, span);
    this.#memory = span.bytes;
    this.#at = span.from;
    this.#end = span.to;
  }

  next(): boolean {
    const memory = this.#memory;
    const stop = this.#end;
    let p = this.#at;
    while (p < stop) {
      const start = p;
      while (p < stop && memory[p] !== EQUALS && !isParameterEnd(memory[p]!)) p++;
      const equals = p;
      while (p < stop && !isParameterEnd(memory[p]!)) p++;
      if (this.#isNamed(start, equals)) {
        this.#at = p + 1;
        this.#value(equals < p ? equals + 1 : p, p);
        return true;
      }
      p++;
    }
    this.#at = stop;
    return false;
  }

  #isNamed(start: number, end: number): boolean {
    const memory = this.#memory;
    const name = this.#name;
    let p = start;
    for (let i = 0; i < name.length; i++) {
      if (p >= end) return false;
      const coded = this.#decodes ? codedByte(memory, p, end) : -1;
      if ((coded >= 0 ? coded : memory[p]) !== name[i]) return false;
      p += coded >= 0 && memory[p] === PERCENT ? 3 : 1;
    }
    return p === end;
  }

  #value(from: number, to: number): void {
    const memory = this.#memory;
    this.bytes = memory;
    this.from = from;
    this.to = to;
    if (!this.#decodes) return;
    let p = from;
    while (p < to && memory[p] !== PERCENT && memory[p] !== PLUS) p++;
    if (p === to) return;
    let length = 0;
    for (p = from; p < to; p++) {
      const coded = codedByte(memory, p, to);
      decoded[length++] = coded >= 0 ? coded : memory[p]!;
      if (coded >= 0 && memory[p] === PERCENT) p += 2;
    }
    this.bytes = decoded;
    this.from = 0;
    this.to = length;
  }
}

/**
 * Goes to one of the values.
 *
 * @param occurrence 1 is the first, -1 the last, -2 the one before it.
 * @returns False: there are not so many.
 */
export function takeValue(values: Values, engine: Engine, occurrence: number): boolean {
  let wanted = occurrence;
  if (occurrence < 0) {
    let count = 0;
    values.begin(engine);
    while (values.next()) count++;
    if (occurrence === -1) return count > 0;
    wanted = count + 1 + occurrence;
    if (wanted < 1) return false;
  }
  values.begin(engine);
  for (let i = 0; i < wanted; i++) if (!values.next()) return false;
  return true;
}

/** Behind the quoted string that begins at `at`; -1: it does not end. */
function afterQuoted(bytes: Uint8Array, at: number, end: number): number {
  for (let p = at + 1; p < end; p++) {
    if (bytes[p] === BACKSLASH) p++;
    else if (bytes[p] === QUOTE) return p + 1;
  }
  return -1;
}

/** What a byte of a query means where it is coded, or -1. */
function codedByte(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] === PLUS) return SPACE;
  if (bytes[at] !== PERCENT || at + 2 >= end) return -1;
  const high = digit(bytes[at + 1]!);
  const low = digit(bytes[at + 2]!);
  return high < 0 || low < 0 ? -1 : (high << 4) | low;
}

function digit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function isParameterEnd(byte: number): boolean {
  return byte === AMPERSAND || byte === SEMICOLON;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}
