import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogDays } from '../src/io/log-days.ts';

const DAY_MS = 86_400_000;
const nowMs = Date.UTC(2026, 10, 22, 0, 0, 10);
let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tospann-log-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(name: string, atMs: number): string {
  const file = join(dir, name);
  writeFileSync(file, `${name}\n`);
  utimesSync(file, atMs / 1000, atMs / 1000);
  return file;
}

test('LogDays.keep() puts yesterday aside, deletes what is too old, and leaves the rest', () => {
  const file = write('access.log', nowMs - 20_000);
  write('access.log.2026-11-01', nowMs - 21 * DAY_MS);
  write('access.log.2026-11-15', nowMs - 7 * DAY_MS);
  new LogDays(file, 14).keep(nowMs);
  expect(readdirSync(dir).sort()).toEqual(['access.log.2026-11-15', 'access.log.2026-11-21']);
});

test('LogDays.keep() of a second process finds the day put aside and only asks to open the file again', () => {
  const file = write('access.log', nowMs - 20_000);
  const days = new LogDays(file, 14);
  expect(days.keep(nowMs - 20_000)).toBe(false);
  rmSync(file);
  write('access.log.2026-11-21', nowMs - 20_000);
  write('access.log', nowMs);
  expect(days.keep(nowMs)).toBe(true);
  expect(existsSync(file)).toBe(true);
});

test('LogDays.keep() does nothing on the same day', () => {
  const file = write('access.log', nowMs);
  expect(new LogDays(file, 14).keep(nowMs)).toBe(false);
  expect(readdirSync(dir)).toEqual(['access.log']);
});
