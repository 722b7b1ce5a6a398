// The two ends of a connection by its descriptor. A connection may have been reset a moment ago: then its ends are not
// known any more, which is no fault, since `failed` or `ended` follows.
import { localAddress, peerAddress } from '@tospann/linux';
import type { Endpoint } from '../core/transport.ts';

/** '': not known any more. */
export function addressOfPeer(fd: number): string {
  try {
    return peerAddress(fd).address;
  } catch {
    return '';
  }
}

/** 0: not known any more. */
export function portOfPeer(fd: number): number {
  try {
    return peerAddress(fd).port;
  } catch {
    return 0;
  }
}

/** Null: not known any more. */
export function endpointHere(fd: number): Endpoint | null {
  try {
    return localAddress(fd);
  } catch {
    return null;
  }
}
