// Terms on the disk: never backwards, whatever becomes of the file.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { TospannError } from '@tospann/errors';
import { TermFile } from './term-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'tospann-terms-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const wallMs = (): number => 1_790_000_000_000;

function open(file: string | undefined): { readonly terms: TermFile; readonly problems: TospannError[] } {
  const problems: TospannError[] = [];
  const elections = ['public', 'second'];
  return { terms: new TermFile({ file, elections, wallMs, onProblem: (error) => problems.push(error) }), problems };
}

test('a term is on the disk when keep() returns, whole, and is known after a restart', () => {
  const file = join(folder, 'a', 'terms.json');
  const { terms, problems } = open(file);
  expect(terms.all()).toEqual({});
  terms.keep('public', 3);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ version: 1, terms: { public: 3 } });
  expect(readdirSync(join(folder, 'a'))).toEqual(['terms.json']);
  terms.keep('second', 1);
  expect(open(file).terms.all()).toEqual({ public: 3, second: 1 });
  expect(problems).toEqual([]);
});

test('a lower term, or none, changes nothing', () => {
  const file = join(folder, 'b.json');
  const { terms } = open(file);
  terms.keep('public', 9);
  for (const term of [9, 4, 0, Number.NaN]) terms.keep('public', term);
  expect(open(file).terms.all()).toEqual({ public: 9 });
});

const damaged = [
  '',
  '{',
  'null',
  '{"version":2,"terms":{}}',
  '{"version":1,"terms":{"public":-1}}',
  '{"version":1,"terms":[]}',
];

test.each(damaged)('the file %j is told, and every election begins above all that it may have held', (text) => {
  const file = join(folder, 'c.json');
  writeFileSync(file, text);
  const { terms, problems } = open(file);
  expect(problems).toEqual([expect.objectContaining({ code: 'LB_VRRP_TERM_FILE' })]);
  expect(terms.all()).toEqual({ public: 1_790_000_000, second: 1_790_000_000 });
  terms.keep('public', 1_790_000_001);
  expect(open(file)).toMatchObject({ problems: [] });
});

test('a disk that refuses is told once, and the terms go on in memory', () => {
  const blocked = join(folder, 'file');
  writeFileSync(blocked, '');
  const { terms, problems } = open(join(blocked, 'terms.json'));
  terms.keep('public', 1_800_000_000);
  terms.keep('public', 1_800_000_001);
  expect(terms.all()).toMatchObject({ public: 1_800_000_001 });
  expect(problems.filter(({ message }) => message.includes('forgets'))).toHaveLength(1);
});
