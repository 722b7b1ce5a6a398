// The log ring: one worker writes log lines, the main thread reads them; shared memory, one writer and one reader, no
// locks. Lines are whole and never wrap: a line that does not fit before the end starts again at 0. When the reader is
// too slow, lines are dropped and counted: a slow disk never slows a request.

const HEAD = 0; // where the writer goes on
const TAIL = 1; // where the reader goes on
const WRAP = 2; // end of the lines before the writer started again at 0
const DROPPED = 3;
const HEADER_BYTES = 64;

/** Bytes of shared memory for a ring that holds `bytes` of lines. */
export function logRingBytes(bytes: number): number {
  return HEADER_BYTES + bytes;
}

/** The writing end. `reserve`, write at `data[position...]`, `commit`. */
export class LogRingWriter {
  readonly data: Uint8Array;
  readonly #header: Int32Array;
  #head = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#header = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.data = new Uint8Array(memory, HEADER_BYTES);
  }

  /** A position with room for `bytes`, or -1: then the line is dropped and counted. */
  reserve(bytes: number): number {
    const tail = Atomics.load(this.#header, TAIL);
    const head = this.#head;
    if (head >= tail) {
      if (this.data.length - head > bytes) return head;
      if (tail > bytes) {
        Atomics.store(this.#header, WRAP, head);
        return 0;
      }
    } else if (tail - head > bytes) return head;
    Atomics.add(this.#header, DROPPED, 1);
    return -1;
  }

  /** Publishes what was written up to `end`. */
  commit(end: number): void {
    this.#head = end;
    Atomics.store(this.#header, HEAD, end);
  }
}

/** The reading end. */
export class LogRingReader {
  readonly #header: Int32Array;
  readonly #data: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.#header = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#data = new Uint8Array(memory, HEADER_BYTES);
  }

  /** Lines dropped since the start. */
  get droppedTotal(): number {
    return Atomics.load(this.#header, DROPPED) >>> 0;
  }

  /** The next whole lines, a view of the ring that is good until `release`; empty when there are none. */
  peek(): Uint8Array {
    const head = Atomics.load(this.#header, HEAD);
    let tail = Atomics.load(this.#header, TAIL);
    if (head < tail) {
      const wrap = Atomics.load(this.#header, WRAP);
      if (tail < wrap) return this.#data.subarray(tail, wrap);
      tail = 0;
      Atomics.store(this.#header, TAIL, 0);
    }
    return this.#data.subarray(tail, head);
  }

  /** Gives the first `bytes` of the last `peek` back to the writer. */
  release(bytes: number): void {
    Atomics.add(this.#header, TAIL, bytes);
  }
}
