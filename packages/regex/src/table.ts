// From a pattern's machine, which may be in many states at once, to a table with one step for each byte (the subset
// construction), whole and ahead of time: matching then does the same small work for every byte, whatever pattern and
// input are, and allocates nothing. Patterns whose table would be too large are refused.
import { type Automaton, Op } from './automaton.ts';
import { RegexError } from './parse.ts';

/** Sets of states, which are the table's rows. Usual patterns have under 50; lists of 200 words about 1000. */
const MAX_SETS = 2000;
/** States visited while the table is made: about 50 ms. */
const MAX_WORK = 4_000_000;

/** Bits of what being in a set means. */
export const Found = { NOW: 1, AT_END: 2, NEVER: 4 } as const;

/** The finished table; row 0 is the begin. */
export interface Table {
  /** Number of each byte's class. */
  readonly classes: Uint8Array;
  readonly classCount: number;
  /** `row * classCount + class`: the next row. */
  readonly steps: Uint16Array;
  /** Bits of `Found` of each row. */
  readonly found: Uint8Array;
}

/** What a byte leads to: states besides those of the begin, and whether the match is among them. */
interface Reached {
  readonly states: Int32Array;
  readonly matched: boolean;
}

class TableBuilder {
  readonly #machine: Automaton;
  /** Of each row, the states besides those of the begin, in which it always is, as a match may begin anywhere. */
  readonly #sets: Int32Array[] = [];
  readonly #found: number[] = [];
  readonly #numbers = new Map<string, number>();
  /** 1 for the states of the begin. */
  readonly #inBegin: Uint8Array;
  readonly #begin: Reached;
  readonly #beginAtEnd: boolean;
  readonly #fromBegin: readonly Reached[];
  readonly #marks: Uint32Array;
  readonly #stack: Int32Array;
  readonly #list: Int32Array;
  #listLength = 0;
  #matched = false;
  #mark = 0;
  #work = 0;

  constructor(machine: Automaton) {
    const { ops, start, classCount } = machine;
    const states = ops.length;
    this.#machine = machine;
    this.#marks = new Uint32Array(states);
    this.#stack = new Int32Array(2 * states + 2);
    this.#list = new Int32Array(states);
    this.#inBegin = new Uint8Array(states);
    this.#clear();
    this.#follow(start, false);
    this.#begin = { states: this.#listed(), matched: this.#matched };
    this.#beginAtEnd = this.#matchesAtEnd(this.#begin.states, false);
    const reached: Reached[] = [];
    for (let byteClass = 0; byteClass < classCount; byteClass++) {
      this.#clear();
      this.#take(this.#begin.states, byteClass);
      reached.push({ states: this.#listed(), matched: this.#matched });
    }
    this.#fromBegin = reached;
    for (const state of this.#begin.states) this.#inBegin[state] = 1;
  }

  build(): Table {
    const { classes, classCount, start } = this.#machine;
    const steps: number[] = [];
    this.#clear();
    this.#follow(start, true);
    this.#keep(this.#matchesAtEnd(this.#listed(), true));
    for (let set = 0; set < this.#sets.length; set++) {
      for (let byteClass = 0; byteClass < classCount; byteClass++) steps.push(this.#step(set, byteClass));
    }
    return { classes, classCount, steps: Uint16Array.from(steps), found: Uint8Array.from(this.#found) };
  }

  /** The set after a byte of this class. */
  #step(set: number, byteClass: number): number {
    if ((this.#found[set]! & Found.NOW) !== 0) return set; // decided
    this.#clear();
    const { states, matched } = this.#fromBegin[byteClass]!;
    this.#matched = matched || this.#begin.matched;
    for (const state of states) {
      this.#marks[state] = this.#mark;
      this.#list[this.#listLength++] = state;
    }
    this.#work += states.length;
    this.#take(this.#sets[set]!, byteClass);
    return this.#keep(false);
  }

  #clear(): void {
    if (this.#work > MAX_WORK) throw tooLarge();
    this.#mark++;
    this.#work++;
    this.#listLength = 0;
    this.#matched = false;
  }

  #listed(): Int32Array {
    return this.#list.slice(0, this.#listLength);
  }

  /** Follows those of the states that take a byte of the class. */
  #take(states: Int32Array, byteClass: number): void {
    const { takes, rows, next, classCount } = this.#machine;
    for (const state of states) {
      this.#work++;
      if (rows[state]! >= 0 && takes[rows[state]! * classCount + byteClass] === 1) this.#follow(next[state]!, false);
    }
  }

  /** Adds to the list what can be reached from a state by empty steps: states that take a byte, and ends. */
  #follow(from: number, atStart: boolean): void {
    const { ops, next, other } = this.#machine;
    const stack = this.#stack;
    let top = 0;
    stack[top++] = from;
    while (top > 0) {
      const state = stack[--top]!;
      if (this.#marks[state] === this.#mark) continue;
      this.#marks[state] = this.#mark;
      this.#work++;
      const op = ops[state]!;
      if (op === Op.MATCH) this.#matched = true;
      else if (op === Op.SPLIT) {
        stack[top++] = next[state]!;
        stack[top++] = other[state]!;
      } else if (op === Op.START) {
        if (atStart) stack[top++] = next[state]!;
      } else this.#list[this.#listLength++] = state;
    }
  }

  /** The number of the set in the list. */
  #keep(atEnd: boolean): number {
    const states = this.#matched ? NO_STATES : this.#listed().filter((state) => this.#inBegin[state] === 0);
    states.sort();
    let found = 0;
    if (this.#matched) found = Found.NOW;
    else if (atEnd || this.#beginAtEnd || this.#matchesAtEnd(states, false)) found = Found.AT_END;
    else if (states.length === 0 && this.#begin.states.length === 0) found = Found.NEVER;
    const key = `${found}:${String.fromCharCode(...states)}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (this.#sets.length >= MAX_SETS) throw tooLarge();
    this.#found.push(found);
    this.#numbers.set(key, this.#sets.length);
    return this.#sets.push(states) - 1;
  }

  /** Whether the match is reached from these states if the input ends here. */
  #matchesAtEnd(states: Int32Array, atStart: boolean): boolean {
    const { ops, next, other } = this.#machine;
    const stack = this.#stack;
    this.#mark++;
    for (const state of states) {
      if (ops[state] !== Op.END) continue;
      let top = 0;
      stack[top++] = next[state]!;
      while (top > 0) {
        const at = stack[--top]!;
        if (this.#marks[at] === this.#mark) continue;
        this.#marks[at] = this.#mark;
        const op = ops[at]!;
        if (op === Op.MATCH) return true;
        if (op === Op.SPLIT) stack[top++] = other[at]!;
        if (op === Op.SPLIT || op === Op.END || (op === Op.START && atStart)) stack[top++] = next[at]!;
      }
    }
    return false;
  }
}

const NO_STATES = new Int32Array(0);

function tooLarge(): RegexError {
  return new RegexError(
    0,
    `the pattern is too large: what it may be in the middle of has more than ${MAX_SETS} forms; ` +
      'anchor it with ^, or use fewer repetitions',
  );
}

/**
 * Makes the table of a machine.
 *
 * @throws {RegexError} If it would be too large.
 */
export function buildTable(machine: Automaton): Table {
  return new TableBuilder(machine).build();
}
