// What the kernel knows of neighbours, through rtnetlink. Reads only; no capability. Not shared between threads.
import { decodeNeighbour, encodeNeighbourDump } from '../core/netlink-neighbour.ts';
import { AF_INET, AF_INET6 } from '../core/sockaddr.ts';
import { NetlinkSocket } from './netlink-socket.ts';

export class NeighbourTable {
  readonly #socket = new NetlinkSocket();

  /** The hardware address of a neighbour on an interface; undefined: the kernel knows none. @throws {TospannError} LB_KERNEL_CALL. */
  macOf(address: string, interfaceIndex: number): Uint8Array | undefined {
    const family = address.includes(':') ? AF_INET6 : AF_INET;
    const messages = this.#socket.dump((sequence) => encodeNeighbourDump(family, sequence), 'list neighbours');
    return messages
      .map(decodeNeighbour)
      .find((record) => record?.address === address && record.interfaceIndex === interfaceIndex)?.mac;
  }

  close(): void {
    this.#socket.close();
  }
}
