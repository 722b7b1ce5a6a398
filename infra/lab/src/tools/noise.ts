// Bytes that nobody can get right by accident: the same for the same seed, so that both ends of a download know them and
// a lost, doubled or swapped part is seen.
import { createCipheriv, type Cipheriv } from 'node:crypto';

/** An endless stream of bytes; `take(n)` gives the next n. */
export class Noise {
  readonly #cipher: Cipheriv;

  constructor(seed: number) {
    const key = Buffer.alloc(16);
    key.writeUInt32BE(seed >>> 0);
    this.#cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  }

  take(bytes: number): Buffer {
    return this.#cipher.update(Buffer.alloc(bytes));
  }
}
