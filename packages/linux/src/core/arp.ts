// Ethernet frames with ARP (RFC 826, RFC 5227) and the sockaddr_ll that sends them. Pure; 42 bytes each way.
import { TospannError } from '@tospann/errors';
import { formatIp, parseIp } from './ip-text.ts';

const ETHERTYPE_ARP = 0x0806;
const BROADCAST = Uint8Array.of(255, 255, 255, 255, 255, 255);

/** An ARP packet for IPv4 over Ethernet; addresses as text, MACs as 6 bytes. */
export interface ArpPacket {
  readonly operation: 'request' | 'reply';
  readonly senderMac: Uint8Array;
  readonly senderIp: string;
  readonly targetMac: Uint8Array;
  readonly targetIp: string;
}

/**
 * Encodes a gratuitous ARP: tells the segment that `ip` is at `mac`.
 *
 * @param operation Request updates caches on most systems, reply on the rest: send both.
 * @returns 42 bytes: broadcast Ethernet header and ARP.
 * @throws {TospannError} LB_KERNEL_BAD_ADDRESS when `ip` is not IPv4.
 */
export function encodeGratuitousArp(operation: 'request' | 'reply', mac: Uint8Array, ip: string): Uint8Array {
  // RFC 5227 section 3: in the request form the target hardware address is ignored and left at zero.
  const targetMac = operation === 'request' ? new Uint8Array(6) : mac;
  return encodeArp({ operation, senderMac: mac, senderIp: ip, targetMac, targetIp: ip }, BROADCAST);
}

/** Encodes an ARP packet with its Ethernet header to `destination`. @throws {TospannError} LB_KERNEL_BAD_ADDRESS. */
export function encodeArp(packet: ArpPacket, destination: Uint8Array): Uint8Array {
  const frame = new Uint8Array(42);
  const view = new DataView(frame.buffer);
  frame.set(destination, 0);
  frame.set(packet.senderMac, 6);
  view.setUint16(12, ETHERTYPE_ARP);
  view.setUint16(14, 1); // Ethernet
  view.setUint16(16, 0x0800); // IPv4
  frame[18] = 6;
  frame[19] = 4;
  view.setUint16(20, packet.operation === 'request' ? 1 : 2);
  frame.set(packet.senderMac, 22);
  frame.set(ipv4(packet.senderIp), 28);
  frame.set(packet.targetMac, 32);
  frame.set(ipv4(packet.targetIp), 38);
  return frame;
}

/** Decodes a frame; null when it is not an ARP request or reply for IPv4 over Ethernet. */
export function decodeArp(frame: Uint8Array): ArpPacket | null {
  if (frame.length < 42) return null;
  const view = new DataView(frame.buffer, frame.byteOffset, 42);
  const shape =
    view.getUint16(12) === ETHERTYPE_ARP && view.getUint32(14) === 0x00010800 && view.getUint16(18) === 0x0604;
  const operation = view.getUint16(20);
  if (!shape || (operation !== 1 && operation !== 2)) return null;
  return {
    operation: operation === 1 ? 'request' : 'reply',
    senderMac: frame.slice(22, 28),
    senderIp: formatIp(frame.subarray(28, 32)),
    targetMac: frame.slice(32, 38),
    targetIp: formatIp(frame.subarray(38, 42)),
  };
}

/** sockaddr_ll for sending on an interface (20 bytes); `etherType` is that of ARP unless it is given. */
export function encodePacketAddress(
  interfaceIndex: number,
  destination: Uint8Array = BROADCAST,
  etherType = ETHERTYPE_ARP,
): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 17, true); // AF_PACKET
  view.setUint16(2, etherType, false);
  view.setInt32(4, interfaceIndex, true);
  bytes[11] = destination.length;
  bytes.set(destination, 12);
  return bytes;
}

function ipv4(text: string): Uint8Array {
  const bytes = parseIp(text);
  if (bytes.length !== 4) throw new TospannError('LB_KERNEL_BAD_ADDRESS', { address: text });
  return bytes;
}
