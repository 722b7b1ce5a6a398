// Client addresses as numbers, and lists of networks: what ACLs, trusted proxies, limits and source hashing compare. IPv4
// addresses are held in their IPv4-mapped form, so that there is one kind of number. Pure; only set-up allocates.
import { latin1 } from './bytes.ts';

const DOT = 46;
const COLON = 58;
const MAPPED = 0xffff;

/** An IP address as four 32-bit words (signed, as bitwise operators make them); all 0: not known. */
export class SourceAddress {
  a = 0;
  b = 0;
  c = 0;
  d = 0;

  /** IPv4: `d` is the address, and the rest is that of ::ffff:0:0/96. */
  get isV4(): boolean {
    return this.c === MAPPED && this.b === 0 && this.a === 0;
  }

  isSame(other: SourceAddress): boolean {
    return this.d === other.d && this.c === other.c && this.b === other.b && this.a === other.a;
  }

  set(other: SourceAddress): void {
    this.a = other.a;
    this.b = other.b;
    this.c = other.c;
    this.d = other.d;
  }

  clear(): void {
    this.a = this.b = this.c = this.d = 0;
  }

  /** A well-mixed 32-bit number of the whole address. */
  hash(): number {
    let h = Math.imul(this.a ^ 0x9e3779b9, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15) ^ this.b, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 13) ^ this.c, 0x27d4eb2f);
    h = Math.imul(h ^ (h >>> 16) ^ this.d, 0x165667b1);
    return h ^ (h >>> 15);
  }
}

/** Of whom nothing is known; never changed in place. */
export const UNKNOWN_SOURCE = new SourceAddress();

/**
 * Reads an address from bytes[from, to): dotted IPv4 without leading zeros, or IPv6 (RFC 4291 section 2.2) without
 * brackets or zone.
 *
 * @param into Is changed only if the result is true.
 */
// oxlint-disable-next-line max-params -- long: for each request of a trusted proxy, a range object would be allocated
export function readAddress(bytes: Uint8Array, from: number, to: number, into: SourceAddress): boolean {
  for (let i = from; i < to && i < from + 5; i++) if (bytes[i] === COLON) return readV6(bytes, from, to, into);
  const value = readV4(bytes, from, to);
  if (value < 0) return false;
  into.a = 0;
  into.b = 0;
  into.c = MAPPED;
  into.d = value | 0;
  return true;
}

/** The address that a text is; one that is all 0 if it is none. A zone (`%eth0`) is left out. */
export function sourceOf(text: string): SourceAddress {
  const source = new SourceAddress();
  const bytes = latin1(text.replace(/%.*$/, ''));
  readAddress(bytes, 0, bytes.length, source);
  return source;
}

/** 0..2^32-1, or -1. */
function readV4(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte === DOT) {
      if (digits === 0 || ++dots > 3) return -1;
      value = value * 256 + octet;
      octet = 0;
      digits = 0;
      continue;
    }
    if (byte < 48 || byte > 57 || (digits > 0 && octet === 0)) return -1;
    octet = octet * 10 + byte - 48;
    if (octet > 255) return -1;
    digits++;
  }
  return dots === 3 && digits > 0 ? value * 256 + octet : -1;
}

const groups = new Int32Array(8);

