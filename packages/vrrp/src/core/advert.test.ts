// The codec against a packet captured from keepalived, each dialect, every truncation and every flipped bit.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipPacket } from '../../test/simulation.ts';
import { decodeAdvert, encodeAdvert, type Advert, type ChecksumDialect } from './advert.ts';
import { parseAddress, vrrpGroup } from './ipv4.ts';
import { receiveAdvert, type ReceiveFilter } from './receive.ts';

const source = parseAddress('10.99.0.3');
const destination = parseAddress('10.99.0.2');
const dialects: readonly ChecksumDialect[] = ['pseudo-header', 'pseudo-header-group', 'message-only'];
const advert: Advert = { routerId: 51, priority: 200, intervalMs: 100, addresses: [parseAddress('10.99.0.100')] };

/** Captured with tcpdump from Debian's keepalived 2.2.7: priority 200, 0.1 s, 10.99.0.100. */
const keepalivedMulticast = '45c0002000010000ff70d0340a630003e00000123133c801000a11050a630064';

function packetOf(of: Advert, dialect: ChecksumDialect, to = destination): Uint8Array {
  return ipPacket(encodeAdvert(of, { source, destination: to, dialect }), source, to);
}

test('decodeAdvert() reads what keepalived 2.2.7 sends to the group', () => {
  const packet = Uint8Array.from(Buffer.from(keepalivedMulticast, 'hex'));
  expect(decodeAdvert(packet)).toEqual({
    ok: true,
    advert: { ...advert, source, destination: vrrpGroup, dialect: 'pseudo-header' },
  });
});

test('encodeAdvert() makes the bytes that keepalived 2.2.7 sends', () => {
  const bytes = encodeAdvert(advert, { source, destination: vrrpGroup, dialect: 'pseudo-header' });
  expect(Buffer.from(bytes).toString('hex')).toBe(keepalivedMulticast.slice(40));
});

test('decodeAdvert() gives back what encodeAdvert() took, in every dialect', () => {
  const adverts = fc.record({
    routerId: fc.integer({ min: 1, max: 255 }),
    priority: fc.integer({ min: 0, max: 255 }),
    intervalMs: fc.integer({ min: 1, max: 4095 }).map((centiseconds) => centiseconds * 10),
    addresses: fc.array(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 1, maxLength: 255 }),
  });
  fc.assert(
    fc.property(adverts, fc.constantFrom(...dialects), (of, dialect) => {
      expect(decodeAdvert(packetOf(of, dialect))).toEqual({
        ok: true,
        advert: { ...of, source, destination, dialect },
      });
    }),
  );
});

test('decodeAdvert() drops every truncation', () => {
  const packet = packetOf(advert, 'pseudo-header');
  for (let length = 0; length < packet.length; length++) {
    expect(decodeAdvert(packet.subarray(0, length)).ok).toBe(false);
    // Also when the IP header agrees with the shorter length.
    const shorter = packet.slice(0, length);
    if (length >= 4) new DataView(shorter.buffer).setUint16(2, length);
    expect(decodeAdvert(shorter).ok).toBe(false);
  }
});

test('decodeAdvert() drops every advert with one flipped bit', () => {
  for (const dialect of dialects) {
    const packet = packetOf(advert, dialect);
    for (let bit = 20 * 8; bit < packet.length * 8; bit++) {
      const broken = packet.slice();
      broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeAdvert(broken).ok).toBe(false);
    }
  }
});

test('decodeAdvert() ignores Ethernet padding after the IP length', () => {
  const padded = new Uint8Array(46);
  padded.set(packetOf(advert, 'message-only'));
  expect(decodeAdvert(padded)).toMatchObject({ ok: true, advert: { dialect: 'message-only' } });
});

test('decodeAdvert() and receiveAdvert() never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      decodeAdvert(bytes);
      expect(receiveAdvert(bytes, [filter]).ok).toBe(false);
    }),
    { numRuns: Number(process.env['VRRP_FUZZ'] ?? 5_000) },
  );
});

test('decodeAdvert() names the first reason in the order of the checks', () => {
  const good = packetOf(advert, 'pseudo-header');
  const changed = (at: number, value: number): Uint8Array => {
    const packet = good.slice();
    packet[at] = value;
    return packet;
  };
  const reasons = [
    [changed(0, 0x55), 'too-short'],
    [changed(3, 200), 'ip-length'],
    [changed(6, 0x20), 'fragment'],
    [changed(8, 254), 'ttl'],
    [changed(20, 0x21), 'version'],
    [changed(20, 0x32), 'type'],
    [changed(23, 0), 'address-count'],
    [changed(23, 9), 'truncated'],
    [changed(22, 1), 'checksum'],
  ] as const;
  expect(reasons.map(([packet]) => decodeAdvert(packet))).toEqual(reasons.map(([, reason]) => ({ ok: false, reason })));
});

test('encodeAdvert() throws LB_VRRP_ADVERT_INVALID when a value does not fit', () => {
  const route = { source, destination, dialect: 'pseudo-header' } as const;
  const wrong = [{ routerId: 0 }, { priority: 256 }, { intervalMs: 5 }, { addresses: [] }, { intervalMs: 41_000 }];
  for (const change of wrong)
    expect(() => encodeAdvert({ ...advert, ...change }, route)).toThrow(
      expect.objectContaining({ code: 'LB_VRRP_ADVERT_INVALID' }),
    );
});

const filter: ReceiveFilter = { routerId: 51, ownAddress: destination, peers: [source], transport: 'unicast' };

test('receiveAdvert() takes only an advert of a peer to us with our router id', () => {
  const good = packetOf(advert, 'pseudo-header');
  expect(receiveAdvert(good, [filter])).toMatchObject({ ok: true, index: 0 });
  const other = { ...filter, routerId: 7 };
  expect(receiveAdvert(good, [other, filter])).toMatchObject({ ok: true, index: 1 });
  expect(receiveAdvert(good, [other])).toEqual({ ok: false, index: -1, reason: 'router-id' });
  expect(receiveAdvert(good, [{ ...filter, ownAddress: source }])).toMatchObject({ index: 0, reason: 'own-source' });
  expect(receiveAdvert(good, [{ ...filter, peers: [1] }])).toMatchObject({ index: 0, reason: 'unknown-source' });
  expect(receiveAdvert(good, [{ ...filter, transport: 'multicast' }])).toMatchObject({ reason: 'transport' });
  const multicast = packetOf(advert, 'pseudo-header', vrrpGroup);
  expect(receiveAdvert(multicast, [{ ...filter, transport: 'multicast' }])).toMatchObject({ ok: true });
  expect(receiveAdvert(multicast, [filter])).toMatchObject({ reason: 'transport' });
});

test('receiveAdvert() counts a broken advert for the address that it claims', () => {
  const broken = packetOf(advert, 'pseudo-header');
  broken[27] = (broken[27] ?? 0) ^ 1;
  expect(receiveAdvert(broken, [{ ...filter, routerId: 7 }, filter])).toEqual({
    ok: false,
    index: 1,
    reason: 'checksum',
  });
});
