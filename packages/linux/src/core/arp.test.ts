import { describe, expect, it } from 'vitest';
import { decodeArp, encodeArp, encodeGratuitousArp, encodePacketAddress } from './arp.ts';

const MAC = Uint8Array.of(2, 0xfc, 0, 0, 0, 1);

describe('ARP codec', () => {
  it('encodes a gratuitous request as one broadcast frame', () => {
    expect(Buffer.from(encodeGratuitousArp('request', MAC, '192.168.1.200')).toString('hex')).toBe(
      'ffffffffffff02fc000000010806000108000604000102fc00000001c0a801c8000000000000c0a801c8',
    );
  });

  it('encodes a gratuitous reply with its own MAC as target', () => {
    expect(decodeArp(encodeGratuitousArp('reply', MAC, '10.0.0.1'))).toEqual({
      operation: 'reply',
      senderMac: MAC,
      senderIp: '10.0.0.1',
      targetMac: MAC,
      targetIp: '10.0.0.1',
    });
  });

  it('round-trips a question', () => {
    const question = {
      operation: 'request',
      senderMac: MAC,
      senderIp: '10.0.0.1',
      targetMac: new Uint8Array(6),
      targetIp: '10.0.0.2',
    } as const;
    expect(decodeArp(encodeArp(question, MAC))).toEqual(question);
  });

  it('gives null for every truncation, other types and other operations', () => {
    const frame = encodeGratuitousArp('request', MAC, '10.0.0.1');
    for (let length = 0; length < 42; length++) expect(decodeArp(frame.subarray(0, length))).toBeNull();
    for (const at of [12, 13, 14, 15, 16, 18, 19, 20]) {
      const wrong = frame.slice();
      wrong[at] = (wrong[at] ?? 0) ^ 0x10;
      expect(decodeArp(wrong)).toBeNull();
    }
  });

  it('refuses IPv6 with LB_KERNEL_BAD_ADDRESS', () => {
    expect(() => encodeGratuitousArp('request', MAC, '::1')).toThrow(
      expect.objectContaining({ code: 'LB_KERNEL_BAD_ADDRESS' }),
    );
  });

  it('encodes sockaddr_ll', () => {
    expect([...encodePacketAddress(4)]).toEqual([
      17, 0, 8, 6, 4, 0, 0, 0, 0, 0, 0, 6, 255, 255, 255, 255, 255, 255, 0, 0,
    ]);
  });
});
