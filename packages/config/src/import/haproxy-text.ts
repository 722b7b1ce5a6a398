// The text of a haproxy.cfg: lines to words with HAProxy's quoting, lines to sections. Knows no keyword but those
// that open a section. HAProxy's manual, section 2.2 "Quoting and escaping".
import type { SourceLine } from './report.ts';

export interface HaproxyLine extends SourceLine {
  readonly words: readonly string[];
  /** A quote that is never closed, or undefined. */
  readonly fault?: string;
}

export interface HaproxySection {
  readonly keyword: string;
  readonly name: string;
  /** Words after the name, for instance the address of an old `listen`. */
  readonly rest: readonly string[];
  readonly header: HaproxyLine;
  readonly lines: readonly HaproxyLine[];
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

/** Splits a file into sections; lines before the first one are in a section without keyword. */
export function readHaproxy(source: { readonly file: string; readonly text: string }): HaproxySection[] {
  const sections: { keyword: string; name: string; rest: string[]; header: HaproxyLine; lines: HaproxyLine[] }[] = [];
  for (const [index, raw] of source.text.split(/\r?\n/).entries()) {
    const { words, fault } = splitWords(raw);
    const [keyword, name = '', ...rest] = words;
    if (keyword === undefined) continue;
    const position = { file: source.file, line: index + 1, text: raw.trim() };
    const line: HaproxyLine = fault === undefined ? { ...position, words } : { ...position, words, fault };
    if (SECTION_KEYWORDS.has(keyword)) sections.push({ keyword, name, rest, header: line, lines: [] });
    else if (sections.length === 0) sections.push({ keyword: '', name: '', rest: [], header: line, lines: [line] });
    else sections.at(-1)?.lines.push(line);
  }
  return sections;
}

/** Words of one line: `#` begins a comment, quotes and backslashes as HAProxy reads them. */
// oxlint-disable-next-line complexity -- long: a character scanner: one branch for each kind of character
function splitWords(raw: string): { readonly words: readonly string[]; readonly fault?: string } {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
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
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== undefined) words.push(word);
  return quote === '' ? { words } : { words, fault: `the quote ${quote} is never closed` };
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
