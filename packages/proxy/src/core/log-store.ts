// Request lines of requests under way, kept for their log line while the bytes they came in are used again. Slots of
// one growing array; the number of requests under way bounds it.
import { LOGGED_FIELD_BYTES, LOGGED_LINE_BYTES } from './access-log.ts';
import { NONE } from './buffers.ts';

export class LogStore {
  bytes: Uint8Array;
  readonly slotBytes = LOGGED_LINE_BYTES + 2 * LOGGED_FIELD_BYTES;
  /** For each slot: length of the line, of the method; start and length of the path in the line; referer, agent. */
  lineLength: Int32Array;
  methodLength: Int32Array;
  pathFrom: Int32Array;
  pathLength: Int32Array;
  refererLength: Int32Array;
  agentLength: Int32Array;
  readonly #free: number[] = [];

  constructor() {
    this.bytes = new Uint8Array(0);
    this.lineLength = new Int32Array(0);
    this.methodLength = new Int32Array(0);
    this.pathFrom = new Int32Array(0);
    this.pathLength = new Int32Array(0);
    this.refererLength = new Int32Array(0);
    this.agentLength = new Int32Array(0);
    this.#grow(64);
  }

  take(): number {
    if (this.#free.length === 0) this.#grow(this.lineLength.length * 2);
    return this.#free.pop() ?? NONE;
  }

  free(slot: number): void {
    this.#free.push(slot);
  }

  #grow(slots: number): void {
    const old = this.lineLength.length;
    const bytes = new Uint8Array(slots * this.slotBytes);
    bytes.set(this.bytes);
    this.bytes = bytes;
    const grown = (before: Int32Array): Int32Array => {
      const after = new Int32Array(slots);
      after.set(before);
      return after;
    };
    this.lineLength = grown(this.lineLength);
    this.methodLength = grown(this.methodLength);
    this.pathFrom = grown(this.pathFrom);
    this.pathLength = grown(this.pathLength);
    this.refererLength = grown(this.refererLength);
    this.agentLength = grown(this.agentLength);
    for (let slot = slots - 1; slot >= old; slot--) this.#free.push(slot);
  }
}
