// The PROXY protocol, reading: versions 1 and 2 as haproxy.org/download/3.0/doc/proxy-protocol.txt says, strictly. A
// header says for whom a connection was opened. Bytes come from the start of a connection; the caller keeps them
// until the header is whole. Pure.
import { text } from '../bytes.ts';
import { crc32c } from './crc32c.ts';
import { ipBytes, ipText } from './ip.ts';

/** A version 1 line with its CR LF has at most so many bytes (section 2.1). */
export const MAX_V1_BYTES = 107;
/** Results of `decode` that are not a length. */
export const ProxyHeader = { MORE: 0, BROKEN: -1 } as const;

const V1_PREFIX = Uint8Array.of(80, 82, 79, 88, 89, 32);
/** The twelve bytes that begin version 2. */
export const V2_SIGNATURE = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10);
const V2_FIXED_BYTES = 16;
/** Bytes of the addresses, by address family: unspecified, IPv4, IPv6, unix. */
const ADDRESS_BYTES = [0, 12, 36, 216];
const TLV_CRC32C = 3;

/** Addresses of a connection that somebody passes on. Literals as `ipText` writes them. */
export interface ProxyAddresses {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

/** A decoded header. `addresses` is null when it names none (LOCAL, UNKNOWN, unix): those of the connection count. */
export interface DecodedProxyHeader {
  /** Bytes of the header; or `ProxyHeader.MORE`, `ProxyHeader.BROKEN`. */
  readonly length: number;
  readonly addresses: ProxyAddresses | null;
}

const MORE: DecodedProxyHeader = { length: ProxyHeader.MORE, addresses: null };
const BROKEN: DecodedProxyHeader = { length: ProxyHeader.BROKEN, addresses: null };

/**
 * Decodes the header at the start of `bytes`.
 *
 * @param bytes All that has come on the connection so far; what follows the header is not looked at.
 */
export function decodeProxyHeader(bytes: Uint8Array): DecodedProxyHeader {
  if (bytes.length === 0) return MORE;
  if (bytes[0] === V1_PREFIX[0]) return decodeV1(bytes);
  return decodeV2(bytes);
}

function beginsLike(bytes: Uint8Array, prefix: Uint8Array): boolean {
  const length = Math.min(bytes.length, prefix.length);
  for (let i = 0; i < length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

function decodeV1(bytes: Uint8Array): DecodedProxyHeader {
  if (!beginsLike(bytes, V1_PREFIX)) return BROKEN;
  const limit = Math.min(bytes.length, MAX_V1_BYTES);
  let end = 0;
  while (end < limit && bytes[end] !== 13) end++;
  if (end === limit) return limit === MAX_V1_BYTES ? BROKEN : MORE;
  if (end + 2 > MAX_V1_BYTES) return BROKEN;
  if (end + 1 === bytes.length) return MORE;
  if (bytes[end + 1] !== 10) return BROKEN;
  const line = text(bytes, V1_PREFIX.length, end);
  const length = end + 2;
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) return { length, addresses: null };
  const addresses = v1Addresses(line);
  return addresses === null ? BROKEN : { length, addresses };
}

function v1Addresses(line: string): ProxyAddresses | null {
  const parts = line.split(' ');
  if (parts.length !== 5) return null;
  const [family = '', from = '', to = '', fromPort = '', toPort = ''] = parts;
  if (family !== 'TCP4' && family !== 'TCP6') return null;
  const isV6 = family === 'TCP6';
  if (from.includes(':') !== isV6 || to.includes(':') !== isV6) return null;
  const source = ipBytes(from);
  const destination = ipBytes(to);
  if (source === null || destination === null || !isPort(fromPort) || !isPort(toPort)) return null;
  return {
    source: ipText(source),
    sourcePort: Number(fromPort),
    destination: ipText(destination),
    destinationPort: Number(toPort),
  };
}

function isPort(digits: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(digits) && Number(digits) <= 65_535;
}

function decodeV2(bytes: Uint8Array): DecodedProxyHeader {
  if (!beginsLike(bytes, V2_SIGNATURE)) return BROKEN;
  const command = bytes[12];
  if (command !== undefined && command !== 0x20 && command !== 0x21) return BROKEN;
  const family = bytes[13] ?? 0;
  // LOCAL: the sender speaks for itself; whatever stands there is skipped, families of later versions too (section 2.2).
  const isLocal = command === 0x20;
  if (!isLocal && (family >> 4 > 3 || (family & 15) > 2)) return BROKEN;
  if (bytes.length < V2_FIXED_BYTES) return MORE;
  // Whatever further fields there are: only peers that the configuration names come so far.
  const length = V2_FIXED_BYTES + ((bytes[14]! << 8) | bytes[15]!);
  if (bytes.length < length) return MORE;
  const header = bytes.subarray(0, length);
  if (isLocal) return { length, addresses: null };
  const fields = V2_FIXED_BYTES + ADDRESS_BYTES[family >> 4]!;
  if (fields > length || !fieldsAreWhole(header, fields)) return BROKEN;
  return { length, addresses: v2Addresses(header, family) };
}

/** Addresses of a TCP connection; for datagrams and unix sockets the connection's own are kept. */
function v2Addresses(header: Uint8Array, family: number): ProxyAddresses | null {
  if (family !== 0x11 && family !== 0x21) return null;
  const size = family === 0x11 ? 4 : 16;
  const at = (index: number): string => {
    const ip = new Uint8Array(16);
    if (size === 4) ip.fill(255, 10, 12);
    const from = V2_FIXED_BYTES + index * size;
    ip.set(header.subarray(from, from + size), 16 - size);
    return ipText(ip);
  };
  const ports = V2_FIXED_BYTES + 2 * size;
  return {
    source: at(0),
    sourcePort: (header[ports]! << 8) | header[ports + 1]!,
    destination: at(1),
    destinationPort: (header[ports + 2]! << 8) | header[ports + 3]!,
  };
}

/** Whether the further fields (TLVs) end where the header does; a checksum among them must be right (section 2.2.3). */
function fieldsAreWhole(header: Uint8Array, from: number): boolean {
  let at = from;
  while (at < header.length) {
    if (at + 3 > header.length) return false;
    const length = (header[at + 1]! << 8) | header[at + 2]!;
    const value = at + 3;
    if (value + length > header.length) return false;
    if (header[at] === TLV_CRC32C && !(length === 4 && checksumIsRight(header, value))) return false;
    at = value + length;
  }
  return true;
}

function checksumIsRight(header: Uint8Array, at: number): boolean {
  const copy = header.slice();
  copy.fill(0, at, at + 4);
  const sum = crc32c(copy);
  return new DataView(header.buffer, header.byteOffset + at, 4).getUint32(0) === sum;
}
