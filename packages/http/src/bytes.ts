// Byte classes and the few byte operations that the codecs share. Everything works on offsets into one memory;
// nothing here allocates after module load. Grammar: RFC 9110 section 5.6.2 (token), RFC 3986 (URI characters).

export const CR = 13;
export const LF = 10;
export const SPACE = 32;
export const TAB = 9;
export const COLON = 58;
export const SLASH = 47;

/** ASCII text as bytes: for constants made at module load. */
export function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function classOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of ascii(characters)) table[byte] = 1;
  return table;
}

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** 1 for tchar; 3 for those that are neither letter, digit nor "-". */
export const TOKEN = makeToken();

/** 1 for what may stand in a registered host name: unreserved, sub-delims without the comma; "%" is looked at apart. */
export const HOST = classOf(`${LETTERS_AND_DIGITS}-._~!$&'()*+;=`);

/** 1 for what may stand in a request target: 0x21..0x7E without "#"; 2 for "?". */
export const TARGET = makeTarget();

/** Value of a hexadecimal digit; 255 for everything else. */
export const HEX = makeHex();

function makeToken(): Uint8Array {
  const table = classOf(`${LETTERS_AND_DIGITS}-`);
  for (const byte of ascii("!#$%&'*+.^_`|~")) table[byte] = 3;
  return table;
}

function makeTarget(): Uint8Array {
  const table = new Uint8Array(256).fill(1, 0x21, 0x7f);
  table[35] = 0; // "#": a fragment is never sent
  table[63] = 2; // "?": ends the path
  return table;
}

function makeHex(): Uint8Array {
  const table = new Uint8Array(256).fill(255);
  for (let i = 0; i < 10; i++) table[48 + i] = i;
  for (let i = 0; i < 6; i++) {
    table[65 + i] = 10 + i;
    table[97 + i] = 10 + i;
  }
  return table;
}

/** True if memory at `at` equals `lower` without regard to ASCII case; `lower` must be lower-case letters, digits, "-". */
export function sameIgnoringCase(memory: Uint8Array, at: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i++) {
    const byte = memory[at + i]!;
    // Only letters differ in bit 5; "-" and digits have it set already, so a control byte can not pass for them
    // because the token class was checked before.
    if ((byte | 32) !== lower[i]) return false;
  }
  return true;
}

/** True if two spans of memory of `length` bytes are equal without regard to ASCII case. */
export function spansEqualIgnoringCase(memory: Uint8Array, first: number, span: Span): boolean {
  for (let i = 0; i < span.length; i++) {
    if (lowerCase(memory[first + i]!) !== lowerCase(memory[span.start + i]!)) return false;
  }
  return true;
}

/** A place in memory. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/** ASCII lower case of a byte. */
export function lowerCase(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 32 : byte;
}

/** Tells whether there is a LF in [start, end). */
export function hasLineFeed(memory: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) if (memory[p] === LF) return true;
  return false;
}

/** Writes a decimal number (0 .. 2^53 - 1) at `at` and returns the offset after it. */
export function putDecimal(memory: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    const next = Math.floor(rest / 10);
    memory[i] = 48 + (rest - next * 10);
    rest = next;
  }
  return at + digits;
}
