// The pattern's machine (Thompson's construction): states that each take one byte of a set, and empty steps between
// them. Its size is bounded. What runs is the table that table.ts makes of it.
import { type ByteSet, type Node, RegexError } from './parse.ts';

/** States of one pattern: as many as the longest pattern has characters. */
const MAX_STATES = 2000;
/** Nodes visited while it is made, repetitions included: those of nothing have no states. */
const MAX_VISITS = 20_000;

/** What a state is; `SET` takes a byte, the others are empty steps. */
export const Op = { SET: 0, SPLIT: 1, START: 2, END: 3, MATCH: 4 } as const;

/** A machine: state i is of kind `ops[i]`. */
export interface Automaton {
  readonly ops: Uint8Array;
  /** Next state; for SPLIT the first one. */
  readonly next: Int32Array;
  /** The second next state of a SPLIT. */
  readonly other: Int32Array;
  /** Row of a SET in `takes`. */
  readonly rows: Int32Array;
  readonly start: number;
  /** Number of each byte's class: bytes that no set of the pattern tells apart are one class. */
  readonly classes: Uint8Array;
  readonly classCount: number;
  /** `rows[i] * classCount + class`: 1 if the state takes bytes of the class. */
  readonly takes: Uint8Array;
}

class Builder {
  readonly #ops: number[] = [];
  readonly #next: number[] = [];
  readonly #other: number[] = [];
  readonly #sets: ByteSet[] = [];
  #visits = 0;

  build(node: Node): Automaton {
    const match = this.#state(Op.MATCH, -1);
    const start = this.#compile(node, match);
    const sets = [...new Set(this.#sets.filter((set) => set.length > 0))];
    const { classes, count } = classesOf(sets);
    const takes = new Uint8Array(sets.length * count);
    sets.forEach((set, row) => set.forEach((bit, byte) => (takes[row * count + classes[byte]!] = bit)));
    return {
      ops: Uint8Array.from(this.#ops),
      next: Int32Array.from(this.#next),
      other: Int32Array.from(this.#other),
      rows: Int32Array.from(this.#sets, (set) => sets.indexOf(set)),
      start,
      classes,
      classCount: count,
      takes,
    };
  }

  #state(op: number, next: number, set: ByteSet = NO_SET): number {
    if (this.#ops.length >= MAX_STATES) {
      throw new RegexError(0, `the pattern is too large (its repetitions counted out, more than ${MAX_STATES} states)`);
    }
    this.#other.push(-1);
    this.#sets.push(set);
    this.#next.push(next);
    return this.#ops.push(op) - 1;
  }

  /** Makes the states of a node that go on to `after`; the first of them. */
  #compile(node: Node, after: number): number {
    if (++this.#visits > MAX_VISITS) throw new RegexError(0, 'the pattern is too large');
    switch (node.type) {
      case 'set':
        return this.#state(Op.SET, after, node.set);
      case 'start':
        return this.#state(Op.START, after);
      case 'end':
        return this.#state(Op.END, after);
      case 'sequence':
        return node.parts.reduceRight((next, part) => this.#compile(part, next), after);
      case 'choice':
        return node.parts
          .map((part) => this.#compile(part, after))
          .reduceRight((second, first) => this.#split(first, second));
      case 'repeat':
        break;
    }
    return this.#repeat(node.node, node, after);
  }

  #repeat(node: Node, { min, max }: { min: number; max: number }, after: number): number {
    let next = after;
    if (max === Infinity) {
      // The loop's own split comes first, so that its body can lead back to it.
      const loop = this.#split(-1, after);
      this.#next[loop] = this.#compile(node, loop);
      next = loop;
    } else for (let i = min; i < max; i++) next = this.#split(this.#compile(node, next), after);
    for (let i = 0; i < min; i++) next = this.#compile(node, next);
    return next;
  }

  #split(first: number, second: number): number {
    const state = this.#state(Op.SPLIT, first);
    this.#other[state] = second;
    return state;
  }
}

const NO_SET: ByteSet = new Uint8Array(0);

function classesOf(sets: readonly ByteSet[]): { classes: Uint8Array; count: number } {
  const classes = new Uint8Array(256);
  const known = new Map<string, number>();
  for (let byte = 0; byte < 256; byte++) {
    const key = sets.map((set) => set[byte]).join('');
    const found = known.get(key) ?? known.size;
    known.set(key, found);
    classes[byte] = found;
  }
  return { classes, count: known.size };
}

/**
 * Makes the machine of a parsed pattern.
 *
 * @throws {RegexError} If it would have more than MAX_STATES states.
 */
export function buildAutomaton(node: Node): Automaton {
  return new Builder().build(node);
}
