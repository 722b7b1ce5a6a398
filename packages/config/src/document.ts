// YAML text to plain data that remembers its places. Bounded: size, depth, number of values after aliases.
// It knows nothing about the schema. Plain data here: null-prototype objects, arrays, strings, numbers, booleans.
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type Document,
  type Node,
  type Pair,
  type YAMLError,
} from 'yaml';
import type { Finding, Path } from './problem.ts';

/** Largest file that is read, in bytes: a pair with 1000 servers needs a tenth of it. */
export const MAX_CONFIG_BYTES = 1024 * 1024;
/** Values after aliases are followed: a file that grows beyond this is an attack or a mistake. */
const MAX_VALUES = 50_000;
/** Nesting of the schema is 6; more than this is not a configuration. */
const MAX_DEPTH = 32;

/** A mapping of the file: keys in file order, no prototype. */
export interface RawMap {
  [key: string]: Raw;
}
/** A value of the file as written. */
export type Raw = null | boolean | number | string | readonly Raw[] | RawMap;

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A file that could be read as YAML: its value, and where each path stands. */
export interface ConfigDocument {
  readonly root: Raw;
  /** The place of a key or value; of its nearest parent that exists, when it does not. */
  placeOf(path: Path, at: 'key' | 'value'): Place;
}

/** A finding about the text itself, with its place. */
export interface PlacedFinding {
  readonly finding: Finding;
  readonly place: Place;
}

export interface DocumentReading {
  /** Absent when the text is not YAML at all: what was read then would be a guess. */
  readonly document?: ConfigDocument;
  readonly findings: readonly PlacedFinding[];
}

/** Reads YAML text; never throws. */
export function readDocument(text: string): DocumentReading {
  const start = { line: 1, column: 1 };
  if (text.length > MAX_CONFIG_BYTES || Buffer.byteLength(text) > MAX_CONFIG_BYTES) {
    return { findings: [{ finding: rootFinding('LB_CONFIG_TOO_LARGE', {}), place: start }] };
  }
  const control = findControlCharacter(text);
  if (control !== undefined) return { findings: [control] };
  const lines = new LineIndex(text);
  try {
    const parsed = parseDocument(text, {
      prettyErrors: false,
      stringKeys: true,
      logLevel: 'error',
    });
    return fromParsed(text, parsed, lines);
  } catch (error) {
    // The YAML library recurses: text that nests thousands deep ends its stack.
    if (!(error instanceof RangeError)) throw error;
    const finding = rootFinding('LB_CONFIG_SYNTAX', { detail: `it nests deeper than ${MAX_DEPTH} levels` });
    return { findings: [{ finding, place: start }] };
  }
}

function fromParsed(text: string, parsed: Document.Parsed, lines: LineIndex): DocumentReading {
  const findings = [...parsed.errors, ...parsed.warnings].map((error) => fromYamlError(error, text, lines));
  const readable = parsed.errors.every((error) => error.code === 'DUPLICATE_KEY') && parsed.warnings.length === 0;
  if (!readable) return { findings };
  const root = parsed.contents;
  if (root === null || (isScalar(root) && root.value === null)) {
    return { findings: [{ finding: rootFinding('LB_CONFIG_EMPTY', {}), place: { line: 1, column: 1 } }] };
  }
  const converter = new Converter(parsed, lines);
  const value = converter.convert(root, [], 0);
  const all = [...findings, ...converter.findings];
  if (converter.stopped) return { findings: all };
  return { document: { root: value, placeOf: (path, at) => locate(parsed, lines, { path, at }) }, findings: all };
}

/** Node tree to plain data, following aliases within bounds. */
class Converter {
  readonly findings: PlacedFinding[] = [];
  stopped = false;
  #values = 0;
  readonly #open = new Set<Node>();
  readonly #document: Document.Parsed;
  readonly #lines: LineIndex;

  constructor(document: Document.Parsed, lines: LineIndex) {
    this.#document = document;
    this.#lines = lines;
  }

  convert(node: Node | null, path: Path, depth: number): Raw {
    if (node === null || this.stopped) return null;
    this.#values += 1;
    if (this.#values > MAX_VALUES) return this.#stop(node, `it has more than ${MAX_VALUES} values after its aliases`);
    if (depth > MAX_DEPTH) return this.#stop(node, `it nests deeper than ${MAX_DEPTH} levels`);
    if (isAlias(node)) return this.#follow(node, path, depth);
    if (isScalar(node)) return scalarValue(node.value);
    if (isSeq(node))
      return node.items.map((item, index) => this.convert(item as Node | null, [...path, index], depth + 1));
    if (isMap(node)) return this.#convertMap(node.items as Pair<Node, Node | null>[], path, depth);
    return null;
  }

  #convertMap(items: readonly Pair<Node, Node | null>[], path: Path, depth: number): RawMap {
    const map: RawMap = Object.create(null) as RawMap;
    for (const item of items) {
      const key = isScalar(item.key) ? String(item.key.value) : undefined;
      if (key === undefined || key === '__proto__') {
        const detail = key === undefined ? 'a key must be text' : 'the key "__proto__" is not allowed';
        this.#report('LB_CONFIG_SYNTAX', item.key, { detail });
        continue;
      }
      // A second value for a key is reported by the YAML library; the first one counts.
      if (Object.hasOwn(map, key)) continue;
      map[key] = this.convert(item.value, [...path, key], depth + 1);
    }
    return map;
  }

