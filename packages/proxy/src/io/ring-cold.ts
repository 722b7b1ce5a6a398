// Gives the memory of buffers back that have not been used for a while: a flood of slow readers touches many, and without
// this they would stay with the process for ever. A stack of free buffers says by itself which are cold: those at its
// bottom, as deep as it was never emptied in a whole period.

/** A buffer that was not used for so many ticks of the transport (10 s) is cold. */
const TICKS_A_PERIOD = 200;
/** Buffers whose memory is given back in one tick: a few microseconds each. */
const MOST_A_TICK = 32;

/** Gives memory[offset, offset + bytes) back to the kernel; it reads as zeros afterwards. */
export type GiveBack = (offset: number, bytes: number) => void;

/** What is known of one stack of free buffers. */
export class ColdBuffers {
  readonly #bufferBytes: number;
  readonly #giveBack: GiveBack;
  /** 1: has been used since its memory was given back. */
  readonly #touched: Uint8Array;
  #fewest = 0;
  #cold = 0;
  #ticks = 0;

  /** @param count Buffers of the whole memory; a stack knows some of them. */
  constructor(count: number, bufferBytes: number, giveBack: GiveBack) {
    this.#touched = new Uint8Array(count);
    this.#bufferBytes = bufferBytes;
    this.#giveBack = giveBack;
  }

  /** Bytes have been written into the buffer. */
  used(id: number): void {
    this.#touched[id] = 1;
  }

  /** The stack holds so many now, after some were taken. */
  left(count: number): void {
    if (count < this.#fewest) this.#fewest = count;
  }

  /** Once a tick: `stack[0, length)` are the free buffers, the ones used last at the end. */
  tick(stack: Int32Array, length: number): void {
    if (++this.#ticks >= TICKS_A_PERIOD) {
      this.#ticks = 0;
      this.#cold = this.#fewest;
      this.#fewest = length;
    }
    const stop = this.#cold < this.#fewest ? this.#cold : this.#fewest;
    let given = 0;
    for (let i = 0; i < stop && i < length && given < MOST_A_TICK; i++) {
      const id = stack[i] as number;
      if (this.#touched[id] === 0) continue;
      this.#touched[id] = 0;
      this.#giveBack(id * this.#bufferBytes, this.#bufferBytes);
      given++;
    }
  }
}
