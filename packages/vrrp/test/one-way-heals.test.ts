// A small sample of the heals that begin in one direction (one-way-heals.ts plays as many as wanted). Needs root.
import { expect, test } from 'vitest';
import { bearableMs, oneWayHeals, type Heal } from './one-way-heals.ts';

test('who gives way takes its clients to the owner, though its last advert reaches nobody', async () => {
  const heals: Heal[] = [];
  await oneWayHeals(2, (heal) => heals.push(heal));
  // A sign that the client was moved, not only that little was lost: the owner it talks to at the end is the one that stays.
  expect(heals.map(({ order }) => order.at(-1))).toEqual(['b', 'b']);
  for (const { longestMs } of heals) expect(longestMs).toBeLessThanOrEqual(bearableMs);
});
