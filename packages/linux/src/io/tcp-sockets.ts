// The TCP sockets of this network namespace through sock_diag: count those on some addresses, forget those that only wait for
// old packets (TIME_WAIT). Forgetting needs CAP_NET_ADMIN and a kernel with INET_DIAG_DESTROY.
import {
  decodeSocket,
  encodeSocketDestroy,
  encodeSocketDump,
  TcpState,
  type TcpSocketRecord,
} from '../core/netlink-sockets.ts';
import { NetlinkFamily, NetlinkSocket } from './netlink-socket.ts';

/** One netlink socket for questions about sockets; microseconds a call, not shared between threads. */
export class TcpSockets {
  readonly #socket = new NetlinkSocket(0, NetlinkFamily.SOCK_DIAG);

  /** Established connections on own addresses, without those that this machine has with itself. @throws {TospannError} LB_KERNEL_CALL. */
  countEstablished(addresses: readonly string[]): number {
    return this.#list(addresses, TcpState.ESTABLISHED).filter(({ local, remote }) => local !== remote).length;
  }

  /**
   * Forgets sockets in TIME_WAIT on own addresses.
   *
   * @param limit At most so many, so that one call stays short.
   * @returns How many there were on each address that had some; undefined when the kernel cannot do this.
   * @throws {TospannError} LB_KERNEL_CALL.
   */
  forgetTimeWait(addresses: readonly string[], limit: number): ReadonlyMap<string, number> | undefined {
    const found = this.#list(addresses, TcpState.TIME_WAIT);
    for (const socket of found.slice(0, limit)) {
      const message = encodeSocketDestroy(socket, TcpState.TIME_WAIT, this.#socket.nextSequence());
      const failed = this.#socket.request(message, 'forget a socket in TIME_WAIT');
      if (failed !== 0 && failed !== ENOENT) return undefined;
    }
    const counts = new Map<string, number>();
    for (const { local } of found) counts.set(local, (counts.get(local) ?? 0) + 1);
    return counts;
  }

  close(): void {
    this.#socket.close();
  }

  /** One question for each family: what it costs depends on the sockets, not on the number of addresses. */
  #list(addresses: readonly string[], state: number): TcpSocketRecord[] {
    const six = addresses.filter((address) => address.includes(':'));
    const four = addresses.filter((address) => !address.includes(':'));
    return [four, six].flatMap((family) =>
      family.length === 0
        ? []
        : this.#socket
            .dump((sequence) => encodeSocketDump(family, state, sequence), 'list connections')
            .map(decodeSocket)
            .filter((socket) => socket !== null),
    );
  }
}

/** It has gone by itself meanwhile. */
const ENOENT = 2;
