// struct sockaddr_in and sockaddr_in6 as bytes, both ways. Pure; host order fields are little-endian (x86_64, arm64).
import { TospannError } from '@tospann/errors';
import { formatIp, parseIp } from './ip-text.ts';

export const AF_INET = 2;
export const AF_INET6 = 10;

/** An address and port, as text and number. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
  /** The interface's index, which a link-local IPv6 address needs. Default 0: none. */
  readonly scope?: number;
}

/**
 * Encodes for bind, connect and sendto.
 *
 * @returns 16 bytes (IPv4) or 28 bytes (IPv6).
 * @throws {TospannError} LB_KERNEL_BAD_ADDRESS.
 */
export function encodeSockaddr({ address, port, scope = 0 }: SocketAddress): Uint8Array {
  const ip = parseIp(address);
  const bytes = new Uint8Array(ip.length === 4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, ip.length === 4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port, false);
  bytes.set(ip, ip.length === 4 ? 4 : 8);
  if (ip.length === 16) view.setUint32(24, scope, true);
  return bytes;
}

/**
 * Decodes what getpeername, getsockname or recvfrom wrote.
 *
 * @param bytes At least the length that the kernel reported.
 * @throws {TospannError} LB_KERNEL_BAD_ADDRESS when the family is neither IPv4 nor IPv6, or bytes are missing.
 */
export function decodeSockaddr(bytes: Uint8Array): SocketAddress {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = bytes.length >= 16 ? view.getUint16(0, true) : 0;
  if (family === AF_INET) return { address: formatIp(bytes.subarray(4, 8)), port: view.getUint16(2, false) };
  if (family === AF_INET6 && bytes.length >= 28) {
    return { address: formatIp(bytes.subarray(8, 24)), port: view.getUint16(2, false) };
  }
  throw new TospannError('LB_KERNEL_BAD_ADDRESS', { address: `family ${family}, ${bytes.length} bytes` });
}
