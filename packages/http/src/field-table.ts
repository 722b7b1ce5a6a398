// The field section of a head: finds the lines, checks their grammar and notes where names and values are. It
// does not know what a field means beyond its number. RFC 9112 section 5: no line folding, no space before the
// colon, CR LF only. The table is made once and used for every head. For answers folded lines are straightened.
import { COLON, CR, LF, SPACE, TAB, TOKEN } from './bytes.ts';
import { Fault } from './fault.ts';
import { identifyField } from './field-id.ts';
import { endOfText, wordsOf } from './words.ts';

/** Numbers in `entries` for each field. */
export const FIELD_STRIDE = 5;
/** Places in an entry: offsets of the name, of the value (without white space around it), and the number. */
export const NAME_START = 0;
export const NAME_END = 1;
export const VALUE_START = 2;
export const VALUE_END = 3;
/** A `FieldId`, plus `DROPPED` if the field is not forwarded. */
export const FIELD_ID = 4;
/** Bit in `FIELD_ID`: the writers leave this field out. */
export const DROPPED = 256;
/** Takes the `FieldId` out of `FIELD_ID`. */
export const FIELD_ID_MASK = 255;

/** Where the fields of the last head are. Offsets stay true as long as the bytes do. */
export class FieldTable {
  /** `count` entries of FIELD_STRIDE numbers each. */
  readonly entries: Int32Array;
  /** Number of fields of the last complete head. */
  count = 0;
  /** More fields than this are a fault; at most the number that the table was made for. */
  maxFields: number;
  /** Number of entries that are marked DROPPED. */
  dropped = 0;
  /** A name of the last complete head has other signs than letters, digits and "-". */
  hasOddNames = false;
  readonly #memory: Uint8Array;
  readonly #words: Int32Array;
  readonly #unfolds: boolean;

  /**
   * @param memory Where heads lie.
   * @param maxFields Room for so many.
   * @param unfolds A folded line is made one line in place, by spaces, as RFC 9112 section 5.2 allows for answers;
   * otherwise it is a fault.
   */
  constructor(memory: Uint8Array, maxFields: number, unfolds: boolean) {
    this.#memory = memory;
    this.#unfolds = unfolds;
    this.#words = wordsOf(memory);
    this.maxFields = maxFields;
    this.entries = new Int32Array(maxFields * FIELD_STRIDE);
  }

  /**
   * Reads field lines from `at` up to and with the empty line.
   *
   * @returns The offset after the empty line; 0 if the section is not complete; a fault as a negative number.
   */
  // oxlint-disable-next-line complexity -- long: one pass over the bytes; a call for each line costs a tenth
  scan(at: number, end: number): number {
    const memory = this.#memory;
    const words = this.#words;
    const token = TOKEN;
    const entries = this.entries;
    const most = this.maxFields * FIELD_STRIDE;
    let entry = 0;
    let p = at;
    let folded = false;
    let kinds = 0;
    for (;;) {
      if (p >= end) return 0;
      if (memory[p] === CR) {
        if (p + 1 >= end) return 0;
        if (memory[p + 1] !== LF) return -Fault.BARE_LINE_END;
        this.count = entry / FIELD_STRIDE;
        this.dropped = 0;
        this.hasOddNames = kinds > 1;
        if (folded) this.#straighten();
        return p + 2;
      }
      const nameStart = p;
      let kind = 0;
      while (p < end && (kind = token[memory[p]!]!) !== 0) {
        kinds |= kind;
        p++;
      }
      if (p >= end) return 0;
      if (memory[p] !== COLON || p === nameStart) return -nameFault(memory, nameStart, p);
      const nameEnd = p++;
      while (p < end && (memory[p] === SPACE || memory[p] === TAB)) p++;
      const valueStart = p;
      let byte = 0;
      for (;;) {
        p = endOfText(words, p, end);
        while (p < end && ((byte = memory[p]!) >= SPACE ? byte !== 127 : byte === TAB)) p++;
        if (p >= end) return 0;
        if (byte !== CR) return byte === LF ? -Fault.BARE_LINE_END : -Fault.BAD_FIELD_VALUE;
        if (p + 1 >= end) return 0;
        if (memory[p + 1] !== LF) return -Fault.BARE_LINE_END;
        if (!this.#unfolds || p + 2 >= end || !isBlank(memory[p + 2]!)) break;
        folded = true;
        p += 2;
      }
      let valueEnd = p;
      while (valueEnd > valueStart && isBlank(memory[valueEnd - 1]!)) valueEnd--;
      p += 2;
      if (entry >= most) return -Fault.TOO_MANY_FIELDS;
      entries[entry] = nameStart;
      entries[entry + 1] = nameEnd;
      entries[entry + 2] = valueStart;
      entries[entry + 3] = valueEnd;
      entries[entry + 4] = identifyField(words, nameStart, nameEnd - nameStart);
      entry += FIELD_STRIDE;
    }
  }

  /**
   * Puts spaces in the place of line ends inside values. Only once the head is complete: while it still comes in
   * pieces, its owner may keep some of the bytes elsewhere.
   */
  #straighten(): void {
    const memory = this.#memory;
    for (let entry = 0; entry < this.count * FIELD_STRIDE; entry += FIELD_STRIDE) {
      const end = this.entries[entry + VALUE_END]!;
      for (let p = this.entries[entry + VALUE_START]!; p < end; p++) {
        if (memory[p] === CR || memory[p] === LF) memory[p] = SPACE;
      }
    }
  }

  /** Marks a field so that the writers leave it out. `entry` is its place in `entries`. */
  drop(entry: number): void {
    const id = this.entries[entry + FIELD_ID]!;
    if ((id & DROPPED) !== 0) return;
    this.entries[entry + FIELD_ID] = id | DROPPED;
    this.dropped++;
  }

  /** Place in `entries` of the first field with this `FieldId`, or -1. */
  find(id: number): number {
    const entries = this.entries;
    for (let entry = 0; entry < this.count * FIELD_STRIDE; entry += FIELD_STRIDE) {
      if ((entries[entry + FIELD_ID]! & FIELD_ID_MASK) === id) return entry;
    }
    return -1;
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

/** Why the name that begins at `start` and stopped at `at` is refused. */
function nameFault(memory: Uint8Array, start: number, at: number): number {
  const byte = memory[at]!;
  if (byte === LF || byte === CR) return at === start || byte === LF ? Fault.BARE_LINE_END : Fault.BAD_FIELD_NAME;
  return at === start && isBlank(byte) ? Fault.FOLDED_FIELD : Fault.BAD_FIELD_NAME;
}
