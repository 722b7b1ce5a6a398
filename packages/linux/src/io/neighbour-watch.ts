// Reads the neighbour advertisements of one interface: what gratuitous ARP is for IPv4. A raw socket with a filter in the
// kernel, so that no other packet costs anything. Never blocks. Needs CAP_NET_RAW.
import { formatIp } from '../core/ip-text.ts';
import { encodeString } from '../core/netlink.ts';
import { AF_INET6 } from '../core/sockaddr.ts';
import { attachFilter, receivePacket } from './raw-socket.ts';
import { closeFd, openSocket, setOption } from './sockets.ts';

const SOCK_RAW_NONBLOCK = 3 | 0o4000;
const IPPROTO_ICMPV6 = 58;
const NEIGHBOUR_ADVERTISEMENT = 136;
const TARGET_LINK_LAYER = 2;

/** BPF: the first byte of the message is 136, or nothing of it. */
const advertisementsOnly = new Uint8Array(
  [
    [0x30, 0, 0, 0, 0, 0, 0, 0],
    [0x15, 0, 0, 1, NEIGHBOUR_ADVERTISEMENT, 0, 0, 0],
    [0x06, 0, 0, 0, 0xff, 0xff, 0, 0],
    [0x06, 0, 0, 0, 0, 0, 0, 0],
  ].flat(),
);

/** Who says that an address is where. */
export interface SeenAdvertisement {
  readonly target: string;
  /** Empty when it does not say. */
  readonly mac: Uint8Array;
}

export class AdvertisementReceiver {
  readonly #fd: number;
  readonly #packet = new Uint8Array(new ArrayBuffer(2048));

  /** @throws {TospannError} LB_KERNEL_NO_CAPABILITY, LB_KERNEL_CALL. */
  constructor(interfaceName: string) {
    this.#fd = openSocket({ family: AF_INET6, type: SOCK_RAW_NONBLOCK, protocol: IPPROTO_ICMPV6 });
    try {
      attachFilter(this.#fd, advertisementsOnly);
      setOption(this.#fd, 'BINDTODEVICE', encodeString(interfaceName));
    } catch (error) {
      closeFd(this.#fd);
      throw error;
    }
  }

  /** The next one; undefined: none is waiting. @throws {TospannError} LB_KERNEL_CALL. */
  read(): SeenAdvertisement | undefined {
    const length = receivePacket(this.#fd, this.#packet);
    if (length < 24) return length < 0 ? undefined : { target: '', mac: new Uint8Array(0) };
    const packet = this.#packet.subarray(0, length);
    const says = length >= 32 && packet[24] === TARGET_LINK_LAYER && packet[25] === 1;
    return { target: formatIp(packet.subarray(8, 24)), mac: says ? packet.slice(26, 32) : new Uint8Array(0) };
  }

  close(): void {
    closeFd(this.#fd);
  }
}
