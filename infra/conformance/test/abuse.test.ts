// The abuse rows against the built executable, with few connections and all at once: what it does is asserted, how fast is not. The
// command abuse.ts measures times and sizes, beside the peers.
import { expect, it } from 'vitest';
import { playAbuse } from '../src/index.ts';

it('answers, cuts or bounds every abuse', async () => {
  const played = await playAbuse('ring', { connections: 10, atOnce: true });
  expect(played.length).toBeGreaterThan(10);
  expect(played.filter(({ outcome }) => !outcome).map(({ row, figures }) => `${row.threat}: ${figures}`)).toEqual([]);
});
