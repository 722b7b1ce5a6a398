// The codec against packets captured from keepalived, each dialect, both versions and families, every truncation and
// every flipped bit.
import { parseIp } from '@tospann/linux';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipPacket } from '../../../test/packets.ts';
import { decodeAdvert } from './advert-decode.ts';
import { encodeAdvert, type Advert, type AdvertProof, type ChecksumDialect } from './advert.ts';
import { passwordBytes } from './auth-password.ts';
import { vrrpGroup4, vrrpGroup6 } from './ip.ts';

const source = parseIp('10.99.0.3');
const destination = parseIp('10.99.0.2');
const dialects: readonly ChecksumDialect[] = ['pseudo-header', 'pseudo-header-group', 'message-only'];
const advert: Advert = {
  version: 3,
  routerId: 51,
  priority: 200,
  intervalMs: 100,
  addresses: [parseIp('10.99.0.100')],
};
const advert2: Advert = { ...advert, version: 2, intervalMs: 1000 };
const advert6: Advert = { ...advert, addresses: [parseIp('fe80::100'), parseIp('2001:db8::100')] };
const route6 = { source: parseIp('fe80::3'), destination: vrrpGroup6, dialect: 'message-only' } as const;
const password: AdvertProof = { type: 'password', password: passwordBytes('secret') };

/** Captured with tcpdump from Debian's keepalived 2.2.7: priority 200, 0.1 s, 10.99.0.100. */
const keepalivedMulticast = '45c0002000010000ff70d0340a630003e00000123133c801000a11050a630064';

function packetOf(of: Advert, dialect: ChecksumDialect, to = destination): Uint8Array {
  return ipPacket(encodeAdvert(of, { source, destination: to, dialect }), source, to);
}

/** One good packet of each kind that we send. */
const packets: Readonly<Record<string, Uint8Array>> = {
  ...Object.fromEntries(dialects.map((dialect) => [`version 3, ${dialect}`, packetOf(advert, dialect)])),
  'version 2': packetOf(advert2, 'pseudo-header'),
  'version 2, password': ipPacket(
    encodeAdvert(advert2, { source, destination, dialect: 'pseudo-header' }, password),
    source,
    destination,
  ),
  IPv6: ipPacket(encodeAdvert(advert6, route6), route6.source, route6.destination),
};

test('decodeAdvert() reads what keepalived 2.2.7 sends to the group', () => {
  expect(decodeAdvert(Uint8Array.from(Buffer.from(keepalivedMulticast, 'hex')))).toMatchObject({
    ok: true,
    advert: { ...advert, family: 4, source, destination: vrrpGroup4, dialect: 'pseudo-header', authType: 0 },
  });
});

test('encodeAdvert() makes the bytes that keepalived 2.2.7 sends', () => {
  const bytes = encodeAdvert(advert, { source, destination: vrrpGroup4, dialect: 'pseudo-header' });
  expect(Buffer.from(bytes).toString('hex')).toBe(keepalivedMulticast.slice(40));
});

test('encodeAdvert() makes the version 2 message of RFC 3768: interval in seconds, 8 bytes of authentication', () => {
  const bytes = encodeAdvert(advert2, { source, destination, dialect: 'pseudo-header' }, password);
  // 0x2133 + 0xc801 + 0x0101 + 0x0a63 + 0x0064 + "secret\0\0" = 0x23147, folded and complemented.
  expect(Buffer.from(bytes).toString('hex')).toBe('2133c8010101ceb60a6300647365637265740000');
});

test('decodeAdvert() gives back what encodeAdvert() took, in every form', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const common = { routerId: fc.integer({ min: 1, max: 255 }), priority: byte };
  const forms = fc.constantFrom(
    { version: 3, width: 4, unit: 10, most: 4095 } as const,
    { version: 2, width: 4, unit: 1000, most: 255 } as const,
    { version: 3, width: 16, unit: 10, most: 4095 } as const,
  );
  const adverts = forms.chain(({ version, width, unit, most }) =>
    fc.record({
      ...common,
      version: fc.constant(version),
      intervalMs: fc.integer({ min: 1, max: most }).map((count) => count * unit),
      addresses: fc.array(fc.uint8Array({ minLength: width, maxLength: width }), { minLength: 1, maxLength: 80 }),
    }),
  );
  fc.assert(
    fc.property(adverts, fc.constantFrom(...dialects), (of, dialect) => {
      const six = of.addresses[0]?.length === 16;
      const ends = six ? route6 : { source, destination };
      const decoded = decodeAdvert(ipPacket(encodeAdvert(of, { ...ends, dialect }), ends.source, ends.destination));
      const single = six || of.version === 2;
      expect(decoded).toMatchObject({
        ok: true,
        advert: { ...of, source: ends.source, destination: ends.destination, dialect: single ? undefined : dialect },
      });
    }),
  );
});

