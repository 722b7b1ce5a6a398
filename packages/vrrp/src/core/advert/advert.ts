// What an advertisement is, and its encoder: VRRPv3 for IPv4 and IPv6, VRRPv2 for IPv4, with the three IPv4 checksums
// that are in use. Not the decoder (advert-decode.ts), not the HMAC trailer (auth-hmac.ts makes it). RFC 9568 section
// 5, RFC 5798 section 5.2.8 (the pseudo-header), RFC 3768 and 2338 for version 2. Pure; the caller owns the sockets.
import { TospannError } from '@tospann/errors';
import { finishSum, sumWords, vrrpGroup4, vrrpProtocol, type IpBytes } from './ip.ts';

/**
 * How the checksum of VRRPv3 over IPv4 is made: over the pseudo-header with the real destination (keepalived, FRR), with
 * 224.0.0.18 whatever the destination (old keepalived in unicast), or over the message alone (RFC 9568, Cisco, Juniper).
 * VRRPv2 is always over the message alone, IPv6 always with its pseudo-header.
 */
export type ChecksumDialect = 'pseudo-header' | 'pseudo-header-group' | 'message-only';

/**
 * One advertisement; its addresses are all of one family, which is that of the packet. `intervalMs` is a multiple of 10
 * from 10 to 40950 in version 3, of 1000 from 1000 to 255000 in version 2.
 */
export interface Advert {
  readonly version: 2 | 3;
  readonly routerId: number;
  readonly priority: number;
  readonly intervalMs: number;
  readonly addresses: readonly IpBytes[];
}

/** Where an advert goes and how it is summed; the dialect counts for version 3 over IPv4 only. */
export interface AdvertRoute {
  readonly source: IpBytes;
  readonly destination: IpBytes;
  readonly dialect: ChecksumDialect;
}

/** How an advert proves who sent it. */
export type AdvertProof =
  | { readonly type: 'none' }
  /** Version 2: 8 bytes, filled up with zeros (`passwordBytes`). */
  | { readonly type: 'password'; readonly password: Uint8Array }
  /** Makes the trailer of a message whose checksum is 0 (`hmacTrailer`). */
  | { readonly type: 'trailer'; readonly trailerOf: (message: Uint8Array) => Uint8Array };

export const headerBytes = 8;
/** Authentication data of version 2: always there, zeros without a password. */
export const authDataBytes = 8;

const noProof: AdvertProof = { type: 'none' };

/**
 * Encodes one advertisement as the payload of an IP packet (the kernel makes the IP header).
 *
 * @returns Message and trailer, network order, checksum filled in. The IPv6 checksum covers the trailer, that of IPv4
 * does not: so keepalived 2.4 sends them.
 * @throws {TospannError} LB_VRRP_ADVERT_INVALID: a value does not fit its field.
 * @see RFC 9568 section 5.2
 */
export function encodeAdvert(
  advert: Advert,
  route: AdvertRoute,
  proof: AdvertProof = noProof,
): Uint8Array<ArrayBuffer> {
  checkAdvert(advert);
  const message = messageOf(advert, proof);
  const trailer = proof.type === 'trailer' ? proof.trailerOf(message) : new Uint8Array(0);
  const bytes = new Uint8Array(message.length + trailer.length);
  bytes.set(message);
  bytes.set(trailer, message.length);
  const covered = route.source.length === 16 ? bytes : message;
  const pseudo = pseudoSum(
    { ...route, dialect: advert.version === 2 ? 'message-only' : route.dialect },
    covered.length,
  );
  const sum = finishSum(sumWords(covered) + pseudo);
  bytes[6] = sum >> 8;
  bytes[7] = sum & 255;
  return bytes;
}

/** The message with checksum 0. */
function messageOf(advert: Advert, proof: AdvertProof): Uint8Array {
  const { version, routerId, priority, intervalMs, addresses } = advert;
  const width = addresses[0]?.length ?? 4;
  const tail = version === 2 ? authDataBytes : 0;
  const bytes = new Uint8Array(headerBytes + width * addresses.length + tail);
  bytes.set([(version << 4) | 1, routerId, priority, addresses.length]);
  if (version === 3) {
    const centiseconds = Math.floor(intervalMs / 10);
    bytes.set([centiseconds >> 8, centiseconds & 255], 4);
  } else bytes.set([proof.type === 'password' ? 1 : 0, Math.floor(intervalMs / 1000)], 4);
  addresses.forEach((address, index) => bytes.set(address, headerBytes + width * index));
  if (version === 2 && proof.type === 'password') bytes.set(proof.password.subarray(0, tail), bytes.length - tail);
  return bytes;
}

/**
 * Sum of the pseudo-header's words: source, destination, length, protocol 112; 0 for the message alone. Of the same
 * form in both families.
 *
 * @param bytes How many bytes the checksum covers.
 */
export function pseudoSum(route: AdvertRoute, bytes: number): number {
  const four = route.source.length === 4;
  if (four && route.dialect === 'message-only') return 0;
  const destination = four && route.dialect === 'pseudo-header-group' ? vrrpGroup4 : route.destination;
  return sumWords(route.source) + sumWords(destination) + vrrpProtocol + bytes;
}

function checkAdvert({ version, routerId, priority, intervalMs, addresses }: Advert): void {
  checkRange('routerId', routerId, [1, 255]);
  checkRange('priority', priority, [0, 255]);
  checkRange('intervalMs', intervalMs, version === 3 ? [10, 40950] : [1000, 255_000]);
  checkRange('addresses', addresses.length, [1, 255]);
  const width = addresses[0]?.length ?? 0;
  checkRange('address length', width, version === 3 && width === 16 ? [16, 16] : [4, 4]);
  for (const address of addresses) checkRange('address length', address.length, [width, width]);
}

function checkRange(field: string, value: number, range: readonly [number, number]): void {
  if (Number.isInteger(value) && value >= range[0] && value <= range[1]) return;
  throw new TospannError('LB_VRRP_ADVERT_INVALID', {
    field,
    constraint: `an integer from ${range[0]} to ${range[1]}`,
    value,
  });
}
