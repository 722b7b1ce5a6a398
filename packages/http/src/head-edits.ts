// A list of edits to the fields of a head, which either head writer applies when it writes: fields that go, lines that
// come. Made once and used again for each message; it knows nothing of why. What frames a message or belongs to one hop
// is never edited, whatever is asked.
import { CR, LF, TAB } from './bytes.ts';
import { FieldId } from './field-id.ts';
import { FIELD_STRIDE } from './field-table.ts';
import { type FieldName, findField, type ParsedFields } from './field-name.ts';
import { isAuthority } from './request-target.ts';

/** All lines of one list together; a head has 16 KiB. */
const MAX_LINES_BYTES = 8192;
/** Removed names, and added lines, of one list. */
const MAX_EDITS = 128;
const FIRST_BYTES = 512;
const QUESTION = 63;

/**
 * Edits in the order in which they are asked for: a later `remove` or `set` also takes away lines that earlier edits
 * have added. Usage for an answer: `edits.reset(); edits.remove(ETAG); edits.add(VARY, ascii('Accept-Encoding'));
 * writer.edits = edits`. A value in parts: `if (edits.begin(NAME)) { edits.put(a); edits.put(memory, from, to); edits.end(); }`.
 */
export class HeadEdits {
  /** The added lines, each with CR LF: the first `length` bytes. */
  lines = new Uint8Array(FIRST_BYTES);
  length = 0;
  /** There was too much of it: the writer then writes nothing, as for a head that does not fit. */
  overflowed = false;
  /** A Host line is among the lines: the request writer then writes none of its own. */
  setsHost = false;
  #removedCount = 0;
  readonly #removed: FieldName[] = [];
  #lineCount = 0;
  readonly #lineNames: FieldName[] = [];
  readonly #lineStarts: number[] = [];
  #begun: FieldName | null = null;
  #valueStart = 0;

  /** True if there is nothing to do. */
  get isEmpty(): boolean {
    return this.#removedCount === 0 && this.length === 0 && !this.overflowed;
  }

  /** Forgets all edits; to be called before the list is used for another message. */
  reset(): void {
    this.length = 0;
    this.overflowed = false;
    this.setsHost = false;
    this.#removedCount = 0;
    this.#lineCount = 0;
    this.#begun = null;
  }

  /** Every field of this name goes. Host stays: a request without it is none. */
  remove(name: FieldName): void {
    if (name.editable && name.id !== FieldId.HOST) this.#remove(name);
  }

  /** One line with this value in the place of all fields of this name. The value is sanitised, see `put`. */
  set(name: FieldName, value: Uint8Array): void {
    if (!this.beginSet(name)) return;
    this.put(value);
    this.end();
  }

  /** One more line. The value is sanitised, see `put`. */
  add(name: FieldName, value: Uint8Array): void {
    if (!this.begin(name)) return;
    this.put(value);
    this.end();
  }

  /**
   * Begins a further line of this name; `put` its value in parts, then `end` it.
   *
   * @returns False if the name is not editable (then neither `put` nor `end` may follow), or if it is Host, of which
   * there is one only.
   */
  begin(name: FieldName): boolean {
    if (!name.editable || name.id === FieldId.HOST) return false;
    this.#begin(name);
    return true;
  }

  /** As `begin`; the line replaces all fields of this name when it ends. */
  beginSet(name: FieldName): boolean {
    if (!name.editable) return false;
    if (name.id !== FieldId.HOST) this.#remove(name);
    this.#begin(name);
    return true;
  }

  /** Appends bytes[from, to) to the begun line's value; control bytes, which no value may have, become `?`. */
  put(bytes: Uint8Array, from = 0, to = bytes.length): void {
    if (!this.#room(to - from + 2)) return;
    const lines = this.lines;
    let at = this.length;
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!;
      lines[at++] = (byte < 32 && byte !== TAB) || byte === 127 ? QUESTION : byte;
    }
    this.length = at;
  }