test.each(Object.entries(packets))('decodeAdvert() drops every truncation: %s', (_, packet) => {
  const lengthAt = packet[0] === 0x60 ? 4 : 2;
  const outside = packet[0] === 0x60 ? 40 : 0;
  for (let length = 0; length < packet.length; length++) {
    expect(decodeAdvert(packet.subarray(0, length)).ok).toBe(false);
    // Also when the IP header agrees with the shorter length.
    const shorter = packet.slice(0, length);
    if (length >= 6) new DataView(shorter.buffer).setUint16(lengthAt, Math.max(0, length - outside));
    expect(decodeAdvert(shorter).ok).toBe(false);
  }
});

test.each(Object.entries(packets))('decodeAdvert() drops every advert with one flipped bit: %s', (_, packet) => {
  const header = packet[0] === 0x60 ? 40 : 20;
  for (let bit = header * 8; bit < packet.length * 8; bit++) {
    const broken = packet.slice();
    broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(decodeAdvert(broken).ok).toBe(false);
  }
});

test('decodeAdvert() ignores padding after the IP length, and inside of it', () => {
  const padded = new Uint8Array(46);
  padded.set(packetOf(advert, 'message-only'));
  expect(decodeAdvert(padded)).toMatchObject({ ok: true, advert: { dialect: 'message-only' } });
  new DataView(padded.buffer).setUint16(2, padded.length);
  expect(decodeAdvert(padded)).toMatchObject({ ok: true, advert: { addresses: advert.addresses } });
});

test('decodeAdvert() takes the hop limit of 64 that keepalived sends in IPv6 unicast, and no other', () => {
  const to = parseIp('fd00::2');
  const unicast = ipPacket(encodeAdvert(advert6, { ...route6, destination: to }), route6.source, to);
  const multicast = packets['IPv6'] ?? unicast;
  const hops = (packet: Uint8Array, limit: number): boolean => {
    const copy = packet.slice();
    copy[7] = limit;
    return decodeAdvert(copy).ok;
  };
  expect([64, 255, 63, 65, 254].map((limit) => hops(unicast, limit))).toEqual([true, true, false, false, false]);
  expect([64, 255].map((limit) => hops(multicast, limit))).toEqual([false, true]);
});

test('decodeAdvert() names the first reason in the order of the checks', () => {
  const good = packetOf(advert, 'pseudo-header');
  const good6 = packets['IPv6'] ?? good;
  const changed = (packet: Uint8Array, at: number, value: number): Uint8Array => {
    const copy = packet.slice();
    copy[at] = value;
    return copy;
  };
  const reasons = [
    [changed(good, 0, 0x55), 'too-short'],
    [changed(good, 3, 200), 'ip-length'],
    [changed(good, 6, 0x20), 'fragment'],
    [changed(good, 9, 17), 'protocol'],
    [changed(good, 8, 254), 'ttl'],
    [changed(good, 20, 0x41), 'version'],
    [changed(good, 20, 0x32), 'type'],
    [changed(good, 23, 0), 'address-count'],
    [changed(good, 23, 9), 'truncated'],
    [changed(good, 20, 0x21), 'truncated'],
    [changed(good, 22, 1), 'checksum'],
    [good6.subarray(0, 47), 'too-short'],
    [changed(good6, 5, 200), 'ip-length'],
    [changed(good6, 6, 17), 'protocol'],
    [changed(good6, 7, 0), 'ttl'],
    [changed(good6, 40, 0x21), 'version'],
    [changed(good6, 43, 3), 'truncated'],
    [changed(good6, 60, 1), 'checksum'],
    [changed(good6, 23, 9), 'checksum'],
  ] as const;
  expect(reasons.map(([packet]) => decodeAdvert(packet))).toEqual(reasons.map(([, reason]) => ({ ok: false, reason })));
});

test('encodeAdvert() throws LB_VRRP_ADVERT_INVALID when a value does not fit', () => {
  const route = { source, destination, dialect: 'pseudo-header' } as const;
  const mixed = [parseIp('10.0.0.1'), parseIp('fe80::1')];
  const wrong: readonly Partial<Advert>[] = [
    { routerId: 0 },
    { priority: 256 },
    { intervalMs: 5 },
    { addresses: [] },
    { intervalMs: 41_000 },
    { version: 2, intervalMs: 100 },
    { version: 2, intervalMs: 1000, addresses: [parseIp('fe80::1')] },
    { addresses: mixed },
  ];
  for (const change of wrong)
    expect(() => encodeAdvert({ ...advert, ...change }, route)).toThrow(
      expect.objectContaining({ code: 'LB_VRRP_ADVERT_INVALID' }),
    );
});
