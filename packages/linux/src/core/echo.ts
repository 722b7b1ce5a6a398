// ICMP echo for both families and neighbour solicitation (RFC 792, RFC 4443, RFC 4861), as far as asking "are you there"
// needs them. The kernel writes the checksum of ICMPv6 on raw sockets, not that of ICMP. Pure.
import { TospannError } from '@tospann/errors';
import { formatIp, parseIp } from './ip-text.ts';

const ECHO_REQUEST = 8;
const ECHO6_REQUEST = 128;
const ECHO6_REPLY = 129;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;

/** Encodes an echo request of 8 bytes, checksum included for IPv4. `id` and `sequence` are 16 bits. */
export function encodeEchoRequest(family: 4 | 6, id: number, sequence: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  bytes[0] = family === 4 ? ECHO_REQUEST : ECHO6_REQUEST;
  view.setUint16(4, id);
  view.setUint16(6, sequence);
  if (family === 4) {
    const sum = (bytes[0] << 8) + id + sequence;
    view.setUint16(2, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
  }
  return bytes;
}

/**
 * Tells whether a packet of a raw socket answers an echo request.
 *
 * @param packet With its IP header for IPv4, without for IPv6: as the kernel delivers them.
 */
export function isEchoReply(
  family: 4 | 6,
  packet: Uint8Array,
  asked: { readonly id: number; readonly from: string },
): boolean {
  const headerBytes = family === 4 ? ((packet[0] ?? 0) & 15) * 4 : 0;
  if (packet.length < headerBytes + 8) return false;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const isReply = packet[headerBytes] === (family === 4 ? 0 : ECHO6_REPLY);
  if (!isReply || view.getUint16(headerBytes + 4) !== asked.id) return false;
  return family === 6 || formatIp(packet.subarray(12, 16)) === asked.from;
}

/** Encodes a neighbour solicitation for `target` from the interface with this MAC: 32 bytes, checksum left to the kernel. */
export function encodeNeighbourSolicitation(target: string, mac: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes[0] = NEIGHBOUR_SOLICITATION;
  bytes.set(ipv6(target), 8);
  bytes.set([1, 1], 24); // source link-layer address, 8 bytes
  bytes.set(mac, 26);
  return bytes;
}

/** The group that `target` listens to for solicitations: ff02::1:ff and its last three bytes. */
export function solicitedNodeGroup(target: string): string {
  const bytes = parseIp('ff02::1:ff00:0');
  bytes.set(ipv6(target).subarray(13), 13);
  return formatIp(bytes);
}

/** Tells whether an ICMPv6 message is a neighbour advertisement of `target`. */
export function isNeighbourAdvertisement(message: Uint8Array, target: string): boolean {
  return (
    message.length >= 24 &&
    message[0] === NEIGHBOUR_ADVERTISEMENT &&
    formatIp(message.subarray(8, 24)) === formatIp(ipv6(target))
  );
}

function ipv6(text: string): Uint8Array {
  const bytes = parseIp(text);
  if (bytes.length !== 16) throw new TospannError('LB_KERNEL_BAD_ADDRESS', { address: text });
  return bytes;
}
