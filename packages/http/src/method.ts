// Request methods: numbers for those that the proxy tells apart, and what may be sent again.
import { ascii } from './bytes.ts';

/** Methods that the proxy tells apart. */
export const Method = {
  OTHER: 0,
  GET: 1,
  HEAD: 2,
  POST: 3,
  PUT: 4,
  DELETE: 5,
  OPTIONS: 6,
  PATCH: 7,
  TRACE: 8,
  CONNECT: 9,
} as const;

const methodNames: readonly (readonly [number, Uint8Array])[] = [
  [Method.GET, ascii('GET')],
  [Method.PUT, ascii('PUT')],
  [Method.HEAD, ascii('HEAD')],
  [Method.POST, ascii('POST')],
  [Method.PATCH, ascii('PATCH')],
  [Method.TRACE, ascii('TRACE')],
  [Method.DELETE, ascii('DELETE')],
  [Method.OPTIONS, ascii('OPTIONS')],
  [Method.CONNECT, ascii('CONNECT')],
];

/** Methods are case-sensitive (RFC 9110 section 9.1). */
export function identifyMethod(memory: Uint8Array, at: number, length: number): number {
  if (length === 3 && memory[at] === 71 && memory[at + 1] === 69 && memory[at + 2] === 84) return Method.GET;
  for (let i = 1; i < methodNames.length; i++) {
    const name = methodNames[i]![1];
    if (name.length !== length) continue;
    let same = true;
    for (let j = 0; j < length; j++) if (memory[at + j] !== name[j]) same = false;
    if (same) return methodNames[i]![0];
  }
  return Method.OTHER;
}

/** Tells whether a request may be sent again after it may have reached a server (RFC 9110 section 9.2.2). */
export function isIdempotent(method: number): boolean {
  switch (method) {
    case Method.GET:
    case Method.HEAD:
    case Method.OPTIONS:
    case Method.TRACE:
    case Method.PUT:
    case Method.DELETE:
      return true;
    default:
      return false;
  }
}
