// IPv4 addresses as unsigned 32-bit numbers in host order, as the election compares them (RFC 9568 section 6.4.3).
// Not a validator of configuration: the schema has done that; wrong text here is a typed error. Pure.
import { TospannError } from '@tospann/errors';

/** The multicast group of VRRP for IPv4, 224.0.0.18. */
export const vrrpGroup = 0xe0000012;

/**
 * Reads dotted text such as `192.168.1.200`.
 *
 * @returns The address as an unsigned number, first octet highest.
 * @throws {TospannError} LB_KERNEL_BAD_ADDRESS.
 */
export function parseAddress(text: string): number {
  const parts = text.split('.');
  let value = 0;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255)
      throw new TospannError('LB_KERNEL_BAD_ADDRESS', { address: text });
    value = value * 256 + Number(part);
  }
  if (parts.length !== 4) throw new TospannError('LB_KERNEL_BAD_ADDRESS', { address: text });
  return value;
}

/** Writes an address as dotted text. */
export function formatAddress(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Reads four bytes in network order as an unsigned number. */
export function readAddress(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}

/** Writes an address as four bytes in network order. */
export function writeAddress(bytes: Uint8Array, at: number, address: number): void {
  bytes[at] = address >>> 24;
  bytes[at + 1] = (address >>> 16) & 255;
  bytes[at + 2] = (address >>> 8) & 255;
  bytes[at + 3] = address & 255;
}
