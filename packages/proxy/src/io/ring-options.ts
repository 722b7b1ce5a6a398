// What the ring transport takes and what it tells: its options, its figures, its interface. Types only.
import type { Transport } from '../core/transport.ts';

export interface RingTransportOptions {
  /** Bytes of one buffer, a power of two. Default 64 KiB: bodies move in few pieces; small messages touch one page. */
  readonly bufferBytes?: number;
  /** Buffers that the kernel receives into, a power of two up to 32768. Default 2048. */
  readonly receiveBuffers?: number;
  /** Buffers for `takeBuffer`. Default 2048. All buffers together stay below 2 GiB; memory is touched when used. */
  readonly sendBuffers?: number;
  /** Longest time between ticks. Default 50. */
  readonly tickMs?: number;
  /** Submission entries, a power of two. Default 4096; completions have four times as many. */
  readonly entries?: number;
}

/** Figures for the log and for tests; they only grow, but for `connections` and `freeReceiveBuffers`. */
export interface RingTransportStats {
  readonly connections: number;
  readonly freeReceiveBuffers: number;
  /** Accepts that stopped for want of descriptors or memory. */
  readonly acceptPauses: number;
  /** Receives that stopped for want of buffers. */
  readonly bufferShortages: number;
  /** Completions that the kernel lost for want of memory: must stay 0. */
  readonly lostCompletions: number;
  /** Completions of an earlier user of a handle: must stay 0. */
  readonly staleCompletions: number;
  /** Bytes that went from connection to connection without a copy. */
  readonly relayedBytes: number;
  readonly turns: number;
}

/** The transport and its loop. */
export interface RingTransport extends Transport {
  /** Write 8 bytes (a little-endian 1) or call `signalEventFd` with it from any thread: `woken` follows. */
  readonly wakeFd: number;
  /** Runs the loop in this thread until `stop`; may be called again. @throws {TospannError} LB_KERNEL_CALL. */
  run(): void;
  /** Ends the loop after this turn; only from the loop's own thread (another one wakes it and says so). */
  stop(): void;
  /** Like writing to `wakeFd`. */
  wake(): void;
  /** Closes the ring and all connections at once; after `run` has returned. */
  dispose(): void;
  stats(): RingTransportStats;
}
