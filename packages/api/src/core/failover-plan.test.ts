// Who must do what for a planned failover: one row for each situation.
import { expect, test } from 'vitest';
import type { NodeStatus, PeerStatus } from '../contract.ts';
import { node, peer, server, vip } from '../../test/fixture.ts';
import { planFailover, type FailoverPlan } from './failover-plan.ts';

const owner = node('lb1', 'master');
const spare = node('lb2', 'backup');
const fault: NodeStatus = {
  ...spare,
  vrrp: spare.vrrp && { ...spare.vrrp, vips: [vip('fault', { reason: 'no link on eth0' })] },
};
const noServer: NodeStatus = {
  ...spare,
  proxy: spare.proxy && { ...spare.proxy, backends: [{ name: 'app', servers: [server('web1', { state: 'down' })] }] },
};
const { proxy: _proxy, ...noProxy } = spare;
const silent = peer(spare, { reachable: false, error: 'connection refused' });
const refuse = (to: string, detail: string): FailoverPlan => ({ action: 'refuse', to, detail });

const cases: readonly (readonly [string, NodeStatus, PeerStatus | undefined, string | undefined, FailoverPlan])[] = [
  ['the owner gives up', owner, peer(spare), undefined, { action: 'resign', to: 'lb2' }],
  ['the owner gives up to a named node', owner, peer(spare), 'lb2', { action: 'resign', to: 'lb2' }],
  ['the spare asks the owner', spare, peer(owner), undefined, { action: 'ask-peer', to: 'lb2' }],
  ['the spare asks the owner for itself by name', spare, peer(owner), 'lb2', { action: 'ask-peer', to: 'lb2' }],
  ['it is there already', owner, peer(spare), 'lb1', refuse('lb1', 'it owns the addresses already')],
  ['nobody owns', spare, peer(node('lb1', 'backup')), 'lb1', refuse('lb1', 'no node owns an address that could move')],
  ['one node', owner, undefined, undefined, refuse('lb1', 'the cluster has one node')],
  ['the peer is silent', owner, silent, undefined, refuse('lb2', '"lb2" does not answer (connection refused)')],
  [
    'the spare is in fault',
    owner,
    peer(fault),
    undefined,
    refuse('lb2', 'public is in state fault there (no link on eth0)'),
  ],
  [
    'the spare has no server',
    owner,
    peer(noServer),
    undefined,
    refuse('lb2', 'no server of backend "app" is up there'),
  ],
  ['the spare has no proxy', owner, peer(noProxy), undefined, refuse('lb2', 'its proxy does not answer')],
  ['an unknown node', owner, peer(spare), 'lb9', { action: 'unknown-node', to: 'lb9', known: ['lb1', 'lb2'] }],
];

test.each(cases)('planFailover() when %s', (...row) => {
  const [, self, other, to, plan] = row;
  const pair = {
    self,
    ...(other === undefined ? {} : { peer: other }),
    verdict: { level: 'ok', sentence: '' },
  } as const;
  expect(planFailover(pair, to)).toEqual(plan);
});
