// The unsolicited neighbour advertisement, byte by byte and both ways.
import { describe, expect, it } from 'vitest';
import { decodeNeighbourAdvertisement, encodeNeighbourAdvertisement } from './ndp.ts';

const mac = Uint8Array.of(2, 0, 0, 0, 0, 0x51);

describe('encodeNeighbourAdvertisement', () => {
  it('goes to all nodes with hop limit 255, override and the link-layer option', () => {
    const frame = encodeNeighbourAdvertisement(mac, 'fd00:9::100', false);
    expect(frame.length).toBe(86);
    expect([...frame.subarray(0, 14)]).toEqual([0x33, 0x33, 0, 0, 0, 1, ...mac, 0x86, 0xdd]);
    expect([...frame.subarray(14, 22)]).toEqual([0x60, 0, 0, 0, 0, 32, 58, 255]);
    expect([...frame.subarray(54, 56)]).toEqual([136, 0]);
    expect([...frame.subarray(78, 86)]).toEqual([2, 1, ...mac]);
    expect(decodeNeighbourAdvertisement(frame)).toEqual({
      source: 'fd00:9::100',
      destination: 'ff02::1',
      target: 'fd00:9::100',
      mac,
      router: false,
      solicited: false,
      override: true,
    });
  });

  it('has the checksum that is right by hand for fe80::1', () => {
    // Pseudo-header: fe80 + 1 (source), ff02 + 1 (destination), 32, 58; message: 8800, 2000 (flags), fe80 + 1 (target),
    // 0201 0200 0000 0051 (option). Sum 0x3a8b1... folded and complemented.
    const sum = 0xfe80 + 1 + 0xff02 + 1 + 32 + 58 + 0x8800 + 0x2000 + 0xfe80 + 1 + 0x0201 + 0x0200 + 0x0051;
    const folded = (sum & 0xffff) + (sum >> 16);
    const frame = encodeNeighbourAdvertisement(mac, 'fe80::1', false);
    expect(((frame[56] ?? 0) << 8) | (frame[57] ?? 0)).toBe(~folded & 0xffff);
  });

  it('keeps the router flag of a node that forwards', () => {
    const frame = encodeNeighbourAdvertisement(mac, 'fd00:9::100', true);
    expect(decodeNeighbourAdvertisement(frame)).toMatchObject({ router: true, override: true });
  });

  it('refuses IPv4', () => {
    expect(() => encodeNeighbourAdvertisement(mac, '10.0.0.1', false)).toThrow(
      expect.objectContaining({ code: 'LB_KERNEL_BAD_ADDRESS' }),
    );
  });
});

describe('decodeNeighbourAdvertisement', () => {
  it('is null for any cut and for any single wrong bit of the packet', () => {
    const frame = encodeNeighbourAdvertisement(mac, 'fd00:9::100', false);
    for (let length = 0; length < frame.length; length++)
      expect(decodeNeighbourAdvertisement(frame.subarray(0, length))).toBeNull();
    for (let at = 54; at < frame.length; at++) {
      const wrong = frame.slice();
      wrong[at] = (wrong[at] ?? 0) ^ 0x10;
      expect(decodeNeighbourAdvertisement(wrong)).toBeNull();
    }
  });
});
