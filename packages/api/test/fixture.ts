// Statuses for tests: a healthy pair with one floating address, two backends and figures that differ from each other.
import type { NodeStatus, PeerLinkStatus, PeerStatus, ServerStatus, VipStatus } from '../src/index.ts';

export type Overrides = Partial<NodeStatus>;

export function server(name: string, overrides: Partial<ServerStatus> = {}): ServerStatus {
  return {
    name,
    address: '10.10.10.1',
    port: 80,
    state: 'up',
    sinceMs: 5000,
    lastCheck: 'HTTP 200 in 3 ms',
    weight: 100,
    currentSessions: 3,
    requestsTotal: 1000,
    responsesTotal: [0, 990, 4, 5, 1],
    connectErrorsTotal: 2,
    responseErrorsTotal: 1,
    retriesTotal: 7,
    redispatchesTotal: 6,
    checkFailuresTotal: 4,
    bytesInTotal: 12_345,
    bytesOutTotal: 987_654,
    queueMsTotal: 1000,
    connectMsTotal: 2000,
    responseMsTotal: 12_000,
    totalMsTotal: 20_000,
    responseTimeCounts: [0, 900, 80, 20],
    ...overrides,
  };
}

export function vip(state: VipStatus['state'], overrides: Partial<VipStatus> = {}): VipStatus {
  return {
    name: 'public',
    address: '192.168.1.200/24',
    routerId: 51,
    state,
    sinceMs: 10_000,
    reason: 'the peer was silent',
    priority: 100,
    transitionsTotal: 3,
    owner: 'lb1',
    adverts: { sentTotal: 90, receivedTotal: 4, droppedTotal: { 'bad-checksum': 2 } },
    lastAdvertAgeMs: 400,
    peerPriority: 100,
    checksumDialect: 'pseudo-header',
    ...(state === 'master' ? { firstAnswerMs: 4 } : {}),
    term: 7,
    ...overrides,
  };
}

export function peerLink(peer: string, problems: readonly string[] = []): PeerLinkStatus {
  return {
    peer,
    connected: true,
    speaking: true,
    sinceMs: 12_000,
    lastWordAgeMs: 20,
    roundTripMs: 0.4,
    clockAheadMs: -3,
    detail: '',
    peerVersion: '0.1.0',
    connectionsTotal: 1,
    strangersTotal: 0,
    problems,
  };
}

export function node(name: string, state: VipStatus['state'], overrides: Overrides = {}): NodeStatus {
  return {
    node: name,
    cluster: 'shop',
    version: '0.1.0',
    configHash: 'ab'.repeat(32),
    uptimeMs: 60_000,
    timeMs: 1_790_000_000_000,
    monotonicMs: 70_000,
    children: (['proxy', 'vrrp', 'admin'] as const).map((child, i) => ({
      name: child,
      state: 'ready',
      pid: 100 + i,
      restartsTotal: i,
      sinceMs: 11_000,
      detail: '',
    })),
    proxy: {
      engine: 'ring',
      engineReason: 'io_uring of Linux 6.1 is allowed',
      threads: 2,
      frontends: [
        {
          name: 'main',
          binds: ['0.0.0.0:80'],
          currentConnections: 12,
          connectionsTotal: 400,
          requestsTotal: 2000,
          responsesTotal: [0, 1980, 8, 10, 2],
          refusedTotal: { LB_TRAFFIC_BAD_HEAD: 3 },
          bytesInTotal: 24_690,
          bytesOutTotal: 1_975_308,
        },
      ],
      backends: [
        { name: 'app', servers: [server('web1'), server('web2', { address: '10.10.10.2' })] },
        { name: 'static', servers: [server('web1', { state: 'unchecked', lastCheck: '' })] },
      ],
      latencyBoundsMs: [1, 10, 100],
      latencyCounts: [1500, 400, 90, 10],
      logLinesDroppedTotal: 0,
    },
    vrrp: {
      vips: [vip(state)],
      peerLink: peerLink(name === 'lb1' ? 'lb2' : 'lb1'),
      scheduling: 'SCHED_RR 50',
      latenessMaxMs: 2.5,
      latenessLastMinuteMs: 0.2,
      advertLateness: { p50Ms: 0.1, p99Ms: 0.4, p999Ms: 0.8, maxMs: 0.9, count: 600 },
      gratuitousArpTotal: 6,
      addressRestoredTotal: 0,
      freezesTotal: 0,
      conditions: [{ name: 'frontend main', state: 'ok', sinceMs: 9000, sentence: 'the own listener answers' }],
    },
    notices: [],
    ...overrides,
  };
}

export function peer(status: NodeStatus, overrides: Partial<PeerStatus> = {}): PeerStatus {
  return { name: status.node, address: '10.10.0.12:9443', reachable: true, lastSeenAgeMs: 300, status, ...overrides };
}
