// What a reload tells people about the difference of two configurations.
import { expect, it } from 'vitest';
import { formatChange, listChanges } from './changes.ts';
import { parseConfig } from './parse.ts';
import type { PairConfig } from './model.ts';

function pair(text: string): PairConfig {
  const result = parseConfig(text, { file: 'test.yaml' });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

const BASE = `
version: 1
cluster: { name: shop, nodes: { lb1: { address: 10.0.0.1, interface: eth0 } } }
frontends: { main: { bind: ["*:80"], defaultBackend: app } }
backends: { app: { servers: { web1: { address: "10.0.1.1:80" }, web2: { address: "10.0.1.2:80" } } } }
`;

it('says what was added, removed and changed, with the keys', () => {
  const after = BASE.replace('web2: { address: "10.0.1.2:80" }', 'web3: { address: "10.0.1.3:80" }')
    .replace('web1: { address: "10.0.1.1:80" }', 'web1: { address: "10.0.1.1:80", weight: 7 }')
    .replace('"*:80"', '"*:81"');
  const lines = listChanges(pair(BASE), pair(`${after}timeouts: { client: 7s }\n`)).map(formatChange);
  expect(lines).toEqual([
    'changed frontend main: binds',
    'removed server app/web2',
    'changed server app/web1: weight',
    'added server app/web3',
    'changed section timeouts: clientMs',
  ]);
});

it('finds nothing where only the writing differs', () => {
  expect(listChanges(pair(BASE), pair(`# the same\n${BASE}`))).toEqual([]);
});
