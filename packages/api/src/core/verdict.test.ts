// The verdict's sentences: one row each, as an operator would read them.
import { expect, test } from 'vitest';
import type { NodeStatus, PeerStatus } from '../contract.ts';
import { node, peer, peerLink, server, vip } from '../../test/fixture.ts';
import { judge } from './verdict.ts';

const lb1 = node('lb1', 'master');
const lb2 = node('lb2', 'backup');
const withServers = (status: NodeStatus, states: readonly ('up' | 'down')[]): NodeStatus => ({
  ...status,
  proxy: status.proxy && {
    ...status.proxy,
    backends: [
      {
        name: 'app',
        servers: states.map((state, i) => server(`web${i + 1}`, { state, lastCheck: 'connection refused' })),
      },
    ],
  },
});
const withBackend = (status: NodeStatus, ...servers: ReturnType<typeof server>[]): NodeStatus => ({
  ...status,
  proxy: status.proxy && { ...status.proxy, backends: [{ name: 'app', servers }] },
});
const drained = { admin: 'drain', status: 'drain', effectiveWeight: 0 } as const;
const weightless = { weight: 0, effectiveWeight: 0 };
const withMaintenance = (status: NodeStatus, reason: string): NodeStatus => ({
  ...status,
  vrrp: status.vrrp && { ...status.vrrp, maintenance: { since: '', reason } },
});
const file = { differs: false, broken: '', since: '' };
const withVip = (status: NodeStatus, ...vips: Parameters<typeof vip>[]): NodeStatus => ({
  ...status,
  vrrp: status.vrrp && { ...status.vrrp, vips: vips.map((args) => vip(...args)) },
});
const clocks = 'Cannot compare logs of the pair: the clock of "lb2" is 1 h ahead of the clock of "lb1"';
const withProblem = (status: NodeStatus): NodeStatus => ({
  ...status,
  vrrp: status.vrrp && { ...status.vrrp, peerLink: peerLink('lb2', [clocks]) },
});
const withChild = (status: NodeStatus, name: string, state: 'down' | 'starting'): NodeStatus => ({
  ...status,
  children: status.children.map((child) =>
    child.name === name ? { ...child, state, restartsTotal: 2, detail: 'signal SIGKILL' } : child,
  ),
});
const withMover = (status: NodeStatus, outcome: 'waiting' | 'failed' | 'done'): NodeStatus => ({
  ...status,
  vrrp: status.vrrp && {
    ...status.vrrp,
    movers: [{ vip: 'public', outcome, term: 4, attempts: 2, detail: 'quota', sinceMs: 1, durationMs: 9 }],
  },
});
const gone: PeerStatus = {
  name: 'lb1',
  address: '10.10.0.11:9443',
  reachable: false,
  lastSeenAgeMs: 9000,
  error: 'connection refused',
  status: lb1,
};

