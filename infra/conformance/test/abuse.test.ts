// The abuse rows against the built executable, with few connections and all at once: what it does is asserted, how fast is not. The
// commands abuse.ts and crowds.ts measure times and sizes, beside the peers.
import { expect, it } from 'vitest';
import { crowdWays, figuresOf, isServed, playAbuse, playCrowd } from '../src/index.ts';

it('answers, cuts or bounds every abuse', async () => {
  const played = await playAbuse('ring', { connections: 10, atOnce: true });
  expect(played.length).toBeGreaterThan(10);
  expect(played.filter(({ outcome }) => !outcome).map(({ row, figures }) => `${row.threat}: ${figures}`)).toEqual([]);
});

/** Far above what a loaded machine takes, far below the time-outs that end a crowd. */
const PATIENCE_MS = 20_000;

it.each(['ring', 'node'] as const)(
  '600 clients that make it keep something take nothing from others: %s',
  async (name) => {
    for (const way of crowdWays) {
      const result = await playCrowd(name, way, 600, PATIENCE_MS);
      expect(isServed(result) ? '' : `${way.threat}: ${figuresOf(result)}`).toBe('');
    }
  },
  600_000,
);
