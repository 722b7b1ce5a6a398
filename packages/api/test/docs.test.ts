// docs/admin-api.md and the code name the same routes and the same metrics with the same labels, both ways.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { metricFamilies } from '../src/index.ts';
import { node, peer } from './fixture.ts';

const text = readFileSync(fileURLToPath(new URL('../../../docs/admin-api.md', import.meta.url)), 'utf8');

test('every metric is in the table with its labels, and nothing else is', () => {
  const rows = [...text.matchAll(/^\| `(tospann_\w+)` \| (.*?) \|/gm)];
  const written = rows.map(([, name = '', labels = '']) => [
    name,
    [...labels.matchAll(/`(\w+)`/g)].map((match) => match[1]).join(' '),
  ]);
  const alarms = [{ name: 'steal', severity: 'warning', sinceMs: 0, text: '' } as const];
  const totals = {
    conntrackDroppedTotal: 0,
    conntrackInsertFailedTotal: 0,
    listenOverflowsTotal: 0,
    timeWaitOverflowsTotal: 0,
    softnetDroppedTotal: 0,
  };
  const table = { conntrackEntries: 1, conntrackLimit: 2, conntrackFullInSeconds: 3, ...totals };
  const host = { ...table, cpuStealRatio: 0, cpuBusyRatio: 0, alarms };
  const families = metricFamilies(node('lb1', 'master', { host }), peer(node('lb2', 'backup')));
  const real = families.map((family) => [family.name, Object.keys(family.samples[0]?.labels ?? {}).join(' ')]);
  expect(Object.fromEntries(written)).toEqual(Object.fromEntries(real));
  expect(written).toHaveLength(real.length);
});

test('every route is in the table, and nothing else is', () => {
  const folder = fileURLToPath(new URL('../src/io/', import.meta.url));
  const files = readdirSync(folder).filter((name) => name.endsWith('routes.ts'));
  const source = files.map((name) => readFileSync(`${folder}${name}`, 'utf8')).join('\n');
  const real = [...source.matchAll(/app\.(get|post|put|delete)(?:<[^(]*>)?\(\s*'([^']+)'/g)].map(
    ([, method = '', path = '']) => `${method.toUpperCase()} ${path}`,
  );
  const written = [...text.matchAll(/^\| `((?:GET|POST|PUT|DELETE) [^`]+)` \|/gm)].map((match) => match[1]);
  expect(new Set(written)).toEqual(new Set(real));
});
