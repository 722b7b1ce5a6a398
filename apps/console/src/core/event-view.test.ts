import type { NodeEvent, NodeStatus, PairStatus } from '@tospann/api/contract';
import { expect, test } from 'vitest';
import { eventViews, shownEvents } from './event-view.ts';

test('events of both nodes stand newest first, by age, whatever the clocks say', () => {
  const views = eventViews(pair(status('lb1', 1_000_000, [990_000, 999_000]), status('lb2', 5_000_000, [4_995_000])));
  expect(views?.map(({ key, ageMs }) => [key, ageMs])).toEqual([
    ['lb1 2', 1000],
    ['lb2 1', 5000],
    ['lb1 1', 10_000],
  ]);
});

test('the events of a node that does not answer grow older', () => {
  const shown = pair(status('lb1', 1000, [500]), status('lb2', 1000, [900]));
  const views = eventViews({ ...shown, peer: { ...shown.peer!, reachable: false, lastSeenAgeMs: 7000 } });
  expect(views?.map(({ key, ageMs }) => [key, ageMs])).toEqual([
    ['lb1 1', 500],
    ['lb2 1', 7100],
  ]);
});

test('the list is short, and absent while no node tells any', () => {
  const many = Array.from({ length: 40 }, (_, i) => i);
  expect(eventViews(pair(status('lb1', 1000, many), status('lb2', 1000, many)))).toHaveLength(shownEvents);
  expect(eventViews(pair(status('lb1', 1000), status('lb2', 1000)))).toBeUndefined();
});

function pair(self: NodeStatus, peer: NodeStatus): PairStatus {
  const verdict = { level: 'ok', sentence: 'Healthy.' } as const;
  return { self, peer: { name: peer.node, address: '', reachable: true, lastSeenAgeMs: 10, status: peer }, verdict };
}

function status(node: string, timeMs: number, eventsAtMs?: readonly number[]): NodeStatus {
  const events = eventsAtMs?.map((atMs, i): NodeEvent => ({
    seq: i + 1,
    node,
    timeMs: atMs,
    monotonicMs: atMs,
    event: 'vrrp-state',
    severity: 'info',
    text: `${node} ${i}`,
  }));
  const base = { node, cluster: 'shop', version: '1', configHash: '', uptimeMs: 1, monotonicMs: 1 };
  return { ...base, timeMs, children: [], notices: [], ...(events === undefined ? {} : { events }) };
}
