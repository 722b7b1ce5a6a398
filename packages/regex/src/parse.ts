// Reads a pattern into a tree. The language is the common part of PCRE and JavaScript that a machine of bounded size can
// run: no back-references, no look-around, no word boundaries. What is refused is refused with its place and the reason.

/** Why a pattern is refused. */
export interface RegexProblem {
  /** Characters before the place in the pattern. */
  readonly position: number;
  /** In words, as a part of a sentence: `back-references are not supported`. */
  readonly reason: string;
}

/** A pattern that cannot be compiled. */
export class RegexError extends Error implements RegexProblem {
  readonly position: number;
  readonly reason: string;

  constructor(position: number, reason: string) {
    super(`${reason} at character ${position + 1}`);
    this.name = 'RegexError';
    this.position = position;
    this.reason = reason;
  }
}

/** 256 entries: 1 for each byte that it matches. */
export type ByteSet = Uint8Array;

export type Node =
  | { readonly type: 'set'; readonly set: ByteSet }
  | { readonly type: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  /** `max` Infinity: no upper bound. */
  | { readonly type: 'repeat'; readonly node: Node; readonly min: number; readonly max: number }
  | { readonly type: 'start' | 'end' };

/** Longer patterns are refused. */
export const MAX_PATTERN_LENGTH = 2000;
/** Groups inside groups. */
const MAX_DEPTH = 50;
/** The highest number in `{m,n}`. */
const MAX_REPEAT = 1000;

const utf8 = new TextEncoder();

function range(set: ByteSet, from: number, to: number): void {
  set.fill(1, from, to + 1);
}

function digits(): ByteSet {
  const set = new Uint8Array(256);
  range(set, 48, 57);
  return set;
}

function wordBytes(): ByteSet {
  const set = digits();
  range(set, 65, 90);
  range(set, 97, 122);
  set[95] = 1;
  return set;
}

function spaces(): ByteSet {
  const set = new Uint8Array(256);
  range(set, 9, 13);
  set[32] = 1;
  return set;
}

function inverted(set: ByteSet): ByteSet {
  return set.map((bit) => 1 - bit);
}

function folded(set: ByteSet): ByteSet {
  const both = set.slice();
  for (let letter = 97; letter <= 122; letter++) {
    both[letter] = both[letter - 32] = set[letter]! | set[letter - 32]!;
  }
  return both;
}

const CONTROL_ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };
const CLASS_ESCAPES: Readonly<Record<string, ByteSet>> = {
  d: digits(),
  D: inverted(digits()),
  w: wordBytes(),
  W: inverted(wordBytes()),
  s: spaces(),
  S: inverted(spaces()),
};
/** After `(?`. */
const GROUP_REFUSALS: readonly (readonly [string, string])[] = [
  ['=', 'look-ahead is not supported'],
  ['!', 'look-ahead is not supported'],
  ['<=', 'look-behind is not supported'],
  ['<!', 'look-behind is not supported'],
  ['>', 'atomic groups are not supported'],
  ['(', 'conditional groups are not supported'],
  ['R', 'recursion is not supported'],
];

