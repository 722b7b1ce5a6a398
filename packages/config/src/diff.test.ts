import { expect, test } from 'vitest';
import { diffConfigs, EXAMPLE_CONFIG, parseConfig, type PairConfig } from './index.ts';

function read(text: string): PairConfig {
  const result = parseConfig(text, { file: 'tospann.yaml' });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.config;
}

const before = read(EXAMPLE_CONFIG);

test.each([
  ['name: shop', 'name: store', ['cluster']],
  ['10.10.0.12, interface', '10.10.0.13, interface', ['cluster']],
  ['advertInterval: 1s', 'advertInterval: 100ms', ['vips', 'groups']],
  [', preferred: lb1', '', ['vips', 'groups']],
  [', preferred: lb1', ', preferred: lb1, auth: cluster', ['groups']],
  ['requireServers: [main]', 'requireServers: [main], hold: 5s', ['failover.link']],
  ['requireServers: [main]', 'requireServers: []', ['failover']],
  ['events: {', 'events: { fifo: /run/notify,', ['events']],
  ['profile: balanced', 'profile: latency', ['tuner']],
  ['bind: ["*:80", "[::]:80"]', 'bind: ["*:80", "[::]:80", "*:8080"]', ['frontends.binds']],
  ['maxConnections: 3000', 'maxConnections: 4000', ['traffic']],
  ['weight: 100', 'weight: 50', ['traffic']],
  ['server: 1m', 'server: 2m', ['traffic']],
  ['retries: 3', 'retries: 1', ['traffic']],
  ['format: json', 'format: haproxy', ['log']],
  ['10.10.0.11:9443', '10.10.0.11:9445', ['admin']],
  ['threads: auto', 'threads: 4', ['proxy']],
])('diffConfigs() of %s -> %s names the part', (from, to, parts) => {
  expect(EXAMPLE_CONFIG).toContain(from);
  expect(diffConfigs(before, read(EXAMPLE_CONFIG.replace(from, to)))).toEqual(parts);
});

test('diffConfigs() names nothing when only the writing differs', () => {
  expect(
    diffConfigs(before, read(EXAMPLE_CONFIG.replace('1h }', '60m }').replace('version: 1', '# one\nversion: 1'))),
  ).toEqual([]);
});

test('diffConfigs() names several parts in a fixed order', () => {
  const after = read(EXAMPLE_CONFIG.replace('threads: auto', 'threads: 4').replace('routerId: 51', 'routerId: 52'));
  expect(diffConfigs(before, after)).toEqual(['vips', 'groups', 'proxy']);
});
