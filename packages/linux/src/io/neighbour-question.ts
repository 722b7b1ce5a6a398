// One question "are you there" to a neighbour, by ARP or neighbour discovery on an interface and by ICMP echo at once:
// sockets that never block, opened for this question. The caller polls `answer` and closes. Needs CAP_NET_RAW.
import { decodeArp, encodeArp, encodePacketAddress } from '../core/arp.ts';
import {
  encodeEchoRequest,
  encodeNeighbourSolicitation,
  isEchoReply,
  isNeighbourAdvertisement,
  solicitedNodeGroup,
} from '../core/echo.ts';
import { encodeString } from '../core/netlink.ts';
import { AF_INET, AF_INET6 } from '../core/sockaddr.ts';
import { openArpReceiver, openPacketSender } from './packet-socket.ts';
import { encodeDestination, receivePacket, sendPacket } from './raw-socket.ts';
import { closeFd, openSocket, setOption } from './sockets.ts';

const SOCK_RAW_NONBLOCK = 3 | 0o4000;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const BROADCAST = Uint8Array.of(255, 255, 255, 255, 255, 255);
/** What others send to the same sockets may not hold the caller. */
const packetsPerLook = 256;

/** The interface on which the neighbour is, when it is on one. `own` is this machine's address there. */
export interface OnLink {
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
  readonly own: string;
}

/** How a neighbour answered. */
export type NeighbourAnswer = 'ARP' | 'neighbour discovery' | 'ICMP echo';

export class NeighbourQuestion {
  readonly #address: string;
  readonly #id: number;
  readonly #fds: number[] = [];
  readonly #packet = new Uint8Array(new ArrayBuffer(2048));
  #arp = -1;
  #icmp = -1;

  /**
   * Sends the question.
   *
   * @param id 16 bits that make the echo ours.
   * @param onLink Absent: the neighbour is behind a route, so only ICMP can ask it.
   * @throws {TospannError} LB_KERNEL_NO_CAPABILITY, LB_KERNEL_BAD_ADDRESS, LB_KERNEL_CALL.
   */
  constructor(address: string, id: number, onLink?: OnLink) {
    this.#address = address;
    this.#id = id;
    try {
      if (address.includes(':')) this.#ask6(onLink);
      else this.#ask4(onLink);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** What has come by now; undefined: nothing yet. @throws {TospannError} LB_KERNEL_CALL. */
  answer(): NeighbourAnswer | undefined {
    const family = this.#address.includes(':') ? 6 : 4;
    const isArp = (frame: Uint8Array): boolean => {
      const arp = decodeArp(frame);
      return arp?.operation === 'reply' && arp.senderIp === this.#address;
    };
    if (this.#arp >= 0 && this.#some(this.#arp, isArp)) return 'ARP';
    let found: NeighbourAnswer | undefined;
    this.#some(this.#icmp, (packet) => {
      if (family === 6 && isNeighbourAdvertisement(packet, this.#address)) found = 'neighbour discovery';
      else if (isEchoReply(family, packet, { id: this.#id, from: this.#address })) found = 'ICMP echo';
      return found !== undefined;
    });
    return found;
  }

  close(): void {
    for (const fd of this.#fds.splice(0)) closeFd(fd);
  }

  #ask4(onLink: OnLink | undefined): void {
    this.#icmp = this.#keep(openSocket({ family: AF_INET, type: SOCK_RAW_NONBLOCK, protocol: IPPROTO_ICMP }));
    sendPacket(this.#icmp, encodeEchoRequest(4, this.#id, 1), encodeDestination(this.#address));
    if (onLink === undefined) return;
    this.#arp = this.#keep(openArpReceiver(onLink.index));
    const request = {
      operation: 'request',
      senderMac: onLink.mac,
      senderIp: onLink.own,
      targetMac: new Uint8Array(6),
      targetIp: this.#address,
    } as const;
    const sender = this.#keep(openPacketSender());
    sendPacket(sender, encodeArp(request, BROADCAST), encodePacketAddress(onLink.index));
  }

  #ask6(onLink: OnLink | undefined): void {
    this.#icmp = this.#keep(openSocket({ family: AF_INET6, type: SOCK_RAW_NONBLOCK, protocol: IPPROTO_ICMPV6 }));
    if (onLink !== undefined) {
      setOption(this.#icmp, 'BINDTODEVICE', encodeString(onLink.name));
      // RFC 4861 section 7.1.1: a solicitation with a lower hop limit is dropped.
      setOption(this.#icmp, 'IPV6_MULTICAST_HOPS', 255);
      const solicitation = encodeNeighbourSolicitation(this.#address, onLink.mac);
      sendPacket(this.#icmp, solicitation, encodeDestination(solicitedNodeGroup(this.#address)));
    }
    sendPacket(this.#icmp, encodeEchoRequest(6, this.#id, 1), encodeDestination(this.#address));
  }

  #keep(fd: number): number {
    this.#fds.push(fd);
    return fd;
  }

  #some(fd: number, matches: (packet: Uint8Array) => boolean): boolean {
    for (let looked = 0; looked < packetsPerLook; looked++) {
      const length = receivePacket(fd, this.#packet);
      if (length < 0) return false;
      if (matches(this.#packet.subarray(0, length))) return true;
    }
    return false;
  }
}
