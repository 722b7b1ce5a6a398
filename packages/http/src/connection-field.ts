// The Connection field (RFC 9110 section 7.6.1): the tokens that the proxy knows become flags, all others name
// fields of this hop, which are then marked as dropped. A field that the message cannot do without is never
// dropped because a sender named it.
import { ascii, sameIgnoringCase, SPACE, spansEqualIgnoringCase, TAB, TOKEN } from './bytes.ts';
import { FieldId } from './field-id.ts';
import { FIELD_ID, FIELD_ID_MASK, FIELD_STRIDE, type FieldTable, NAME_END, NAME_START } from './field-table.ts';
import { VALUE_END, VALUE_START } from './field-table.ts';

/** Bits for the tokens of all Connection fields of a message together. */
export const ConnectionToken = { CLOSE: 1, KEEP_ALIVE: 2, UPGRADE: 4, NAMES: 8, INVALID: 16, TE: 32 } as const;

/** Bounds the work: each named field costs a walk over the table. */
const MAX_TOKENS = 32;
const COMMA = 44;
const CLOSE = ascii('close');
const KEEP_ALIVE = ascii('keep-alive');
const UPGRADE = ascii('upgrade');
const TE = ascii('te');

/** Never dropped although Connection names them: routing and framing depend on them. */
const isProtected = (id: number): boolean =>
  id === FieldId.HOST || id === FieldId.CONTENT_LENGTH || id === FieldId.TRANSFER_ENCODING;

/** Reads the tokens of one Connection field; returns ConnectionToken bits, INVALID if it is no list of tokens. */
export function readConnectionTokens(memory: Uint8Array, fields: FieldTable, entry: number): number {
  let tokens = 0;
  let count = 0;
  let p = fields.entries[entry + VALUE_START]!;
  const end = fields.entries[entry + VALUE_END]!;
  while (p < end) {
    const byte = memory[p]!;
    if (byte === COMMA || byte === SPACE || byte === TAB) {
      p++;
      continue;
    }
    const start = p;
    while (p < end && TOKEN[memory[p]!] !== 0) p++;
    if (p === start || ++count > MAX_TOKENS) return ConnectionToken.INVALID;
    tokens |= tokenBit(memory, start, p - start);
    while (p < end && (memory[p] === SPACE || memory[p] === TAB)) p++;
    if (p < end && memory[p] !== COMMA) return ConnectionToken.INVALID;
  }
  return tokens;
}

/** Marks every field that one Connection field names as dropped, except protected ones. */
export function dropNamedFields(memory: Uint8Array, fields: FieldTable, entry: number): void {
  let p = fields.entries[entry + VALUE_START]!;
  const end = fields.entries[entry + VALUE_END]!;
  while (p < end) {
    if (TOKEN[memory[p]!] === 0) {
      p++;
      continue;
    }
    const start = p;
    while (p < end && TOKEN[memory[p]!] !== 0) p++;
    dropNamed(memory, fields, { start, length: p - start });
  }
}

function dropNamed(memory: Uint8Array, fields: FieldTable, name: { start: number; length: number }): void {
  const entries = fields.entries;
  for (let entry = 0; entry < fields.count * FIELD_STRIDE; entry += FIELD_STRIDE) {
    const start = entries[entry + NAME_START]!;
    if (entries[entry + NAME_END]! - start !== name.length) continue;
    if (isProtected(entries[entry + FIELD_ID]! & FIELD_ID_MASK)) continue;
    if (spansEqualIgnoringCase(memory, start, name)) fields.drop(entry);
  }
}

function tokenBit(memory: Uint8Array, at: number, length: number): number {
  if (length === 5 && sameIgnoringCase(memory, at, CLOSE)) return ConnectionToken.CLOSE;
  if (length === 10 && sameIgnoringCase(memory, at, KEEP_ALIVE)) return ConnectionToken.KEEP_ALIVE;
  if (length === 7 && sameIgnoringCase(memory, at, UPGRADE)) return ConnectionToken.UPGRADE;
  if (length === 2 && sameIgnoringCase(memory, at, TE)) return ConnectionToken.TE;
  return ConnectionToken.NAMES;
}
