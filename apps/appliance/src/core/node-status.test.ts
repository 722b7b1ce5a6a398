import type { VrrpSnapshot } from '@tospann/vrrp';
import { expect, test } from 'vitest';
import type { NodeState } from '../ipc.ts';
import { toNodeStatus } from './node-status.ts';

const facts = {
  node: 'lb1',
  cluster: 'shop',
  version: '1',
  timeMs: 5,
  monotonicMs: 900,
  nodes: ['lb1', 'lb2'],
  unasked: [],
};
const proxy = {
  engine: 'node',
  engineReason: 'kernel.io_uring_disabled is 2',
  threads: 1,
  frontends: [],
  backends: [],
  latencyBoundsMs: [],
  latencyCounts: [0],
  logLinesDroppedTotal: 0,
} as const;

function stateWith(proxyState: 'running' | 'waiting'): NodeState {
  const child = {
    role: 'proxy',
    state: proxyState,
    pid: proxyState === 'running' ? 7 : -1,
    restartsTotal: 2,
    sinceMs: 100,
    lastExit: 'signal SIGKILL',
  } as const;
  return { startedMs: 100, configHash: 'ab', children: [child], proxy };
}

test('toNodeStatus() shows the data plane of a running proxy, with the reason of its engine as a notice', () => {
  const status = toNodeStatus(stateWith('running'), facts);
  expect(status.proxy?.engine).toBe('node');
  expect(status.uptimeMs).toBe(800);
  expect(status.notices).toEqual(['The data plane runs on node:net, not on io_uring: kernel.io_uring_disabled is 2']);
});

test('toNodeStatus() does not show old figures of a proxy that is dead', () => {
  const status = toNodeStatus(stateWith('waiting'), facts);
  expect(status.proxy).toBeUndefined();
  expect(status.children[0]).toMatchObject({ state: 'down', pid: 0, detail: 'last end: signal SIGKILL' });
});

test.each(['running', 'waiting'] as const)('toNodeStatus() shows the limits of a watch that lives: %s', (watch) => {
  const { children, ...state } = stateWith('running');
  const vrrp = { ...children[0]!, role: 'vrrp', state: watch } as const;
  const status = toNodeStatus({ ...state, children: [...children, vrrp], limits: { conntrackEntries: 17 } }, facts);
  expect(status.host).toEqual(watch === 'running' ? { conntrackEntries: 17 } : undefined);
});

test('toNodeStatus() says how old the words of the agent are, and takes those of a loop that hangs for nothing', () => {
  const child = { role: 'vrrp', state: 'running', pid: 8, restartsTotal: 0, sinceMs: 100, lastExit: '' } as const;
  const vrrp: VrrpSnapshot = {
    takenMs: 1000,
    vips: [],
    scheduling: '',
    latenessMaxMs: 0,
    latenessLastMinuteMs: 0,
    latenessRecentMs: 0,
    linkProblem: '',
    gratuitousArpTotal: 0,
    addressRestoredTotal: 0,
    freezesTotal: 0,
  };
  const state: NodeState = { startedMs: 100, configHash: 'ab', children: [child], vrrp };
  expect(toNodeStatus(state, { ...facts, monotonicMs: 1600 }).vrrp?.ageMs).toBe(600);
  const old = toNodeStatus(state, { ...facts, monotonicMs: 6000 });
  expect(old.vrrp).toBeUndefined();
  expect(old.children).toMatchObject([{ name: 'vrrp', state: 'down', detail: 'it does not answer' }]);
});

test('toNodeStatus() tells how the configuration file stands to what runs', () => {
  const configuration = { differs: true, broken: '', since: '2026-11-30T12:00:00Z' };
  const told = { ...stateWith('running'), configuration: { ...configuration, runningHash: 'ab', diskHash: 'cd' } };
  expect(toNodeStatus(told, facts).configuration).toEqual(configuration);
  expect(toNodeStatus(stateWith('running'), facts).configuration).toBeUndefined();
});