// oxlint-disable-next-line max-params, complexity -- long: one pass over the groups of an address
function readV6(bytes: Uint8Array, from: number, to: number, into: SourceAddress): boolean {
  let count = 0;
  let gap = -1;
  let p = from;
  if (bytes[p] === COLON) {
    if (p + 1 >= to || bytes[p + 1] !== COLON) return false;
    gap = 0;
    p += 2;
  }
  while (p < to) {
    if (count >= 8) return false;
    const start = p;
    let value = 0;
    while (p < to && hexDigit(bytes[p]!) >= 0) value = value * 16 + hexDigit(bytes[p++]!);
    if (p < to && bytes[p] === DOT) {
      const v4 = count <= 6 ? readV4(bytes, start, to) : -1;
      if (v4 < 0) return false;
      groups[count++] = v4 / 65_536;
      groups[count++] = v4 & 0xffff;
      p = to;
      break;
    }
    if (p === start || p - start > 4) return false;
    groups[count++] = value;
    if (p === to) break;
    if (bytes[p] !== COLON || p + 1 === to) return false;
    p++;
    if (bytes[p] !== COLON) continue;
    if (gap >= 0) return false;
    gap = count;
    p++;
  }
  if (gap < 0 ? count !== 8 : count > 7) return false;
  if (gap < 0) gap = count;
  const missing = 8 - count;
  groups.copyWithin(gap + missing, gap, count);
  groups.fill(0, gap, gap + missing);
  into.a = (groups[0]! << 16) | groups[1]!;
  into.b = (groups[2]! << 16) | groups[3]!;
  into.c = (groups[4]! << 16) | groups[5]!;
  into.d = (groups[6]! << 16) | groups[7]!;
  return true;
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** The address as text: dotted, or by RFC 5952. For set-up and logs, not per request. */
export function addressText(source: SourceAddress): string {
  if (source.isV4) return [24, 16, 8, 0].map((shift) => (source.d >>> shift) & 255).join('.');
  const parts = [source.a, source.b, source.c, source.d].flatMap((word) => [word >>> 16, word & 0xffff]);
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && parts[i + length] === 0) length++;
    if (length > bestLength) {
      best = i;
      bestLength = length;
    }
  }
  const hex = parts.map((part) => part.toString(16));
  if (best < 0) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`;
}

/** A set of networks; asked in O(log n). */
export class NetworkList {
  /** First and last words of each range, eight numbers (unsigned), sorted, without overlaps. */
  readonly #ranges: Float64Array;

  /** @param networks `ADDRESS` or `ADDRESS/BITS`, IPv4 and IPv6, already validated; others match nothing. */
  constructor(networks: readonly string[]) {
    const ranges = networks.flatMap(rangesOf).toSorted((x, y) => (x.first < y.first ? -1 : 1));
    const merged: { first: bigint; last: bigint }[] = [];
    for (const range of ranges) {
      const top = merged.at(-1);
      if (top === undefined || range.first > top.last) merged.push({ ...range });
      else if (range.last > top.last) top.last = range.last;
    }
    this.#ranges = new Float64Array(merged.flatMap(({ first, last }) => [...wordsOf(first), ...wordsOf(last)]));
  }

  has(source: SourceAddress): boolean {
    const ranges = this.#ranges;
    let low = 0;
    let high = ranges.length / 8;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(ranges, middle * 8 + 4, source) < 0) low = middle + 1;
      else high = middle;
    }
    return low * 8 < ranges.length && compare(ranges, low * 8, source) <= 0;
  }
}

/** Below 0: the four words at `at` are less than the address. */
function compare(ranges: Float64Array, at: number, source: SourceAddress): number {
  const a = ranges[at]! - (source.a >>> 0);
  if (a !== 0) return a;
  const b = ranges[at + 1]! - (source.b >>> 0);
  if (b !== 0) return b;
  const c = ranges[at + 2]! - (source.c >>> 0);
  return c === 0 ? ranges[at + 3]! - (source.d >>> 0) : c;
}

interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/** ::ffff:0:0/96, in which IPv4 addresses are held: no part of a larger IPv6 network. */
const FIRST_MAPPED = 0xffffn << 32n;
const LAST_MAPPED = FIRST_MAPPED + 0xffff_ffffn;

function rangesOf(network: string): readonly Range[] {
  const [text = '', bits] = network.split('/');
  const bytes = latin1(text);
  const source = new SourceAddress();
  if (!readAddress(bytes, 0, bytes.length, source)) return [];
  const isV4 = !text.includes(':');
  const fixed = bits === undefined ? 128 : Number(bits) + (isV4 ? 96 : 0);
  const value = [source.a, source.b, source.c, source.d].reduce((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n);
  const rest = 1n << BigInt(128 - fixed);
  const first = value - (value % rest);
  const last = first + rest - 1n;
  if (first >= FIRST_MAPPED || last <= LAST_MAPPED) return [{ first, last }];
  return [
    { first, last: FIRST_MAPPED - 1n },
    { first: LAST_MAPPED + 1n, last },
  ];
}

function wordsOf(value: bigint): number[] {
  return [96n, 64n, 32n, 0n].map((shift) => Number((value >> shift) & 0xffff_ffffn));
}
