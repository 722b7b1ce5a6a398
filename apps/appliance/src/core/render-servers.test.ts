// The servers of a node as text: what waits for them stands beside their sessions.
import type { ServerList } from '@tospann/api';
import { expect, test } from 'vitest';
import { renderServers } from './render-servers.ts';

const server: ServerList['servers'][number] = {
  backend: 'app',
  name: 'web1',
  address: '10.0.0.1',
  port: 80,
  state: 'up',
  weight: 100,
  sinceMs: 0,
  lastCheck: 'HTTP 200 in 1 ms',
  currentSessions: 4,
  requestsTotal: 9,
  responsesTotal: [0, 9, 0, 0, 0],
  connectErrorsTotal: 0,
  responseErrorsTotal: 0,
  retriesTotal: 0,
  redispatchesTotal: 0,
  checkFailuresTotal: 0,
  bytesInTotal: 0,
  bytesOutTotal: 0,
};

function queueOf(more: Partial<typeof server>): string | undefined {
  const [head = '', row = ''] = renderServers({ node: 'lb1', servers: [{ ...server, ...more }] });
  const from = head.indexOf('QUEUE');
  return row.slice(from, head.indexOf('REQUESTS')).trim();
}

test('renderServers() shows who waits: for this server, and for any of its backend', () => {
  expect(queueOf({ queued: 3, backendQueued: 0 })).toBe('3');
  expect(queueOf({ queued: 3, backendQueued: 12 })).toBe('3, 12 for any');
  expect(queueOf({})).toBe('-');
});
