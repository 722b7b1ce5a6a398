import { describe, expect, it } from 'vitest';
import { decodeSockaddr, encodeSockaddr } from './sockaddr.ts';

describe('sockaddr codec', () => {
  it('encodes IPv4 as struct sockaddr_in', () => {
    expect([...encodeSockaddr({ address: '10.1.2.3', port: 8080 })]).toEqual([
      2, 0, 0x1f, 0x90, 10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
  });

  it('encodes IPv6 as struct sockaddr_in6', () => {
    const bytes = encodeSockaddr({ address: '2001:db8::5', port: 443 });
    expect(bytes.length).toBe(28);
    expect([...bytes.subarray(0, 4)]).toEqual([10, 0, 1, 187]);
    expect([...bytes.subarray(8, 12)]).toEqual([0x20, 0x01, 0x0d, 0xb8]);
    expect(bytes[23]).toBe(5);
  });

  it.each(['0.0.0.0', '127.0.0.1', '::', 'fd00::2'])('round-trips %s', (address) => {
    expect(decodeSockaddr(encodeSockaddr({ address, port: 65_535 }))).toEqual({ address, port: 65_535 });
  });

  it('gives the IPv4 text of a mapped IPv6 peer', () => {
    const bytes = encodeSockaddr({ address: '::ffff:192.0.2.9', port: 1 });
    expect(decodeSockaddr(bytes).address).toBe('192.0.2.9');
  });

  it('throws LB_KERNEL_BAD_ADDRESS for every truncation and for other families', () => {
    const v6 = encodeSockaddr({ address: '::1', port: 1 });
    const v4 = encodeSockaddr({ address: '127.0.0.1', port: 1 });
    const refused = expect.objectContaining({ code: 'LB_KERNEL_BAD_ADDRESS' });
    for (let length = 0; length < 28; length++) expect(() => decodeSockaddr(v6.subarray(0, length))).toThrow(refused);
    for (let length = 0; length < 16; length++) expect(() => decodeSockaddr(v4.subarray(0, length))).toThrow(refused);
    expect(() => decodeSockaddr(Uint8Array.from({ length: 28 }, () => 1))).toThrow(refused);
  });
});
