// Bytes: small writers and comparisons over Uint8Array for the hot path. No strings, no allocation; every writer
// returns the position after what it wrote. The caller has made sure that there is room.

const ZERO = 48;

/** Encodes text that is known to be Latin-1 (header lines, log parts); used when things are set up, not per request. */
export function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) & 255;
  return bytes;
}

/** Decodes bytes as Latin-1; for messages and tests, not per request. */
export function text(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let out = '';
  for (let i = from; i < to; i++) out += String.fromCharCode(bytes[i]!);
  return out;
}

/** From this many bytes on `set` is faster than a loop. */
const LONG_BYTES = 20;

/** Writes `source` at `at`. */
export function put(target: Uint8Array, at: number, source: Uint8Array): number {
  const length = source.length;
  if (length >= LONG_BYTES) target.set(source, at);
  else for (let i = 0; i < length; i++) target[at + i] = source[i]!;
  return at + length;
}

/** Writes a whole number, 0..2^53, in decimal. */
export function putNumber(target: Uint8Array, at: number, value: number): number {
  if (value > 0x7fffffff) return putLarge(target, at, value);
  let rest = value | 0;
  if (rest < 10) {
    target[at] = ZERO + rest;
    return at + 1;
  }
  let end = at + 2;
  for (let bound = 100; bound <= rest && end < at + 10; bound *= 10) end++;
  for (let i = end - 1; i >= at; i--) {
    const next = (rest / 10) | 0;
    target[i] = ZERO + (rest - next * 10);
    rest = next;
  }
  return end;
}

/** Numbers beyond 31 bits: byte counts of large downloads. */
function putLarge(target: Uint8Array, at: number, value: number): number {
  const high = Math.floor(value / 1e9);
  const end = putNumber(target, at, high);
  return putPadded(target, end, value - high * 1e9, 9);
}

/** Writes the last `digits` digits of a small whole number, padded with zeros (times, dates). */
// oxlint-disable-next-line max-params -- long: target and position are one thing, but an object would be allocated
export function putPadded(target: Uint8Array, at: number, value: number, digits: number): number {
  let rest = value | 0;
  for (let i = at + digits - 1; i >= at; i--) {
    const next = (rest / 10) | 0;
    target[i] = ZERO + (rest - next * 10);
    rest = next;
  }
  return at + digits;
}

/** Tells whether bytes[at, at + word.length) is `word`; `word` is lower case where `fold` is set. */
// oxlint-disable-next-line max-params -- long: hot path, an options object would be allocated
export function matches(bytes: Uint8Array, at: number, word: Uint8Array, fold: boolean): boolean {
  for (let i = 0; i < word.length; i++) {
    let byte = bytes[at + i]!;
    if (fold && byte >= 65 && byte <= 90) byte |= 32;
    if (byte !== word[i]) return false;
  }
  return true;
}
