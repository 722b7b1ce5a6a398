// Reads a Content-Length value: digits only (RFC 9110 section 8.6), and small enough to count exactly.

import { SPACE, TAB } from './bytes.ts';

const COMMA = 44;
/** More digits than this are refused: 15 significant ones stay below 2^53, leading zeros are allowed up to here. */
const MAX_DIGITS = 19;
const MAX_SIGNIFICANT_DIGITS = 15;

/** Reads the decimal number in [start, end); -1 if it is empty, has another byte, or is 10^15 or more. */
export function readContentLength(memory: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > MAX_DIGITS) return -1;
  let value = 0;
  let significant = 0;
  for (let p = start; p < end; p++) {
    const digit = memory[p]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > 0) significant++;
  }
  return significant > MAX_SIGNIFICANT_DIGITS ? -1 : value;
}

/**
 * Reads a list of equal lengths, as a proxy in front of the server may have made it of repeated fields (RFC 9110
 * section 8.6 allows a recipient to take them as one); -1 if they differ or one is invalid.
 */
export function readContentLengths(memory: Uint8Array, start: number, end: number): number {
  let length = -2;
  let p = start;
  for (;;) {
    let stop = p;
    while (stop < end && memory[stop] !== COMMA) stop++;
    let last = stop;
    while (last > p && isBlank(memory[last - 1]!)) last--;
    while (p < last && isBlank(memory[p]!)) p++;
    const next = readContentLength(memory, p, last);
    if (next < 0 || (length !== -2 && next !== length)) return -1;
    length = next;
    if (stop === end) return length;
    p = stop + 1;
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}