  #follow(alias: Node, path: Path, depth: number): Raw {
    const target = isAlias(alias) ? alias.resolve(this.#document) : undefined;
    if (target === undefined || isAlias(target)) return this.#stop(alias, 'an alias names no anchor');
    if (this.#open.has(target)) return this.#stop(alias, 'an alias contains itself');
    this.#open.add(target);
    const value = this.convert(target, path, depth + 1);
    this.#open.delete(target);
    return value;
  }

  #stop(node: Node, detail: string): null {
    if (!this.stopped) this.#report('LB_CONFIG_SYNTAX', node, { detail });
    this.stopped = true;
    return null;
  }

  #report(code: 'LB_CONFIG_SYNTAX', node: Node, params: { readonly detail: string }): void {
    this.findings.push({ finding: rootFinding(code, params), place: this.#lines.place(node.range?.[0] ?? 0) });
  }
}

function scalarValue(value: unknown): Raw {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value;
  // Only tags make other types (dates, binary); the core schema has none of them.
  return JSON.stringify(value) ?? null;
}

function rootFinding(code: Finding['code'], params: Finding['params']): Finding {
  return { severity: 'error', code, path: [], at: 'value', params };
}

function fromYamlError(error: YAMLError, text: string, lines: LineIndex): PlacedFinding {
  const place = lines.place(error.pos[0]);
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^[^\s:,{}[\]]{1,64}/.exec(text.slice(error.pos[0]))?.[0] ?? 'of this name';
    return { finding: rootFinding('LB_CONFIG_DUPLICATE_KEY', { key }), place };
  }
  const detail = PLAIN_DETAILS[error.code] ?? lowerFirst(error.message.split('\n')[0] ?? '').replace(/[.:]$/, '');
  return { finding: rootFinding('LB_CONFIG_SYNTAX', { detail }), place };
}

// The library's own words where they are clear; these are clearer.
const PLAIN_DETAILS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab stands where spaces must be',
  MULTIPLE_DOCS: 'a second document begins here ("---")',
  TAG_RESOLVE_FAILED: 'a tag ("!...") is not allowed',
};

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

/** Offsets to lines and columns. The YAML library's own counter stops where the text stops being YAML. */
class LineIndex {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }

  place(offset: number): Place {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
  }
}

function locate(
  document: Document.Parsed,
  lines: LineIndex,
  wanted: { readonly path: Path; readonly at: 'key' | 'value' },
): Place {
  let node: Node | null = document.contents;
  let keyOffset = 0;
  let valueOffset = offsetOf(node, 0);
  for (const [depth, part] of wanted.path.entries()) {
    const step = child(document, node, part);
    // The parent's key says more than the first of its children.
    if (step === undefined) return lines.place(depth === 0 ? 0 : keyOffset);
    keyOffset = step.key ?? offsetOf(step.value, keyOffset);
    valueOffset = offsetOf(step.value, keyOffset);
    node = step.value;
  }
  if (wanted.path.length === 0) return { line: 1, column: 1 };
  return lines.place(wanted.at === 'key' ? keyOffset : valueOffset);
}

function offsetOf(node: Node | null, otherwise: number): number {
  return node?.range?.[0] ?? otherwise;
}

function child(
  document: Document.Parsed,
  parent: Node | null,
  part: string | number,
): { readonly key?: number; readonly value: Node | null } | undefined {
  const node = isAlias(parent) ? parent.resolve(document) : parent;
  if (isSeq(node) && typeof part === 'number') {
    return part < node.items.length ? { value: node.items[part] as Node | null } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pairs = node.items as Pair<Node, Node | null>[];
  const pair = pairs.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
  if (pair === undefined) return undefined;
  return { key: pair.key.range?.[0] ?? 0, value: pair.value };
}

/** Control characters make text that looks other than it is; YAML allows tab, CR and LF. */
function findControlCharacter(text: string): PlacedFinding | undefined {
  // oxlint-disable-next-line no-control-regex -- long: these are exactly the characters that must not be there
  const at = text.search(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/);
  if (at === -1) return undefined;
  const before = text.slice(0, at);
  const code = text.charCodeAt(at).toString(16).padStart(2, '0');
  return {
    finding: rootFinding('LB_CONFIG_SYNTAX', { detail: `it has the control character 0x${code}` }),
    place: { line: before.split('\n').length, column: at - before.lastIndexOf('\n') },
  };
}

/** Tells a mapping of the file from its other values. */
export function isRawMap(value: Raw | undefined): value is RawMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
