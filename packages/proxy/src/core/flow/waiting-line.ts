// Requests that wait for a place at a server, of all workers of a node, in one order: linked lists in shared memory under
// one lock. A place that becomes free is handed to whoever has waited longest, on whatever worker, so none overtakes.
// It knows tickets and slots, no requests and no limits: who has a place to give is the caller's business.

/** Requests of one worker that can wait; a further one is refused. 512 KiB of memory that is touched only when used. */
export const WAITING_PER_WORKER = 16_384;

const NONE = 0;
/** Words of the whole line. */
const LOCK = 0;
const TICKET = 1;
const HEAD_WORDS = 2;
/** Words of a list: its first and last entry. */
const LIST_WORDS = 2;
/** Words of an entry. */
const NEXT = 0;
const PREVIOUS = 1;
const TICKET_OF = 2;
/** First word of the list in which it is. */
const LIST = 3;
/** What hash balancing has hashed. */
const KEY = 4;
const FLAGS = 5;
/** Slot of the server that it has been given, plus 1. */
const GRANTED = 6;
const WORKER = 7;
const ENTRY_WORDS = 8;

const SPINS = 200;

/** How many there are of everything that has a list or entries. */
export interface LineShape {
  readonly workers: number;
  readonly backends: number;
  readonly servers: number;
}

/** Bytes of shared memory that a line needs. */
export function lineBytes(shape: LineShape): number {
  return 4 * (firstEntry(shape) + shape.workers * WAITING_PER_WORKER * ENTRY_WORDS);
}

function firstEntry({ workers, backends, servers }: LineShape): number {
  return HEAD_WORDS + (workers + backends + servers) * LIST_WORDS;
}

/**
 * One worker's view of the line. An entry is the number of its first word; 0 is none. All methods but `lock` and
 * `unlock` are to be called between these two.
 */
export class WaitingLine {
  readonly #words: Int32Array;
  readonly #worker: number;
  readonly #backendLists: number;
  readonly #serverLists: number;
  readonly #firstEntry: number;
  /** This worker's entries that are not in use. */
  readonly #free: Int32Array;
  #freeCount: number;

  /** @param memory `lineBytes(shape)` bytes of zeroes at the start, the same for all workers. */
  constructor(memory: ArrayBufferLike, shape: LineShape, worker: number) {
    this.#words = new Int32Array(memory);
    this.#worker = worker;
    this.#backendLists = HEAD_WORDS + shape.workers * LIST_WORDS;
    this.#serverLists = this.#backendLists + shape.backends * LIST_WORDS;
    this.#firstEntry = firstEntry(shape) + worker * WAITING_PER_WORKER * ENTRY_WORDS;
    this.#free = new Int32Array(WAITING_PER_WORKER);
    this.#freeCount = WAITING_PER_WORKER;
    for (let i = 0; i < WAITING_PER_WORKER; i++) {
      this.#free[i] = this.#firstEntry + (WAITING_PER_WORKER - 1 - i) * ENTRY_WORDS;
    }
  }

