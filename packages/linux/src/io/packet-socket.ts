// AF_PACKET sockets: send Ethernet frames (gratuitous ARP), or read ARP frames (the pair's self-test). CAP_NET_RAW.
import { encodePacketAddress } from '../core/arp.ts';
import { bindRaw, closeFd, openSocket } from './sockets.ts';

const AF_PACKET = 17;
const SOCK_RAW_NONBLOCK = 3 | 0o4000;
const ETH_P_ARP_NETWORK_ORDER = 0x0608;

/** A socket that only sends (protocol 0 receives nothing). @throws {TospannError} LB_KERNEL_NO_CAPABILITY, LB_KERNEL_CALL. */
export function openPacketSender(): number {
  return openSocket({ family: AF_PACKET, type: SOCK_RAW_NONBLOCK, protocol: 0 });
}

/**
 * A socket that reads the ARP frames of one interface, its own sent ones too; read with `receivePacket`.
 *
 * @throws {TospannError} LB_KERNEL_NO_CAPABILITY, LB_KERNEL_CALL.
 */
export function openArpReceiver(interfaceIndex: number): number {
  const fd = openSocket({ family: AF_PACKET, type: SOCK_RAW_NONBLOCK, protocol: ETH_P_ARP_NETWORK_ORDER });
  try {
    bindRaw(fd, encodePacketAddress(interfaceIndex), `read ARP on interface ${interfaceIndex}`);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}
