// An IPv4 packet around a VRRP message, as a raw socket gives it. For tests.
import { writeAddress } from '../src/core/ipv4.ts';

/** Wraps a VRRP message as the raw socket gives it. */
export function ipPacket(payload: Uint8Array, source: number, destination: number): Uint8Array {
  const packet = new Uint8Array(20 + payload.length);
  packet[0] = 0x45;
  packet[1] = 0xc0;
  packet[2] = packet.length >> 8;
  packet[3] = packet.length & 255;
  packet[8] = 255;
  packet[9] = 112;
  writeAddress(packet, 12, source);
  writeAddress(packet, 16, destination);
  packet.set(payload, 20);
  return packet;
}
