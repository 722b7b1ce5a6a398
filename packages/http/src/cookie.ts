// Cookies by name in Cookie fields (RFC 6265 section 4.2.1). Pairs end at ";" and, as HAProxy has it, at ","; blanks
// around "=" do not count; quotes are bytes of the value like any other, since most servers take them so. Names are
// compared exactly, as browsers send them. A cookie may come more than once: all of them can be had, in order.
import { SPACE, TAB } from './bytes.ts';
import { FieldId } from './field-id.ts';
import { FIELD_ID, FIELD_ID_MASK, FIELD_STRIDE, VALUE_END, VALUE_START } from './field-table.ts';
import type { RequestHeadParser } from './request-head.ts';

const COMMA = 44;
const SEMICOLON = 59;
const EQUALS = 61;
const EMPTY = new Uint8Array(0);

/** Walks over the cookies of one name in the value of one Cookie field; made once for each name. */
export class CookiePairs {
  /** Where the pair begins, and where it ends: at its separator, or at the field's end. */
  pairStart = 0;
  pairEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  readonly #name: Uint8Array;
  #memory: Uint8Array = EMPTY;
  #at = 0;
  #end = 0;

  constructor(name: Uint8Array) {
    this.#name = name;
  }

  /** Begins at the value memory[from, to) of a Cookie field. */
  begin(memory: Uint8Array, from: number, to: number): void {
    this.#memory = memory;
    this.#at = from;
    this.#end = to;
  }

  /** Goes on to the next cookie of the name; false: there is none, and the last one's places stay. */
  next(): boolean {
    const memory = this.#memory;
    const stop = this.#end;
    let p = this.#at;
    while (p < stop) {
      while (p < stop && isBlank(memory[p]!)) p++;
      const start = p;
      while (p < stop && memory[p] !== EQUALS && !isEnd(memory[p]!)) p++;
      const equals = p;
      while (p < stop && !isEnd(memory[p]!)) p++;
      if (equals < p && this.#isNamed(start, equals)) {
        this.#found(start, equals, p);
        return true;
      }
      p++;
    }
    this.#at = stop;
    return false;
  }

  #found(start: number, equals: number, end: number): void {
    const memory = this.#memory;
    this.pairStart = start;
    this.pairEnd = end;
    this.valueStart = equals + 1;
    this.valueEnd = end;
    while (this.valueStart < end && isBlank(memory[this.valueStart]!)) this.valueStart++;
    while (this.valueEnd > this.valueStart && isBlank(memory[this.valueEnd - 1]!)) this.valueEnd--;
    this.#at = end + 1;
  }

  #isNamed(start: number, equals: number): boolean {
    const memory = this.#memory;
    const name = this.#name;
    let end = equals;
    while (end > start && isBlank(memory[end - 1]!)) end--;
    if (end - start !== name.length) return false;
    for (let i = 0; i < name.length; i++) if (memory[start + i] !== name[i]) return false;
    return true;
  }
}

/** Finds the cookies of one name in a parsed request; the result holds until the next call. */
export class CookieFinder {
  /** The walk over one field, for who rewrites it. */
  readonly pairs: CookiePairs;
  #entry = 0;

  constructor(name: Uint8Array) {
    this.pairs = new CookiePairs(name);
  }

  get valueStart(): number {
    return this.pairs.valueStart;
  }

  get valueEnd(): number {
    return this.pairs.valueEnd;
  }

  /** Looks through all Cookie fields; true if the cookie is there: this is the first one. */
  find(request: RequestHeadParser): boolean {
    this.#entry = -FIELD_STRIDE;
    this.pairs.begin(request.memory, 0, 0);
    return this.findNext(request);
  }

  /** The next cookie of the name in the same request; false: that was the last. */
  findNext(request: RequestHeadParser): boolean {
    const { entries, count } = request.fields;
    if (this.pairs.next()) return true;
    for (let entry = this.#entry + FIELD_STRIDE; entry < count * FIELD_STRIDE; entry += FIELD_STRIDE) {
      if ((entries[entry + FIELD_ID]! & FIELD_ID_MASK) !== FieldId.COOKIE) continue;
      this.#entry = entry;
      this.pairs.begin(request.memory, entries[entry + VALUE_START]!, entries[entry + VALUE_END]!);
      if (this.pairs.next()) return true;
    }
    this.#entry = count * FIELD_STRIDE;
    return false;
  }
}

/** What stands between pairs, and nothing else. */
export function isCookieSeparator(byte: number): boolean {
  return isEnd(byte) || isBlank(byte);
}

function isEnd(byte: number): boolean {
  return byte === SEMICOLON || byte === COMMA;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}
