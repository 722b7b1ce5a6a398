// What the clients print is read as what it says.
import { expect, test } from 'vitest';

import { h2loadCommand, readH2load, readWrk, wrkCommand } from './clients.ts';

test('h2load: percentiles over all requests, errors by status', () => {
  const rows = Array.from({ length: 1000 }, (_, i) => `${i}\t${i === 5 ? 503 : 200}\t${i + 1}`);
  expect(readH2load(`${rows.join('\n')}\n`, 2)).toEqual({
    requests: 1000,
    seconds: 2,
    errors: 1,
    p50: 501,
    p99: 991,
    p999: 1000,
  });
  expect(h2loadCommand('http://a/', { seconds: 2, connections: 64, path: '/', rate: 6400 }, 'log')).toContain(
    '100.000',
  );
});

test('wrk: its line, and a new connection a request only where that is asked', () => {
  const line = { requests: 10, microseconds: 2_000_000, errors: 0, p50: 1, p99: 2, p999: 3 };
  expect(readWrk(line)).toEqual({ requests: 10, seconds: 2, errors: 0, p50: 1, p99: 2, p999: 3 });
  const load = { seconds: 1, connections: 2, path: '/' };
  expect(wrkCommand('u', load, 's')).not.toContain('Connection: close');
  expect(wrkCommand('u', { ...load, close: true }, 's')).toContain('Connection: close');
});
