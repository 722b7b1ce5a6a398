// Comparisons of a request's path (without query, as received, never decoded) with the texts of rules: HAProxy's
// path, path_beg and path_end. Patterns are made once from the configuration.
import { lowerCase, SLASH } from './bytes.ts';
import type { RequestHeadParser } from './request-head.ts';

/** A text to compare a path with. */
export interface PathPattern {
  /** UTF-8; in lower case if `ignoreCase`. */
  readonly bytes: Uint8Array;
  /** ASCII letters match in both cases. */
  readonly ignoreCase: boolean;
}

const utf8 = new TextEncoder();

/** Makes a pattern from the configuration's text. */
export function pathPattern(text: string, ignoreCase: boolean): PathPattern {
  const bytes = utf8.encode(text);
  return { bytes: ignoreCase ? bytes.map(lowerCase) : bytes, ignoreCase };
}

/** True if the path is the pattern. */
export function isPath(request: RequestHeadParser, pattern: PathPattern): boolean {
  return pathLength(request) === pattern.bytes.length && matchesAt(request, 0, pattern);
}

/** True if the path begins with the pattern. */
export function pathBegins(request: RequestHeadParser, pattern: PathPattern): boolean {
  return pathLength(request) >= pattern.bytes.length && matchesAt(request, 0, pattern);
}

/** True if the path ends with the pattern. */
export function pathEnds(request: RequestHeadParser, pattern: PathPattern): boolean {
  const offset = pathLength(request) - pattern.bytes.length;
  return offset >= 0 && matchesAt(request, offset, pattern);
}

/** An absolute-form target may have no path: it means "/". */
function pathLength(request: RequestHeadParser): number {
  return request.pathEnd > request.pathStart ? request.pathEnd - request.pathStart : 1;
}

function matchesAt(request: RequestHeadParser, offset: number, pattern: PathPattern): boolean {
  const { memory, pathStart, pathEnd } = request;
  const { bytes, ignoreCase } = pattern;
  for (let i = 0; i < bytes.length; i++) {
    const byte = pathEnd > pathStart ? memory[pathStart + offset + i]! : SLASH;
    if ((ignoreCase ? lowerCase(byte) : byte) !== bytes[i]) return false;
  }
  return true;
}
