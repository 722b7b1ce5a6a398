// Finds one cookie by name in the Cookie fields of a request, and what to cut so that the others stay as they are
// (RFC 6265 section 4.2.1: pairs separated by "; "). Names are compared exactly, as browsers send them.
import { SPACE, TAB } from './bytes.ts';
import { FieldId } from './field-id.ts';
import { FIELD_ID, FIELD_ID_MASK, FIELD_STRIDE, NAME_START, VALUE_END, VALUE_START } from './field-table.ts';
import type { RequestHeadParser } from './request-head.ts';

const SEMICOLON = 59;
const EQUALS = 61;

/** Finds a cookie; made once for each cookie name, the result holds until the next `find`. */
export class CookieFinder {
  /** Place of the Cookie field in the table, -1 if not found. */
  entry = -1;
  /** The value, without quotes being looked at. */
  valueStart = 0;
  valueEnd = 0;
  /** What to leave out of the field's line; `cutStart` is the line's begin if the whole line goes. */
  cutStart = 0;
  cutEnd = 0;
  readonly #name: Uint8Array;

  constructor(name: Uint8Array) {
    this.#name = name;
  }

  /** Looks through all Cookie fields of the parsed request; true if the cookie is there (the first one is taken). */
  find(request: RequestHeadParser): boolean {
    const { entries, count } = request.fields;
    this.entry = -1;
    for (let entry = 0; entry < count * FIELD_STRIDE; entry += FIELD_STRIDE) {
      if ((entries[entry + FIELD_ID]! & FIELD_ID_MASK) !== FieldId.COOKIE) continue;
      if (this.#findIn(request, entry)) return true;
    }
    return false;
  }

  #findIn(request: RequestHeadParser, entry: number): boolean {
    const memory = request.memory;
    const fieldStart = request.fields.entries[entry + VALUE_START]!;
    const fieldEnd = request.fields.entries[entry + VALUE_END]!;
    let p = fieldStart;
    while (p < fieldEnd) {
      while (p < fieldEnd && isBlank(memory[p]!)) p++;
      const pairStart = p;
      while (p < fieldEnd && memory[p] !== SEMICOLON) p++;
      if (this.#isNamed(memory, pairStart, p)) {
        this.entry = entry;
        this.valueStart = pairStart + this.#name.length + 1;
        this.valueEnd = p;
        while (this.valueEnd > this.valueStart && isBlank(memory[this.valueEnd - 1]!)) this.valueEnd--;
        this.#cut(request, fieldStart, pairStart);
        return true;
      }
      p++;
    }
    return false;
  }

  /** The pair with the separator before it; the first pair goes with the separator after it. */
  #cut(request: RequestHeadParser, fieldStart: number, pairStart: number): void {
    const memory = request.memory;
    const entries = request.fields.entries;
    const fieldEnd = entries[this.entry + VALUE_END]!;
    let before = pairStart;
    while (before > fieldStart && isSeparator(memory[before - 1]!)) before--;
    let after = this.valueEnd;
    while (after < fieldEnd && isBlank(memory[after]!)) after++;
    if (before > fieldStart) {
      this.cutStart = before;
      this.cutEnd = after;
      return;
    }
    while (after < fieldEnd && isSeparator(memory[after]!)) after++;
    this.cutStart = after < fieldEnd ? fieldStart : entries[this.entry + NAME_START]!;
    this.cutEnd = after;
  }

  #isNamed(memory: Uint8Array, start: number, end: number): boolean {
    const name = this.#name;
    if (end - start <= name.length || memory[start + name.length] !== EQUALS) return false;
    for (let i = 0; i < name.length; i++) if (memory[start + i] !== name[i]) return false;
    return true;
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function isSeparator(byte: number): boolean {
  return byte === SEMICOLON || byte === SPACE || byte === TAB;
}
