// The transport: all that the engine knows of the world outside. Three implementations: ring (io_uring), node
// (node:net), memory (deterministic, for tests). The engine never sees a socket; a transport never sees HTTP.
// Everything is numbers and one memory region, so that nothing is allocated for a request in the steady state.

/** Operating-system errors that the engine tells apart; other positive errno values are passed as they are. */
export const Errno = {
  ECONNREFUSED: 111,
  ECONNRESET: 104,
  ETIMEDOUT: 110,
  EHOSTUNREACH: 113,
  EPIPE: 32,
  ENOBUFS: 105,
  EAGAIN: 11,
  ENOMEM: 12,
  ENFILE: 23,
  EMFILE: 24,
  EADDRNOTAVAIL: 99,
} as const;

/** Whether a failed connect says that this node lacks something (ports, descriptors, memory), and nothing of the server. */
export function isOwnLack(errno: number): boolean {
  switch (errno) {
    case Errno.EADDRNOTAVAIL:
    case Errno.EMFILE:
    case Errno.ENFILE:
    case Errno.ENOBUFS:
    case Errno.ENOMEM:
    case Errno.EAGAIN:
      return true;
    default:
      return false;
  }
}

/**
 * What a transport calls on the engine, always from its own loop, never from inside a call of the engine to
 * the transport (a result that is known at once is reported on the next turn).
 */
export interface TransportEvents {
  /** A client has connected on a listener. Receiving is off until `receive(handle, true)`. */
  accepted(handle: number, listener: number): void;
  /** The end of `connect`: errno 0 means connected. After an error the engine still calls `close`. */
  connected(handle: number, errno: number): void;
  /**
   * Bytes are at memory[offset, offset + length), inside one receive buffer. The engine owns that buffer until
   * `releaseBuffer(offset)`. May still come after `receive(handle, false)` for bytes already under way.
   */
  received(handle: number, offset: number, length: number): void;
  /** The peer has closed its sending side (FIN). Sending to it may still work. Comes once, after the last bytes. */
  ended(handle: number): void;
  /** The connection broke (reset, unreachable, failed send). The engine answers with `close`. Comes at most once. */
  failed(handle: number, errno: number): void;
  /** The whole of the one `send` under way has been taken by the kernel; its memory is free again. */
  sent(handle: number): void;
  /** Bytes of this connection have gone on by a relay; 0: some that were told before have been taken at last. */
  relayed(handle: number, bytes: number): void;
  /** The end of `close`: no event follows for this handle, its number may be used again, send memory is free. */
  closed(handle: number): void;
  /** Comes at least every `tickMs` of the transport, also when nothing happens. */
  tick(nowMs: number): void;
  /** `again()` was called in the turn before. */
  again(): void;
  /** `wake()` of the transport was called from another thread: look for control messages. */
  woken(): void;
}

/** Where to connect: an IPv4 or IPv6 literal and a port. Made once for each server, reused for each connect. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/**
 * Handles are small integers, dense from 0, reused after `closed`: index arrays with them.
 * One `send` at most is under way for a handle; the engine queues the rest.
 */
export interface Transport {
  readonly kind: 'ring' | 'node' | 'memory';
  /** All receive and send buffers. Offsets are positions in it. Never replaced. */
  readonly memory: Uint8Array;
  /** Size of one buffer, at least 256; buffers are aligned to it: buffer number = floor(offset / bufferBytes). */
  readonly bufferBytes: number;
  /** Number of buffers in `memory`, receive and send together. */
  readonly bufferCount: number;
  /** So many of them, the first ones, are received into; the others are for `takeBuffer`. */
  readonly receiveCount: number;
  /** Longest time between two `tick` events. */
  readonly tickMs: number;

  /** Gives the engine its events; called once before anything else. */
  attach(events: TransportEvents): void;
  /** Monotonic milliseconds, taken once a loop turn. */
  nowMs(): number;

  /** Asks for an `again` event in the next turn, before the transport waits for anything; once for each event. */
  again(): void;

  /** A buffer to write into and send from: its offset, or -1 when none is free. */
  takeBuffer(): number;
  /** Gives back a buffer of either kind; `offset` may be any offset inside it. */
  releaseBuffer(offset: number): void;

  /** Accepts on a listening socket that somebody else made and owns; `listener` is the engine's number for it. */
  listen(fd: number, listener: number): void;
  /** Accepts no more on it; the socket stays open for its owner. */
  stopListening(listener: number): void;
  /** Begins to connect; `connected` follows. The handle is valid at once. */
  connect(endpoint: Endpoint): number;
  /** The peer's IP address as text (an IPv4-mapped one as IPv4). One system call: ask once a connection. */
  peerAddress(handle: number): string;
  /** The peer's port; 0 when the peer is gone. Asked once a connection, and only when the log has it. */
  peerPort(handle: number): number;
  /** The local end of a connection; null when it is gone. Asked once a connection, and only for PROXY headers. */
  localEndpoint(handle: number): Endpoint | null;
  /** Turns receiving on or off (back-pressure). */
  receive(handle: number, on: boolean): void;
  /** More is to come than one buffer holds: from now on no more is received than what `received` has told, one buffer
   * at a time, so that `receive(handle, false)` stops it at once. Holds until little comes. A transport may ignore it. */
  expectMuch(handle: number): void;
  /** From now on one receive brings at most so many bytes (0: a buffer), on all connections; what is under way may bring
   * more. For a time in which buffers are short. */
  receiveAtMost(bytes: number): void;
  /** Sends memory[offset, offset + length); `more`: further bytes follow at once, the kernel may wait for them. */
  send(handle: number, offset: number, length: number, more: boolean): void;
  /** Sends FIN after what was sent; receiving goes on. Not while a send is under way. */
  shutdownSend(handle: number): void;
  /**
   * Whether the peer has said nothing that `received`, `ended` or `failed` has not told: no event of this connection waits
   * for its turn, nothing lies unread. Asked before a connection to a server is given to another request, since what
   * comes unasked must not become its answer.
   *
   * @param ask The kernel is asked about this very moment, for a system call; else what it said last may do.
   */
  isSilent(handle: number, ask: boolean): boolean;
  /**
   * Passes bytes on between two connections from now on, both ways, as soon as what is under way has ended; bytes that
   * are under way still come as `received`, and are to be sent as ever. `ended` and `failed` come as ever, too; the
   * engine passes a FIN on and closes. `receive` has no meaning any more.
   *
   * @returns False when the transport cannot, or not now: then nothing has changed.
   */
  relay(one: number, other: number): boolean;
  /**
   * What follows, a `close` with reset too, does not reach the peer across a router: the packets' hop limit is set to 1.
   * (To be told nothing at all takes CAP_NET_ADMIN, which this process has not.) A peer on the same network does see it.
   */
  silence(handle: number): void;
  /** Closes; a send under way is cancelled. `reset`: with RST, so that a cut answer is not taken as complete. */
  close(handle: number, reset: boolean): void;
}
