// A map's contents as a hash table in one shared buffer: made once in the main thread, read by all workers. Keys are
// looked up as bytes where they lie; nothing is allocated for a lookup. Pure.

/** Most entries, and most bytes, of one map. */
export const MAX_MAP_ENTRIES = 200_000;
export const MAX_MAP_BYTES = 16 << 20;
/** Longer keys can be in no file. */
const MAX_KEY_BYTES = 1024;

/** How a key finds its entry; see `MapConfig.match`. */
export type MapMatch = 'exact' | 'prefix' | 'suffix';

/** Words before the slots: their number, and that of values; where keys begin (bytes). */
const HEADER_WORDS = 4;
const Header = { SLOTS: 0, LONGEST: 1, KEYS_AT: 2 } as const;
/** Words of a slot: start and length of the key, and the value's number plus one (0: free). */
const SLOT_WORDS = 3;
const DOT = 46;
const FNV_START = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/** A line of a map file that cannot be taken. */
export interface MapProblem {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

/** What a file says. */
export interface MapEntries {
  /** In the order of the file; a key that comes again keeps its first value, as in HAProxy. */
  readonly entries: ReadonlyMap<string, string>;
}

/** A table and the values that its numbers mean; can be sent to a thread without being copied. */
export interface MapData {
  readonly table: SharedArrayBuffer;
  readonly values: readonly string[];
}

/** A map's contents, for the workers. */
export interface NamedMap {
  readonly name: string;
  readonly match: MapMatch;
  readonly data: MapData;
}

/**
 * Reads the text of a map file: lines of `KEY VALUE`, blank lines, and comments that begin with `#`.
 *
 * @returns The entries, or the first line that is wrong.
 */
export function parseMap(text: string): MapEntries | MapProblem {
  const entries = new Map<string, string>();
  let number = 0;
  for (const raw of text.split('\n')) {
    number++;
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const parts = /^(\S+)\s+(\S+)$/.exec(line);
    if (parts === null) return { line: number, reason: 'is not a key and a value' };
    const [, key = '', value = ''] = parts;
    if (key.length > MAX_KEY_BYTES)
      return { line: number, reason: `has a key of more than ${MAX_KEY_BYTES} characters` };
    if (entries.size >= MAX_MAP_ENTRIES) return { line: number, reason: `is beyond ${MAX_MAP_ENTRIES} entries` };
    if (!entries.has(key)) entries.set(key, value);
  }
  return { entries };
}

const utf8 = new TextEncoder();

/** Makes the table. For `suffix`, keys are host names: lower case, and `*.a` or `.a` is all below `a`. */
export function buildMap(entries: ReadonlyMap<string, string>, match: MapMatch): MapData {
  const values = [...new Set(entries.values())];
  const numbers = new Map(values.map((value, i) => [value, i + 1]));
  const keys = [...entries].map(([key, value]) => ({
    bytes: utf8.encode(keyOf(key, match)),
    value: numbers.get(value)!,
  }));
  const slots = slotsFor(keys.length);
  const keyBytes = keys.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const keysAt = 4 * (HEADER_WORDS + slots * SLOT_WORDS);
  const table = new SharedArrayBuffer(keysAt + keyBytes);
  const words = new Int32Array(table, 0, HEADER_WORDS + slots * SLOT_WORDS);
  const bytes = new Uint8Array(table);
  words[Header.SLOTS] = slots;
  words[Header.KEYS_AT] = keysAt;
  let at = keysAt;
  for (const key of keys) {
    bytes.set(key.bytes, at);
    let slot = hashOf(key.bytes) & (slots - 1);
    while (words[HEADER_WORDS + slot * SLOT_WORDS + 2] !== 0) slot = (slot + 1) & (slots - 1);
    words.set([at, key.bytes.length, key.value], HEADER_WORDS + slot * SLOT_WORDS);
    words[Header.LONGEST] = Math.max(words[Header.LONGEST]!, key.bytes.length);
    at += key.bytes.length;
  }
  return { table, values };
}

function keyOf(key: string, match: MapMatch): string {
  if (match !== 'suffix') return key;
  return key.toLowerCase().replace(/^\*\./, '.');
}

/** A power of two, at most half of it used. */
function slotsFor(keys: number): number {
  return 1 << (32 - Math.clz32(Math.max(1, keys * 2 - 1)));
}

function hashOf(bytes: Uint8Array): number {
  let hash = FNV_START;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return mixed(hash);
}

/** FNV's low bits alone are not spread well. */
function mixed(hash: number): number {
  const h = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

/** A map as a worker reads it. */
export class MapTable {
  readonly values: readonly string[];
  readonly #match: MapMatch;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor({ table, values }: MapData, match: MapMatch) {
    this.values = values;
    this.#match = match;
    this.#bytes = new Uint8Array(table);
    const keysAt = new Int32Array(table, 0, HEADER_WORDS)[Header.KEYS_AT]!;
    this.#words = new Int32Array(table, 0, keysAt / 4);
  }

  /** The value for bytes[from, to); undefined: no entry. The work is proportional to the key's length. */
  find(bytes: Uint8Array, from: number, to: number): string | undefined {
    let number = 0;
    if (this.#match === 'exact') {
      if (to - from <= this.#words[Header.LONGEST]!) number = this.#exact(bytes, from, to);
    } else if (this.#match === 'prefix') number = this.#prefix(bytes, from, to);
    else number = this.#suffix(bytes, from, to);
    return number === 0 ? undefined : this.values[number - 1];
  }

  #exact(bytes: Uint8Array, from: number, to: number): number {
    let hash = FNV_START;
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, FNV_PRIME);
    return this.#lookUp(bytes, from, { to, hash });
  }

  /** The longest entry that begins the key. */
  #prefix(bytes: Uint8Array, from: number, to: number): number {
    const stop = Math.min(to, from + this.#words[Header.LONGEST]!);
    let hash = FNV_START;
    let best = 0;
    for (let i = from; i < stop; i++) {
      hash = Math.imul(hash ^ bytes[i]!, FNV_PRIME);
      const number = this.#slot(mixed(hash), bytes, { from, to: i + 1 });
      if (number !== 0) best = number;
    }
    return best;
  }

  /** The name itself; else the longest entry of which it is a part; `.a` is what is below `a` only. */
  #suffix(bytes: Uint8Array, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      const before = at === from ? 0 : bytes[at - 1]!;
      if (at !== from && before !== DOT && bytes[at] !== DOT) continue;
      if (to - at > this.#words[Header.LONGEST]!) continue;
      const number = this.#exact(bytes, at, to);
      if (number !== 0) return number;
    }
    return 0;
  }

  #lookUp(bytes: Uint8Array, from: number, { to, hash }: { to: number; hash: number }): number {
    return this.#slot(mixed(hash), bytes, { from, to });
  }

  /** Looks a key up by its hash; 0: not there. */
  #slot(hash: number, bytes: Uint8Array, key: { from: number; to: number }): number {
    const words = this.#words;
    const mask = words[Header.SLOTS]! - 1;
    const length = key.to - key.from;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const at = HEADER_WORDS + slot * SLOT_WORDS;
      const value = words[at + 2]!;
      if (value === 0) return 0;
      if (words[at + 1] === length && this.#isKey(words[at]!, bytes, key)) return value;
    }
  }

  #isKey(at: number, bytes: Uint8Array, { from, to }: { from: number; to: number }): boolean {
    for (let i = from; i < to; i++) if (this.#bytes[at + i - from] !== bytes[i]) return false;
    return true;
  }
}
