import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import {
  formatDuration,
  formatSize,
  ipv4Number,
  readBind,
  readDuration,
  readEndpoint,
  readInterfaceAddress,
  readNetwork,
  readPercent,
  readRate,
  readSize,
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

test('readEndpoint() reads IPv6 in brackets, in its shortest form, and host names in lower case', () => {
  expect(readEndpoint('[2001:DB8:0:0::1]:80')).toEqual({ ok: true, value: { address: '2001:db8::1', port: 80 } });
  expect(readEndpoint('Web1.Example:80')).toEqual({
    ok: true,
    value: { address: 'web1.example', port: 80, isName: true },
  });
});

test.each([
  '2001:db8::1',
  '2001:db8::1:80',
  '[::]:80',
  '[ff02::1]:80',
  '10.10.10.300:80',
  '-web:80',
  'a..b:80',
  '[10.0.0.1]:80',
])('readEndpoint() refuses "%s"', (text) => {
  expect(readEndpoint(text).ok).toBe(false);
});

test.each([
  ['0', 0],
  ['512B', 512],
  ['16KiB', 16_384],
  ['10MiB', 10_485_760],
])('readSize() reads "%s"', (text, bytes) => {
  expect(readSize(text)).toEqual({ ok: true, value: bytes });
  expect(readSize(formatSize(bytes))).toEqual({ ok: true, value: bytes });
});

test.each(['16', '16kb', '1.5MiB', '-1KiB', 'KiB', ' 1KiB'])('readSize() refuses "%s"', (text) => {
  expect(readSize(text).ok).toBe(false);
});

test.each([
  ['100/10s', 100, 10_000],
  ['50/s', 50, 1000],
  ['1/1m30s', 1, 90_000],
])('readRate() reads "%s"', (text, count, periodMs) => {
  expect(readRate(text)).toEqual({ ok: true, value: { count, periodMs } });
});

test.each(['100', '0/10s', '100/500ms', '100/2h', '100/', '/10s', '1.5/10s', '100/10'])(
  'readRate() refuses "%s"',
  (text) => {
    expect(readRate(text).ok).toBe(false);
  },
);

test('readPercent() reads whole percents and refuses a bare number', () => {
  expect(readPercent('20%')).toEqual({ ok: true, value: 20 });
  expect(readPercent('20').ok).toBe(false);
  expect(readPercent('2.5%').ok).toBe(false);
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

test('readNetwork() gives a single address the prefix 32 or 128', () => {
  expect(readNetwork('10.0.0.1')).toEqual({ ok: true, value: '10.0.0.1/32' });
  expect(readNetwork('10.0.0.0/8')).toEqual({ ok: true, value: '10.0.0.0/8' });
  expect(readNetwork('2001:DB8:0::/032')).toMatchObject({ ok: false });
  expect(readNetwork('2001:DB8:0::/32')).toEqual({ ok: true, value: '2001:db8::/32' });
  expect(readNetwork('::1')).toEqual({ ok: true, value: '::1/128' });
});

test('ipv4Number() orders addresses', () => {
  expect(ipv4Number('10.10.0.12')).toBeGreaterThan(ipv4Number('10.10.0.11'));
  expect(ipv4Number('255.255.255.255')).toBe(2 ** 32 - 1);
});
