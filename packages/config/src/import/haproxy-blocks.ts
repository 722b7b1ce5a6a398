// Conditional blocks of a haproxy.cfg (`.if`, `.elif`, `.else`, `.endif`) and its messages (`.notice` and the like). What
// depends on the old machine is not guessed: lines of such a block are in doubt. HAProxy's manual, section 2.4.
import type { Environment } from './haproxy-environment.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { Answer } from './report.ts';

interface Block {
  readonly line: number;
  /** Of the branch that is read: undefined when it cannot be known. */
  value: boolean | undefined;
  /** Whether a branch before it was taken: undefined when it cannot be known. */
  taken: boolean | undefined;
}

const MESSAGES: ReadonlySet<string> = new Set(['.notice', '.warning', '.alert', '.diag']);

export class ConditionalBlocks {
  readonly #environment: Environment;
  readonly #open: Block[] = [];

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Why the lines that follow are in doubt; undefined: they are not. */
  get doubt(): string | undefined {
    const block = this.#open.find(({ value }) => value === undefined);
    return block === undefined
      ? undefined
      : `whether it counted was decided on the old machine, by the block from line ${block.line} on: remove the .if lines and the branch that did not count`;
  }

  /** The answer to a directive, or to a line of a branch that is left out; undefined for every other line. */
  read(line: HaproxyLine): Answer | undefined {
    const [keyword = '', ...words] = line.words;
    if (keyword === '.if') return this.#begin(line, words);
    if (keyword === '.elif' || keyword === '.else') return this.#next(keyword, words);
    if (keyword === '.endif') return this.#end();
    const left = this.#open.find(({ value }) => value === false);
    if (left !== undefined) {
      return { verdict: 'not-needed', why: `it did not count: the block from line ${left.line} on leaves it out` };
    }
    return MESSAGES.has(keyword) ? { verdict: 'not-needed', why: 'a message of the old process' } : undefined;
  }

  #begin(line: HaproxyLine, words: readonly string[]): Answer {
    const value = line.fault === undefined ? this.#decide(words.join(' ')) : undefined;
    this.#open.push({ line: line.line, value, taken: value });
    return answerOf(value);
  }

  #next(keyword: string, words: readonly string[]): Answer {
    const block = this.#open.at(-1);
    if (block === undefined) return { verdict: 'refused', why: `there is no .if before this ${keyword}` };
    const own = keyword === '.else' ? true : this.#decide(words.join(' '));
    if (block.taken === true) block.value = false;
    else block.value = block.taken === false ? own : own === false ? false : undefined;
    block.taken = block.taken === true || block.value === true ? true : block.taken === false ? own : undefined;
    return answerOf(block.value);
  }

  #end(): Answer {
    const block = this.#open.pop();
    if (block === undefined) return { verdict: 'refused', why: 'there is no .if before this .endif' };
    return { verdict: 'not-needed', why: `the end of the block from line ${block.line} on` };
  }

  /** Undefined: it depends on the old machine. */
  #decide(condition: string): boolean | undefined {
    const text = condition.trim();
    if (text.startsWith('!')) {
      const inner = this.#decide(text.slice(1));
      return inner === undefined ? undefined : !inner;
    }
    if (text === '') return false;
    if (/^[+-]?\d+$/.test(text)) return Number(text) !== 0;
    const name = /^defined\((\w+)\)$/.exec(text)?.[1];
    if (name !== undefined) return this.#environment.get(name) === undefined ? undefined : true;
    const [, compare, first, second] = /^(streq|strneq)\(([^,()]*),([^,()]*)\)$/.exec(text) ?? [];
    return compare === undefined ? undefined : (first === second) === (compare === 'streq');
  }
}

function answerOf(value: boolean | undefined): Answer {
  if (value === undefined) {
    return {
      verdict: 'refused',
      why: 'it was decided on the old machine: remove it, and the branch that did not count',
    };
  }
  return { verdict: 'taken', why: value ? 'the lines below count' : 'the lines below do not count' };
}
