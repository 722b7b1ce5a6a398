// Comparisons of bytes with the texts of the configuration: equal, begins, ends, contains, pattern. Made once; asking
// allocates nothing.
import { compileRegex, type Regex } from '@tospann/regex';

/** Lists of texts; a value matches when any of them does. */
export interface TextLists {
  readonly exact?: readonly string[] | undefined;
  readonly prefix?: readonly string[] | undefined;
  readonly suffix?: readonly string[] | undefined;
  readonly contains?: readonly string[] | undefined;
  readonly regex?: readonly string[] | undefined;
}

const utf8 = new TextEncoder();

/** ASCII lower case of a byte. */
export function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 32 : byte;
}

export class TextMatch {
  readonly #exact: readonly Uint8Array[];
  readonly #prefix: readonly Uint8Array[];
  readonly #suffix: readonly Uint8Array[];
  readonly #contains: readonly Uint8Array[];
  readonly #regex: readonly Regex[];
  readonly #fold: boolean;

  /**
   * @param form How texts (not patterns) are written before they are compared; none: as UTF-8.
   * @throws {RegexError} For a pattern that the validation would have refused.
   */
  constructor(lists: TextLists, ignoreCase: boolean, form = (text: Uint8Array): Uint8Array => text) {
    const bytes = (texts: readonly string[] = []): Uint8Array[] =>
      texts.map((text) => form(utf8.encode(text))).map((text) => (ignoreCase ? text.map(lower) : text));
    this.#exact = bytes(lists.exact);
    this.#prefix = bytes(lists.prefix);
    this.#suffix = bytes(lists.suffix);
    this.#contains = bytes(lists.contains);
    this.#regex = (lists.regex ?? []).map((pattern) => compileRegex(pattern, { ignoreCase }));
    this.#fold = ignoreCase;
  }

  /** Whether nothing can match. */
  get isEmpty(): boolean {
    return (
      this.#exact.length + this.#prefix.length + this.#suffix.length + this.#contains.length + this.#regex.length === 0
    );
  }

  /** Whether any of the lists matches bytes[from, to). */
  test(bytes: Uint8Array, from: number, to: number): boolean {
    const length = to - from;
    for (const text of this.#exact) if (text.length === length && this.#isAt(bytes, from, text)) return true;
    for (const text of this.#prefix) if (text.length <= length && this.#isAt(bytes, from, text)) return true;
    for (const text of this.#suffix) {
      if (text.length <= length && this.#isAt(bytes, to - text.length, text)) return true;
    }
    for (const text of this.#contains) {
      for (let at = from; at + text.length <= to; at++) if (this.#isAt(bytes, at, text)) return true;
    }
    for (const regex of this.#regex) if (regex.test(bytes, from, to)) return true;
    return false;
  }

  #isAt(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
    const fold = this.#fold;
    for (let i = 0; i < text.length; i++) {
      const byte = bytes[at + i]!;
      if ((fold ? lower(byte) : byte) !== text[i]) return false;
    }
    return true;
  }
}
