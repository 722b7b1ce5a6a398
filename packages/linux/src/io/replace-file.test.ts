import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createFile, replaceFile } from './replace-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'tospann-replace-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'file');
const options = { mode: 0o600, temporary: join(folder, 'file.new') };

test('replaceFile() puts the whole text in place with its mode, and never writes through what lies beside it', () => {
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'untouched');
  symlinkSync(victim, options.temporary);
  for (const text of ['first', 'second']) {
    replaceFile(file, text, options);
    expect(readFileSync(file, 'utf8')).toBe(text);
  }
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(victim, 'utf8')).toBe('untouched');
  expect(readdirSync(folder).toSorted()).toEqual(['file', 'victim']);
});

test('createFile() leaves a file that is there, and nothing beside it', () => {
  const other = join(folder, 'other');
  createFile(other, 'mine', options);
  expect(() => createFile(other, 'yours', options)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  expect(readFileSync(other, 'utf8')).toBe('mine');
  expect(readdirSync(folder)).not.toContain('file.new');
});
