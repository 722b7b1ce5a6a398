// Addresses and networks: against node:net's own idea of what an address is and where it belongs.
import { isIP, isIPv6, SocketAddress } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latin1 } from './bytes.ts';
import { addressText, NetworkList, readAddress, SourceAddress, sourceOf } from './source.ts';

const v4 = fc.ipV4();
const v6 = fc.oneof(
  fc.ipV6(),
  fc
    .array(fc.constantFrom('0', '0', 'a', 'ffff', '2001'), { minLength: 8, maxLength: 8 })
    .map((parts) => parts.join(':')),
);

function isAddress(text: string): boolean {
  const bytes = latin1(text);
  return readAddress(bytes, 0, bytes.length, new SourceAddress());
}

/** An address as one number; that it is read rightly is asked of node:net below. */
function numberOf(text: string): bigint {
  const { a, b, c, d } = sourceOf(text);
  const words = isIPv6(text) ? [a, b, c, d] : [d];
  return words.reduce((number, word) => (number << 32n) | BigInt(word >>> 0), 0n);
}

describe('readAddress()', () => {
  it('takes what node:net takes', () => {
    fc.assert(
      fc.property(fc.oneof(v4, v6), (text) => {
        expect(isAddress(text)).toBe(isIP(text) !== 0);
      }),
    );
  });

  it('takes or refuses texts near an address as node:net does', () => {
    const near = fc.array(fc.constantFrom('1', '0', '25', '256', '.', ':', '::', 'f', 'g', '12345', '1.2.3.4'), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(near, (parts) => {
        const text = parts.join('');
        expect([text, isAddress(text)]).toEqual([text, isIP(text) !== 0]);
      }),
      { numRuns: 3000 },
    );
  });

  it('is written again as the same address', () => {
    fc.assert(
      fc.property(fc.oneof(v4, v6), (text) => {
        const written = addressText(sourceOf(text));
        const isMapped = isIPv6(text) && !isIPv6(written);
        const own = new SocketAddress({
          address: isMapped ? `::ffff:${written}` : written,
          family: isIPv6(text) ? 'ipv6' : 'ipv4',
        });
        const wanted = new SocketAddress({ address: text, family: isIPv6(text) ? 'ipv6' : 'ipv4' });
        expect(own.address).toBe(wanted.address);
      }),
    );
  });
});

describe('NetworkList', () => {
  it('has the addresses that begin with the bits of a network', () => {
    const isMapped = (text: string): boolean => isIPv6(text) && sourceOf(text).isV4; // IPv4 to us
    const network = fc.oneof(
      fc.tuple(v4, fc.integer({ min: 0, max: 32 })),
      fc.tuple(
        v6.filter((text) => !isMapped(text)),
        fc.integer({ min: 0, max: 128 }),
      ),
    );
    fc.assert(
      fc.property(
        fc.array(network, { maxLength: 12 }),
        fc.array(fc.oneof(v4, v6), { maxLength: 20 }),
        (networks, asked) => {
          const list = new NetworkList(networks.map(([address, bits]) => `${address}/${bits}`));
          // The first address of each network, too: random ones rarely hit.
          for (const text of [...asked, ...networks.map(([address]) => address)]) {
            // IPv4 and IPv6 apart; not node:net's block list, which has an opinion of its own on 0.0.0.0.
            const expected = networks.some(([address, bits]) => {
              if (isIPv6(text) !== isIPv6(address)) return false;
              const free = BigInt((isIPv6(address) ? 128 : 32) - bits);
              return numberOf(text) >> free === numberOf(address) >> free;
            });
            if (isMapped(text)) continue;
            expect([text, list.has(sourceOf(text))]).toEqual([text, expected]);
          }
        },
      ),
    );
  });

  it('finds single addresses and the borders of networks', () => {
    const list = new NetworkList(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '10.1.0.0/16', '::1']);
    const inside = [
      '10.0.0.0',
      '10.255.255.255',
      '192.0.2.7',
      '2001:db8::',
      '2001:db8:ffff::1',
      '::1',
      '::ffff:10.1.2.3',
    ];
    const outside = [
      '9.255.255.255',
      '11.0.0.0',
      '192.0.2.6',
      '192.0.2.8',
      '2001:db7:ffff::',
      '2001:db9::',
      '::2',
      '::',
    ];
    expect(inside.filter((text) => !list.has(sourceOf(text)))).toEqual([]);
    expect(outside.filter((text) => list.has(sourceOf(text)))).toEqual([]);
    expect(new NetworkList(['::/0']).has(sourceOf('10.0.0.1'))).toBe(false);
    expect(new NetworkList([]).has(sourceOf('::'))).toBe(false);
  });
});
