// Seeded histories of a pair, and rules broken on purpose that they must find. VRRP_HISTORIES sets the number of the
// former; packages/vrrp/test/simulate.ts plays a million of them, or one seed with its log.
import { expect, test } from 'vitest';
import { Coverage } from './simulation-coverage.ts';
import { playHistory } from './simulation-history.ts';
import { mutations } from './simulation-mutations.ts';

const histories = Number(process.env['VRRP_HISTORIES'] ?? 2500);
const replay = (seed: number): string => `replay: node packages/vrrp/test/simulate.ts --replay ${seed}`;

test(`no rule is broken in ${histories} seeded histories`, { timeout: 300_000 }, () => {
  const coverage = new Coverage();
  let transitions = 0;
  for (let seed = 1; seed <= histories; seed++) {
    const result = playHistory(seed, { coverage });
    transitions += result.transitions;
    expect(result.violations, replay(seed)).toEqual([]);
  }
  // The histories must have been about something.
  expect(transitions).toBeGreaterThan(3 * histories);
  expect(Object.keys(coverage.decisions).length).toBeGreaterThan(40);
});

// Found by long runs: a stop right after the peer's last advert, and a pause in fault because of another key.
test.each([351299, 841513, 560441, 610497, 206471])('history %i, which once broke a rule', (seed) => {
  expect(playHistory(seed).violations, replay(seed)).toEqual([]);
});

test('a history is the same each time it is played', () => {
  const first = playHistory(7, { keepLog: true });
  expect(playHistory(7, { keepLog: true })).toEqual(first);
  expect(first.log.length).toBeGreaterThan(5);
});

test.each(Object.entries(mutations))('the histories find out that "%s"', { timeout: 120_000 }, (_, mutation) => {
  const most = 2000;
  let seed = 1;
  while (seed <= most && playHistory(seed, { mutation }).violations.length === 0) seed++;
  expect(seed).toBeLessThanOrEqual(most);
});
