// Copies spans of a head into an output region of the same memory: the shared tool of the two head writers. Short
// spans go word by word, since a call into the runtime costs as much as 100 bytes (see request-head.bench.ts).
import { DROPPED, FIELD_ID, FIELD_STRIDE, type FieldTable, NAME_START } from './field-table.ts';
import { wordsOf } from './words.ts';

/** From this many bytes on `copyWithin` is quicker than the loop over words. */
const LONG_SPAN_BYTES = 128;
/** From this many bytes on `set` is quicker than a loop over bytes. */
const LONG_TEXT_BYTES = 20;

/** Writes into one memory; every method returns the offset after what it wrote. */
export class SpanWriter {
  readonly #memory: Uint8Array;
  readonly #words: Int32Array;

  constructor(memory: Uint8Array) {
    this.#memory = memory;
    this.#words = wordsOf(memory);
  }

  /** Copies [start, end) to `at`; the regions must not overlap. */
  copy(at: number, start: number, end: number): number {
    const memory = this.#memory;
    const length = end - start;
    if (length >= LONG_SPAN_BYTES) {
      memory.copyWithin(at, start, end);
      return at + length;
    }
    let out = at;
    let p = start;
    while ((out & 3) !== 0 && p < end) memory[out++] = memory[p++]!;
    const count = (end - p) >> 2;
    if (count > 0) {
      this.#copyWords(out >> 2, p, count);
      out += count << 2;
      p += count << 2;
    }
    while (p < end) memory[out++] = memory[p++]!;
    return out;
  }

  /** Copies `count` words from the byte offset `from`, which need not be aligned, to the word number `to`. */
  #copyWords(to: number, from: number, count: number): void {
    const words = this.#words;
    const shift = (from & 3) << 3;
    const first = from >> 2;
    if (shift === 0) {
      for (let i = 0; i < count; i++) words[to + i] = words[first + i]!;
      return;
    }
    let low = words[first]!;
    for (let i = 0; i < count; i++) {
      const high = words[first + i + 1]!;
      words[to + i] = (low >>> shift) | (high << (32 - shift));
      low = high;
    }
  }

  /** Writes the first `length` of `bytes` at `at`. */
  putPart(at: number, bytes: Uint8Array, length: number): number {
    const memory = this.#memory;
    for (let i = 0; i < length; i++) memory[at + i] = bytes[i]!;
    return at + length;
  }

  /** Writes `bytes` at `at`. */
  put(at: number, bytes: Uint8Array): number {
    const memory = this.#memory;
    const length = bytes.length;
    if (length >= LONG_TEXT_BYTES) memory.set(bytes, at);
    else for (let i = 0; i < length; i++) memory[at + i] = bytes[i]!;
    return at + length;
  }

  /**
   * Copies all field lines that are not dropped to `at`.
   *
   * @param at Where to write.
   * @param fields The fields of a head in this memory.
   * @param section Where the first field line begins and the last one ends (before the empty line).
   */
  fields(at: number, fields: FieldTable, section: { readonly fieldsStart: number; readonly headEnd: number }): number {
    const end = section.headEnd - 2;
    if (fields.dropped === 0) return this.copy(at, section.fieldsStart, end);
    const entries = fields.entries;
    const stop = fields.count * FIELD_STRIDE;
    let out = at;
    let spanStart = section.fieldsStart;
    for (let entry = 0; entry < stop; entry += FIELD_STRIDE) {
      if ((entries[entry + FIELD_ID]! & DROPPED) === 0) continue;
      const lineStart = entries[entry + NAME_START]!;
      if (lineStart > spanStart) out = this.copy(out, spanStart, lineStart);
      spanStart = entry + FIELD_STRIDE < stop ? entries[entry + FIELD_STRIDE + NAME_START]! : end;
    }
    return end > spanStart ? this.copy(out, spanStart, end) : out;
  }
}
