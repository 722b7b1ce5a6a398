// The way from one program to the next, through the real environment and descriptors of this process.
import { closeFd, openListener } from '@tospann/linux';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Handover, layHandover, takeHandover } from './handover.ts';

/** Longest string of an environment, MAX_ARG_STRLEN of Linux. */
const STRING_LIMIT = 128 * 1024;
let fd: number;

beforeEach(() => {
  fd = openListener({ address: '127.0.0.1', port: 0 });
});
afterEach(() => {
  delete process.env['TOSPANN_HANDOVER'];
  closeFd(fd);
});

function handover(binds: number): Handover {
  const frontend = 'frontend-of-a-customer-with-a-name-as-long-as-names-may-be';
  const listeners = Array.from({ length: binds }, (_, i) => ({ frontend, address: '127.0.0.1', port: 1000 + i, fd }));
  return { listeners, owned: ['vip'], draining: [{ pid: 1, startTime: '1' }] };
}

test('a handover with 1500 binds fits, and the next program reads it', () => {
  const given = handover(1500);
  expect(JSON.stringify(given).length).toBeGreaterThan(STRING_LIMIT);
  const { env } = layHandover(given, 'file');
  for (const value of Object.values(env)) expect(String(value).length).toBeLessThan(STRING_LIMIT);
  process.env['TOSPANN_HANDOVER'] = env['TOSPANN_HANDOVER'];
  expect(takeHandover()).toEqual(given);
  expect(takeHandover()).toBeUndefined();
});

test('for a program from before it is text, and refused before anything is done when it does not fit', () => {
  const given = handover(3);
  process.env['TOSPANN_HANDOVER'] = layHandover(given, 'text').env['TOSPANN_HANDOVER'];
  expect(takeHandover()).toEqual(given);
  expect(() => layHandover(handover(1500), 'text')).toThrow(RangeError);
});
