// CRC-32C (Castagnoli), as the PROXY protocol's checksum field has it. Bit by bit: it is asked once a connection at
// most, over some hundred bytes.

/** The checksum of all bytes, 0..2^32-1. */
export function crc32c(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (0x82f63b78 & -(sum & 1));
  }
  return ~sum >>> 0;
}
