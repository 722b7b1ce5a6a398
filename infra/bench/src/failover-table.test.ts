// The failover bench's arithmetic: outages, bars, rows, and where the table goes.
import { expect, test } from 'vitest';
import { barsOf, downMs, longestOutageMs, type FailoverResult } from './failover-result.ts';
import { placeTable, renderFailover } from './failover-table.ts';

const result: FailoverResult = {
  system: 'tospann',
  advertMs: 100,
  event: 'crash',
  at: '2026-01-01T00:00:00Z',
  udpAsked: 200,
  udpLost: 60,
  udpOutageMs: 300,
  httpAsked: 200,
  httpFailed: 61,
  httpOutageMs: 305,
  twoOwnersMs: 0,
  nobodyMs: 0,
  takeOvers: 1,
};

test('longestOutageMs() goes from the first failure to the next answer', () => {
  const answers = [1, 0, 0, 1, 0, 1, 1].map((ok, index) => ({ atMs: index * 5, ok: ok === 1 }));
  expect(longestOutageMs(answers)).toBe(10);
  expect(longestOutageMs(answers.slice(0, 3))).toBe(5);
  expect(longestOutageMs([])).toBe(0);
});

test('downMs() is three adverts and the skew', () => {
  expect(downMs(1000)).toBeCloseTo(3609.4, 1);
  expect(downMs(10)).toBeCloseTo(36.09, 2);
});

test('renderFailover() says how often a bar was missed, and puts both systems beside each other', () => {
  const table = renderFailover([
    result,
    { ...result, udpOutageMs: 400, open: { count: 20, broken: 3 } },
    { ...result, system: 'keepalived', udpOutageMs: 350 },
    { ...result, event: 'graceful', udpLost: 0, httpFailed: 0 },
  ]).split('\n');
  expect(table.slice(2)).toEqual([
    '| node gone from the network | 100 ms | tospann | 2 | 60 | 300 / 350 / 400 | 61 | 305 | 0 | 1 | 3 of 20 | outage <= 381 ms: **missed** 1 of 2 |',
    '| node gone from the network | 100 ms | keepalived | 1 | 60 | 350 | 61 | 305 | 0 | 1 |  | outage <= 381 ms: met |',
    '| node ends on purpose (SIGTERM) | 100 ms | tospann | 1 | 0 | 300 | 0 | 305 | 0 | 1 |  | 0 lost: met; 0 failed: met |',
  ]);
  expect(barsOf('loss-20', 100)).toEqual([]);
});

test('placeTable() replaces what is between the markers', () => {
  const document = 'a\n<!-- failover table: begin -->\nold\n<!-- failover table: end -->\nb';
  expect(placeTable(document, 'new')).toBe(
    'a\n<!-- failover table: begin -->\n\nnew\n\n<!-- failover table: end -->\nb',
  );
  expect(() => placeTable('a', 'new')).toThrow(/missing/);
});