  /** Position of one of this worker's entries among its own, 0 .. WAITING_PER_WORKER - 1. */
  placeOf(entry: number): number {
    return (entry - this.#firstEntry) / ENTRY_WORDS;
  }

  /** The entry at such a position. */
  entryAt(place: number): number {
    return this.#firstEntry + place * ENTRY_WORDS;
  }

  /** Held for some hundred nanoseconds; who finds it taken for longer sleeps, as its holder may have lost its CPU. */
  lock(): void {
    const words = this.#words;
    for (let tries = 0; Atomics.compareExchange(words, LOCK, 0, 1) !== 0; tries++) {
      if (tries >= SPINS) Atomics.wait(words, LOCK, 1, 1);
    }
  }

  unlock(): void {
    Atomics.store(this.#words, LOCK, 0);
  }

  /**
   * Puts a request of this worker at the end.
   *
   * @param server Slot of the server that it must go to, or -1 for any of the backend.
   * @param flags Numbers that whoever grants it a place gets to see (`flagsOf`).
   * @returns Its entry, or 0 when this worker has no more.
   */
  // oxlint-disable-next-line max-params -- long: no object for a request
  join(backend: number, server: number, key: number, flags: number): number {
    if (this.#freeCount === 0) return NONE;
    const words = this.#words;
    const entry = this.#free[--this.#freeCount]!;
    words[entry + TICKET_OF] = words[TICKET]!;
    words[TICKET] = (words[TICKET]! + 1) | 0;
    words[entry + KEY] = key | 0;
    words[entry + FLAGS] = flags;
    words[entry + GRANTED] = 0;
    words[entry + WORKER] = this.#worker;
    this.#push(server < 0 ? this.#backendLists + backend * LIST_WORDS : this.#serverLists + server * LIST_WORDS, entry);
    return entry;
  }

  /**
   * Takes an entry of this worker out, wherever it is.
   *
   * @returns Slot of the server of which it had been granted a place, or -1.
   */
  leave(entry: number): number {
    this.#remove(entry);
    this.#free[this.#freeCount++] = entry;
    return this.#words[entry + GRANTED]! - 1;
  }

  /** Who has waited longest for any server of a backend, or 0. */
  firstOfBackend(backend: number): number {
    return this.#words[this.#backendLists + backend * LIST_WORDS]!;
  }

  /** Who has waited longest for this server, or 0. */
  firstOfServer(server: number): number {
    return this.#words[this.#serverLists + server * LIST_WORDS]!;
  }

  /** Whether entry `a` has waited longer than entry `b`; a missing one has not. */
  isOlder(a: number, b: number): boolean {
    if (a === NONE) return false;
    return b === NONE || ((this.#words[a + TICKET_OF]! - this.#words[b + TICKET_OF]!) | 0) < 0;
  }

  /** Whether the entry has not been given a place yet. */
  leftInLine(entry: number): boolean {
    return this.#words[entry + GRANTED] === 0;
  }

  keyOf(entry: number): number {
    return this.#words[entry + KEY]! >>> 0;
  }

  flagsOf(entry: number): number {
    return this.#words[entry + FLAGS]!;
  }

  /** Hands a place at a server to an entry. Returns true if that is another worker's, which must be woken then. */
  grant(entry: number, server: number): boolean {
    const words = this.#words;
    this.#remove(entry);
    words[entry + GRANTED] = server + 1;
    const worker = words[entry + WORKER]!;
    this.#push(HEAD_WORDS + worker * LIST_WORDS, entry);
    return worker !== this.#worker;
  }

  /** Whether this worker has been granted places. To be asked without the lock: the answer may come a moment late. */
  get hasGrants(): boolean {
    return Atomics.load(this.#words, HEAD_WORDS + this.#worker * LIST_WORDS) !== NONE;
  }

  /** The next entry of this worker that has been granted a place, or 0; it stays until it `leave`s. */
  firstGranted(): number {
    return this.#words[HEAD_WORDS + this.#worker * LIST_WORDS]!;
  }

  #push(list: number, entry: number): void {
    const words = this.#words;
    const last = words[list + 1]!;
    words[entry + LIST] = list;
    words[entry + NEXT] = NONE;
    words[entry + PREVIOUS] = last;
    words[list + 1] = entry;
    if (last === NONE) Atomics.store(words, list, entry);
    else words[last + NEXT] = entry;
  }

  #remove(entry: number): void {
    const words = this.#words;
    const list = words[entry + LIST]!;
    const next = words[entry + NEXT]!;
    const previous = words[entry + PREVIOUS]!;
    if (previous === NONE) Atomics.store(words, list, next);
    else words[previous + NEXT] = next;
    if (next === NONE) words[list + 1] = previous;
    else words[next + PREVIOUS] = previous;
  }
}