/** Reads one pattern. */
class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #ignoreCase: boolean;

  constructor(text: string, ignoreCase: boolean) {
    this.#text = text;
    this.#ignoreCase = ignoreCase;
  }

  parse(): Node {
    if (this.#text.length > MAX_PATTERN_LENGTH) {
      this.#fail(`the pattern is longer than ${MAX_PATTERN_LENGTH} characters`, MAX_PATTERN_LENGTH);
    }
    const node = this.#choice();
    if (this.#at < this.#text.length) this.#fail('a closing parenthesis has no opening one');
    return node;
  }

  #fail(reason: string, at = this.#at): never {
    throw new RegexError(at, reason);
  }

  #choice(): Node {
    const before = this.#ignoreCase;
    const parts = [this.#sequence()];
    while (this.#text[this.#at] === '|') {
      this.#at++;
      parts.push(this.#sequence());
    }
    this.#ignoreCase = before; // (?i) holds to the end of its group
    return parts.length === 1 ? parts[0]! : { type: 'choice', parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || character === '|' || character === ')') return { type: 'sequence', parts };
      if (this.#flags()) continue;
      parts.push(this.#repeat(this.#atom()));
    }
  }

  /** `(?i)`, which is no node. */
  #flags(): boolean {
    if (!this.#text.startsWith('(?i)', this.#at)) return false;
    this.#at += 4;
    this.#ignoreCase = true;
    return true;
  }

  #repeat(node: Node): Node {
    const start = this.#at;
    const bounds = this.#bounds();
    if (bounds === undefined) return node;
    if (node.type === 'start' || node.type === 'end') this.#fail('an anchor cannot be repeated', start);
    // Whether it matches does not depend on greed.
    if (this.#text[this.#at] === '?') this.#at++;
    else if (this.#text[this.#at] === '+') this.#fail('possessive quantifiers are not supported');
    if (this.#bounds() !== undefined) this.#fail('a quantifier follows a quantifier', this.#at - 1);
    return { type: 'repeat', node, ...bounds };
  }

  #bounds(): { min: number; max: number } | undefined {
    switch (this.#text[this.#at] ?? '') {
      case '*':
        this.#at++;
        return { min: 0, max: Infinity };
      case '+':
        this.#at++;
        return { min: 1, max: Infinity };
      case '?':
        this.#at++;
        return { min: 0, max: 1 };
      case '{':
        return this.#counted();
      default:
        return undefined;
    }
  }

  /** `{m}`, `{m,}`, `{m,n}`; any other brace is a plain character. */
  #counted(): { min: number; max: number } | undefined {
    const found = /^\{(\d+)(,?)(\d*)\}/.exec(this.#text.slice(this.#at, this.#at + 24));
    if (found === null) return undefined;
    const [whole, low = '', comma = '', high = ''] = found;
    if (comma === '' && high !== '') return undefined;
    const min = Number(low);
    const max = comma === '' ? min : high === '' ? Infinity : Number(high);
    if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT)) this.#fail(`more than ${MAX_REPEAT} repetitions`);
    if (min > max) this.#fail('the bounds of a repetition are in the wrong order');
    this.#at += whole.length;
    return { min, max };
  }

  #atom(): Node {
    const character = this.#text[this.#at]!;
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return { type: 'set', set: this.#class() };
      case '.': {
        this.#at++;
        const set = new Uint8Array(256).fill(1);
        set[10] = 0;
        return { type: 'set', set };
      }
      case '^':
      case '$':
        this.#at++;
        return { type: character === '^' ? 'start' : 'end' };
      case '*':
      case '+':
      case '?':
        return this.#fail('nothing to repeat');
      case '\\':
        return this.#escape();
      default:
        if (character === '{' && this.#counted() !== undefined) this.#fail('nothing to repeat', this.#at - 1);
        return this.#literal();
    }
  }

  /** One character, which may be several bytes. */
  #literal(): Node {
    const character = String.fromCodePoint(this.#text.codePointAt(this.#at)!);
    this.#at += character.length;
    const parts = Array.from(utf8.encode(character), (byte): Node => ({ type: 'set', set: this.#single(byte) }));
    return parts.length === 1 ? parts[0]! : { type: 'sequence', parts };
  }

  #single(byte: number): ByteSet {
    const set = new Uint8Array(256);
    set[byte] = 1;
    return this.#ignoreCase ? folded(set) : set;
  }

  #group(): Node {
    const start = this.#at++;
    if (this.#text[this.#at] === '?') this.#groupKind(start);
    if (++this.#depth > MAX_DEPTH) this.#fail(`more than ${MAX_DEPTH} groups inside each other`, start);
    const before = this.#ignoreCase;
    if (this.#text.startsWith('i:', this.#at) && this.#text[this.#at - 1] === '?') {
      this.#at += 2;
      this.#ignoreCase = true;
    }
    const node = this.#choice();
    this.#ignoreCase = before;
    this.#depth--;
    if (this.#text[this.#at] !== ')') this.#fail('a parenthesis is not closed', start);
    this.#at++;
    return node;
  }

  /** After `(`, at `?`: leaves `#at` behind `?:` or a name, or before `i:`. */
  #groupKind(start: number): void {
    this.#at++;
    const rest = this.#text.slice(this.#at, this.#at + 40);
    for (const [sign, reason] of GROUP_REFUSALS) if (rest.startsWith(sign)) this.#fail(reason, start);
    const name = /^P?<[A-Za-z_]\w*>/.exec(rest);
    if (rest.startsWith(':')) this.#at++;
    else if (name !== null) this.#at += name[0].length;
    else if (!rest.startsWith('i:')) this.#fail('this kind of group is not supported', start);
  }

  #escape(): Node {
    const start = this.#at;
    const letter = this.#text[start + 1];
    const set = letter === undefined ? undefined : CLASS_ESCAPES[letter];
    if (set !== undefined) {
      this.#at += 2;
      return { type: 'set', set };
    }
    return { type: 'set', set: this.#single(this.#escapedByte()) };
  }

  /** The byte that an escape means, at its backslash. */
  #escapedByte(): number {
    const start = this.#at;
    const letter = this.#text[start + 1];
    if (letter === undefined) this.#fail('a backslash ends the pattern');
    this.#at += 2;
    if (letter === 'x') {
      const hex = /^[0-9A-Fa-f]{2}/.exec(this.#text.slice(this.#at, this.#at + 2));
      if (hex === null) this.#fail('two hexadecimal digits must follow \\x', start);
      this.#at += 2;
      return Number.parseInt(hex[0], 16);
    }
    const control = CONTROL_ESCAPES[letter];
    if (control !== undefined && !(letter === '0' && /\d/.test(this.#text[this.#at] ?? ''))) return control;
    if (/[0-9]/.test(letter) || letter === 'k') this.#fail('back-references are not supported', start);
    if (letter === 'b' || letter === 'B') this.#fail('word boundaries are not supported', start);
    if (/[A-Za-z]/.test(letter)) this.#fail(`the escape \\${letter} is not supported`, start);
    if (letter > '\x7f') this.#fail('this character needs no backslash', start);
    return letter.charCodeAt(0);
  }

  #class(): ByteSet {
    const start = this.#at++;
    const negated = this.#text[this.#at] === '^';
    if (negated) this.#at++;
    const set = new Uint8Array(256);
    if (this.#text[this.#at] === ']') this.#fail('an empty class matches nothing', start);
    while (this.#text[this.#at] !== ']') {
      if (this.#at >= this.#text.length) this.#fail('a class is not closed', start);
      this.#classPart(set);
    }
    this.#at++;
    const both = this.#ignoreCase ? folded(set) : set;
    return negated ? inverted(both) : both;
  }

  /** One byte, a range, or a class escape. */
  #classPart(set: ByteSet): void {
    const start = this.#at;
    if (this.#text.startsWith('[:', start)) this.#fail('POSIX classes are not supported', start);
    const low = this.#classByte(set);
    if (this.#text[this.#at] !== '-' || this.#text[this.#at + 1] === ']' || this.#at + 1 >= this.#text.length) {
      if (low >= 0) set[low] = 1;
      return;
    }
    this.#at++;
    const high = this.#classByte(set);
    if (low < 0 || high < 0) this.#fail('a range needs single characters', start);
    if (low > high) this.#fail('the ends of a range are in the wrong order', start);
    range(set, low, high);
  }

  /** The byte, or -1 when it was an escape for a whole class, which is in the set then. */
  #classByte(set: ByteSet): number {
    const character = this.#text[this.#at]!;
    if (character !== '\\') {
      if (character > '\x7f') this.#fail('a class may only have ASCII characters');
      this.#at++;
      return character.charCodeAt(0);
    }
    const whole = CLASS_ESCAPES[this.#text[this.#at + 1] ?? ''];
    if (whole === undefined) {
      if (this.#text[this.#at + 1] !== 'b') return this.#escapedByte();
      this.#at += 2;
      return 8;
    }
    for (let byte = 0; byte < 256; byte++) set[byte]! |= whole[byte]!;
    this.#at += 2;
    return -1;
  }
}

/**
 * Reads a pattern.
 *
 * @throws {RegexError} With the place and the reason.
 */
export function parseRegex(pattern: string, ignoreCase: boolean): Node {
  return new Parser(pattern, ignoreCase).parse();
}
