// A compiled pattern: one step in a table for each byte of the input. Nothing is ever tried twice and nothing is
// allocated, so no pattern and no input can keep its caller for longer than the input's length explains.
import { buildAutomaton } from './automaton.ts';
import { parseRegex, RegexError, type RegexProblem } from './parse.ts';
import { buildTable, Found, type Table } from './table.ts';

/** Settings of a pattern. */
export interface RegexOptions {
  /** ASCII letters match in both cases, as with `(?i)` before the pattern. @default false */
  readonly ignoreCase?: boolean;
}

/** A compiled pattern. Made by `compileRegex`. */
export class Regex {
  /** Steps taken so far by `test`; for tests of the bound. */
  steps = 0;
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /** Tells whether the pattern is anywhere in bytes[from, to); `^` and `$` are its ends. */
  test(bytes: Uint8Array, from: number, to: number): boolean {
    const { classes, classCount, steps, found } = this.#table;
    let row = 0;
    let p = from;
    while (p < to && (found[row]! & (Found.NOW | Found.NEVER)) === 0) {
      row = steps[row * classCount + classes[bytes[p++]!]!]!;
    }
    this.steps += p - from;
    return (found[row]! & Found.NOW) !== 0 || (p === to && (found[row]! & Found.AT_END) !== 0);
  }
}

/**
 * Compiles a pattern for bytes: literals (others than ASCII as UTF-8), `.`, classes, `^`, `$`, groups, `|`, `* + ?`,
 * `{m,n}`, `(?i)`.
 *
 * @throws {RegexError} For what is not supported (back-references, look-around, word boundaries), not well-formed, or
 * too large.
 */
export function compileRegex(pattern: string, options: RegexOptions = {}): Regex {
  return new Regex(buildTable(buildAutomaton(parseRegex(pattern, options.ignoreCase ?? false))));
}

/** What is wrong with a pattern; undefined if it can be compiled. */
export function checkRegex(pattern: string, options: RegexOptions = {}): RegexProblem | undefined {
  try {
    compileRegex(pattern, options);
    return undefined;
  } catch (error) {
    if (error instanceof RegexError) return { position: error.position, reason: error.reason };
    throw error;
  }
}
