// The decoder of advertisements: one packet of a raw socket, both families, versions 2 and 3. Not the question whether
// it is meant for us and who sent it (receive.ts). Total: it never throws, whatever the bytes are. RFC 9568 section 7.1,
// RFC 3768 section 7.1. Pure.
import { authDataBytes, headerBytes, pseudoSum, type Advert, type ChecksumDialect } from './advert.ts';
import { trailerBytes } from './auth-hmac.ts';
import { finishSum, sumWords, vrrpProtocol, word, type IpBytes } from './ip.ts';

/** What is wrong with a packet by itself. */
export type DecodeObjection =
  | 'too-short'
  | 'ip-length'
  | 'fragment'
  | 'protocol'
  | 'ttl'
  | 'version'
  | 'type'
  | 'address-count'
  | 'truncated'
  | 'checksum'
  | 'interval';

/** What a packet says, and how it came. */
export interface ReceivedAdvert extends Advert {
  readonly family: 4 | 6;
  readonly source: IpBytes;
  readonly destination: IpBytes;
  /** Of version 3 over IPv4; the others have one checksum only. */
  readonly dialect: ChecksumDialect | undefined;
  /** Version 2: 0 none, 1 password, 2 AH; version 3: 0. */
  readonly authType: number;
  /** Version 2: the 8 bytes of authentication data; version 3: none. */
  readonly authData: Uint8Array;
  /** The message without what follows it; borrowed from the packet. */
  readonly message: Uint8Array;
  /** What follows the message and may be an HMAC trailer; borrowed. Anything else is padding and ignored. */
  readonly trailer: Uint8Array | undefined;
}

export type DecodedAdvert =
  | { readonly ok: true; readonly advert: ReceivedAdvert }
  | { readonly ok: false; readonly reason: DecodeObjection };

/** The IP layer of a packet: its payload, borrowed, and the ends. */
interface Layer {
  readonly family: 4 | 6;
  readonly payload: Uint8Array;
  readonly source: IpBytes;
  readonly destination: IpBytes;
}

const dialects = ['pseudo-header', 'message-only', 'pseudo-header-group'] as const;

/**
 * Decodes one packet, IP header first (that of IPv6 may be made from what the kernel told). Checks, in this order:
 * lengths, protocol, TTL or hop limit 255 (IPv6 unicast: also 64), version, type, address count, completeness, checksum (any dialect), interval.
 *
 * @param packet Borrowed; bytes after the IP length (Ethernet padding) are ignored.
 * @returns The advert, or the first reason against it. Never throws.
 */
export function decodeAdvert(packet: Uint8Array): DecodedAdvert {
  const layer = (packet[0] ?? 0) >> 4 === 6 ? layer6(packet) : layer4(packet);
  return typeof layer === 'string' ? { ok: false, reason: layer } : decodePayload(layer);
}

/** The router id that a packet claims, however broken it is otherwise; 0 for none. */
export function claimedRouter(packet: Uint8Array): { readonly family: 4 | 6; readonly routerId: number } {
  if ((packet[0] ?? 0) >> 4 === 6) return { family: 6, routerId: packet[41] ?? 0 };
  return { family: 4, routerId: packet[((packet[0] ?? 0) & 15) * 4 + 1] ?? 0 };
}

function layer4(packet: Uint8Array): Layer | DecodeObjection {
  const header = ((packet[0] ?? 0) & 15) * 4;
  if (packet.length < 28 || (packet[0] ?? 0) >> 4 !== 4 || header < 20) return 'too-short';
  const total = word(packet, 2);
  if (total > packet.length || total < header + headerBytes) return 'ip-length';
  if ((word(packet, 6) & 0x3fff) !== 0) return 'fragment';
  if (packet[9] !== vrrpProtocol) return 'protocol';
  if (packet[8] !== 255) return 'ttl';
  const payload = packet.subarray(header, total);
  return { family: 4, payload, source: packet.subarray(12, 16), destination: packet.subarray(16, 20) };
}

