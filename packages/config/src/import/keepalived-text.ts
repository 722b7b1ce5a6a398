// The text of a keepalived.conf as a tree of statements: words, comments (# and !), quotes, braces. Knows no keyword.
import type { SourceLine } from './report.ts';

/** One statement; `children` when it opens a block. */
export interface KeepalivedBlock {
  readonly words: readonly string[];
  readonly line: SourceLine;
  children?: KeepalivedBlock[];
}

export interface KeepalivedText {
  readonly blocks: readonly KeepalivedBlock[];
  /** Lines that hold nothing but braces, with what they open or close. */
  readonly braces: readonly { readonly line: SourceLine; readonly of: string }[];
  /** Every line that says something. */
  readonly lines: readonly SourceLine[];
  /** Lines that cannot be read: unmatched braces and quotes. */
  readonly faults: readonly { readonly line: SourceLine; readonly detail: string }[];
}

/** Deeper than any keepalived block. */
const MAX_DEPTH = 16;

/** Reads a file; never throws. */
export function readKeepalived(source: { readonly file: string; readonly text: string }): KeepalivedText {
  const reader = new TreeReader();
  for (const [index, raw] of source.text.split(/\r?\n/).entries()) {
    const { tokens, fault } = splitTokens(raw);
    if (tokens.length === 0) continue;
    const line = { file: source.file, line: index + 1, text: raw.trim() };
    reader.readLine(line, tokens);
    if (fault !== undefined) reader.faults.push({ line, detail: fault });
  }
  reader.finish();
  return reader;
}

class TreeReader implements KeepalivedText {
  readonly blocks: KeepalivedBlock[] = [];
  readonly braces: { readonly line: SourceLine; readonly of: string }[] = [];
  readonly lines: SourceLine[] = [];
  readonly faults: { readonly line: SourceLine; readonly detail: string }[] = [];
  readonly #open: KeepalivedBlock[] = [];

  readLine(line: SourceLine, tokens: readonly Token[]): void {
    this.lines.push(line);
    let words: string[] = [];
    const ofBraces = tokens.every((token) => token.brace);
    for (const token of tokens) {
      if (!token.brace) {
        words.push(token.text);
        continue;
      }
      const statement = this.#add(words, line);
      words = [];
      if (token.text === '{') this.#openBlock(statement, { line, ofBraces });
      else this.#closeBlock(line, ofBraces);
    }
    this.#add(words, line);
  }

  finish(): void {
    for (const block of this.#open) this.faults.push({ line: block.line, detail: 'its block is never closed' });
  }

  #siblings(): KeepalivedBlock[] {
    return this.#open.at(-1)?.children ?? this.blocks;
  }

  #add(words: readonly string[], line: SourceLine): KeepalivedBlock | undefined {
    if (words.length === 0) return undefined;
    const block: KeepalivedBlock = { words, line };
    this.#siblings().push(block);
    return block;
  }

  // The brace may stand on the line after its statement.
  #openBlock(
    statement: KeepalivedBlock | undefined,
    at: { readonly line: SourceLine; readonly ofBraces: boolean },
  ): void {
    const owner = statement ?? this.#siblings().at(-1);
    if (owner === undefined || owner.children !== undefined || this.#open.length >= MAX_DEPTH) {
      this.faults.push({ line: at.line, detail: 'a brace opens nothing' });
      return;
    }
    owner.children = [];
    this.#open.push(owner);
    if (at.ofBraces) this.braces.push({ line: at.line, of: `opens ${owner.words.join(' ')}` });
  }

  #closeBlock(line: SourceLine, ofBraces: boolean): void {
    const closed = this.#open.pop();
    if (closed === undefined) this.faults.push({ line, detail: 'a brace closes nothing' });
    else if (ofBraces) this.braces.push({ line, of: `closes ${closed.words.join(' ')}` });
  }
}

interface Token {
  readonly text: string;
  readonly brace: boolean;
}

/** Words and braces of one line; `#` and `!` begin a comment outside quotes. */
// oxlint-disable-next-line complexity -- long: a character scanner: one branch for each kind of character
function splitTokens(raw: string): { readonly tokens: readonly Token[]; readonly fault?: string } {
  const tokens: Token[] = [];
  let word: string | undefined;
  let quote = '';
  const end = (): void => {
    if (word !== undefined) tokens.push({ text: word, brace: false });
    word = undefined;
  };
  for (let at = 0; at < raw.length; at += 1) {
    const char = raw[at] ?? '';
    if (quote !== '') {
      if (char === quote) quote = '';
      else word = (word ?? '') + char;
    } else if (char === '#' || char === '!') {
      break;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (char === '$' && raw[at + 1] === '{') {
      const close = raw.indexOf('}', at);
      const variable = raw.slice(at, close === -1 ? raw.length : close + 1);
      word = (word ?? '') + variable;
      at += variable.length - 1;
    } else if (char === '{' || char === '}') {
      end();
      tokens.push({ text: char, brace: true });
    } else if (/\s/.test(char)) {
      end();
    } else {
      word = (word ?? '') + char;
    }
  }
  end();
  return quote === '' ? { tokens } : { tokens, fault: `the quote ${quote} is never closed` };
}
