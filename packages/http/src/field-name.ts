// A field name that is known before any head comes (from a configuration, or from a feature's own code): its bytes, its
// number, and whether it may be edited at all. Finding fields by such a name costs no text.
import { ascii, lowerCase, TOKEN } from './bytes.ts';
import { FieldId, identifyField } from './field-id.ts';
import { FIELD_ID, FIELD_ID_MASK, FIELD_STRIDE, type FieldTable, NAME_END, NAME_START } from './field-table.ts';
import { wordsOf } from './words.ts';

/** Fields that say how the message is framed or that belong to one hop: only the parsers and writers decide on them. */
const OWN_FIELDS: readonly number[] = [
  FieldId.CONNECTION,
  FieldId.CONTENT_LENGTH,
  FieldId.TRANSFER_ENCODING,
  FieldId.EXPECT,
  FieldId.UPGRADE,
  FieldId.TE,
  FieldId.KEEP_ALIVE,
  FieldId.PROXY_CONNECTION,
  FieldId.TRAILER,
  FieldId.HTTP2_SETTINGS,
];

/** A field name, ready to be compared and written. Made by `fieldName`, once for each name of the configuration. */
export interface FieldName {
  /** In lower case. */
  readonly lower: Uint8Array;
  /** `Name: `, as a new line of this field begins. */
  readonly lineStart: Uint8Array;
  /** A number of `FieldId`; OTHER (0) for most. */
  readonly id: number;
  /** False for framing and hop-by-hop fields: edits of them do nothing. */
  readonly editable: boolean;
}

/**
 * Makes a field name ready for use.
 *
 * @param name As it is to be written; compared without regard to case.
 * @throws {RangeError} If it is no token (RFC 9110 section 5.1).
 */
export function fieldName(name: string): FieldName {
  const bytes = ascii(name);
  if (bytes.length === 0 || !bytes.every((byte, i) => TOKEN[byte] !== 0 && name.charCodeAt(i) < 128)) {
    throw new RangeError(`not a field name: ${JSON.stringify(name)}`);
  }
  const padded = new Uint8Array((bytes.length + 7) & ~3);
  padded.set(bytes);
  const id = identifyField(wordsOf(padded), 0, bytes.length);
  return { lower: bytes.map(lowerCase), lineStart: ascii(`${name}: `), id, editable: !OWN_FIELDS.includes(id) };
}

/** Tells whether a field name is one that only the proxy itself may write: framing and hop-by-hop fields. */
export function isOwnField(name: string): boolean {
  return !fieldName(name).editable;
}

/** A parsed head, of a request or an answer. */
export interface ParsedFields {
  readonly memory: Uint8Array;
  readonly fields: FieldTable;
}

/**
 * Finds the next field with a name, dropped ones included.
 *
 * @param head The parser that holds the head.
 * @param from Place in `entries` to begin at: 0, or the last result + FIELD_STRIDE.
 * @returns Its place in `entries`, or -1.
 */
export function findField(head: ParsedFields, name: FieldName, from: number): number {
  const { entries, count } = head.fields;
  const stop = count * FIELD_STRIDE;
  const length = name.lower.length;
  for (let entry = from; entry < stop; entry += FIELD_STRIDE) {
    if ((entries[entry + FIELD_ID]! & FIELD_ID_MASK) !== name.id) continue;
    // A known number is the name itself.
    if (name.id !== FieldId.OTHER) return entry;
    const start = entries[entry + NAME_START]!;
    if (entries[entry + NAME_END]! - start === length && isNamed(head.memory, start, name.lower)) return entry;
  }
  return -1;
}

function isNamed(memory: Uint8Array, start: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i++) if (lowerCase(memory[start + i]!) !== lower[i]) return false;
  return true;
}
