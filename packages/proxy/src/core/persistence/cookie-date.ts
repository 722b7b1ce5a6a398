// Dates in a session cookie's value, in HAProxy's form, so that sessions survive a change from one to the other:
// `VALUE|LAST|FIRST`, each five characters of base 64 (most significant first) of Unix time in units of 4 s.

export const DATE_BYTES = 5;
export const DATE_DELIMITER = 124;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CODES = Uint8Array.from(DIGITS, (digit) => digit.charCodeAt(0));
const VALUES = new Int8Array(256).fill(-1);
for (let i = 0; i < 64; i++) VALUES[CODES[i]!] = i;

/**
 * Writes a time in seconds, rounded up to the next unit so that it never seems to lie before the moment it was taken.
 *
 * @returns The position after it.
 */
export function putDate(bytes: Uint8Array, at: number, seconds: number): number {
  let units = Math.floor((seconds + 3) / 4);
  for (let i = DATE_BYTES - 1; i >= 0; i--) {
    bytes[at + i] = CODES[units & 63]!;
    units = Math.floor(units / 64);
  }
  return at + DATE_BYTES;
}

/** Reads a time; returns seconds, or -1 if bytes[from, to) does not begin with one. */
export function readDate(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < DATE_BYTES) return -1;
  let units = 0;
  for (let i = from; i < from + DATE_BYTES; i++) {
    const digit = VALUES[bytes[i]!]!;
    if (digit < 0) return -1;
    units = units * 64 + digit;
  }
  return units * 4;
}
