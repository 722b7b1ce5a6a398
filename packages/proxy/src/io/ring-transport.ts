// The ring transport's public face: one function. The loop is in ring-loop.ts, the types in ring-options.ts.
import type { RingTransport, RingTransportOptions } from './ring-options.ts';
import { RingLoop } from './ring-loop.ts';

export type { RingTransport, RingTransportOptions, RingTransportStats } from './ring-options.ts';

/**
 * Makes a ring transport for the calling thread, which must be the one that calls `run`.
 * Listeners that are given to `listen` must be blocking descriptors. `peerAddress` is '' when the peer is gone.
 *
 * @throws {TospannError} LB_KERNEL_NO_IO_URING, LB_KERNEL_CALL.
 */
export function createRingTransport(options: RingTransportOptions = {}): RingTransport {
  return new RingLoop(options);
}
