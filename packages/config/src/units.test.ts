import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import {
  formatDuration,
  ipv4Number,
  readBind,
  readDuration,
  readEndpoint,
  readInterfaceAddress,
  readNetwork,
} from './units.ts';

test.each([
  ['500ms', 500],
  ['10s', 10_000],
  ['1m30s', 90_000],
  ['1h', 3_600_000],
  ['1d1ms', 86_400_001],
  ['0s', 0],
])('readDuration() reads %s', (text, durationMs) => {
  expect(readDuration(text)).toEqual({ ok: true, value: durationMs });
});

test.each(['', '10', 's', '1.5s', '-1s', '1s1m', '1s1s', '1 s', '10S', '1w', '1m30'])(
  'readDuration() refuses "%s"',
  (text) => {
    expect(readDuration(text).ok).toBe(false);
  },
);

test('formatDuration() writes what readDuration() reads back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 * 86_400_000 }), (durationMs) => {
      expect(readDuration(formatDuration(durationMs))).toEqual({ ok: true, value: durationMs });
    }),
  );
});

test.each([
  ['*:80', '0.0.0.0', 80],
  ['0.0.0.0:80', '0.0.0.0', 80],
  ['127.0.0.1:65535', '127.0.0.1', 65_535],
])('readBind() reads %s', (text, address, port) => {
  expect(readBind(text)).toEqual({ ok: true, value: { address, port } });
});

test.each([
  '80',
  ':80',
  '*:',
  '*:0',
  '*:65536',
  '*:80-90',
  '1.2.3:80',
  '256.1.1.1:80',
  '224.0.0.1:80',
  '01.2.3.4:80',
  '*:080000',
])('readBind() refuses "%s"', (text) => {
  expect(readBind(text).ok).toBe(false);
});

test('readEndpoint() says that IPv6 is known but not served', () => {
  expect(readEndpoint('[2001:db8::1]:80')).toMatchObject({ ok: false, reason: 'unsupported' });
  expect(readEndpoint('2001:db8::1')).toMatchObject({ ok: false, reason: 'unsupported' });
});

test('readInterfaceAddress() refuses the first and last address of a network, but takes both of a /31', () => {
  expect(readInterfaceAddress('192.168.1.0/24').ok).toBe(false);
  expect(readInterfaceAddress('192.168.1.255/24').ok).toBe(false);
  expect(readInterfaceAddress('192.168.1.0/31')).toEqual({
    ok: true,
    value: { address: '192.168.1.0', prefixLength: 31 },
  });
  expect(readInterfaceAddress('192.168.1.200/0').ok).toBe(false);
});

test('readNetwork() gives a single address the prefix 32', () => {
  expect(readNetwork('10.0.0.1')).toEqual({ ok: true, value: '10.0.0.1/32' });
  expect(readNetwork('10.0.0.0/8')).toEqual({ ok: true, value: '10.0.0.0/8' });
  expect(readNetwork('::1/128')).toMatchObject({ ok: false, reason: 'unsupported' });
});

test('ipv4Number() orders addresses', () => {
  expect(ipv4Number('10.10.0.12')).toBeGreaterThan(ipv4Number('10.10.0.11'));
  expect(ipv4Number('255.255.255.255')).toBe(2 ** 32 - 1);
});
