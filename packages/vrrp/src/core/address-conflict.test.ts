// Who defends an address and how often: at once, bounded, and never silent at the end.
import { expect, test } from 'vitest';
import { AddressConflicts } from './address-conflict.ts';

const seen = (seenMs: number, change: object = {}): Parameters<AddressConflicts['note']>[0] => ({
  vip: 'public',
  mac: '02:00:00:00:00:09',
  seenMs,
  ...change,
});

test('the first announcement is answered at once, a storm of them once in ten seconds, and the last word is the owner s', () => {
  const conflicts = new AddressConflicts();
  const defended: number[] = [];
  for (let nowMs = 0; nowMs <= 60_000; nowMs += 250) {
    if (nowMs <= 25_000) conflicts.note(seen(nowMs));
    if (conflicts.takeDue(nowMs).includes('public')) defended.push(nowMs);
  }
  expect(defended).toEqual([0, 10_000, 20_000, 30_000]);
});

test('each address is defended by itself, and none that is not owned any more', () => {
  const conflicts = new AddressConflicts();
  conflicts.note(seen(0));
  conflicts.note(seen(0, { vip: 'inner' }));
  conflicts.forget('inner');
  expect(conflicts.takeDue(0)).toEqual(['public']);
  expect(conflicts.takeDue(0)).toEqual([]);
  conflicts.note(seen(1, { vip: 'inner' }));
  expect(conflicts.takeDue(1)).toEqual(['inner']);
});

test('what is seen once a minute is one alarm that stands; it ends when nothing comes', () => {
  const conflicts = new AddressConflicts();
  for (let nowMs = 0; nowMs < 300_000; nowMs += 60_000) {
    conflicts.note(seen(nowMs));
    expect(conflicts.standing(nowMs + 59_000)).toHaveLength(1);
  }
  expect(conflicts.standing(240_000 + 76_000)).toEqual([]);
  for (let index = 0; index < 200; index++) conflicts.note(seen(400_000, { mac: String(index) }));
  expect(conflicts.standing(400_000)).toHaveLength(64);
});
