// Comparisons of a path (without query) with the texts of rules: HAProxy's path, path_beg and path_end; and the normal
// form of a path (RFC 3986 section 6.2.2), in which two names of one thing are the same bytes. Patterns are made once
// from the configuration.
import { HEX, lowerCase, SLASH } from './bytes.ts';

const PERCENT = 37;
const HASH = 35;
const QUESTION = 63;
const DOT = 46;
const DIGITS = new TextEncoder().encode('0123456789ABCDEF');

/** A text to compare a path with. */
export interface PathPattern {
  /** UTF-8; in lower case if `ignoreCase`. */
  readonly bytes: Uint8Array;
  /** ASCII letters match in both cases. */
  readonly ignoreCase: boolean;
}

/** A path: bytes[from, to). */
export interface PathSpan {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
}

const utf8 = new TextEncoder();

/**
 * Makes a pattern from the configuration's text.
 *
 * @param normal It is for paths in normal form: what stands in it as `%XX`, or is not ASCII, is written as there.
 */
export function pathPattern(
  text: string,
  { ignoreCase, normal }: { ignoreCase: boolean; normal: boolean },
): PathPattern {
  const written = utf8.encode(text);
  const bytes = normal ? normalBytes(written) : written;
  return { bytes: ignoreCase ? bytes.map(lowerCase) : bytes, ignoreCase };
}

/** Text of a pattern as it stands in paths of normal form. Slashes and dots stay: it may be the end of a path. */
export function normalBytes(written: Uint8Array): Uint8Array {
  const into = new Uint8Array(written.length * 3);
  let at = 0;
  for (let i = 0; i < written.length; i++) {
    const byte = written[i]!;
    const coded = codedByte(written, i, written.length);
    if (coded >= 0) i += 2;
    at = putNormal(into, at, coded >= 0 ? coded : byte, coded < 0 && byte === PERCENT);
  }
  return into.slice(0, at);
}

/** True if the path is the pattern. */
export function isPath(path: PathSpan, pattern: PathPattern): boolean {
  return path.to - path.from === pattern.bytes.length && matchesAt(path.bytes, path.from, pattern);
}

/** True if the path begins with the pattern. */
export function pathBegins(path: PathSpan, pattern: PathPattern): boolean {
  return path.to - path.from >= pattern.bytes.length && matchesAt(path.bytes, path.from, pattern);
}

/** True if the path ends with the pattern. */
export function pathEnds(path: PathSpan, pattern: PathPattern): boolean {
  const at = path.to - pattern.bytes.length;
  return at >= path.from && matchesAt(path.bytes, at, pattern);
}

function matchesAt(path: Uint8Array, at: number, { bytes, ignoreCase }: PathPattern): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const byte = path[at + i]!;
    if ((ignoreCase ? lowerCase(byte) : byte) !== bytes[i]) return false;
  }
  return true;
}

/** Whether bytes[from, to) is surely in normal form already, as nearly every path is: a quick look. */
export function isNormalPath(bytes: Uint8Array, from: number, to: number): boolean {
  let slash = false;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte === PERCENT || (slash && (byte === SLASH || byte === DOT))) return false;
    slash = byte === SLASH;
  }
  return true;
}

/**
 * Writes the normal form of a path: `%XX` of a character that may stand in a path is that character (also `%2F`),
 * other `%XX` have capital letters; several slashes are one; the segments `.` and `..` are resolved, and lead no higher
 * than to the root. Never longer than the path.
 *
 * @param path It begins with a slash.
 * @param into Room for as many bytes; another memory.
 * @returns Its length.
 */
// oxlint-disable-next-line max-params -- long: for each request, a range object would be allocated
export function writeNormalPath(path: Uint8Array, from: number, to: number, into: Uint8Array): number {
  let at = 0;
  for (let i = from; i < to; i++) {
    const coded = codedByte(path, i, to);
    const byte = coded >= 0 ? coded : path[i]!;
    const plain = coded < 0;
    if (!plain) i += 2;
    if (byte === SLASH) at = endSegment(into, at);
    else at = putNormal(into, at, byte, plain && byte === PERCENT);
  }
  const length = endSegment(into, at);
  // The last segment has no slash behind it, unless it was one of dots.
  return length === at + 1 ? at : length;
}

/** Ends the segment that stands last in into[0, at) with a slash; dots are resolved, empty ones left out. */
function endSegment(into: Uint8Array, at: number): number {
  let start = at;
  while (start > 0 && into[start - 1] !== SLASH) start--;
  const length = at - start;
  if (length === 0) {
    if (at === 0) into[at++] = SLASH;
    return at;
  }
  if (length === 1 && into[start] === DOT) return start;
  if (length === 2 && into[start] === DOT && into[start + 1] === DOT) {
    let up = Math.max(start - 1, 0);
    while (up > 0 && into[up - 1] !== SLASH) up--;
    if (up === 0) into[up++] = SLASH;
    return up;
  }
  into[at] = SLASH;
  return at + 1;
}

/** The byte that `%XX` at this place means, or -1. */
function codedByte(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] !== PERCENT || at + 2 >= end) return -1;
  const high = HEX[bytes[at + 1]!]!;
  const low = HEX[bytes[at + 2]!]!;
  return high > 15 || low > 15 ? -1 : (high << 4) | low;
}

/** A byte as it stands in a path of normal form. A percent sign that codes nothing stays what it is. */
// oxlint-disable-next-line max-params -- long: for each byte, an object would be allocated
function putNormal(into: Uint8Array, at: number, byte: number, lone: boolean): number {
  const isPlain = byte > 32 && byte < 127 && byte !== PERCENT && byte !== QUESTION && byte !== HASH;
  if (isPlain || lone) {
    into[at] = byte;
    return at + 1;
  }
  into[at] = PERCENT;
  into[at + 1] = DIGITS[byte >>> 4]!;
  into[at + 2] = DIGITS[byte & 15]!;
  return at + 3;
}
