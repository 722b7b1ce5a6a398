// Copies the field lines of a head into an output region of the same memory, without those marked as dropped, in
// spans as long as possible. Shared by the two head writers.
import { DROPPED, FIELD_ID, FIELD_STRIDE, type FieldTable, NAME_START } from './field-table.ts';

/** Below this many bytes a loop beats `copyWithin` (see request-head.bench.ts). */
const LOOP_BYTES = 96;

/** Copies [start, end) to `at` in one memory; returns the offset after the copy. The regions must not overlap. */
// oxlint-disable-next-line max-params -- a pair of offsets as an object would be an allocation for each copy
export function copyBytes(memory: Uint8Array, at: number, start: number, end: number): number {
  const length = end - start;
  if (length > LOOP_BYTES) memory.copyWithin(at, start, end);
  else for (let i = 0; i < length; i++) memory[at + i] = memory[start + i]!;
  return at + length;
}

/**
 * Copies all field lines that are not dropped to `at`.
 *
 * @param start Where the first field line begins.
 * @param end Where the last one ends (before the empty line).
 * @returns The offset after the copy.
 */
// oxlint-disable-next-line max-params -- offsets are numbers so that nothing is allocated
export function copyFields(fields: FieldTable, memory: Uint8Array, at: number, start: number, end: number): number {
  if (fields.dropped === 0) return copyBytes(memory, at, start, end);
  const entries = fields.entries;
  const stop = fields.count * FIELD_STRIDE;
  let out = at;
  let spanStart = start;
  for (let entry = 0; entry < stop; entry += FIELD_STRIDE) {
    if ((entries[entry + FIELD_ID]! & DROPPED) === 0) continue;
    const lineStart = entries[entry + NAME_START]!;
    if (lineStart > spanStart) out = copyBytes(memory, out, spanStart, lineStart);
    spanStart = entry + FIELD_STRIDE < stop ? entries[entry + FIELD_STRIDE + NAME_START]! : end;
  }
  return end > spanStart ? copyBytes(memory, out, spanStart, end) : out;
}
