// YAML text to plain data that remembers its places. Bounded: size, depth, number of values after aliases.
// It knows nothing about the schema. Plain data here: null-prototype objects, arrays, strings, numbers, booleans.
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type Node,
  type Pair,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import type { Finding, Path } from './problem.ts';

/** Largest file that is read, in bytes: a pair with 1000 servers needs a tenth of it. */
export const MAX_CONFIG_BYTES = 1024 * 1024;
/** Values after aliases are followed: a file that grows beyond this is an attack or a mistake. */
const MAX_VALUES = 50_000;
/** Faults of the text that are told: nobody reads more. */
const MAX_FAULTS = 1000;
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
      // The library compares each key with all before it; the converter does it in one look.
      uniqueKeys: false,
      logLevel: 'error',
    });
    return fromParsed(parsed, lines);
  } catch (error) {
    // The YAML library recurses: text that nests thousands deep ends its stack.
    if (!(error instanceof RangeError)) throw error;
    const finding = rootFinding('LB_CONFIG_SYNTAX', { detail: `it nests deeper than ${MAX_DEPTH} levels` });
    return { findings: [{ finding, place: start }] };
  }
}

function fromParsed(parsed: Document.Parsed, lines: LineIndex): DocumentReading {
  const faults = [...parsed.errors, ...parsed.warnings];
  if (faults.length > 0) return { findings: faults.slice(0, MAX_FAULTS).map((error) => fromYamlError(error, lines)) };
  const root = parsed.contents;
  if (root === null || (isScalar(root) && root.value === null)) {
    return { findings: [{ finding: rootFinding('LB_CONFIG_EMPTY', {}), place: { line: 1, column: 1 } }] };
  }
  const targets = followAliases(parsed);
  const converter = new Converter(targets, lines);
  const value = converter.convert(root, [], 0);
  const { findings } = converter;
  if (converter.stopped) return { findings };
  const locator = new Locator(root, targets, lines);
  return { document: { root: value, placeOf: (path, at) => locator.place(path, at) }, findings };
}

/**
 * What each alias stands for: the last anchor of its name before it. One walk over the document; the library's own resolve()
 * walks over it for each alias.
 */
function followAliases(document: Document.Parsed): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Alias: (_key, alias) => {
      const target = anchors.get(alias.source);
      if (target !== undefined) targets.set(alias, target);
    },
    Value: (_key, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return targets;
}

/** Node tree to plain data, following aliases within bounds. */
class Converter {
  readonly findings: PlacedFinding[] = [];
  stopped = false;
  #values = 0;
  readonly #open = new Set<Node>();
  readonly #targets: ReadonlyMap<Alias, Node>;
  readonly #lines: LineIndex;
  /** Keys that are reported already: a mapping may stand behind many aliases. */
  readonly #reported = new Set<Node>();

  constructor(targets: ReadonlyMap<Alias, Node>, lines: LineIndex) {
    this.#targets = targets;
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
      // The first value counts.
      if (Object.hasOwn(map, key)) {
        if (!this.#reported.has(item.key)) this.#report('LB_CONFIG_DUPLICATE_KEY', item.key, { key: key.slice(0, 64) });
        this.#reported.add(item.key);
        continue;
      }
      map[key] = this.convert(item.value, [...path, key], depth + 1);
    }
    return map;
  }

  #follow(alias: Node, path: Path, depth: number): Raw {
    const target = isAlias(alias) ? this.#targets.get(alias) : undefined;
    if (target === undefined) return this.#stop(alias, 'an alias names no anchor');
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

  #report(code: 'LB_CONFIG_SYNTAX' | 'LB_CONFIG_DUPLICATE_KEY', node: Node, params: Finding['params']): void {
    if (this.findings.length >= MAX_FAULTS) return;
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

function fromYamlError(error: YAMLError, lines: LineIndex): PlacedFinding {
  const detail = PLAIN_DETAILS[error.code] ?? lowerFirst(error.message.split('\n')[0] ?? '').replace(/[.:]$/, '');
  return { finding: rootFinding('LB_CONFIG_SYNTAX', { detail }), place: lines.place(error.pos[0]) };
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

/** Finds places of paths; each mapping is read once, however many findings it has. */
class Locator {
  readonly #root: Node;
  readonly #targets: ReadonlyMap<Alias, Node>;
  readonly #lines: LineIndex;
  readonly #pairs = new Map<YAMLMap, ReadonlyMap<string, Pair<Node, Node | null>>>();

  constructor(root: Node, targets: ReadonlyMap<Alias, Node>, lines: LineIndex) {
    this.#root = root;
    this.#targets = targets;
    this.#lines = lines;
  }

  place(path: Path, at: 'key' | 'value'): Place {
    let node: Node | null = this.#root;
    let keyOffset = 0;
    let valueOffset = offsetOf(node, 0);
    for (const [depth, part] of path.entries()) {
      const step = this.#child(node, part);
      // The parent's key says more than the first of its children.
      if (step === undefined) return this.#lines.place(depth === 0 ? 0 : keyOffset);
      keyOffset = step.key ?? offsetOf(step.value, keyOffset);
      valueOffset = offsetOf(step.value, keyOffset);
      node = step.value;
    }
    if (path.length === 0) return { line: 1, column: 1 };
    return this.#lines.place(at === 'key' ? keyOffset : valueOffset);
  }

  #child(
    parent: Node | null,
    part: string | number,
  ): { readonly key?: number; readonly value: Node | null } | undefined {
    const node = isAlias(parent) ? this.#targets.get(parent) : parent;
    if (isSeq(node) && typeof part === 'number') {
      return part < node.items.length ? { value: node.items[part] as Node | null } : undefined;
    }
    const pair = isMap(node) ? this.#pairsOf(node).get(String(part)) : undefined;
    return pair === undefined ? undefined : { key: pair.key.range?.[0] ?? 0, value: pair.value };
  }

  #pairsOf(map: YAMLMap): ReadonlyMap<string, Pair<Node, Node | null>> {
    let pairs = this.#pairs.get(map);
    if (pairs === undefined) {
      // Of two with one key the first counts: it is put in last.
      const items = (map.items as Pair<Node, Node | null>[]).filter((item) => isScalar(item.key)).toReversed();
      pairs = new Map(items.map((item) => [isScalar(item.key) ? String(item.key.value) : '', item]));
      this.#pairs.set(map, pairs);
    }
    return pairs;
  }
}

function offsetOf(node: Node | null, otherwise: number): number {
  return node?.range?.[0] ?? otherwise;
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
