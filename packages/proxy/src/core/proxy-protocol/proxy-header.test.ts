// The PROXY protocol's codec: round trips, every truncation, and a table of headers that must be refused.
import { describe, expect, it } from 'vitest';
import { latin1 } from '../bytes.ts';
import { crc32c } from './crc32c.ts';
import { decodeProxyHeader, ProxyHeader, V2_SIGNATURE, type ProxyAddresses } from './decode.ts';
import { encodeProxyHeader } from './encode.ts';
import { ipBytes, ipText } from './ip.ts';

const V4: ProxyAddresses = {
  source: '192.0.2.7',
  sourcePort: 51_234,
  destination: '198.51.100.1',
  destinationPort: 443,
};
const V6: ProxyAddresses = { source: '2001:db8::7', sourcePort: 1, destination: '::1', destinationPort: 65_535 };

/** A version 2 header of raw parts. */
// oxlint-disable-next-line max-params -- a table of tests is easier to read so
function v2(command: number, family: number, rest: readonly number[], length = rest.length): Uint8Array {
  return Uint8Array.of(...V2_SIGNATURE, command, family, length >> 8, length & 255, ...rest);
}

const IPV4_REST = [192, 0, 2, 7, 198, 51, 100, 1, 0xc8, 0x22, 0x01, 0xbb];

function withChecksum(fault: number): Uint8Array {
  const header = v2(0x21, 0x11, [...IPV4_REST, 3, 0, 4, 0, 0, 0, 0]);
  new DataView(header.buffer).setUint32(header.length - 4, (crc32c(header) ^ fault) >>> 0);
  return header;
}

