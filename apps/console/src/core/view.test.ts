// What the page shows of a pair: roles, owners, servers as the serving node sees them, sums of both nodes.
import { expect, test } from 'vitest';
import type { NodeStatus, PairStatus, PeerStatus, ServerStatus, VipStatus } from '@tospann/api/contract';
import { backendViews, frontendViews, nodeViews, vipViews, type Windows } from './view.ts';

function vip(state: VipStatus['state'], overrides: Partial<VipStatus> = {}): VipStatus {
  const adverts = { sentTotal: 0, receivedTotal: 0, droppedTotal: {} };
  const fixed = {
    name: 'public',
    address: '192.168.1.200/24',
    routerId: 51,
    priority: 100,
    peerPriority: 100,
    adverts,
  } as const;
  const rest = {
    sinceMs: 10_000,
    reason: 'start',
    transitionsTotal: 1,
    owner: 'lb1',
    lastAdvertAgeMs: -1,
    checksumDialect: 'pseudo-header',
  } as const;
  return { ...fixed, ...rest, state, ...overrides };
}

function server(name: string, overrides: Partial<ServerStatus> = {}): ServerStatus {
  const totals = {
    connectErrorsTotal: 1,
    responseErrorsTotal: 0,
    retriesTotal: 0,
    redispatchesTotal: 0,
    checkFailuresTotal: 0,
    bytesInTotal: 5,
    bytesOutTotal: 7,
  };
  const fixed = { address: '10.0.0.1', port: 80, weight: 100, lastCheck: 'ok', sinceMs: 1000, currentSessions: 2 };
  return { name, state: 'up', requestsTotal: 100, responsesTotal: [0, 98, 0, 0, 2], ...fixed, ...totals, ...overrides };
}

function node(name: string, vips: readonly VipStatus[], servers: readonly ServerStatus[]): NodeStatus {
  return {
    node: name,
    cluster: 'shop',
    version: '1',
    configHash: 'aa',
    uptimeMs: 1,
    timeMs: 0,
    monotonicMs: 60_000,
    children: [],
    notices: [],
    proxy: {
      engine: 'ring',
      engineReason: '',
      threads: 1,
      frontends: [
        {
          name: 'main',
          binds: ['0.0.0.0:80'],
          currentConnections: 3,
          connectionsTotal: 9,
          requestsTotal: 100,
          responsesTotal: [0, 98, 0, 0, 2],
          refusedTotal: { bad: 1 },
          bytesInTotal: 1,
          bytesOutTotal: 2,
        },
      ],
      backends: [{ name: 'app', servers: [...servers] }],
      latencyBoundsMs: [10],
      latencyCounts: [100, 0],
      logLinesDroppedTotal: 0,
    },
    vrrp: {
      vips: [...vips],
      scheduling: 'normal',
      latenessMaxMs: 0,
      latenessLastMinuteMs: 0,
      gratuitousArpTotal: 0,
      addressRestoredTotal: 0,
      freezesTotal: 0,
    },
  };
}

const lb1 = node('lb1', [vip('master')], [server('web1')]);
const lb2 = node('lb2', [vip('backup', { lastAdvertAgeMs: 400 })], [server('web1')]);
const heard = (status: NodeStatus, overrides: Partial<PeerStatus> = {}): PeerStatus => ({
  name: status.node,
  address: '',
  reachable: true,
  lastSeenAgeMs: 100,
  status,
  ...overrides,
});
const pairOf = (self: NodeStatus, peer?: PeerStatus): PairStatus => ({
  self,
  ...(peer === undefined ? {} : { peer }),
  verdict: { level: 'ok', sentence: '' },
});
const none: Windows = new Map();

test('nodeViews() are in the same order on both pages', () => {
  expect(nodeViews(pairOf(lb2, heard(lb1)), none).map(({ name, role, isSelf }) => [name, role, isSelf])).toEqual([
    ['lb1', 'owner', false],
    ['lb2', 'ready', true],
  ]);
});

