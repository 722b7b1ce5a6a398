// Addresses as the PROXY protocol has them: text and 16 bytes in network order (IPv4 as ::ffff:a.b.c.d). Literals only,
// no zones. Asked once a connection.
import { latin1 } from '../bytes.ts';
import { addressText, readAddress, SourceAddress } from '../source.ts';

/** The 16 bytes of an IPv4 or IPv6 literal; null when the text is none (leading zeros in IPv4 are none either). */
export function ipBytes(text: string): Uint8Array | null {
  const address = new SourceAddress();
  if (!readAddress(latin1(text), 0, text.length, address)) return null;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  [address.a, address.b, address.c, address.d].forEach((word, i) => view.setInt32(i * 4, word));
  return bytes;
}

/** The text of 16 bytes; an IPv4-mapped address becomes its IPv4 text. */
export function ipText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const address = new SourceAddress();
  address.a = view.getInt32(0);
  address.b = view.getInt32(4);
  address.c = view.getInt32(8);
  address.d = view.getInt32(12);
  return addressText(address);
}

/** Whether 16 bytes are an IPv4 address. */
export function isIpv4(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 255 && bytes[11] === 255;
}
