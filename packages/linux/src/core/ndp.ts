// The unsolicited neighbour advertisement of IPv6 (RFC 4861 sections 4.4 and 7.2.6): what gratuitous ARP is for IPv4.
// A whole Ethernet frame for a packet socket, and its reading. Pure; 86 bytes.
import { TospannError } from '@tospann/errors';
import { finishSum, pseudoSum6, sumWords } from './checksum.ts';
import { formatIp, parseIp } from './ip-text.ts';

/** For sockaddr_ll. */
export const ETHERTYPE_IPV6 = 0x86dd;
/** The Ethernet address of ff02::1, all nodes of the link. */
const allNodesMac = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);
const allNodes = parseIp('ff02::1');
const icmpv6 = 58;
const neighbourAdvertisement = 136;
const routerFlag = 0x80;
const solicitedFlag = 0x40;
const overrideFlag = 0x20;
const targetLinkLayerOption = 2;
const ethernetBytes = 14;
const headerBytes = 40;
const payloadBytes = 32;

/** A neighbour advertisement; addresses as text, the MAC as 6 bytes (empty without the option). */
export interface NeighbourAdvertisement {
  readonly source: string;
  readonly destination: string;
  readonly target: string;
  readonly mac: Uint8Array;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
}

/**
 * Encodes the advertisement that tells all nodes of the link that `address` is at `mac`, whatever they knew before
 * (override). Its source is the address itself: section 4.4 asks for an address of the sending interface.
 *
 * @param router Whether this node forwards IPv6: without the flag, hosts would strike it off their list of routers.
 * @returns The Ethernet frame to 33:33:00:00:00:01 with an IPv6 packet to ff02::1, checksum filled in.
 * @throws {TospannError} LB_KERNEL_BAD_ADDRESS when `address` is not IPv6.
 */
export function encodeNeighbourAdvertisement(mac: Uint8Array, address: string, router: boolean): Uint8Array {
  const target = parseIp(address);
  if (target.length !== 16) throw new TospannError('LB_KERNEL_BAD_ADDRESS', { address });
  const frame = new Uint8Array(ethernetBytes + headerBytes + payloadBytes);
  const view = new DataView(frame.buffer);
  frame.set(allNodesMac, 0);
  frame.set(mac, 6);
  view.setUint16(12, ETHERTYPE_IPV6);
  frame[14] = 0x60; // version 6
  view.setUint16(18, payloadBytes);
  frame[20] = icmpv6;
  frame[21] = 255; // hop limit: section 7.1.2 drops anything less, so it cannot come from beyond the link
  frame.set(target, 22);
  frame.set(allNodes, 38);
  const payload = frame.subarray(ethernetBytes + headerBytes);
  payload[0] = neighbourAdvertisement;
  payload[4] = overrideFlag | (router ? routerFlag : 0);
  payload.set(target, 8);
  payload[24] = targetLinkLayerOption;
  payload[25] = 1; // in units of 8 bytes
  payload.set(mac, 26);
  const sum = pseudoSum6(target, allNodes, { length: payloadBytes, protocol: icmpv6 });
  view.setUint16(ethernetBytes + headerBytes + 2, finishSum(sumWords(payload, sum)));
  return frame;
}

/** Decodes a frame; null when it is no neighbour advertisement or its checksum is wrong. */
export function decodeNeighbourAdvertisement(frame: Uint8Array): NeighbourAdvertisement | null {
  const start = ethernetBytes + headerBytes;
  if (frame.length < start + 24) return null;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const length = view.getUint16(18);
  if (view.getUint16(12) !== ETHERTYPE_IPV6 || view.getUint8(20) !== icmpv6 || length < 24) return null;
  const payload = frame.subarray(start, start + length);
  const source = frame.subarray(22, 38);
  const destination = frame.subarray(38, 54);
  const sum = sumWords(payload, pseudoSum6(source, destination, { length, protocol: icmpv6 }));
  if (payload.length !== length || payload[0] !== neighbourAdvertisement || finishSum(sum) !== 0) return null;
  const flags = view.getUint8(start + 4);
  return {
    source: formatIp(source),
    destination: formatIp(destination),
    target: formatIp(payload.subarray(8, 24)),
    mac: targetMac(payload),
    router: (flags & routerFlag) !== 0,
    solicited: (flags & solicitedFlag) !== 0,
    override: (flags & overrideFlag) !== 0,
  };
}

function targetMac(payload: Uint8Array): Uint8Array {
  const there = payload.length >= 32 && payload[24] === targetLinkLayerOption && payload[25] === 1;
  return there ? payload.slice(26, 32) : new Uint8Array(0);
}
