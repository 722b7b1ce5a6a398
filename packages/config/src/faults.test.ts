// The fault table: who owns the address after each fault, from configurations whose answers differ.
import { expect, test } from 'vitest';
import { faultTable, parseConfig, type FaultRow, type PairConfig } from './index.ts';

function pair(vip: string, more = ''): PairConfig {
  const text = `version: 1
cluster: { nodes: { lb1: { address: 10.0.0.1, interface: eth0 }, lb2: { address: 10.0.0.2, interface: eth0 } } }
vips: { public: { address: 192.168.1.200/24, routerId: 51${vip} } }
frontends: { main: { bind: ["*:80"], defaultBackend: app } }
backends: { app: { servers: { web1: { address: "10.0.1.1:80" } } } }
${more}`;
  const result = parseConfig(text, { file: 'test.yaml' });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

function row(config: PairConfig, fault: string): FaultRow {
  const found = faultTable(config)
    .flatMap(({ rows }) => rows)
    .find((one) => one.fault === fault);
  if (found === undefined) throw new Error(`no row "${fault}"`);
  return found;
}

test('every fault of one process, machine or link of a plain pair leaves the address with one node that works', () => {
  const [election] = faultTable(pair(''));
  expect(election).toMatchObject({ election: 'public', owner: 'lb1', symmetric: true });
  const moves = election?.rows.filter(({ owners }) => owners.join() === 'lb2').map(({ fault }) => fault);
  expect(moves).toEqual([
    'proxy dead',
    'proxy hung',
    'agent dead',
    'supervisor dead',
    'node dead',
    'node frozen',
    'link down',
    'link one-way',
  ]);
  const stays = election?.rows.filter(({ owners }) => owners.join() === 'lb1').map(({ fault }) => fault);
  expect(stays).toEqual(['adverts filtered', 'address removed', 'all servers down']);
  expect(election?.rows.find(({ owners }) => owners.length === 2)?.fault).toBe('peer path cut');
  const nobody = election?.rows.filter(({ owners }) => owners.length === 0).map(({ fault }) => fault);
  expect(nobody).toEqual(['node dead, other in maintenance']);
});

test.each([
  // 3 x 1 s and (256 - 100) / 256 of 1 s.
  ['', 3610],
  // The waiting node is the preferred one's peer, so its skew is the same.
  [', preferred: lb2', 3610],
  [', advertInterval: 100ms, missedAdverts: 10', 1061],
  // The skew of version 2 is a part of a second, whatever the interval.
  [', version: 2, advertInterval: 3s', 9610],
])('a dead node is replaced after the down interval of the other one: public%s', (vip, withinMs) => {
  expect(row(pair(vip), 'node dead').withinMs).toBe(withinMs);
});

test('a preferred node is the owner, and the table is that of its fault', () => {
  const [election] = faultTable(pair(', preferred: lb2'));
  expect(election).toMatchObject({ owner: 'lb2', symmetric: false });
  expect(row(pair(', preferred: lb2'), 'node dead').owners).toEqual(['lb1']);
});

test('without a peer link a filter on adverts makes two owners', () => {
  expect(row(pair('', 'failover: { peerPort: 0 }'), 'adverts filtered').owners).toEqual(['lb1', 'lb2']);
});

test('the address owner of the RFC does not yield when it is not heard', () => {
  expect(row(pair(', owner: lb1'), 'link one-way').owners).toEqual(['lb1', 'lb2']);
});

test('scripts and the gateway have rows with their own times', () => {
  const config = pair(
    '',
    'failover: { gateway: 192.168.1.1, scripts: { disk: { run: [/bin/check], interval: 2s, timeout: 1s, fall: 4 } } }',
  );
  expect(row(config, 'script disk').withinMs).toBe(9000);
  // 3 questions a second apart, 500 ms for the last answer, and one advert.
  expect(row(config, 'gateway lost').withinMs).toBe(4500);
});

test('one node alone is followed by nobody', () => {
  const config = pair('');
  const [alone] = config.cluster.nodes;
  if (alone === undefined) throw new Error('a pair has nodes');
  expect(row({ ...config, cluster: { ...config.cluster, nodes: [alone] } }, 'node dead').owners).toEqual([]);
});
