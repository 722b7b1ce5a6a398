import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DATE_BYTES, putDate, readDate } from './cookie-date.ts';

describe('putDate() and readDate()', () => {
  it('keep a time to 4 s, rounded up', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 4 }), (seconds) => {
        const bytes = new Uint8Array(DATE_BYTES + 2);
        expect(putDate(bytes, 1, seconds)).toBe(1 + DATE_BYTES);
        const read = readDate(bytes, 1, 1 + DATE_BYTES);
        expect(read - seconds).toBeGreaterThanOrEqual(0);
        expect(read - seconds).toBeLessThan(4);
      }),
    );
  });

  it('write five digits of base 64', () => {
    const bytes = new Uint8Array(DATE_BYTES);
    putDate(bytes, 0, 4 * (1 + 2 * 64 + 63 * 64 ** 3));
    expect(String.fromCharCode(...bytes)).toBe('A/ACB');
  });

  it('refuse what is none', () => {
    const read = (text: string): number =>
      readDate(
        Uint8Array.from(text, (c) => c.charCodeAt(0)),
        0,
        text.length,
      );
    expect(read('AAAA')).toBe(-1);
    expect(read('AA-AA')).toBe(-1);
    expect(read('AAAAB|AAAAA')).toBe(4);
  });
});
