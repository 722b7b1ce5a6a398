// VRRPv3 adverts for IPv6, until core/advert.ts knows both families. RFC 9568 section 5.2. Pure.
import { finishSum, formatIp, parseIp, pseudoSum6, sumWords } from '@tospann/linux';

const headerBytes = 8;
const addressBytes = 16;
const ipHeaderBytes = 40;
const protocol = 112;

export interface Advert6 {
  readonly routerId: number;
  readonly priority: number;
  readonly intervalMs: number;
  readonly addresses: readonly string[];
}

export function encodeAdvert6(advert: Advert6, source: string, destination: string): Uint8Array {
  const { routerId, priority, intervalMs, addresses } = advert;
  const centiseconds = Math.floor(intervalMs / 10);
  const bytes = new Uint8Array(new ArrayBuffer(headerBytes + addressBytes * addresses.length));
  bytes.set([0x31, routerId, priority, addresses.length, centiseconds >> 8, centiseconds & 255]);
  addresses.forEach((address, index) => bytes.set(parseIp(address), headerBytes + addressBytes * index));
  const pseudo = pseudoSum6(parseIp(source), parseIp(destination), { length: bytes.length, protocol });
  const sum = finishSum(sumWords(bytes, pseudo));
  bytes[6] = sum >> 8;
  bytes[7] = sum & 255;
  return bytes;
}

export type Decoded6 =
  | {
      readonly ok: true;
      readonly advert: Advert6 & { readonly source: Uint8Array; readonly destination: Uint8Array };
    }
  | { readonly ok: false; readonly reason: string };

/** Decodes a packet with its (made) IPv6 header. Never throws. */
export function decodeAdvert6(packet: Uint8Array): Decoded6 {
  const body = packet.subarray(ipHeaderBytes);
  const reason = objection(packet, body);
  if (reason !== undefined) return { ok: false, reason };
  const count = body[3] ?? 0;
  const at = (index: number): Uint8Array =>
    body.subarray(headerBytes + addressBytes * index, headerBytes + addressBytes * (index + 1));
  return {
    ok: true,
    advert: {
      routerId: body[1] ?? 0,
      priority: body[2] ?? 0,
      intervalMs: ((((body[4] ?? 0) & 15) << 8) | (body[5] ?? 0)) * 10,
      addresses: Array.from({ length: count }, (_, index) => formatIp(at(index))),
      source: packet.slice(8, 24),
      destination: packet.slice(24, 40),
    },
  };
}

function objection(packet: Uint8Array, body: Uint8Array): string | undefined {
  if (body.length < headerBytes) return 'too-short';
  if (packet[7] !== 255) return 'ttl';
  const [versionType = 0, , , count = 0, high = 0, low = 0] = body;
  if (versionType >> 4 !== 3) return 'version';
  if ((versionType & 15) !== 1) return 'type';
  if (count === 0) return 'address-count';
  if (body.length < headerBytes + addressBytes * count) return 'truncated';
  const pseudo = pseudoSum6(packet.subarray(8, 24), packet.subarray(24, 40), { length: body.length, protocol });
  if (finishSum(sumWords(body, pseudo)) !== 0) return 'checksum';
  return (high & 15) === 0 && low === 0 ? 'interval' : undefined;
}
