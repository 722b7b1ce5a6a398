// Figures as words: each size of figure once, the edges between units, and the unknown.
import { expect, test } from 'vitest';
import {
  formatAge,
  formatBytes,
  formatCount,
  formatPercent,
  formatRate,
  formatShort,
  plural,
  shortHash,
} from './format.ts';

const plain = (text: string): string => text.replaceAll('\u202f', ' ');

test.each([
  [0, '0'],
  [999, '999'],
  [1234, '1 234'],
  [9999, '9 999'],
  [10_000, '10.0k'],
  [999_499, '999k'],
  [999_950, '1.00M'],
  [1_234_567, '1.23M'],
  [12_345_678_901, '12.3G'],
  [undefined, '–'],
])('formatCount(%s) is %s', (count, text) => expect(plain(formatCount(count))).toBe(text));

test.each([
  [0, '0'],
  [0.04, '0'],
  [0.05, '0.1'],
  [9.94, '9.9'],
  [9.96, '10'],
  [1234.5, '1 235'],
  [undefined, '–'],
])('formatRate(%s) is %s', (rate, text) => expect(plain(formatRate(rate))).toBe(text));

test.each([
  [999, '999 B'],
  [1000, '1.00 kB'],
  [999_999, '1.00 MB'],
  [22_400_000_000, '22.4 GB'],
])('formatBytes(%s) is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [-1, '–'],
  [0, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min 0 s'],
  [3_599_999, '59 min 59 s'],
  [3_600_000, '1 h 0 min'],
  [90_000_000, '1 d 1 h'],
])('formatAge(%s) is %s', (ms, text) => expect(formatAge(ms)).toBe(text));

test.each([
  [0.44, '0.4 ms'],
  [561, '561 ms'],
  [1200, '1.2 s'],
  [200_000, '3 min 20 s'],
])('formatShort(%s) is %s', (ms, text) => expect(formatShort(ms)).toBe(text));

test.each([
  [0, '0 %'],
  [0.004, '0.4 %'],
  [0.0004, '0 %'],
  [0.123, '12 %'],
  [1, '100 %'],
])('formatPercent(%s) is %s', (ratio, text) => expect(formatPercent(ratio)).toBe(text));

test('plural() and shortHash()', () => {
  expect([plural(1, 'server'), plural(2, 'server')]).toEqual(['1 server', '2 servers']);
  expect([shortHash('c41d7e0952b1'), shortHash('')]).toEqual(['c41d7e09', '–']);
});
