// Forgets sockets in TIME_WAIT on addresses that this node has given up. When the address comes back, such a socket would
// swallow the packets of a connection that a client has meanwhile made from the same port to the other node, and the guard
// would not send them on: the connection hangs. Side effects: a timer; nothing without addresses that were owned.
import { TcpSockets } from '@tospann/linux';

/** Connections that end during the drain leave such sockets, too. */
const everyMs = 1000;
/** One step blocks its thread for some 10 ms. */
const stepSockets = 100;
const nextStepMs = 10;
/** After that none is left: the kernel keeps them for a minute, and a drain may be longer than this, but then idle. */
const idleRounds = 180;

export class TimeWaitSweep {
  readonly #given = new Map<string, number>();
  #returned: string[] = [];
  readonly #unavailable: (detail: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #isPossible = true;

  /** @param unavailable Called once when the kernel cannot do this. */
  constructor(unavailable: (detail: string) => void) {
    this.#unavailable = unavailable;
  }

  /** This node owns the address no more. */
  given(address: string): void {
    this.#given.set(address, 0);
    this.#later(0);
  }

  /** This node has it again: what is left goes at once, of all that come back in the same moment together. */
  taken(address: string): void {
    if (!this.#given.delete(address)) return;
    this.#returned.push(address);
    if (this.#returned.length === 1) setImmediate(() => this.#sweep(this.#returned.splice(0)));
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#given.clear();
  }

  #later(afterMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#isPossible || this.#given.size === 0) return;
    this.#timer = setTimeout(() => {
      const more = this.#sweep([...this.#given.keys()]);
      this.#later(more ? nextStepMs : everyMs);
    }, afterMs);
    this.#timer.unref();
  }

  /** @returns Whether some were left for the next step. */
  #sweep(addresses: readonly string[]): boolean {
    let more = false;
    try {
      const sockets = new TcpSockets();
      try {
        const counts = sockets.forgetTimeWait(addresses, stepSockets);
        if (counts === undefined) throw new Error('the kernel has no INET_DIAG_DESTROY');
        more = [...counts.values()].reduce((sum, count) => sum + count, 0) > stepSockets;
        for (const address of addresses) {
          const found = counts.get(address) ?? 0;
          const idle = found === 0 ? (this.#given.get(address) ?? 0) + 1 : 0;
          if (idle > idleRounds) this.#given.delete(address);
          else if (this.#given.has(address)) this.#given.set(address, idle);
        }
      } finally {
        sockets.close();
      }
    } catch (error) {
      this.#isPossible = false;
      this.#unavailable(error instanceof Error ? error.message : String(error));
    }
    return more;
  }
}
