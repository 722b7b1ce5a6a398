// Codec of the VRRPv3 advertisement for IPv4, with the three checksums that are in use. Not the election, and not
// the question whether an advert is meant for us (receive.ts). Total: decoding never throws. RFC 9568 section 5,
// RFC 5798 section 5.2.8 (the pseudo-header). Pure; the caller owns sockets and buffers.
import { TospannError } from '@tospann/errors';
import { readAddress, vrrpGroup, writeAddress } from './ipv4.ts';

/**
 * How the checksum is made: over the pseudo-header with the real destination (keepalived, FRR), with 224.0.0.18
 * whatever the destination (old keepalived in unicast), or over the message alone (RFC 9568, Cisco, Juniper).
 */
export type ChecksumDialect = 'pseudo-header' | 'pseudo-header-group' | 'message-only';

/** One advertisement; `intervalMs` is a multiple of 10 from 10 to 40950; addresses are unsigned numbers. */
export interface Advert {
  readonly routerId: number;
  readonly priority: number;
  readonly intervalMs: number;
  readonly addresses: readonly number[];
}

/** Where an advert goes and how it is summed. */
export interface AdvertRoute {
  readonly source: number;
  readonly destination: number;
  readonly dialect: ChecksumDialect;
}

/** Why a packet was dropped; the keys of the drop counters. */
export type DropReason =
  | 'too-short'
  | 'ip-length'
  | 'fragment'
  | 'ttl'
  | 'version'
  | 'type'
  | 'address-count'
  | 'truncated'
  | 'checksum'
  | 'interval'
  | 'router-id'
  | 'own-source'
  | 'unknown-source'
  | 'transport';

/** What a packet says, and how it came. */
export interface ReceivedAdvert extends Advert {
  readonly source: number;
  readonly destination: number;
  readonly dialect: ChecksumDialect;
}

export type DecodedAdvert =
  | { readonly ok: true; readonly advert: ReceivedAdvert }
  | { readonly ok: false; readonly reason: DropReason };

const headerBytes = 8;
const versionAndType = 0x31;

/**
 * Encodes one advertisement as the payload of an IPv4 packet (the kernel makes the IP header).
 *
 * @returns 8 + 4 x count bytes, network order, checksum filled in.
 * @throws {TospannError} LB_VRRP_ADVERT_INVALID: a value does not fit its field.
 * @see RFC 9568 section 5.2
 */
export function encodeAdvert(advert: Advert, route: AdvertRoute): Uint8Array<ArrayBuffer> {
  checkRange('routerId', advert.routerId, [1, 255]);
  checkRange('priority', advert.priority, [0, 255]);
  checkRange('intervalMs', advert.intervalMs, [10, 40950]);
  checkRange('addresses', advert.addresses.length, [1, 255]);
  const bytes = new Uint8Array(headerBytes + 4 * advert.addresses.length);
  const centiseconds = Math.floor(advert.intervalMs / 10);
  bytes[0] = versionAndType;
  bytes[1] = advert.routerId;
  bytes[2] = advert.priority;
  bytes[3] = advert.addresses.length;
  bytes[4] = centiseconds >> 8;
  bytes[5] = centiseconds & 255;
  advert.addresses.forEach((address, index) => writeAddress(bytes, headerBytes + 4 * index, address));
  const sum = finish(sumWords(bytes, { from: 0, to: bytes.length }) + pseudoSum(route, bytes.length));
  bytes[6] = sum >> 8;
  bytes[7] = sum & 255;
  return bytes;
}

/**
 * Decodes one packet as a raw IPv4 socket gives it, IP header first. Checks, in this order: lengths, TTL 255,
 * version 3, type 1, address count, completeness, checksum (any dialect), interval.
 *
 * @param packet Borrowed, not kept; bytes after the IP total length (Ethernet padding) are ignored.
 * @returns The advert, or the first reason against it. Never throws.
 * @see RFC 9568 section 7.1
 */
export function decodeAdvert(packet: Uint8Array): DecodedAdvert {
  const ipBytes = ((packet[0] ?? 0) & 15) * 4;
  if (packet.length < 28 || (packet[0] ?? 0) >> 4 !== 4 || ipBytes < 20) return drop('too-short');
  const total = word(packet, 2);
  if (total > packet.length || total < ipBytes + headerBytes) return drop('ip-length');
  if ((word(packet, 6) & 0x3fff) !== 0) return drop('fragment');
  if (packet[8] !== 255) return drop('ttl');
  return decodeMessage(packet, { from: ipBytes, to: total });
}

interface Span {
  readonly from: number;
  readonly to: number;
}

function decodeMessage(packet: Uint8Array, span: Span): DecodedAdvert {
  const versionType = packet[span.from] ?? 0;
  if (versionType >> 4 !== 3) return drop('version');
  if ((versionType & 15) !== 1) return drop('type');
  const count = packet[span.from + 3] ?? 0;
  if (count === 0) return drop('address-count');
  // RFC 9568 7.1: complete; more than the count needs is tolerated, as keepalived pads in some versions.
  if (span.to - span.from < headerBytes + 4 * count) return drop('truncated');
  const source = readAddress(packet, 12);
  const destination = readAddress(packet, 16);
  const dialect = dialectOf(packet, span);
  if (dialect === undefined) return drop('checksum');
  const centiseconds = word(packet, span.from + 4) & 0xfff;
  if (centiseconds === 0) return drop('interval');
  const addresses: number[] = [];
  for (let index = 0; index < count; index++) addresses.push(readAddress(packet, span.from + headerBytes + 4 * index));
  return {
    ok: true,
    advert: {
      routerId: packet[span.from + 1] ?? 0,
      priority: packet[span.from + 2] ?? 0,
      intervalMs: centiseconds * 10,
      addresses,
      source,
      destination,
      dialect,
    },
  };
}

/** The dialect under which the checksum is right; undefined when it is wrong under all. */
function dialectOf(packet: Uint8Array, span: Span): ChecksumDialect | undefined {
  const source = readAddress(packet, 12);
  const destination = readAddress(packet, 16);
  const message = sumWords(packet, span);
  const bytes = span.to - span.from;
  for (const dialect of ['pseudo-header', 'message-only', 'pseudo-header-group'] as const) {
    if (finish(message + pseudoSum({ source, destination, dialect }, bytes)) === 0) return dialect;
  }
  return undefined;
}

/** Sum of the pseudo-header's words (source, destination, protocol 112, length); 0 for the message alone. */
function pseudoSum(route: AdvertRoute, bytes: number): number {
  if (route.dialect === 'message-only') return 0;
  const destination = route.dialect === 'pseudo-header' ? route.destination : vrrpGroup;
  const { source } = route;
  return (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + 112 + bytes;
}

function sumWords(bytes: Uint8Array, span: Span): number {
  let sum = 0;
  for (let at = span.from; at < span.to; at += 2)
    sum += ((bytes[at] ?? 0) << 8) + (at + 1 < span.to ? (bytes[at + 1] ?? 0) : 0);
  return sum;
}

/** Folds the carries and complements: RFC 1071. */
function finish(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function drop(reason: DropReason): DecodedAdvert {
  return { ok: false, reason };
}

function checkRange(field: string, value: number, range: readonly [number, number]): void {
  if (Number.isInteger(value) && value >= range[0] && value <= range[1]) return;
  throw new TospannError('LB_VRRP_ADVERT_INVALID', {
    field,
    constraint: `an integer from ${range[0]} to ${range[1]}`,
    value,
  });
}
