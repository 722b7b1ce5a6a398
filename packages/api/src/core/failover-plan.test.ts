// Who must do what for a planned failover: one row for each situation.
import { expect, test } from 'vitest';
import type { NodeStatus, PairStatus, PeerStatus } from '../contract.ts';
import { node, peer, server, vip } from '../../test/fixture.ts';
import { planFailover, planMaintenance, type FailoverPlan, type MoveWish } from './failover-plan.ts';

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
const move = { from: 'lb1', to: 'lb2', vips: ['public'], notPromised: [] };
const refuse = (to: string, detail: string): FailoverPlan => ({ action: 'refuse', to, detail });

const cases: readonly (readonly [string, NodeStatus, PeerStatus | undefined, string | undefined, FailoverPlan])[] = [
  ['the owner gives up', owner, peer(spare), undefined, { action: 'resign', ...move }],
  ['the owner gives up to a named node', owner, peer(spare), 'lb2', { action: 'resign', ...move }],
  ['the spare asks the owner', spare, peer(owner), undefined, { action: 'ask-peer', ...move }],
  ['the spare asks the owner for itself by name', spare, peer(owner), 'lb2', { action: 'ask-peer', ...move }],
  ['it is there already', owner, peer(spare), 'lb1', { action: 'nothing', to: 'lb1', vips: ['public'] }],
  ['it is there already, asked there', spare, peer(owner), 'lb1', { action: 'nothing', to: 'lb1', vips: ['public'] }],
  [
    'the other node is configured and nobody can ask it',
    { ...owner, nodes: ['lb1', 'lb2'] },
    undefined,
    undefined,
    refuse(
      'lb2',
      'nobody can ask "lb2" whether it could serve, as admin.bind names no address of it: add an address of each node to admin.bind on both, and reload; or say --force: what nobody takes stays here',
    ),
  ],
  [
    'a node is named that is not of the cluster, and nobody can be asked',
    { ...owner, nodes: ['lb1', 'lb2'] },
    undefined,
    'lb9',
    { action: 'unknown-node', to: 'lb9', known: ['lb1', 'lb2'] },
  ],
  ['nobody owns', spare, peer(node('lb1', 'backup')), 'lb1', refuse('lb1', 'no node owns an address that could move')],
  ['one node', owner, undefined, undefined, refuse('lb1', 'the cluster has one node')],
  [
    'the peer is silent',
    owner,
    silent,
    undefined,
    refuse(
      'lb2',
      '"lb2" does not answer (connection refused): start it, or look at the path between the nodes (admin.bind)',
    ),
  ],
  [
    'the spare is in fault',
    owner,
    peer(fault),
    undefined,
    refuse('lb2', 'public is in state fault there (no link on eth0): look at "tospann status" on lb2'),
  ],
  [
    'the spare has no server',
    owner,
    peer(noServer),
    undefined,
    refuse('lb2', 'no server of backend "app" takes traffic there (web1 down): look at "tospann status" on lb2'),
  ],
  [
    'the spare has no proxy',
    owner,
    peer(noProxy),
    undefined,
    refuse('lb2', 'its proxy does not answer: look at "tospann status" on lb2'),
  ],
  ['an unknown node', owner, peer(spare), 'lb9', { action: 'unknown-node', to: 'lb9', known: ['lb1', 'lb2'] }],
];

test.each(cases)('planFailover() when %s', (...row) => {
  const [, self, other, to, plan] = row;
  const pair = {
    self,
    ...(other === undefined ? {} : { peer: other }),
    verdict: { level: 'ok', sentence: '' },
  } as const;
  expect(planFailover(pair, { to })).toEqual(plan);
});

const checked = (taker: NodeStatus, wish: MoveWish = {}): string => {
  const plan = planFailover(pairOf(owner, peer(taker)), wish);
  return plan.action === 'refuse' ? plan.detail : plan.action;
};

test('planFailover() lists all failed checks at once, each with its remedy, and force overrules them', () => {
  const condition = {
    name: 'script disk',
    state: 'impaired',
    sinceMs: 1,
    sentence: 'it failed with exit code 3',
  } as const;
  const bad: NodeStatus = {
    ...spare,
    configHash: 'cd'.repeat(32),
    proxy: spare.proxy && { ...spare.proxy, frontends: [] },
    vrrp: spare.vrrp && { ...spare.vrrp, conditions: [condition], maintenance: { since: '', reason: 'new disk' } },
  };
  expect(checked(bad).split('\n')).toEqual([
    '4 checks failed',
    '  - script disk of lb2 is impaired (it failed with exit code 3): put that right on lb2 first',
    '  - lb2 is in maintenance (new disk): run "tospann maintenance off" on lb2',
    expect.stringContaining('lb2 runs another configuration (cdcdcdcdcdcd there, abababababab on lb1): give both'),
    '  - lb2 does not listen on 0.0.0.0:80: reload lb2 with the same file',
  ]);
  expect(checked(bad, { force: true })).toBe('resign');
});

test('planFailover() says what it cannot promise, of both nodes and once each', () => {
  const promise = (status: NodeStatus, texts: readonly string[]): NodeStatus => ({
    ...status,
    vrrp: status.vrrp && { ...status.vrrp, notPromised: texts },
  });
  const pair = pairOf(promise(owner, ['no nft', 'far']), peer(promise(spare, ['far'])));
  expect(planFailover(pair)).toEqual({ action: 'resign', ...move, notPromised: ['far', 'no nft'] });
});

test('planFailover() with force gives the addresses up though the other node is silent: the agent keeps what nobody takes', () => {
  expect(planFailover(pairOf(owner, silent), { force: true })).toMatchObject({ action: 'resign', to: 'lb2' });
  const unasked = { ...owner, nodes: ['lb1', 'lb2'] };
  expect(planFailover(pairOf(unasked), { force: true })).toMatchObject({ action: 'resign', from: 'lb1', to: 'lb2' });
  expect(planMaintenance(pairOf(unasked), false)).toMatchObject({ detail: expect.stringContaining('admin.bind') });
});

test('planMaintenance() spares a node only while the other can serve', () => {
  const held: NodeStatus = { ...spare, vrrp: spare.vrrp && { ...spare.vrrp, maintenance: { since: '', reason: '' } } };
  expect(planMaintenance(pairOf(owner, peer(spare)), false)).toMatchObject({ action: 'go', to: 'lb2' });
  expect(planMaintenance(pairOf(spare, peer(owner)), false)).toMatchObject({ action: 'go' });
  expect(planMaintenance(pairOf(owner, peer(held)), false)).toMatchObject({ action: 'refuse' });
  expect(planMaintenance(pairOf(owner, silent), false)).toMatchObject({ action: 'refuse' });
  expect(planMaintenance(pairOf(owner, silent), true)).toMatchObject({ action: 'go' });
  expect(planMaintenance(pairOf(held, silent), false)).toMatchObject({ action: 'go' });
  expect(planMaintenance(pairOf(owner), false)).toMatchObject({ action: 'refuse' });
  // A backup with another file goes, so that it can get the right one.
  expect(planMaintenance(pairOf({ ...spare, configHash: 'cd' }, peer(owner)), false)).toMatchObject({ action: 'go' });
});

function pairOf(self: NodeStatus, other?: PeerStatus): PairStatus {
  return { self, ...(other === undefined ? {} : { peer: other }), verdict: { level: 'ok', sentence: '' } };
}
