// What `tospann status` says of a pair, line by line, where a wrong word would mislead at night.
import type { NodeStatus, PairStatus, PeerStatus, VipStatus } from '@tospann/api';
import { expect, test } from 'vitest';
import { renderStatus } from './render-status.ts';

const vip = (state: VipStatus['state'], more: Partial<VipStatus> = {}): VipStatus => ({
  name: 'public',
  address: '192.168.1.200/24',
  routerId: 51,
  state,
  sinceMs: 0,
  reason: 'x',
  priority: 100,
  transitionsTotal: 1,
  owner: 'lb1',
  adverts: { sentTotal: 0, receivedTotal: 0, droppedTotal: {} },
  lastAdvertAgeMs: 1,
  peerPriority: 100,
  checksumDialect: 'pseudo-header',
  ...more,
});
const node = (name: string, own: VipStatus, more: Partial<NodeStatus> = {}): NodeStatus => ({
  node: name,
  cluster: 'shop',
  version: '1',
  configHash: 'ab',
  nodes: ['lb1', 'lb2'],
  uptimeMs: 1,
  timeMs: 1,
  monotonicMs: 100_000,
  children: [],
  proxy: {
    engine: 'ring',
    engineReason: '',
    threads: 1,
    frontends: [],
    backends: [],
    latencyBoundsMs: [],
    latencyCounts: [],
    logLinesDroppedTotal: 0,
  },
  vrrp: {
    vips: [own],
    scheduling: '',
    latenessMaxMs: 0,
    latenessLastMinuteMs: 0,
    gratuitousArpTotal: 0,
    addressRestoredTotal: 0,
    freezesTotal: 0,
  },
  notices: [],
  ...more,
});
const peer = (status: NodeStatus, more: Partial<PeerStatus> = {}): PeerStatus => ({
  name: status.node,
  address: '',
  reachable: true,
  lastSeenAgeMs: 100,
  status,
  ...more,
});
const said = (self: NodeStatus, other?: PeerStatus): readonly string[] => {
  const pair: PairStatus = {
    self,
    ...(other === undefined ? {} : { peer: other }),
    verdict: { level: 'ok', sentence: 'Healthy.' },
  };
  return renderStatus(pair);
};

test('a planned move that would be refused is another thing than a failover that will not happen', () => {
  const lines = said(node('lb1', vip('master')), peer(node('lb2', vip('backup'), { configHash: 'cd' })));
  expect(lines).toContain('If lb1 stops now, lb2 takes public');
  expect(lines.find((line) => line.startsWith('A planned move'))).toMatch(/would be refused: lb2 runs another config/);
  const held = said(node('lb1', vip('master')), peer(node('lb2', vip('fault', { reason: 'no link' }))));
  expect(held).toContain('If lb1 stops now, nobody takes public: lb2 cannot: no link');
});

test('a preferred node says when it takes its addresses back, whichever node is asked', () => {
  const waiting = node('lb1', vip('backup', { owner: 'lb2', takesBackAtMs: 112_000 }));
  const owner = node('lb2', vip('master', { owner: 'lb2' }), { monotonicMs: 9_000_000 });
  expect(said(waiting, peer(owner))).toContain('lb1 takes public back in 12 s');
  expect(said(owner, peer(waiting))).toContain('lb1 takes public back in 12 s');
  expect(said(owner, peer(waiting, { reachable: false })).join()).not.toContain('takes public back');
});

test('of a node that is not heard no old word stands in the place of a new one', () => {
  const gone = peer(node('lb2', vip('backup')), {
    reachable: false,
    lastSeenAgeMs: 62_000,
    error: 'no answer in time',
  });
  const text = said(node('lb1', vip('master')), gone).join('\n');
  expect(text).toMatch(/^lb2 .* not heard for 62 s: no answer in time$/m);
  expect(text).toContain('If lb1 stops now, nobody takes public: lb2 is not heard (no answer in time)');
});
