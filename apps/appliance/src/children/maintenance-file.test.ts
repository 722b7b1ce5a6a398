// The file that keeps a node in maintenance: there and back, and what a damaged one means.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { forgetMaintenance, keepMaintenance, readMaintenance } from './maintenance-file.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'tospann-maintenance-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('maintenance is kept with its reason and forgotten again, twice too', () => {
  expect(readMaintenance(folder)).toBeUndefined();
  const maintenance = { since: '2026-11-22T10:00:00.000Z', reason: 'a "new" disk' };
  keepMaintenance(folder, maintenance);
  keepMaintenance(folder, maintenance);
  expect(readMaintenance(folder)).toEqual(maintenance);
  forgetMaintenance(folder);
  forgetMaintenance(folder);
  expect(readMaintenance(folder)).toBeUndefined();
});

test.each(['', 'nonsense', '[]', 'null', '{"since":7}'])('a file with %j is still maintenance', (text) => {
  writeFileSync(join(folder, 'maintenance.json'), text);
  expect(readMaintenance(folder)).toMatchObject({ since: '', reason: expect.any(String) });
});

test('a file that cannot be read is maintenance: an address is not taken by mistake', () => {
  mkdirSync(join(folder, 'maintenance.json'));
  expect(readMaintenance(folder)?.reason).toContain('cannot be read');
});