const cases: readonly (readonly [string, NodeStatus, PeerStatus | undefined, string, string])[] = [
  [
    'what was not moved outside serves nobody',
    withMover(lb1, 'failed'),
    peer(lb2),
    'down',
    'Down. public was not moved to lb1 (quota). lb1 holds public, lb2 ready.',
  ],
  [
    'what is about to be moved is told',
    lb2,
    peer(withMover(lb1, 'waiting')),
    'degraded',
    'Degraded. public is not yet moved to lb1 (quota). lb1 holds public, lb2 ready.',
  ],
  [
    'an old failure of a node that owns it no more is none',
    lb1,
    peer(withMover(lb2, 'failed')),
    'ok',
    'Healthy. lb1 holds public, lb2 ready.',
  ],
  [
    'what the peer link shows is said once',
    withProblem(lb1),
    peer(withProblem(lb2)),
    'degraded',
    `Degraded. ${clocks}. lb1 holds public, lb2 ready.`,
  ],
  ['owner asked', lb1, peer(lb2), 'ok', 'Healthy. lb1 holds public, lb2 ready.'],
  ['spare asked', lb2, peer(lb1), 'ok', 'Healthy. lb1 holds public, lb2 ready.'],
  ['one node, no VIP', withVip(lb1), undefined, 'ok', 'Healthy. lb1 serves; there is no floating address.'],
  [
    'both active',
    withVip(lb1, ['master'], ['backup', { name: 'second', owner: 'lb2' }]),
    peer(withVip(lb2, ['backup'], ['master', { name: 'second', owner: 'lb2' }])),
    'ok',
    'Healthy. lb1 holds public, lb2 holds second.',
  ],
  [
    'peer dead, taken over',
    withVip(lb2, ['master', { owner: 'lb2' }]),
    gone,
    'degraded',
    'Degraded. lb1 does not answer (connection refused). lb2 holds public.',
  ],
  [
    'peer link cut, adverts heard',
    lb2,
    gone,
    'degraded',
    'Degraded. lb1 does not answer (connection refused). lb1 still advertises public, lb2 ready.',
  ],
  [
    'nobody owns',
    withVip(lb1, ['fault', { owner: '', reason: 'the proxy cannot serve' }]),
    peer(withVip(lb2, ['init', { owner: '' }])),
    'down',
    'Down. Nobody holds public (lb1: the proxy cannot serve).',
  ],
  [
    'both own, settled',
    lb1,
    peer(withVip(lb2, ['master', { owner: 'lb2' }])),
    'down',
    'Down. lb1 and lb2 both hold public: they do not hear each other.',
  ],
  [
    'both own, one moment after a move',
    lb1,
    peer(withVip(lb2, ['master', { owner: 'lb2', sinceMs: 69_000 }])),
    'ok',
    'Healthy. lb2 holds public, lb1 ready.',
  ],
  [
    'given up, new owner heard, its status still old',
    withVip(lb1, ['backup', { owner: 'lb2', sinceMs: 69_900 }]),
    peer(lb2),
    'ok',
    'Healthy. lb2 holds public, lb1 ready.',
  ],
  [
    'other configuration',
    lb1,
    peer({ ...lb2, configHash: 'cd'.repeat(32) }),
    'degraded',
    'Degraded. lb1 and lb2 run different configurations. lb1 holds public, lb2 ready.',
  ],
  [
    'other configuration, told once by the peer link',
    {
      ...lb1,
      vrrp: lb1.vrrp && { ...lb1.vrrp, peerLink: peerLink('lb2', [`it runs configuration ${'cd'.repeat(6)}`]) },
    },
    peer({ ...lb2, configHash: 'cd'.repeat(32) }),
    'degraded',
    `Degraded. it runs configuration ${'cd'.repeat(6)}. lb1 holds public, lb2 ready.`,
  ],
  [
    'one server down',
    withServers(lb1, ['up', 'down']),
    peer(lb2),
    'degraded',
    'Degraded. 1 of 2 servers is down: app/web2 (connection refused). lb1 holds public, lb2 ready.',
  ],
  [
    'all servers down',
    withServers(lb1, ['down', 'down']),
    peer(lb2),
    'down',
    'Down. No server of app takes traffic (web1 down, web2 down). 2 of 2 servers are down: app/web1 (connection refused) and app/web2 (connection refused). lb1 holds public, lb2 ready.',
  ],
  [
    'all servers drained: nothing is down, every new request is refused',
    withBackend(lb1, server('web1', drained), server('web2', drained)),
    peer(lb2),
    'down',
    'Down. No server of app takes traffic (web1 draining, web2 draining). lb1 holds public, lb2 ready.',
  ],
  [
    'an outage leads whatever else is wrong, and whichever node is asked',
    withChild(withProblem(lb2), 'admin', 'starting'),
    peer(withChild(withBackend(lb1, server('web1', drained), server('web2', weightless)), 'admin', 'starting')),
    'down',
    `Down. No server of app takes traffic (web1 draining, web2 weight 0). admin on lb2 is starting again (signal SIGKILL). admin on lb1 is starting again (signal SIGKILL). ${clocks}. lb1 holds public, lb2 ready.`,
  ],
  [
    'what the data plane says of who takes traffic counts',
    withBackend(lb1, server('web1', { live: true, takesTraffic: false, idleBecause: 'slot lost' })),
    peer(lb2),
    'down',
    'Down. No server of app takes traffic (web1 slot lost). lb1 holds public, lb2 ready.',
  ],
  [
    'one drained, the rest serve',
    withBackend(lb1, server('web1', drained), server('web2')),
    peer(lb2),
    'ok',
    'Healthy. lb1 holds public, lb2 ready.',
  ],
  [
    'a spare whose servers are all out is not ready',
    lb1,
    peer(withBackend(lb2, server('web1', drained))),
    'degraded',
    'Degraded. lb2 could not serve app if it took over (web1 draining). lb1 holds public.',
  ],
  [
    'an owner that keeps the address for want of a better one, and cannot serve',
    { ...lb1, vrrp: lb1.vrrp && { ...lb1.vrrp, ability: 'cannot-serve', abilityReason: 'its listener is dead' } },
    peer(lb2),
    'down',
    'Down. lb1 holds public but cannot serve: its listener is dead. lb1 holds public, lb2 ready.',
  ],
  [
    'maintenance is an order, not a fault',
    lb1,
    peer(withMaintenance(lb2, 'new disk')),
    'ok',
    'Healthy. lb2 is in maintenance (new disk). lb1 holds public.',
  ],
  [
    'a fault comes before what was ordered',
    withServers(lb1, ['up', 'down']),
    peer(withMaintenance(lb2, '')),
    'degraded',
    'Degraded. 1 of 2 servers is down: app/web2 (connection refused). lb2 is in maintenance. lb1 holds public.',
  ],
  [
    'a file that the next start would not take',
    lb1,
    peer({ ...lb2, configuration: { ...file, differs: true, broken: 'line 3: unknown key' } }),
    'degraded',
    'Degraded. The configuration file on lb2 cannot be used (line 3: unknown key): the next start needs a right one. lb1 holds public, lb2 ready.',
  ],
  [
    'a file that is not what runs',
    { ...lb1, configuration: { ...file, differs: true } },
    peer(lb2),
    'degraded',
    'Degraded. The configuration file on lb1 is not what runs there: "tospann reload" takes it. lb1 holds public, lb2 ready.',
  ],
  [
    'a file that is what runs',
    { ...lb1, configuration: file },
    peer(lb2),
    'ok',
    'Healthy. lb1 holds public, lb2 ready.',
  ],
  [
    'proxy of the owner died',
    withChild(lb1, 'proxy', 'down'),
    peer(lb2),
    'down',
    'Down. proxy on lb1 is down (signal SIGKILL). lb1 holds public, lb2 ready.',
  ],
  [
    'admin of the spare restarts',
    lb1,
    peer(withChild(lb2, 'admin', 'starting')),
    'degraded',
    'Degraded. admin on lb2 is starting again (signal SIGKILL). lb1 holds public, lb2 ready.',
  ],
  [
    'spare in fault',
    lb1,
    peer(withVip(lb2, ['fault', { reason: 'no link on eth0' }])),
    'degraded',
    'Degraded. lb2 cannot take public: no link on eth0. lb1 holds public.',
  ],
];

test.each(cases)('judge() %s', (...row) => {
  const [, self, other, level, sentence] = row;
  expect(judge(self, other)).toEqual({ level, sentence });
});

test('judge() says the same a second later when only ages have grown', () => {
  const later = peer({ ...lb2, monotonicMs: 71_000 }, { lastSeenAgeMs: 1200 });
  expect(judge({ ...lb1, monotonicMs: 71_000 }, later)).toEqual(judge(lb1, peer(lb2)));
});
