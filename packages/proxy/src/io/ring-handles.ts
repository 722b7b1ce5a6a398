// The ring transport's connections as columns of numbers: descriptor, state bits, operations under way, generation.
// A handle is free again only when every operation on it has completed, so a late completion cannot meet a new
// connection; the generation in the user data is the second lock on the same door. No I/O here.

/** State bits of a handle. */
export const HandleState = {
  OPEN: 1,
  CONNECTING: 2,
  /** The engine wants bytes. */
  WANTED: 4,
  /** A receive entry is with the kernel. */
  ARMED: 8,
  /** That entry has been told to end. */
  DISARMING: 16,
  /** A send entry is with the kernel. */
  SENDING: 32,
  CLOSING: 64,
  /** The peer's FIN was reported. */
  ENDED: 128,
  /** A failure was reported: only `closed` may follow. */
  FAILED: 256,
  /** Waits for a receive buffer. */
  STARVED: 512,
  /** Was stopped while bytes kept coming: receives one buffer at a time until they come slower. */
  BULK: 1024,
  /** Its bytes go straight to another connection. */
  RELAY: 2048,
  /** The last receive has left bytes in the socket. */
  UNREAD: 4096,
} as const;

/** Generations fit in 12 bits, so that kind and generation stay an exact number with the handle (52 bits). */
const GENERATION_MASK = 0xfff;
const FIRST_CAPACITY = 1024;

export class RingHandles {
  fd = new Int32Array(FIRST_CAPACITY);
  state = new Uint16Array(FIRST_CAPACITY);
  /** Entries whose last completion has not come. */
  underWay = new Uint16Array(FIRST_CAPACITY);
  generation = new Uint16Array(FIRST_CAPACITY);
  /** Completions of receives that are there and have not been told yet; of this turn. */
  untold = new Uint16Array(FIRST_CAPACITY);
  /** What the send under way still has to send, for the case that the kernel takes less. */
  sendOffset = new Float64Array(FIRST_CAPACITY);
  sendLength = new Int32Array(FIRST_CAPACITY);
  /** An errno to be reported when the bytes before it have been: 0 for none. */
  failure = new Int32Array(FIRST_CAPACITY);
  #free: number[] = [];
  #used = 0;
  #open = 0;

  /** How many handles are in use. */
  get open(): number {
    return this.#open;
  }

  /** All handles that were ever given out are below this number. */
  get limit(): number {
    return this.#used;
  }

  /** Takes the lowest handle that was freed last, or a new one; its columns are reset. */
  take(fd: number, state: number): number {
    const handle = this.#free.pop() ?? this.#used++;
    if (handle >= this.fd.length) this.#grow();
    this.fd[handle] = fd;
    this.state[handle] = state;
    this.underWay[handle] = 0;
    this.untold[handle] = 0;
    this.failure[handle] = 0;
    this.#open++;
    return handle;
  }

  /** Frees a handle that has nothing under way. */
  give(handle: number): void {
    this.state[handle] = 0;
    this.fd[handle] = -1;
    this.generation[handle] = ((this.generation[handle] as number) + 1) & GENERATION_MASK;
    this.#free.push(handle);
    this.#open--;
  }

  /** The descriptors to be closed. What is closing has been closed by the ring; its number may be somebody else's by now. */
  descriptors(): number[] {
    const isOpen = (fd: number, handle: number): boolean =>
      fd >= 0 && ((this.state[handle] as number) & (HandleState.OPEN | HandleState.CLOSING)) === HandleState.OPEN;
    return [...this.fd.subarray(0, this.#used)].filter(isOpen);
  }

  #grow(): void {
    const capacity = this.fd.length * 2;
    this.fd = enlarge(new Int32Array(capacity), this.fd);
    this.state = enlarge(new Uint16Array(capacity), this.state);
    this.underWay = enlarge(new Uint16Array(capacity), this.underWay);
    this.generation = enlarge(new Uint16Array(capacity), this.generation);
    this.untold = enlarge(new Uint16Array(capacity), this.untold);
    this.sendOffset = enlarge(new Float64Array(capacity), this.sendOffset);
    this.sendLength = enlarge(new Int32Array(capacity), this.sendLength);
    this.failure = enlarge(new Int32Array(capacity), this.failure);
  }
}

function enlarge<T extends { set(from: ArrayLike<number>): void }>(to: T, from: ArrayLike<number>): T {
  to.set(from);
  return to;
}