function layer6(packet: Uint8Array): Layer | DecodeObjection {
  const header = 40;
  if (packet.length < header + headerBytes) return 'too-short';
  const total = header + word(packet, 4);
  if (total > packet.length || total < header + headerBytes) return 'ip-length';
  if (packet[6] !== vrrpProtocol) return 'protocol';
  // keepalived sends IPv6 unicast with the system's default, 64, and checks nothing there. From the same link it arrives
  // so; a sender behind routers could arrange for it, too, and only a signature keeps that one out.
  const unicast = packet[24] !== 0xff;
  if (packet[7] !== 255 && !(unicast && packet[7] === 64)) return 'ttl';
  const payload = packet.subarray(header, total);
  return { family: 6, payload, source: packet.subarray(8, 24), destination: packet.subarray(24, 40) };
}

/** Where things are in a payload that was found complete. */
interface Shape {
  readonly version: 2 | 3;
  readonly width: 4 | 16;
  readonly addressesEnd: number;
  readonly end: number;
}

function decodePayload(layer: Layer): DecodedAdvert {
  const shape = shapeOf(layer);
  if (typeof shape === 'string') return { ok: false, reason: shape };
  const summed = checkSum(layer, shape);
  if (summed === 'wrong') return { ok: false, reason: 'checksum' };
  const { payload } = layer;
  const { version, addressesEnd, end } = shape;
  const [, routerId = 0, priority = 0, , authType = 0, seconds = 0] = payload;
  const intervalMs = version === 2 ? seconds * 1000 : (word(payload, 4) & 0xfff) * 10;
  if (intervalMs === 0) return { ok: false, reason: 'interval' };
  return {
    ok: true,
    advert: {
      version,
      routerId,
      priority,
      intervalMs,
      addresses: addressesOf(payload, shape),
      family: layer.family,
      source: layer.source.slice(),
      destination: layer.destination.slice(),
      dialect: summed === 'right' ? undefined : summed,
      authType: version === 2 ? authType : 0,
      authData: payload.slice(addressesEnd, end),
      message: payload.subarray(0, end),
      trailer: trailerOf(payload, end),
    },
  };
}

function shapeOf({ payload, family }: Layer): Shape | DecodeObjection {
  const [versionType = 0, , , count = 0] = payload;
  const version = versionType >> 4;
  // Version 2 is of IPv4 only.
  if (version !== 3 && !(version === 2 && family === 4)) return 'version';
  if ((versionType & 15) !== 1) return 'type';
  if (count === 0) return 'address-count';
  const width = family === 4 ? 4 : 16;
  const addressesEnd = headerBytes + width * count;
  const end = addressesEnd + (version === 2 ? authDataBytes : 0);
  return payload.length < end ? 'truncated' : { version, width, addressesEnd, end };
}

function addressesOf(payload: Uint8Array, { width, addressesEnd }: Shape): readonly IpBytes[] {
  const addresses: IpBytes[] = [];
  for (let at = headerBytes; at < addressesEnd; at += width) addresses.push(payload.slice(at, at + width));
  return addresses;
}

/** Zeros are padding: the first byte of a trailer is not 0. */
function trailerOf(payload: Uint8Array, end: number): Uint8Array | undefined {
  return payload.length === end + trailerBytes && payload[end] !== 0 ? payload.subarray(end) : undefined;
}

/**
 * The dialect under which the checksum is right, or `right` where there is only one. Over IPv4 it covers the message
 * without the trailer, and where there is none also the padding, as some senders include it; over IPv6 all.
 */
function checkSum(
  { family, payload, source, destination }: Layer,
  { version, end }: Shape,
): ChecksumDialect | 'right' | 'wrong' {
  const right = (length: number, dialect: ChecksumDialect): boolean => {
    const pseudo = pseudoSum({ source, destination, dialect }, length);
    return finishSum(sumWords(payload.subarray(0, length)) + pseudo) === 0;
  };
  if (family === 6) return right(payload.length, 'pseudo-header') ? 'right' : 'wrong';
  const padded = payload.length > end && trailerOf(payload, end) === undefined;
  const lengths = padded ? [end, payload.length] : [end];
  if (version === 2) return lengths.some((length) => right(length, 'message-only')) ? 'right' : 'wrong';
  return dialects.find((dialect) => lengths.some((length) => right(length, dialect))) ?? 'wrong';
}
