// Thousands of seeded pair histories. VRRP_HISTORIES sets their number (default 10 000), VRRP_SEED replays one with
// its log: VRRP_SEED=123 npx vitest run packages/vrrp/test/simulation.test.ts
import { expect, test } from 'vitest';
import { playHistory } from './history.ts';

const one = process.env['VRRP_SEED'];
const histories = one === undefined ? Number(process.env['VRRP_HISTORIES'] ?? 10_000) : 1;
const firstSeed = one === undefined ? 1 : Number(one);

test(`a healed pair has exactly one owner in ${histories} seeded histories`, { timeout: 300_000 }, () => {
  let transitions = 0;
  for (let seed = firstSeed; seed < firstSeed + histories; seed++) {
    const result = playHistory(seed, one !== undefined);
    transitions += result.transitions;
    if (one !== undefined) process.stdout.write(`${result.log.join('\n')}\n`);
    expect(result.violations, `replay with VRRP_SEED=${seed}`).toEqual([]);
  }
  // The histories must have been about something.
  expect(transitions).toBeGreaterThan(3 * histories);
});

test('a history is the same each time it is played', () => {
  const first = playHistory(firstSeed, true);
  expect(playHistory(firstSeed, true)).toEqual(first);
});
