// AF_PACKET sockets: send Ethernet frames (gratuitous ARP, neighbour advertisements), or read ARP frames (the pair's
// self-test). CAP_NET_RAW.
import { encodePacketAddress } from '../core/arp.ts';
import { bindRaw, closeFd, openSocket } from './sockets.ts';

const AF_PACKET = 17;
const SOCK_RAW_NONBLOCK = 3 | 0o4000;
const ETHERTYPE_ARP = 0x0806;

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
  return openFrameReceiver(interfaceIndex, ETHERTYPE_ARP);
}

/**
 * A socket that reads the frames of one EtherType on one interface, its own sent ones too; read with `receivePacket`.
 *
 * @throws {TospannError} LB_KERNEL_NO_CAPABILITY, LB_KERNEL_CALL.
 */
export function openFrameReceiver(interfaceIndex: number, etherType: number): number {
  const networkOrder = ((etherType & 255) << 8) | (etherType >> 8);
  const fd = openSocket({ family: AF_PACKET, type: SOCK_RAW_NONBLOCK, protocol: networkOrder });
  try {
    bindRaw(
      fd,
      encodePacketAddress(interfaceIndex, new Uint8Array(6), etherType),
      `read frames on interface ${interfaceIndex}`,
    );
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}
