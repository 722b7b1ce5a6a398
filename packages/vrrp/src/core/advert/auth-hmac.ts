// The HMAC trailer of authenticated adverts, in the wire format of keepalived 2.4's auth_hmac; versions 2 and 3, both
// families, unicast and multicast. Not the replay window (replay.ts), not where keys come from (io). Pure: the hash
// function is handed in.
//
// 28 bytes directly after the VRRP message:
//   0      type: 1 = HMAC-SHA256, cut to its first 16 bytes
//   1      id of the key, 1..255: the receiver looks the key up, so that two can be valid while one is changed
//   2..3   reserved, 0
//   4..11  sequence: UTC seconds (4 bytes), 1/65536 s (2), a counter for equal times (2); grows with each advert
//   12..27 the MAC
// It covers, in this order: 20 bytes that bind it to its stream {family 4 or 6, version, router id, 0, source address,
// zeros up to 16 bytes}; the message with a checksum of 0 (over IPv6 the kernel writes that after we have signed); the
// first 12 bytes of the trailer; 16 zero bytes. The destination is not covered: a copy for each peer may share a MAC.
import type { IpBytes } from './ip.ts';

/** HMAC-SHA256 of some bytes. */
export type Hmac = (key: Uint8Array, bytes: Uint8Array) => Uint8Array;

export const trailerBytes = 28;
const trailerType = 1;
const pseudoBytes = 20;
const unsignedBytes = 12;
const macBytes = 16;
const checksumAt = 6;

/** What a MAC is bound to beside the bytes of the message. */
export interface HmacBinding {
  readonly version: 2 | 3;
  readonly routerId: number;
  readonly source: IpBytes;
}

/** A trailer that is well formed; whether its MAC is right is another question. */
export interface Trailer {
  readonly keyId: number;
  readonly sequence: bigint;
}

/** Reads type, key id and sequence; undefined when it is not a trailer of this format. */
export function readTrailer(trailer: Uint8Array): Trailer | undefined {
  if (trailer.length !== trailerBytes || trailer[0] !== trailerType || trailer[2] !== 0 || trailer[3] !== 0)
    return undefined;
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  return { keyId: trailer[1] ?? 0, sequence: view.getBigUint64(4) };
}

/**
 * Makes the trailer of a message.
 *
 * @param message With any checksum: that is taken as 0.
 * @returns 28 bytes.
 */
export function hmacTrailer(
  message: Uint8Array,
  binding: HmacBinding,
  sign: Trailer & { readonly key: Uint8Array; readonly hmac: Hmac },
): Uint8Array {
  const trailer = new Uint8Array(trailerBytes);
  trailer.set([trailerType, sign.keyId]);
  new DataView(trailer.buffer).setBigUint64(4, sign.sequence);
  trailer.set(macOf(message, trailer, { ...binding, ...sign }), unsignedBytes);
  return trailer;
}

/** Whether a trailer's MAC is that of the message under this key, compared in constant time. */
export function isAuthentic(
  message: Uint8Array,
  trailer: Uint8Array,
  by: HmacBinding & { readonly key: Uint8Array; readonly hmac: Hmac },
): boolean {
  return sameBytes(trailer.subarray(unsignedBytes), macOf(message, trailer, by));
}

function macOf(
  message: Uint8Array,
  trailer: Uint8Array,
  by: HmacBinding & { readonly key: Uint8Array; readonly hmac: Hmac },
): Uint8Array {
  const { source, version, routerId } = by;
  const input = new Uint8Array(pseudoBytes + message.length + trailerBytes);
  input.set([source.length === 16 ? 6 : 4, version, routerId, 0]);
  input.set(source, 4);
  input.set(message, pseudoBytes);
  input.fill(0, pseudoBytes + checksumAt, pseudoBytes + checksumAt + 2);
  input.set(trailer.subarray(0, unsignedBytes), pseudoBytes + message.length);
  return by.hmac(by.key, input).subarray(0, macBytes);
}

/** Compares without telling by its time where the first difference is. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at++) difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return difference === 0;
}
