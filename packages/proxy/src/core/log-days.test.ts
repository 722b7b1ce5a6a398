import { expect, test } from 'vitest';
import { dayOf, expiredDays } from './log-days.ts';

const nowMs = Date.UTC(2026, 10, 22, 0, 30);

test('dayOf() is the UTC day', () => {
  expect(dayOf(nowMs)).toBe('2026-11-22');
  expect(dayOf(nowMs - 31 * 60_000)).toBe('2026-11-21');
});

test('expiredDays() names days older than the retention, and nothing that is not a day of this log', () => {
  const names = [
    'access.log',
    'access.log.2026-11-07',
    'access.log.2026-11-08',
    'access.log.2026-11-21',
    'other.log.2020-01-01',
    'access.log.old',
    'access.log.2020-01-01.gz',
  ];
  expect(expiredDays(names, { base: 'access.log', nowMs, retentionDays: 14 })).toEqual(['access.log.2026-11-07']);
});
