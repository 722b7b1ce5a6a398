// A look at the connection tracking table of this network namespace: a bounded sample of its entries. The table is
// walked in the order of its hash, so its first entries are as good a sample as any. Needs CAP_NET_ADMIN.
import { decodeConntrackEntry, encodeConntrackDump, type ConntrackEntry } from '../core/netlink-conntrack.ts';
import { NetlinkFamily, NetlinkSocket } from './netlink-socket.ts';

/**
 * Reads at least `most` entries (some more: the kernel answers in parts), or all when there are fewer.
 *
 * @throws {TospannError} LB_KERNEL_CALL: no privilege, or the kernel has no connection tracking over netlink.
 */
export function sampleConntrack(most: number): ConntrackEntry[] {
  const socket = new NetlinkSocket(0, NetlinkFamily.NETFILTER);
  try {
    return socket
      .dumpSome(encodeConntrackDump(socket.nextSequence()), 'look at the connection tracking table', most)
      .map(({ body }) => decodeConntrackEntry(body))
      .filter((entry) => entry !== undefined);
  } finally {
    socket.close();
  }
}
