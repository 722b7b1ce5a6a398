// Socket addresses for connect, encoded once for each endpoint, in memory whose address the ring may be told.
import { AF_INET, AF_INET6, encodeSockaddr, mapMemory } from '@tospann/linux';
import type { Endpoint } from '../core/transport.ts';

const SLOT_BYTES = 32;
const SLOTS = 1024;

/** Where an encoded address lies. */
export interface EncodedEndpoint {
  readonly family: number;
  /** Memory address, exact. */
  readonly address: number;
  readonly length: number;
}

/**
 * A cache of encoded endpoints. The kernel copies an address when it takes the connect entry, so a slot may be used
 * again once what was prepared has been submitted.
 */
export class RingEndpoints {
  readonly #memory = mapMemory(SLOTS * SLOT_BYTES);
  #byObject = new WeakMap<Endpoint, EncodedEndpoint>();
  #byText = new Map<string, EncodedEndpoint>();

  /**
   * Encodes, or finds what was encoded before.
   *
   * @param submit Called before the slots are used anew, once in a thousand endpoints.
   * @throws {TospannError} LB_KERNEL_BAD_ADDRESS.
   */
  encode(endpoint: Endpoint, submit: () => void): EncodedEndpoint {
    const known = this.#byObject.get(endpoint);
    if (known !== undefined) return known;
    const text = `${endpoint.address} ${endpoint.port}`;
    const encoded = this.#byText.get(text) ?? this.#write(endpoint, text, submit);
    this.#byObject.set(endpoint, encoded);
    return encoded;
  }

  #write(endpoint: Endpoint, text: string, submit: () => void): EncodedEndpoint {
    if (this.#byText.size >= SLOTS) {
      submit();
      this.#byText = new Map();
      this.#byObject = new WeakMap();
    }
    const bytes = encodeSockaddr(endpoint);
    const at = this.#byText.size * SLOT_BYTES;
    new Uint8Array(this.#memory.buffer).set(bytes, at);
    const family = bytes.length === 16 ? AF_INET : AF_INET6;
    const encoded = { family, address: this.#memory.address + at, length: bytes.length };
    this.#byText.set(text, encoded);
    return encoded;
  }
}
