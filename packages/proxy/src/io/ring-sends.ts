// The buffers that the engine writes into: a stack, since the one used last is the one whose cache lines are warm.
import { ColdBuffers, type GiveBack } from './ring-cold.ts';

export class RingSends {
  readonly #free: Int32Array;
  readonly #cold: ColdBuffers;
  #count: number;

  /** @param ids First number and how many; the memory of all buffers begins with number 0. */
  constructor(ids: { readonly first: number; readonly count: number }, bufferBytes: number, giveBack: GiveBack) {
    this.#count = ids.count;
    this.#free = Int32Array.from({ length: ids.count }, (_, i) => ids.first + ids.count - 1 - i);
    this.#cold = new ColdBuffers(ids.first + ids.count, bufferBytes, giveBack);
  }

  /** The number of a free buffer, or -1. */
  take(): number {
    if (this.#count === 0) return -1;
    const id = this.#free[--this.#count] as number;
    this.#cold.used(id);
    this.#cold.left(this.#count);
    return id;
  }

  release(id: number): void {
    this.#free[this.#count++] = id;
  }

  tick(): void {
    this.#cold.tick(this.#free, this.#count);
  }
}
