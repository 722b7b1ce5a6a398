import { expect, test } from 'vitest';
import type { EventDraft, EventLine } from '../contract.ts';
import { EventLog, EventReader } from './event-log.ts';

test('events keep their order and get numbers that grow by one', () => {
  const log = filled(3);
  expect(log.last(10).map(({ seq, text, node }) => [seq, text, node])).toEqual([
    [1, 'one', 'lb1'],
    [2, 'two', 'lb1'],
    [3, 'three', 'lb1'],
  ]);
});

test('numbers go on after what was kept, also where the last process has left a hole', () => {
  const kept = filled(3).last(10);
  const log = new EventLog('lb1', { kept: [kept[0]!, kept[2]!] });
  expect(log.append(draft('next')).seq).toBe(4);
  expect(numbers(all(new EventReader(log, { since: 1 })))).toEqual([['gap', 2, 2], 3, 4]);
});

test('a reader that starts anywhere gets what follows, once', () => {
  const log = filled(5, 10);
  expect(numbers(all(new EventReader(log)))).toEqual([1, 2, 3, 4, 5]);
  expect(numbers(all(new EventReader(log, { since: 3 })))).toEqual([4, 5]);
  expect(numbers(all(new EventReader(log, { since: 5 })))).toEqual([]);
  expect(numbers(all(new EventReader(log, { since: -2 })))).toEqual([4, 5]);
  expect(numbers(all(new EventReader(log, { since: -20 })))).toEqual([1, 2, 3, 4, 5]);
  const reader = new EventReader(log, { since: 5 });
  log.append(draft('six'));
  expect(numbers(all(reader))).toEqual([6]);
  expect(numbers(all(reader))).toEqual([]);
});

test('a number that this node never gave means another history: all that is held is sent', () => {
  expect(numbers(all(new EventReader(filled(3), { since: 900 })))).toEqual([1, 2, 3]);
  expect(numbers(all(new EventReader(filled(0), { since: -5 })))).toEqual([]);
});

test('a reader that is slower than the log is told which numbers it has missed, then goes on', () => {
  const log = filled(3, 4);
  const reader = new EventReader(log, { since: 1 });
  expect(numbers(reader.next(1) ?? [])).toEqual([2]);
  for (const text of ['4', '5', '6', '7', '8']) log.append(draft(text));
  expect(numbers(all(reader))).toEqual([['gap', 3, 4], 5, 6, 7, 8]);
  expect(log.last(100)).toHaveLength(4);
});

test('the oldest that is held is no gap for a reader that has nothing yet', () => {
  expect(numbers(all(new EventReader(filled(9, 4))))).toEqual([6, 7, 8, 9]);
});

test('kinds are chosen, and what is not chosen is no gap', () => {
  const log = new EventLog('lb1', { limit: 4 });
  const kinds = ['vrrp-state', 'config', 'config', 'vrrp-state', 'child', 'config'];
  const reader = new EventReader(log, { kinds: ['vrrp-state', 'child'] });
  for (const event of kinds.slice(0, 3)) log.append({ ...draft('x'), event });
  expect(numbers(all(reader))).toEqual([1]);
  for (const event of kinds.slice(3)) log.append({ ...draft('x'), event });
  expect(numbers(all(reader))).toEqual([4, 5]);
});

test('texts and evidence that nobody bounds are cut', () => {
  const evidence = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key${i}`, 'v'.repeat(10_000)]));
  const event = new EventLog('lb1').append({ ...draft('t'.repeat(50_000)), evidence });
  expect(JSON.stringify(event).length).toBeLessThan(25_000);
});

function draft(text: string): EventDraft {
  return { timeMs: 1, monotonicMs: 2, event: 'vrrp-state', severity: 'info', text };
}

function filled(count: number, limit = 100): EventLog {
  const log = new EventLog('lb1', { limit });
  const words = ['one', 'two', 'three', '4', '5', '6', '7', '8', '9'];
  for (const text of words.slice(0, count)) log.append(draft(text));
  return log;
}

function all(reader: EventReader): readonly EventLine[] {
  const lines: EventLine[] = [];
  for (let some = reader.next(2); some !== undefined; some = reader.next(2)) lines.push(...some);
  return lines;
}

function numbers(lines: readonly EventLine[]): readonly unknown[] {
  return lines.map((line) => ('seq' in line ? line.seq : ['gap', line.from, line.to]));
}
