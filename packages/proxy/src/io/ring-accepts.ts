// The listeners of a ring. Accepts are single-shot: the kernel wakes one waiter a connection, and a re-armed one
// queues behind those of other threads, so threads share the connections of one socket (with multishot accept the
// first thread got all of them). The sockets belong to somebody else.
import { CancelFlag, ErrorNumber, RingOp, waitingToAccept, type IoUring } from '@tospann/linux';

/** One listener; a record lives as long as its ring. */
interface Accepts {
  readonly fd: number;
  on: boolean;
  /** Short of descriptors or memory until the next tick. */
  paused: boolean;
  /** Entries with the kernel, and how many there should be. */
  armed: number;
  wanted: number;
  armedInTurn: number;
  /** Somebody waited in the backlog at the last tick. */
  waitedAtTick: boolean;
}

// Clients taken at most in one turn from one listener; more would favour new connections over those that wait.
const MOST_ACCEPTS = 16;
const ECONNABORTED = 103;
const ECANCELED = 125;
const SOCK_CLOEXEC = 0o2000000;
const TWO_TO_32 = 4_294_967_296;

export class RingAccepts {
  readonly #ring: IoUring;
  readonly #kind: number;
  readonly #listeners: (Accepts | undefined)[] = [];
  #pauses = 0;

  /** @param kind User data of accept completions: the listener's number is the low word, this the high one. */
  constructor(ring: IoUring, kind: number) {
    this.#ring = ring;
    this.#kind = kind;
  }

  /** How often a listener had to wait for descriptors or memory. */
  get pauses(): number {
    return this.#pauses;
  }

  listen(fd: number, listener: number, turn: number): void {
    // Stopped a moment ago: entries that are being cancelled count until they have completed.
    const armed = this.#listeners[listener]?.armed ?? 0;
    const accepts = { fd, on: true, paused: false, armed, wanted: 1, armedInTurn: turn, waitedAtTick: false };
    this.#listeners[listener] = accepts;
    this.#arm(accepts, listener, turn);
  }

  /** Cancels; a client accepted meanwhile still comes. `kind` is the user data of the cancellation itself. */
  stop(listener: number, kind: number): void {
    const accepts = this.#listeners[listener];
    if (accepts === undefined || !accepts.on) return;
    accepts.on = false;
    const target = this.#kind * TWO_TO_32 + listener;
    this.#ring.prepare(RingOp.ASYNC_CANCEL, -1, target, 0, CancelFlag.ALL, 0, kind);
  }

  /** Takes an accept's result (descriptor or -errno) into account and arms what follows. */
  completed(listener: number, result: number, turn: number): void {
    const accepts = this.#listeners[listener];
    if (accepts === undefined) return;
    accepts.armed--;
    if (!accepts.on) return;
    if (result < 0 && result !== -ECONNABORTED && result !== -ErrorNumber.EINTR && result !== -ECANCELED) {
      // No descriptors or no memory: clients wait in the backlog until the next tick tries again.
      if (!accepts.paused) this.#pauses++;
      accepts.paused = true;
      return;
    }
    // Completed in the turn after it was armed: clients are waiting, take more of them at a time.
    if (turn - accepts.armedInTurn <= 1) accepts.wanted = Math.min(accepts.wanted * 2, MOST_ACCEPTS);
    if (!accepts.paused) this.#arm(accepts, listener, turn);
  }

  /** At each tick: paused listeners go on, greed ends, and nobody stays behind in a backlog. */
  resume(turn: number): void {
    for (let listener = 0; listener < this.#listeners.length; listener++) {
      const accepts = this.#listeners[listener];
      if (accepts === undefined) continue;
      accepts.wanted = 1;
      if (!accepts.on) continue;
      if (!accepts.paused && !isLeftBehind(accepts)) continue;
      accepts.paused = false;
      this.#arm(accepts, listener, turn);
    }
  }

  #arm(accepts: Accepts, listener: number, turn: number): void {
    accepts.armedInTurn = turn;
    for (; accepts.armed < accepts.wanted; accepts.armed++) {
      this.#ring.prepare(RingOp.ACCEPT, accepts.fd, 0, 0, SOCK_CLOEXEC, listener, this.#kind);
    }
  }
}

/**
 * Whether somebody waits although nobody accepts: the kernel wakes one waiter a connection, and that one may have been a
 * thread that stopped listening, hangs or died at that moment. A fresh accept takes whoever is there. Seen at two ticks,
 * so that nobody is taken away from a thread that is only slow.
 */
function isLeftBehind(accepts: Accepts): boolean {
  const waits = waitingToAccept(accepts.fd) > 0;
  const before = accepts.waitedAtTick;
  accepts.waitedAtTick = waits;
  if (!waits || !before || accepts.armed < accepts.wanted) return false;
  accepts.wanted = accepts.armed + 1;
  return true;
}
