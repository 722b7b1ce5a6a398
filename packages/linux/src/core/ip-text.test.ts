import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIp, parseIp } from './ip-text.ts';

describe('formatIp() and parseIp()', () => {
  it.each([
    ['0.0.0.0', '0.0.0.0'],
    ['192.168.1.200', '192.168.1.200'],
    ['::', '::'],
    ['::1', '::1'],
    ['fe80::', 'fe80::'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], // RFC 5952 section 4.2.3: the first of equal runs
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], // section 4.2.2: a single group is not shortened
    ['2001:0db8::0001', '2001:db8::1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('write %s as %s', (given, canonical) => {
    expect(formatIp(parseIp(given))).toBe(canonical);
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.-4',
    '1.2.3.4 ',
    'localhost',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::',
    '::1.2.3.4:5',
    '1.2.3.4::',
    'fe80::1%eth0',
  ])('refuse "%s" with LB_KERNEL_BAD_ADDRESS', (text) => {
    expect(() => parseIp(text)).toThrow(expect.objectContaining({ code: 'LB_KERNEL_BAD_ADDRESS' }));
  });

  it('are inverse for every address that is not IPv4-mapped', () => {
    // Many zeroes, so that runs of them are met.
    const byte = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 255 }));
    const address = fc.oneof(
      fc.array(byte, { minLength: 4, maxLength: 4 }),
      fc.array(byte, { minLength: 16, maxLength: 16 }).filter((bytes) => bytes[0] !== 0),
    );
    fc.assert(
      fc.property(address, (bytes) => {
        expect([...parseIp(formatIp(Uint8Array.from(bytes)))]).toEqual(bytes);
      }),
    );
  });

  it('agree with the URL parser of the platform on the text of IPv6', () => {
    const byte = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 255 }));
    const address = fc.array(byte, { minLength: 16, maxLength: 16 }).filter((bytes) => bytes[0] !== 0);
    fc.assert(
      fc.property(address, (bytes) => {
        const text = formatIp(Uint8Array.from(bytes));
        expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
      }),
    );
  });
});
