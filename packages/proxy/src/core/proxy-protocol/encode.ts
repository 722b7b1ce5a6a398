// The PROXY protocol, writing: the header that begins a connection to a server with `sendProxy`. Version 1 is a line of
// text, version 2 is binary without further fields. Made once a connection. Pure.
import { latin1 } from '../bytes.ts';
import { V2_SIGNATURE, type ProxyAddresses } from './decode.ts';
import { ipBytes, ipText, isIpv4 } from './ip.ts';

/**
 * The header for a connection.
 *
 * @param addresses Of the client's connection; null: the proxy speaks for itself (a health check), or they are unknown.
 */
export function encodeProxyHeader(version: 'v1' | 'v2', addresses: ProxyAddresses | null): Uint8Array {
  const source = addresses === null ? null : ipBytes(addresses.source);
  const destination = addresses === null ? null : ipBytes(addresses.destination);
  if (addresses === null || source === null || destination === null) return version === 'v1' ? UNKNOWN : LOCAL;
  const v4 = isIpv4(source) && isIpv4(destination);
  const { sourcePort, destinationPort } = addresses;
  if (version === 'v1') {
    // Of two families the IPv4 one is written as a mapped address.
    const [from, to] = v4 ? [ipText(source), ipText(destination)] : [ipv6Text(source), ipv6Text(destination)];
    return latin1(`PROXY ${v4 ? 'TCP4' : 'TCP6'} ${from} ${to} ${sourcePort} ${destinationPort}\r\n`);
  }
  const size = v4 ? 4 : 16;
  const header = new Uint8Array(16 + 2 * size + 4);
  header.set(V2_SIGNATURE);
  header[12] = 0x21;
  header[13] = v4 ? 0x11 : 0x21;
  header[15] = header.length - 16;
  header.set(source.subarray(16 - size), 16);
  header.set(destination.subarray(16 - size), 16 + size);
  const view = new DataView(header.buffer);
  view.setUint16(16 + 2 * size, sourcePort);
  view.setUint16(18 + 2 * size, destinationPort);
  return header;
}

/**
 * The header that begins a health check's connection: the proxy asks for itself. Version 2 says LOCAL, version 1, which
 * has no such word, UNKNOWN: servers then take the connection's own addresses.
 */
export function checkProxyHeader(version: 'v1' | 'v2'): Uint8Array {
  return encodeProxyHeader(version, null);
}

function ipv6Text(bytes: Uint8Array): string {
  return isIpv4(bytes) ? `::ffff:${ipText(bytes)}` : ipText(bytes);
}

const UNKNOWN = latin1('PROXY UNKNOWN\r\n');
const LOCAL = Uint8Array.of(...V2_SIGNATURE, 0x20, 0, 0, 0);