describe('encodeProxyHeader() and decodeProxyHeader()', () => {
  const headers = (['v1', 'v2'] as const).flatMap((version) =>
    [V4, V6, null].map((addresses) => ({ version, addresses, bytes: encodeProxyHeader(version, addresses) })),
  );

  it.each(headers)('agree: $version $addresses', ({ addresses, bytes }) => {
    expect(decodeProxyHeader(bytes)).toEqual({ length: bytes.length, addresses });
  });

  it('skip further fields of any length', () => {
    const value = Array.from({ length: 60_000 }, () => 7);
    const bytes = v2(0x21, 0x11, [...IPV4_REST, 4, 60_000 >> 8, 60_000 & 255, ...value]);
    expect(decodeProxyHeader(bytes)).toEqual({ length: bytes.length, addresses: V4 });
  });

  it('want more at every truncation, and leave alone what follows', () => {
    const long = v2(0x21, 0x21, [...Array.from({ length: 36 }, () => 9), 4, 0, 3, 1, 2, 3, 0xe0, 0, 0]);
    for (const bytes of [...headers.map((header) => header.bytes), long, withChecksum(0)]) {
      for (let length = 0; length < bytes.length; length++) {
        expect(decodeProxyHeader(bytes.subarray(0, length)).length).toBe(ProxyHeader.MORE);
      }
      expect(decodeProxyHeader(Uint8Array.of(...bytes, 13, 10, 0)).length).toBe(bytes.length);
    }
  });

  it('write what the protocol prescribes', () => {
    expect(encodeProxyHeader('v1', V4)).toEqual(latin1('PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n'));
    expect(encodeProxyHeader('v1', V6)).toEqual(latin1('PROXY TCP6 2001:db8::7 ::1 1 65535\r\n'));
    expect(encodeProxyHeader('v1', { ...V4, destination: '::1' })).toEqual(
      latin1('PROXY TCP6 ::ffff:192.0.2.7 ::1 51234 443\r\n'),
    );
    expect(encodeProxyHeader('v2', V4)).toEqual(v2(0x21, 0x11, IPV4_REST));
    expect(encodeProxyHeader('v2', null)).toEqual(v2(0x20, 0, []));
  });

  it.each([
    ['unknown with more text', latin1('PROXY UNKNOWN ffff::1 x y z\r\n')],
    ['local with an address block', v2(0x20, 0x11, IPV4_REST)],
    ['local with what would be a broken field', v2(0x20, 0, [1, 255, 255])],
    ['local of a family to come', v2(0x20, 0x41, [1, 2, 3])],
    ['local of another transport', v2(0x20, 0x1f, IPV4_REST)],
    [
      'local with all that fits',
      v2(
        0x20,
        0,
        Array.from({ length: 65_535 }, () => 7),
      ),
    ],
    ['no family', v2(0x21, 0, [])],
    ['datagrams', v2(0x21, 0x12, IPV4_REST)],
    [
      'unix sockets',
      v2(
        0x21,
        0x31,
        Array.from({ length: 216 }, () => 47),
      ),
    ],
  ])('takes a header without addresses: %s', (_name, bytes) => {
    expect(decodeProxyHeader(bytes)).toEqual({ length: bytes.length, addresses: null });
  });

  it('takes a right checksum and 4 KiB of fields', () => {
    expect(decodeProxyHeader(withChecksum(0)).addresses).toEqual(V4);
    const value = Array.from({ length: 4096 }, () => 7);
    expect(decodeProxyHeader(v2(0x21, 0x11, [...IPV4_REST, 5, 16, 0, ...value])).addresses).toEqual(V4);
  });

  it.each([
    ['another protocol', latin1('GET / HTTP/1.1\r\n')],
    ['almost version 1', latin1('PROXX')],
    ['no space', latin1('PROXY\r\n')],
    ['an unknown family', latin1('PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n')],
    ['UNKNOWN with a letter more', latin1('PROXY UNKNOWNS\r\n')],
    ['two spaces', latin1('PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n')],
    ['a space at the end', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n')],
    ['a missing port', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n')],
    ['a port too large', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n')],
    ['a port with a leading zero', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n')],
    ['a port that is no number', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1 +1\r\n')],
    ['an octet too large', latin1('PROXY TCP4 1.2.3.256 1.2.3.4 1 1\r\n')],
    ['an octet with a leading zero', latin1('PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n')],
    ['IPv6 in TCP4', latin1('PROXY TCP4 ::1 1.2.3.4 1 1\r\n')],
    ['IPv4 in TCP6', latin1('PROXY TCP6 ::1 1.2.3.4 1 1\r\n')],
    ['two gaps', latin1('PROXY TCP6 1::2::3 ::1 1 1\r\n')],
    ['nine groups', latin1('PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 1\r\n')],
    ['a scope', latin1('PROXY TCP6 fe80::1%eth0 ::1 1 1\r\n')],
    ['CR without LF', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1 1\rX')],
    ['LF without CR', latin1(`PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n${'x'.repeat(107)}`)],
    ['108 bytes', latin1(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`)],
    ['no end in 107 bytes', latin1(`PROXY UNKNOWN ${'x'.repeat(93)}`)],
    ['a false signature', Uint8Array.of(13, 10, 13, 10, 0, 13, 11)],
    ['version 1 in binary', v2(0x11, 0x11, IPV4_REST)],
    ['an unknown command', v2(0x22, 0x11, IPV4_REST)],
    ['an unknown family', v2(0x21, 0x41, IPV4_REST)],
    ['an unknown transport', v2(0x21, 0x13, IPV4_REST)],
    ['too short for its addresses', v2(0x21, 0x11, IPV4_REST.slice(1))],
    ['too short for IPv6', v2(0x21, 0x21, IPV4_REST)],
    ['half a field', v2(0x21, 0x11, [...IPV4_REST, 4, 0])],
    ['a field over the end', v2(0x21, 0x11, [...IPV4_REST, 4, 0, 2, 1])],
    ['a field of 64 KiB', v2(0x21, 0x11, [...IPV4_REST, 4, 255, 255, 1])],
    ['a wrong checksum', withChecksum(1)],
    ['a checksum of three bytes', v2(0x21, 0x11, [...IPV4_REST, 3, 0, 3, 0, 0, 0])],
  ])('refuses %s', (_name, bytes) => {
    expect(decodeProxyHeader(bytes).length).toBe(ProxyHeader.BROKEN);
  });

  it('decides at the same byte however the header comes', () => {
    const bytes = latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1 +1\r\n');
    for (let length = 1; length < bytes.length; length++) {
      expect(decodeProxyHeader(bytes.subarray(0, length)).length).toBe(ProxyHeader.MORE);
    }
  });
});

describe('ipBytes(), ipText()', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::', '::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ])('write %s as %s', (given, written) => {
    expect(ipText(ipBytes(given)!)).toBe(written);
  });
});