  /** Ends the begun line. A Host that is no authority is not set: the request keeps its own. */
  end(): void {
    const name = this.#begun;
    this.#begun = null;
    if (name === null || this.overflowed || !this.#room(2)) return;
    if (name.id === FieldId.HOST && !this.#endHost(name)) return;
    this.lines[this.length] = CR;
    this.lines[this.length + 1] = LF;
    this.length += 2;
  }

  /** Whether the fields of this name in the head itself go. */
  removes(name: FieldName): boolean {
    for (let i = 0; i < this.#removedCount; i++) if (isSame(this.#removed[i]!, name)) return true;
    return false;
  }

  /** The first added line of this name that is not before `from`, or -1. */
  findLine(name: FieldName, from: number): number {
    for (let line = from; line < this.#lineCount; line++) if (isSame(this.#lineNames[line]!, name)) return line;
    return -1;
  }

  /** Where the value of an added line begins in `lines`. */
  lineValueStart(line: number): number {
    return this.#lineStarts[line]! + this.#lineNames[line]!.lineStart.length;
  }

  /** Where it ends, before its CR LF. */
  lineValueEnd(line: number): number {
    return (line + 1 < this.#lineCount ? this.#lineStarts[line + 1]! : this.length) - 2;
  }

  /** For the writers: marks in the parsed head what goes. */
  applyTo(head: ParsedFields): void {
    for (let i = 0; i < this.#removedCount; i++) {
      const name = this.#removed[i]!;
      let entry = findField(head, name, 0);
      while (entry >= 0) {
        head.fields.drop(entry);
        entry = findField(head, name, entry + FIELD_STRIDE);
      }
    }
  }

  #begin(name: FieldName): void {
    if (this.#lineCount >= MAX_EDITS) this.overflowed = true;
    if (!this.#room(name.lineStart.length + 2)) return;
    this.#begun = name;
    this.#lineNames[this.#lineCount] = name;
    this.#lineStarts[this.#lineCount++] = this.length;
    for (const byte of name.lineStart) this.lines[this.length++] = byte;
    this.#valueStart = this.length;
  }

  /** A valid Host line replaces all others; one that is no authority is taken back. */
  #endHost(name: FieldName): boolean {
    const last = this.#lineCount - 1;
    if (this.length === this.#valueStart || !isAuthority(this.lines, this.#valueStart, this.length)) {
      this.#takeBack(last);
      return false;
    }
    for (let i = last - 1; i >= 0; i--) if (isSame(this.#lineNames[i]!, name)) this.#takeBack(i);
    this.#note(name);
    this.setsHost = true;
    return true;
  }

  #remove(name: FieldName): void {
    for (let i = this.#lineCount - 1; i >= 0; i--) if (isSame(this.#lineNames[i]!, name)) this.#takeBack(i);
    this.#note(name);
  }

  #note(name: FieldName): void {
    for (let i = 0; i < this.#removedCount; i++) if (isSame(this.#removed[i]!, name)) return;
    if (this.#removedCount >= MAX_EDITS) this.overflowed = true;
    else this.#removed[this.#removedCount++] = name;
  }

  /** Takes an added line away; those behind it move up. */
  #takeBack(line: number): void {
    const start = this.#lineStarts[line]!;
    const end = line + 1 < this.#lineCount ? this.#lineStarts[line + 1]! : this.length;
    this.lines.copyWithin(start, end, this.length);
    this.length -= end - start;
    this.#lineCount--;
    for (let i = line; i < this.#lineCount; i++) {
      this.#lineNames[i] = this.#lineNames[i + 1]!;
      this.#lineStarts[i] = this.#lineStarts[i + 1]! - (end - start);
    }
  }

  #room(bytes: number): boolean {
    if (this.overflowed) return false;
    if (this.length + bytes <= this.lines.length) return true;
    if (this.length + bytes > MAX_LINES_BYTES) {
      this.overflowed = true;
      return false;
    }
    const grown = new Uint8Array(Math.min(MAX_LINES_BYTES, Math.max(this.lines.length * 2, this.length + bytes)));
    grown.set(this.lines.subarray(0, this.length));
    this.lines = grown;
    return true;
  }
}

function isSame(a: FieldName, b: FieldName): boolean {
  if (a === b) return true;
  if (a.lower.length !== b.lower.length) return false;
  for (let i = 0; i < a.lower.length; i++) if (a.lower[i] !== b.lower[i]) return false;
  return true;
}
