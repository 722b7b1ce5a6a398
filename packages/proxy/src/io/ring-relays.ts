// Relays of the ring: two connections whose bytes go straight from one to the other through pipes, with splice(2), once
// the engine has said that it wants to see none of them. The ring says when a socket is ready, one question at a time
// for a direction; nothing is copied. A pipe is held only while there are bytes in it.
import { closeFd, openPipe, setBlocking, splice, type Pipe } from '@tospann/linux';
import { HandleState as State, type RingHandles } from './ring-handles.ts';

/** Poll events: the socket has bytes, FIN or an error; the socket takes bytes. */
export const PollEvent = { IN: 1, OUT: 4 } as const;

/** Pairs at one time: each may hold two pipes, so four descriptors. Further ones go through the engine's buffers. */
const MAX_RELAYS = 256;
/** What one call moves at most: the larger, the cheaper a byte (docs/performance.md). */
const PIPE_BYTES = 1 << 20;
/** So many pipes are that large; the kernel gives a user 64 MiB of them. Further ones keep its 64 KiB, and so do those of
 * slow readers that have taken all: what these can make us hold is bounded. */
const MAX_LARGE_PIPES = 32;
const MAX_SPARE_PIPES = 16;
/** More than any pipe holds: all that there is. */
const SPLICE_BYTES = 1 << 20;

const EAGAIN = 11;
const EINTR = 4;
const NOT_AT_REST = State.ARMED | State.SENDING | State.CLOSING | State.FAILED;

/** One of the two directions of a pair. */
interface Direction {
  readonly from: number;
  readonly to: number;
  pipe: Pipe | null;
  inPipe: number;
}

interface Relay {
  readonly directions: readonly [Direction, Direction];
  begun: boolean;
}

/** What the loop does for its relays. */
export interface RelayHost {
  /** Asks once whether the connection is ready for the event. */
  poll(handle: number, event: number): void;
  /** Bytes have moved; 0: some that were counted before. */
  relayed(handle: number, bytes: number): void;
  ended(handle: number): void;
  fail(handle: number, errno: number): void;
}

export class RingRelays {
  readonly #host: RelayHost;
  readonly #handles: RingHandles;
  /** The relay of each handle. */
  readonly #relays: (Relay | undefined)[] = [];
  /** Bytes passed on so far. */
  bytes = 0;
  #count = 0;
  #pipes = 0;
  readonly #spare: Pipe[] = [];
  /** Directions that wait for a pipe. */
  #starved: Direction[] = [];

  constructor(host: RelayHost, handles: RingHandles) {
    this.#host = host;
    this.#handles = handles;
  }

  /** Takes a pair on; false when there are too many. It begins as soon as both are at rest. */
  add(one: number, other: number): boolean {
    if (this.#count >= MAX_RELAYS) return false;
    this.#count++;
    const relay: Relay = {
      directions: [
        { from: one, to: other, pipe: null, inPipe: 0 },
        { from: other, to: one, pipe: null, inPipe: 0 },
      ],
      begun: false,
    };
    this.#relays[one] = relay;
    this.#relays[other] = relay;
    return true;
  }

  /** Something under way on the handle has ended: begins when that was the last. */
  tryBegin(handle: number): void {
    const relay = this.#relays[handle];
    if (relay === undefined || relay.begun) return;
    const states = this.#handles.state;
    const [{ from: one, to: other }] = relay.directions;
    if ((((states[one] as number) | (states[other] as number)) & NOT_AT_REST) !== 0) return;
    relay.begun = true;
    for (const { from } of relay.directions) {
      setBlocking(this.#handles.fd[from] as number, false);
      if (((states[from] as number) & State.ENDED) === 0) this.#host.poll(from, PollEvent.IN);
    }
  }

  /** A question has been answered: the connection has bytes (or its end), or takes some. */
  ready(handle: number, event: number): void {
    const relay = this.#relays[handle];
    if (relay === undefined) return;
    for (const direction of relay.directions) {
      if (event === PollEvent.IN && direction.from === handle) this.#fill(direction);
      else if (event === PollEvent.OUT && direction.to === handle) this.#drain(direction);
    }
  }

  /** The handle is being closed: its pair is over. */
  drop(handle: number): void {
    const relay = this.#relays[handle];
    if (relay === undefined) return;
    this.#count--;
    for (const direction of relay.directions) {
      this.#relays[direction.from] = undefined;
      if (direction.pipe !== null) this.#giveBack(direction, direction.inPipe === 0);
      this.#starved = this.#starved.filter((waiting) => waiting !== direction);
    }
  }

  /** At each tick: directions that found no descriptors for a pipe try again. */
  tick(): void {
    if (this.#starved.length === 0) return;
    for (const direction of this.#starved.splice(0)) this.#fill(direction);
  }

  close(): void {
    for (const relay of this.#relays) {
      for (const direction of relay?.directions ?? []) if (direction.pipe !== null) this.#giveBack(direction, false);
    }
    for (const { read, write } of this.#spare.splice(0)) {
      closeFd(read);
      closeFd(write);
    }
  }

  #fill(direction: Direction): void {
    const { from } = direction;
    const pipe = this.#spare.pop() ?? this.#open();
    if (pipe === null) {
      this.#starved.push(direction);
      return;
    }
    direction.pipe = pipe;
    const moved = splice(this.#handles.fd[from] as number, pipe.write, SPLICE_BYTES);
    if (moved > 0) {
      direction.inPipe = moved;
      this.bytes += moved;
      this.#host.relayed(from, moved);
      this.#drain(direction);
      return;
    }
    this.#giveBack(direction, true);
    if (moved === 0) this.#host.ended(from);
    else if (moved === -EAGAIN || moved === -EINTR) this.#host.poll(from, PollEvent.IN);
    else this.#host.fail(from, -moved);
  }

  #open(): Pipe | null {
    const pipe = openPipe(this.#pipes < MAX_LARGE_PIPES ? PIPE_BYTES : 0);
    if (pipe !== null) this.#pipes++;
    return pipe;
  }

  #drain(direction: Direction): void {
    const { from, to, pipe } = direction;
    if (pipe === null) return;
    const moved = splice(pipe.read, this.#handles.fd[to] as number, direction.inPipe);
    if (moved < 0 && moved !== -EAGAIN && moved !== -EINTR) {
      this.#host.fail(to, -moved);
      return;
    }
    if (moved > 0) direction.inPipe -= moved;
    if (direction.inPipe > 0) {
      if (moved > 0) this.#host.relayed(from, 0);
      this.#host.poll(to, PollEvent.OUT);
      return;
    }
    this.#giveBack(direction, true);
    this.#host.poll(from, PollEvent.IN);
  }

  #giveBack(direction: Direction, empty: boolean): void {
    const pipe = direction.pipe!;
    direction.pipe = null;
    direction.inPipe = 0;
    if (empty && this.#spare.length < MAX_SPARE_PIPES) {
      this.#spare.push(pipe);
      return;
    }
    this.#pipes--;
    closeFd(pipe.read);
    closeFd(pipe.write);
  }
}
