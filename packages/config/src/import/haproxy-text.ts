// The text of a haproxy.cfg: lines to words with HAProxy's quoting and the environment of its process, lines to sections,
// conditional blocks. Knows no keyword but those that open a section. HAProxy's manual, sections 2.2 "Quoting and
// escaping", 2.3 "Environment variables" and 2.4 "Conditional blocks".
import { ConditionalBlocks } from './haproxy-blocks.ts';
import { Environment } from './haproxy-environment.ts';
import type { Answer, SourceLine } from './report.ts';

export interface HaproxyLine extends SourceLine {
  readonly words: readonly string[];
  /** Why it is not known what the line says; undefined: it is. */
  readonly fault?: string;
}

export interface HaproxySection {
  readonly keyword: string;
  readonly name: string;
  /** The `defaults` section that it names, or undefined: the last one before it. */
  readonly from?: string;
  /** Words after the name, for instance the address of an old `listen`. */
  readonly rest: readonly string[];
  readonly header: HaproxyLine;
  readonly lines: readonly HaproxyLine[];
}

export interface HaproxyFile {
  readonly sections: readonly HaproxySection[];
  /** Every line that says something, in order. */
  readonly lines: readonly HaproxyLine[];
  /** Lines that are of no section: directives of conditional blocks, and what they leave out. */
  readonly answered: readonly { readonly line: HaproxyLine; readonly answer: Answer }[];
}

const SECTION_KEYWORDS: ReadonlySet<string> = new Set([
  'global',
  'defaults',
  'frontend',
  'backend',
  'listen',
  'peers',
  'userlist',
  'resolvers',
  'mailers',
  'cache',
  'program',
  'ring',
  'http-errors',
  'fcgi-app',
  'log-forward',
  'log-profile',
  'crt-store',
  'traces',
  'acme',
  'ruleset',
]);

/** What is read of a file, and the values of the environment that are known. */
export interface HaproxyText {
  readonly file: string;
  readonly text: string;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] };

/** Splits a file into sections; lines before the first one are in a section without keyword. */
export function readHaproxy(source: HaproxyText, given: Readonly<Record<string, string>>): HaproxyFile {
  const environment = new Environment(given);
  const blocks = new ConditionalBlocks(environment);
  const sections: Mutable<HaproxySection>[] = [];
  const lines: HaproxyLine[] = [];
  const answered: { readonly line: HaproxyLine; readonly answer: Answer }[] = [];
  for (const [index, raw] of source.text.split(/\r?\n/).entries()) {
    const read = readLine(raw, environment);
    const [keyword] = read.words;
    if (keyword === undefined) continue;
    const line: HaproxyLine = { file: source.file, line: index + 1, text: raw.trim(), ...read };
    lines.push(line);
    const directive = blocks.read(line);
    if (directive !== undefined) {
      answered.push({ line, answer: directive });
      continue;
    }
    const { doubt } = blocks;
    const known = doubt === undefined || line.fault !== undefined ? line : { ...line, fault: doubt };
    if (SECTION_KEYWORDS.has(keyword)) sections.push(begin(known));
    else addLine(sections, known);
    if (sections.at(-1)?.keyword === 'global' && known.fault === undefined) environment.read(known.words);
  }
  return { sections, lines, answered };
}

function begin(header: HaproxyLine): Mutable<HaproxySection> {
  const [keyword = '', ...words] = header.words;
  const at = words.indexOf('from');
  const from = at === -1 ? undefined : words[at + 1];
  const [name = '', ...rest] = at === -1 ? words : words.slice(0, at);
  return { keyword, name, rest, header, lines: [], ...(from === undefined ? {} : { from }) };
}

function addLine(sections: Mutable<HaproxySection>[], line: HaproxyLine): void {
  const last = sections.at(-1);
  if (last === undefined) sections.push({ keyword: '', name: '', rest: [], header: line, lines: [line] });
  // A section whose first line is in doubt is so as a whole.
  else if (last.header.fault !== undefined && line.fault === undefined && last.keyword !== '')
    last.lines.push({ ...line, fault: last.header.fault });
  else last.lines.push(line);
}

/** Addresses know the environment outside of quotes, too. */
const ADDRESS_AT: Readonly<Record<string, number>> = { bind: 1, server: 2, listen: 2, frontend: 2, log: 1 };

function readLine(raw: string, environment: Environment): Pick<HaproxyLine, 'words' | 'fault'> {
  const { words, fault } = splitWords(raw, environment);
  const at = Object.hasOwn(ADDRESS_AT, words[0] ?? '') ? (ADDRESS_AT[words[0] ?? ''] ?? -1) : -1;
  const address = words[at];
  if (fault !== undefined) return { words, fault };
  if (address === undefined || !address.includes('$')) return { words };
  const expanded = environment.expand(address);
  return 'fault' in expanded ? { words, fault: expanded.fault } : { words: words.with(at, expanded.text) };
}

/** Words of one line: `#` begins a comment, quotes, backslashes and variables as HAProxy reads them. */
// oxlint-disable-next-line complexity -- long: a character scanner: one branch for each kind of character
function splitWords(raw: string, environment: Environment): Pick<HaproxyLine, 'words' | 'fault'> {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  let fault: string | undefined;
  for (let at = 0; at < raw.length; at += 1) {
    const char = raw[at] ?? '';
    if (quote === '' && char === '#') break;
    if (quote === '' && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === quote) {
      quote = '';
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
      word ??= '';
    } else if (char === '\\' && quote !== "'") {
      const escape = readEscape(raw, at);
      word = (word ?? '') + escape.text;
      at += escape.length - 1;
    } else if (char === '$' && quote === '"') {
      const variable = environment.variableAt(raw, at);
      word = (word ?? '') + variable.text;
      fault ??= variable.fault;
      at += variable.length - 1;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== undefined) words.push(word);
  if (quote !== '') return { words, fault: `the line cannot be read: the quote ${quote} is never closed` };
  return fault === undefined ? { words } : { words, fault };
}

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t' };

/** The escape that begins at a backslash; one that HAProxy does not know stays as it is, for regular expressions. */
function readEscape(raw: string, at: number): { readonly text: string; readonly length: number } {
  const char = raw[at + 1] ?? '';
  const hex = /^\\x([0-9a-f]{2})/i.exec(raw.slice(at, at + 4))?.[1];
  if (hex !== undefined) return { text: String.fromCharCode(Number.parseInt(hex, 16)), length: 4 };
  const known = ESCAPES[char] ?? (/^[\s\\#"'$]$/.test(char) ? char : undefined);
  return known === undefined ? { text: `\\${char}`, length: 2 } : { text: known, length: 2 };
}

/** Reads HAProxy's time: a number with us, ms (the default), s, m, h or d. Milliseconds, or undefined. */
export function readHaproxyTime(text: string): number | undefined {
  const match = /^(\d+)(us|ms|s|m|h|d)?$/.exec(text);
  if (match === null) return undefined;
  const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  return Math.ceil(Number(match[1]) * (units[match[2] ?? 'ms'] ?? 1));
}
