import type { PairConfig } from '@tospann/config';
import { expect, test } from 'vitest';
import { adminBinds, adminPeers } from './admin-addresses.ts';

const nodes = [
  { name: 'lb1', address: '10.0.0.1', interface: 'eth0' },
  { name: 'lb2', address: '10.0.0.2', interface: 'eth0' },
];
const withBinds = (...binds: { address: string; port: number }[]): PairConfig =>
  ({ cluster: { name: 'shop', nodes }, admin: { binds } }) as unknown as PairConfig;

test('adminBinds() takes the own addresses and leaves those of the other node', () => {
  const config = withBinds({ address: '10.0.0.1', port: 9443 }, { address: '10.0.0.2', port: 9443 });
  expect(adminBinds(config, ['127.0.0.1', '10.0.0.2'])).toEqual([{ address: '10.0.0.2', port: 9443 }]);
});

test('adminBinds() takes a wildcard on both nodes', () => {
  expect(adminBinds(withBinds({ address: '0.0.0.0', port: 9443 }), [])).toHaveLength(1);
});

test('adminPeers() finds the other node by its own address, else by a wildcard, else not at all', () => {
  expect(adminPeers(withBinds({ address: '10.0.0.1', port: 1 }, { address: '10.0.0.2', port: 2 }), 'lb1')).toEqual([
    { name: 'lb2', address: '10.0.0.2', port: 2 },
  ]);
  expect(adminPeers(withBinds({ address: '0.0.0.0', port: 9443 }), 'lb2')).toEqual([
    { name: 'lb1', address: '10.0.0.1', port: 9443 },
  ]);
  expect(adminPeers(withBinds(), 'lb1')).toEqual([]);
});
