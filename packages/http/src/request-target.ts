// Host and request target (RFC 9112 section 3.2, RFC 3986 section 3.2): which authority is valid, and where the
// parts of an absolute-form target are. Origin-form, which nearly every request has, is read by the head parser.
import { ascii, COLON, HEX, HOST, sameIgnoringCase, SLASH } from './bytes.ts';

const HTTP = ascii('http://');
const HTTPS = ascii('https://');
const PERCENT = 37;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const DOT = 46;
const QUESTION = 63;
const MAX_PORT = 65535;

/** Tells whether [start, end) is `host [":" port]`, with a host that is not empty and a port of 0..65535 or empty. */
export function isAuthority(memory: Uint8Array, start: number, end: number): boolean {
  let p = start;
  if (memory[p] === BRACKET_OPEN && p < end) {
    p = afterIpv6(memory, start, end);
    if (p < 0) return false;
  } else {
    while (p < end) {
      const byte = memory[p]!;
      if (HOST[byte] !== 0) p++;
      else if (byte === PERCENT && p + 2 < end && HEX[memory[p + 1]!]! < 16 && HEX[memory[p + 2]!]! < 16) p += 3;
      else break;
    }
    if (p === start) return false;
  }
  if (p === end) return true;
  return memory[p] === COLON && isPort(memory, p + 1, end);
}

/** Offset after the "]" of an IPv6 literal that begins at `start`, or -1. Its text is checked for its alphabet only. */
function afterIpv6(memory: Uint8Array, start: number, end: number): number {
  let colons = 0;
  for (let p = start + 1; p < end; p++) {
    const byte = memory[p]!;
    if (byte === BRACKET_CLOSE) return colons >= 2 && colons <= 7 && p - start <= 46 ? p + 1 : -1;
    if (byte === COLON) colons++;
    else if (HEX[byte] === 255 && byte !== DOT) return -1;
  }
  return -1;
}

function isPort(memory: Uint8Array, start: number, end: number): boolean {
  let port = 0;
  for (let p = start; p < end; p++) {
    const digit = memory[p]! - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > MAX_PORT) return false;
  }
  return true;
}

/** Offset of the authority of an absolute-form target `http://...` or `https://...`, or -1 if it has another form. */
export function authorityStart(memory: Uint8Array, start: number, end: number): number {
  if (end - start > 7 && sameIgnoringCase(memory, start, HTTP)) return start + 7;
  if (end - start > 8 && sameIgnoringCase(memory, start, HTTPS)) return start + 8;
  return -1;
}

/** Offset where the authority that begins at `start` ends: at "/", "?" or `end`. */
export function authorityEnd(memory: Uint8Array, start: number, end: number): number {
  let p = start;
  while (p < end && memory[p] !== SLASH && memory[p] !== QUESTION) p++;
  return p;
}
