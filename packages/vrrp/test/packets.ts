// Test helper: packets as a raw socket gives them, both families, and one wall clock for all. No sockets.
import { parseIp } from '@tospann/linux';

/** An IPv4 or IPv6 packet of protocol 112 around a payload; addresses as text or bytes. */
export function ipPacket(payload: Uint8Array, from: string | Uint8Array, to: string | Uint8Array): Uint8Array {
  const source = typeof from === 'string' ? parseIp(from) : from;
  const destination = typeof to === 'string' ? parseIp(to) : to;
  const header = source.length === 4 ? 20 : 40;
  const packet = new Uint8Array(header + payload.length);
  if (header === 20) {
    packet.set([0x45, 0xc0, packet.length >> 8, packet.length & 255, 0, 0, 0, 0, 255, 112]);
    packet.set(source, 12);
    packet.set(destination, 16);
  } else {
    packet.set([0x60, 0, 0, 0, payload.length >> 8, payload.length & 255, 112, 255]);
    packet.set(source, 8);
    packet.set(destination, 24);
  }
  packet.set(payload, header);
  return packet;
}
