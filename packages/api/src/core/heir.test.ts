import { expect, test } from 'vitest';
import { node, peer, peerLink, vip } from '../../test/fixture.ts';
import type { NodeStatus, PeerStatus, VrrpStatus } from '../contract.ts';
import { heirless, heirOf } from './heir.ts';

const lb1 = node('lb1', 'master', { nodes: ['lb1', 'lb2'] });
const lb2 = node('lb2', 'backup');
const ok = { level: 'ok', sentence: '' } as const;
const withVrrp = (status: NodeStatus, change: Partial<VrrpStatus>): NodeStatus => ({
  ...status,
  vrrp: status.vrrp && { ...status.vrrp, ...change },
});
const silentLink = { ...peerLink('lb2'), speaking: false };
const { vrrp: _vrrp, ...agentless } = lb2;

const cases: readonly (readonly [string, NodeStatus, PeerStatus | undefined, string])[] = [
  ['it stands by', lb1, peer(lb2), 'lb2'],
  // What a planned move refuses, no election asks about.
  ['it runs another configuration', lb1, peer({ ...lb2, configHash: 'cd' }), 'lb2'],
  ['a script of it fails', lb1, peer(withVrrp(lb2, { ability: 'impaired' })), 'lb2'],
  ['nobody can ask it, its agent speaks', lb1, undefined, 'lb2'],
  ['its console is dead, its agent speaks', lb1, peer(lb2, { reachable: false, error: 'refused' }), 'lb2'],
  [
    'it is in maintenance',
    lb1,
    peer(withVrrp(lb2, { maintenance: { since: '', reason: '' } })),
    'lb2 is in maintenance',
  ],
  [
    'it is in fault',
    lb1,
    peer(withVrrp(lb2, { vips: [vip('fault', { reason: 'no link on eth0' })] })),
    'lb2 cannot: no link on eth0',
  ],
  ['its agent is dead', lb1, peer(agentless), 'the failover agent of lb2 does not answer'],
  [
    'both paths are silent',
    withVrrp(lb1, { peerLink: silentLink }),
    peer(lb2, { reachable: false, error: 'connection refused' }),
    'lb2 is not heard (connection refused)',
  ],
  [
    'nobody asks it, and its agent is silent',
    withVrrp(lb1, { peerLink: silentLink }),
    undefined,
    'nothing is known of lb2',
  ],
  ['there is no other node', withVrrp({ ...lb1, nodes: ['lb1'] }, {}), undefined, 'the cluster has one node'],
];

test.each(cases)('heirOf() when %s', (...row) => {
  const [, self, other, said] = row;
  const pair = { self, ...(other === undefined ? {} : { peer: other }), verdict: ok };
  const heir = heirOf('public', pair);
  expect('to' in heir ? heir.to : heir.why).toBe(said);
  expect(heirless(pair)).toBe('to' in heir ? '' : `public: ${said}`);
});

test('heirless() asks about what this node owns only', () => {
  expect(heirless({ self: node('lb2', 'backup', { nodes: ['lb1', 'lb2'] }), verdict: ok })).toBe('');
});
