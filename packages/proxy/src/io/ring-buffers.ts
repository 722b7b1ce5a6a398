// Which receive buffers the kernel may fill. It takes them in the order given, so all of them in turn, and 2048 of
// 64 KiB are far more than a cache holds. Therefore it is given a window of the ones used last, as small as the load
// allows: doubled whenever a turn needed more, halved when a second needed far fewer.
import { BufferRing, type IoUring } from '@tospann/linux';
import { ColdBuffers, type GiveBack } from './ring-cold.ts';

const GROUP = 0;
/** Enough for a quiet server; what a turn fills of it stays in the second-level cache. */
const SMALLEST_WINDOW = 32;
/** Ticks between two looks at what the window needs to be. */
const TICKS_A_LOOK = 20;

export class RingBuffers {
  readonly #ring: BufferRing;
  readonly #count: number;
  readonly #cold: ColdBuffers;
  /** Buffers that neither kernel nor engine has: a stack, the one released last on top. */
  readonly #spare: Int32Array;
  #spares: number;
  #window: number;
  #withKernel = 0;
  #fewest = 0;
  #tooSmall = false;
  #ticks = 0;
  #shortages = 0;

  // oxlint-disable-next-line max-params -- a constructor called once
  constructor(ring: IoUring, address: number, count: number, bufferBytes: number, giveBack: GiveBack) {
    this.#ring = new BufferRing(ring, { address, count, bufferBytes, group: GROUP });
    this.#count = count;
    this.#cold = new ColdBuffers(count, bufferBytes, giveBack);
    this.#spare = Int32Array.from({ length: count }, (_, i) => count - 1 - i);
    this.#spares = count;
    this.#window = Math.min(count, SMALLEST_WINDOW);
    this.topUp();
  }

  /** Buffers that the engine does not hold. */
  get free(): number {
    return this.#spares + this.#withKernel;
  }

  /** Buffers that the kernel may fill now. */
  get withKernel(): number {
    return this.#withKernel;
  }

  /** How often a receive had to wait because the engine held all buffers. */
  get shortages(): number {
    return this.#shortages;
  }

  /** A completion has brought a buffer. */
  taken(id: number): void {
    this.#withKernel--;
    this.#cold.used(id);
  }

  /** The engine is done with a buffer; the kernel gets it with the next `topUp`. */
  release(id: number): void {
    this.#spare[this.#spares++] = id;
  }

  /** A receive found no buffer in this turn: the window was too small, or everything is held. */
  ranOut(): void {
    if (this.#spares === 0) this.#shortages++;
    else this.#tooSmall = true;
  }

  /** Fills the window again; once a turn, before the kernel is entered. */
  topUp(): void {
    if (this.#tooSmall) this.#window = Math.min(this.#count, this.#window * 2);
    this.#tooSmall = false;
    if (this.#withKernel < this.#fewest) this.#fewest = this.#withKernel;
    // One turn takes at most half of what is free, so that others find a buffer before the engine has counted it.
    const most = Math.max(SMALLEST_WINDOW, (this.#spares + this.#withKernel) >> 1);
    while (this.#withKernel < this.#window && this.#withKernel < most && this.#spares > 0) {
      this.#ring.give(this.#spare[--this.#spares] as number);
      this.#withKernel++;
    }
    this.#cold.left(this.#spares);
  }

  /** Shrinks a window of which a quarter would have done. */
  tick(): void {
    this.#cold.tick(this.#spare, this.#spares);
    if (++this.#ticks < TICKS_A_LOOK) return;
    this.#ticks = 0;
    if (this.#fewest > (this.#window * 3) / 4) this.#window = Math.max(SMALLEST_WINDOW, this.#window >> 1);
    this.#fewest = this.#window;
  }
}
