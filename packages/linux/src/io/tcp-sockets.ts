// The TCP sockets of this network namespace through sock_diag: count those on an address, forget those that only wait for
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

  /** Established connections on an own address, without those that this machine has with itself. @throws {TospannError} LB_KERNEL_CALL. */
  countEstablished(address: string): number {
    return this.#list(address, TcpState.ESTABLISHED).filter(({ local, remote }) => local !== remote).length;
  }

  /**
   * Forgets sockets in TIME_WAIT on an own address.
   *
   * @param limit At most so many, so that one call stays short.
   * @returns How many there were; -1 when the kernel cannot do this.
   * @throws {TospannError} LB_KERNEL_CALL.
   */
  forgetTimeWait(address: string, limit: number): number {
    const found = this.#list(address, TcpState.TIME_WAIT);
    for (const socket of found.slice(0, limit)) {
      const message = encodeSocketDestroy(socket, TcpState.TIME_WAIT, this.#socket.nextSequence());
      const failed = this.#socket.request(message, 'forget a socket in TIME_WAIT');
      if (failed !== 0 && failed !== ENOENT) return -1;
    }
    return found.length;
  }

  close(): void {
    this.#socket.close();
  }

  #list(address: string, state: number): TcpSocketRecord[] {
    return this.#socket
      .dump((sequence) => encodeSocketDump(address, state, sequence), 'list connections')
      .map(decodeSocket)
      .filter((socket) => socket !== null);
  }
}

/** It has gone by itself meanwhile. */
const ENOENT = 2;
