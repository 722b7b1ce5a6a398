// A few thousand exchanges with canaries on the memory transport; what a run is, is said in run.ts. CANARY_SEED=n plays
// one world, CANARY_EXCHANGES=n more of them.
import { expect, it } from 'vitest';
import { playOnMemory } from './on-memory.ts';

const exchanges = Number(process.env['CANARY_EXCHANGES'] ?? 6000);
const seed = process.env['CANARY_SEED'];

it(
  `nobody gets a byte of another exchange, and nothing is left behind (${seed ?? exchanges})`,
  { timeout: 600_000 },
  () => {
    const { wrong, counts } = playOnMemory(exchanges, Number(seed ?? 1), seed !== undefined);
    expect(wrong).toBe('');
    if (seed !== undefined) return;
    // A run in which nothing came through has shown nothing.
    expect(counts.answers).toBeGreaterThan(exchanges / 2);
    expect(counts.surplus).toBeGreaterThan(exchanges / 20);
    expect(counts.cut + counts.refusals).toBeGreaterThan(exchanges / 100);
  },
);
