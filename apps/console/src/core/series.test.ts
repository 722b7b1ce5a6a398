// The charts' columns: where values stand, what is bridged, what stays a gap.
import { expect, test } from 'vitest';
import type { HistorySample } from '@tospann/api/contract';
import { addSamples, describeSeries, seriesOf, spanSeconds, type Samples } from './series.ts';

const sample = (second: number, requests: number, node = 'lb1'): HistorySample => ({
  node,
  timeMs: second * 1000 + 300,
  monotonicMs: second * 1000 + 7,
  requests,
  errors: 0,
});
const rowsOf = (...samples: readonly HistorySample[]): Samples => addSamples(new Map(), samples);
const column = (rows: Samples, end: number, count: number): readonly (number | null)[] =>
  (seriesOf(rows, end, ({ requests }) => requests).values.get('lb1') ?? []).slice(-count);

test('seriesOf() puts the rate of each second at its second', () => {
  const rows = rowsOf(sample(1000, 0), sample(1001, 10), sample(1002, 40));
  expect(column(rows, 1003, 5)).toEqual([null, null, 10, 30, null]);
  expect(seriesOf(rows, 1003, ({ requests }) => requests).seconds).toHaveLength(spanSeconds);
});

test('seriesOf() bridges a sample that came late and leaves a silence open', () => {
  expect(column(rowsOf(sample(1000, 0), sample(1003, 30)), 1003, 4)).toEqual([null, 10, 10, 10]);
  expect(column(rowsOf(sample(1000, 0), sample(1004, 40)), 1004, 4)).toEqual([null, null, null, null]);
});

test('seriesOf() shows no value where a counter fell', () => {
  expect(column(rowsOf(sample(1000, 500), sample(1001, 3), sample(1002, 8)), 1002, 2)).toEqual([null, 5]);
});

test('addSamples() takes each sample once and forgets what the axis does not show', () => {
  let rows = rowsOf(sample(1, 1), sample(1, 1));
  expect(rows.get('lb1')).toHaveLength(1);
  for (let second = 2; second < 1000; second++) rows = addSamples(rows, [sample(second, second)]);
  expect(rows.get('lb1')).toHaveLength(spanSeconds + 1);
});

test('addSamples() leaves no hole where the same status was heard twice', () => {
  const twice = { ...sample(1002, 10), monotonicMs: sample(1001, 10).monotonicMs };
  const rows = rowsOf(sample(1000, 0), sample(1001, 10), twice, sample(1003, 30));
  expect(column(rows, 1003, 4)).toEqual([null, 10, 10, 10]);
});

test('describeSeries() says the newest and the highest of each node', () => {
  const rows = rowsOf(sample(10, 0), sample(11, 40), sample(12, 50), sample(12, 0, 'lb2'));
  const text = describeSeries(
    'Requests/s',
    seriesOf(rows, 12, ({ requests }) => requests),
    String,
  );
  expect(text).toBe('Requests/s, last five minutes. lb1: 10 now, 40 at most; lb2: no figures yet.');
  expect(
    describeSeries(
      'Errors/s',
      seriesOf(new Map(), 12, () => 0),
      String,
    ),
  ).toBe('Errors/s: no figures yet.');
});
