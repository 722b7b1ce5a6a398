// Rules in mode tcp through the engine on the memory transport: by source and port, the first that ends the list, and
// whose address counts behind a PROXY protocol header.
import type { AclConfig, RuleConfig } from '@tospann/config';
import { expect, it, describe } from 'vitest';
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { EngineBench } from './engine-bench.ts';
import { acl, toStatic } from './rules-bench.ts';

const DENY = { type: 'deny', status: 403 } as const;
const DROP = { type: 'silent-drop' } as const;
const IS_A = { acl: 'a' } as const;

/** Sources 198.51.100.0/24 are `a`, 2001:db8::/32 are `b`; port 80, the listener's, is `d`. */
const ACLS: readonly AclConfig[] = [
  acl({ name: 'a', source: ['198.51.100.0/24'] }),
  acl({ name: 'b', source: ['2001:db8::/32'] }),
  acl({ name: 'c', port: [81] }),
  acl({ name: 'd', port: [80] }),
];

function tcpBench(rules: readonly RuleConfig[], ...flags: readonly 'accept-proxy'[]): EngineBench {
  return new EngineBench({
    flags: ['one-server', 'tcp', ...flags],
    configure: (config) => ({ ...config, frontends: [{ ...config.frontends[0]!, acls: ACLS, rules }] }),
  });
}

function dial(bench: EngineBench, address: string, text = 'hello'): MemoryPeer {
  const client = bench.dial(address);
  client.write(text);
  bench.transport.settle();
  return client;
}

/** What a connection comes to: the server that got its bytes, or how it was refused. */
function fate(bench: EngineBench, address: string, text?: string): string {
  const before = bench.connections.length;
  const client = dial(bench, address, text);
  const server = bench.connections[before];
  const closed = client.wasReset ? 'reset' : client.ended ? 'end' : 'nothing';
  const result = server === undefined ? closed : `${server.server} ${server.peer.text}`;
  if (server === undefined) expect([bench.engine.openClients, client.text]).toEqual([0, '']);
  client.close(true);
  bench.transport.settle();
  expect([bench.missingBuffers, bench.engine.openClients]).toEqual([0, 0]);
  return result;
}

describe('rules in mode tcp', () => {
  it.each<[string, readonly RuleConfig[], string, string]>([
    ['use', [toStatic(IS_A)], 'files hello', 'web1 hello'],
    ['use, not', [toStatic({ not: IS_A })], 'web1 hello', 'files hello'],
    ['deny', [{ if: IS_A, action: DENY }], 'reset', 'web1 hello'],
    ['deny, not', [{ if: { not: IS_A }, action: DENY }], 'web1 hello', 'reset'],
    ['silent-drop', [{ if: IS_A, action: DROP }], 'nothing', 'web1 hello'],
    ['silent-drop, not', [{ if: { not: IS_A }, action: DROP }], 'web1 hello', 'nothing'],
    ['the first of several', [toStatic(IS_A), { action: DENY }], 'files hello', 'reset'],
    ['the first of several', [{ if: IS_A, action: DROP }, { action: DENY }, toStatic()], 'nothing', 'reset'],
    ['port', [{ if: { all: [{ acl: 'd' }, IS_A] }, action: DENY }], 'reset', 'web1 hello'],
    ['another port', [{ if: { acl: 'c' }, action: DENY }, toStatic()], 'files hello', 'files hello'],
    ['any', [{ if: { any: [{ acl: 'c' }, IS_A] }, action: DROP }], 'nothing', 'web1 hello'],
    // oxlint-disable-next-line max-params -- a row of the table
  ])('%s: %j', (_, rules, fromA, fromElsewhere) => {
    const bench = tcpBench(rules);
    const addresses = ['198.51.100.7', '203.0.113.1', '198.51.100.8'];
    expect(addresses.map((address) => fate(bench, address))).toEqual([fromA, fromElsewhere, fromA]);
  });

  it.each<[string, readonly RuleConfig[], string]>([
    ['use', [toStatic(IS_A)], 'files hello'],
    ['deny', [{ if: IS_A, action: DENY }], 'reset'],
    ['silent-drop', [{ if: IS_A, action: DROP }], 'nothing'],
    // oxlint-disable-next-line max-params -- a row of the table
  ])('%s by the source that a PROXY header names, not by its sender', (_, rules, expected) => {
    const bench = tcpBench(rules, 'accept-proxy');
    const header = (source: string, family = 'TCP4', to = '192.0.2.99'): string =>
      `PROXY ${family} ${source} ${to} 1234 81\r\nhello`;
    expect([
      fate(bench, '203.0.113.1', header('198.51.100.7')),
      fate(bench, '198.51.100.7', header('203.0.113.1')),
      fate(bench, '198.51.100.7', header('2001:db8::7', 'TCP6', '2001:db8::1')),
    ]).toEqual([expected, 'web1 hello', 'web1 hello']);
    const second = bench.dial('203.0.113.1');
    // In pieces, the last of them with nothing behind the header.
    for (const piece of ['PROXY TCP4 198.51', '.100.7 192.0.2.99 1234 81\r', '\n']) {
      second.write(piece);
      bench.transport.settle();
    }
    expect(second.wasReset).toBe(expected === 'reset');
    expect(bench.engine.openClients).toBe(expected.startsWith('files') ? 1 : 0);
    expect(bench.connections.at(-1)!.server).toBe(expected.startsWith('files') ? 'files' : 'web1');
  });

  it('finds an IPv6 source in the network of a rule', () => {
    const bench = tcpBench([{ if: { acl: 'b' }, action: DENY }], 'accept-proxy');
    const from = (source: string): string => fate(bench, '203.0.113.1', `PROXY TCP6 ${source} ::1 1 80\r\nhello`);
    expect([from('2001:db8::7'), from('2001:db9::7')]).toEqual(['reset', 'web1 hello']);
  });

  it('logs a refused connection once, without a server', () => {
    const bench = tcpBench([{ if: IS_A, action: DENY }, { action: DROP }]);
    for (const address of ['198.51.100.7', '203.0.113.1']) dial(bench, address);
    const lines = bench.logLines();
    for (const line of lines) expect(line).toMatch(/"server":"","protocol":"tcp".*"state":"PR"/);
    expect(lines.length).toBe(2);
  });
});