test('nodeViews() tell a peer that is gone, and why, with its last figures', () => {
  const gone = heard(lb1, { reachable: false, lastSeenAgeMs: 9000, error: 'connection refused' });
  const own = node('lb2', [vip('master', { owner: 'lb2' })], [server('web1')]);
  const [first, second] = nodeViews(pairOf(own, gone), none);
  expect(first).toMatchObject({ name: 'lb1', role: 'gone', why: 'connection refused', ageMs: 9000, status: lb1 });
  expect(first?.requestRate).toBeUndefined();
  expect(second).toMatchObject({ name: 'lb2', role: 'owner', why: 'holds public' });
});

test('nodeViews() shows a node in maintenance as taken out, not as broken', () => {
  const out = { ...lb2, vrrp: lb2.vrrp && { ...lb2.vrrp, maintenance: { since: '', reason: 'new disk' } } };
  const [, second] = nodeViews(pairOf(lb1, heard(out)), none);
  expect(second).toMatchObject({ name: 'lb2', role: 'out', why: 'new disk' });
});

test('nodeViews() tell what a node lacks, and whether the configurations are the same', () => {
  const { proxy: _proxy, ...broken } = { ...lb2, configHash: 'bb' };
  const [first, second] = nodeViews(pairOf(lb1, heard(broken)), none);
  expect(second).toMatchObject({ role: 'fault', why: 'its proxy does not answer', inSync: false });
  expect(first?.inSync).toBe(false);
  expect(nodeViews(pairOf(lb1), none)[0]?.inSync).toBeUndefined();
});

test('nodeViews() take rates from the windows', () => {
  const later: NodeStatus = {
    ...lb1,
    monotonicMs: 62_000,
    proxy: lb1.proxy && {
      ...lb1.proxy,
      frontends: lb1.proxy.frontends.map((one) => ({ ...one, requestsTotal: 300, responsesTotal: [0, 290, 0, 0, 10] })),
      latencyCounts: [300, 0],
    },
  };
  const [view] = nodeViews(pairOf(later), new Map([['lb1', [lb1, later]]]));
  expect(view).toMatchObject({ requestRate: 100, errorRate: 4, p50Ms: 5 });
});

test('vipViews() name the owner, since when, and the heartbeat that the other node hears', () => {
  expect(vipViews(pairOf(lb2, heard(lb1)))).toMatchObject([
    { name: 'public', owners: ['lb1'], ownedForMs: 50_000, heartbeat: { ageMs: 400, heardBy: 'lb2' } },
  ]);
});

test('vipViews() know no owner when nobody says so', () => {
  const silent = node('lb1', [vip('init', { owner: '' })], []);
  expect(vipViews(pairOf(silent))).toMatchObject([{ owners: [], ownedForMs: undefined, heartbeat: undefined }]);
});

test('backendViews() show the state as the serving node sees it, and who disagrees', () => {
  const seesDown = node('lb2', [vip('backup')], [server('web1', { state: 'down', lastCheck: 'no route' })]);
  const [backend] = backendViews(pairOf(seesDown, heard(lb1)), none);
  expect(backend?.servers[0]).toMatchObject({
    key: 'app-web1',
    server: { state: 'up' },
    stateAgeMs: 59_000,
    disagreement: { node: 'lb2', state: 'down', lastCheck: 'no route' },
    requestsTotal: 200,
    responses5xx: 4,
    connectErrors: 2,
    sessions: 4,
  });
});

test('backendViews() are empty while no data plane answers', () => {
  const { proxy: _proxy, ...silent } = lb1;
  expect(backendViews(pairOf(silent), none)).toEqual([]);
});

test('frontendViews() add both nodes up', () => {
  expect(frontendViews(pairOf(lb1, heard(lb2)), none)).toMatchObject([
    { name: 'main', connections: 6, requestsTotal: 200, responses: [0, 196, 0, 0, 4], refused: [['bad', 2]] },
  ]);
});
