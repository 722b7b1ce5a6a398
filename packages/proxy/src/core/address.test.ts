import { describe, expect, it } from 'vitest';
import { loggedAddress } from './address.ts';

describe('loggedAddress()', () => {
  it.each([
    ['192.0.2.77', '192.0.2.0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::'],
    ['2001:db8::7', '2001:db8::'],
    ['2001:0db8:00ab::7', '2001:db8:ab::'],
    ['::1', '::'],
    ['fe80::1%eth0', 'fe80::'],
  ])('truncates %s to %s', (address, logged) => {
    expect(loggedAddress(address, 'truncate')).toBe(logged);
  });

  it('gives the whole address or none', () => {
    expect(loggedAddress('192.0.2.77', 'full')).toBe('192.0.2.77');
    expect(loggedAddress('192.0.2.77', 'none')).toBe('-');
    expect(loggedAddress('', 'truncate')).toBe('-');
  });
});
