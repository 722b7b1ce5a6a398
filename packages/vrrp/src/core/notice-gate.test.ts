// Many equal notices become few, and none is lost.
import { expect, test } from 'vitest';
import { NoticeGate } from './notice-gate.ts';

const restored = (vip: string): { what: string; vip: string; detail: string } => ({
  what: 'address-restored',
  vip,
  detail: 'somebody removed the address; it is back',
});

test('27 a second for a minute are told as one at once and one each ten seconds, and every one is counted', () => {
  const gate = new NoticeGate();
  let now = 0;
  let atOnce = 0;
  const later: string[] = [];
  for (let index = 0; index < 27 * 60; index++) {
    now = (index * 1000) / 27;
    later.push(...gate.take(now).map(({ detail }) => detail));
    if (gate.pass(restored('public'), now)) atOnce += 1;
  }
  later.push(...gate.take(now + 10_000).map(({ detail }) => detail));
  expect(atOnce).toBe(1);
  expect(later.length).toBeLessThanOrEqual(7);
  const counted = later.reduce((sum, detail) => sum + Number(/\((\d+) times/.exec(detail)?.[1]), 0);
  expect(counted + atOnce).toBe(27 * 60);
});

test('several addresses are named, not more than five, and another kind of notice is not held up', () => {
  const gate = new NoticeGate();
  for (let index = 0; index < 8; index++) gate.pass(restored(`v${index}`), 0);
  expect(gate.pass({ what: 'foreign-address', vip: 'v0', detail: 'x' }, 0)).toBe(true);
  expect(gate.take(10_000)).toEqual([
    {
      what: 'address-restored',
      vip: '',
      detail: 'somebody removed the address; it is back (7 times in 10 s: v1, v2, v3, v4, v5 and 2 more)',
    },
  ]);
  expect(gate.take(20_000)).toEqual([]);
  expect(gate.dueMs).toBe(Infinity);
  expect(gate.pass(restored('v0'), 20_001)).toBe(true);
});
