import { describe, expect, it } from 'vitest';
import { afterCheck, initialHealth, isUsable, nextCheckInMs, type Health } from './health.ts';

const CHECK = { rise: 2, fall: 3, intervalMs: 2000, fastIntervalMs: 500 };

/** Plays results (`+` good, `-` bad) and writes down the state after each. */
function play(results: string): string {
  let health: Health = initialHealth(true, 0);
  let out = '';
  for (const [i, result] of results.split('').entries()) {
    health = afterCheck(health, { ok: result === '+', detail: result, nowMs: i + 1 }, CHECK);
    out += health.state[0];
  }
  return out;
}

describe('afterCheck()', () => {
  it.each([
    ['+', 'u', 'the first good check means up'],
    ['-', 'd', 'the first bad check means down'],
    ['+--+---', 'uuuuuud', 'down after fall bad ones in a row'],
    ['-+-++', 'ddddu', 'up after rise good ones in a row'],
    ['+---++', 'uuuddu', 'down and up again'],
  ])('%s gives %s: %s', (results, states) => {
    expect(play(results)).toBe(states);
  });

  it('takes traffic in every state but down', () => {
    expect(['starting', 'up', 'down', 'unchecked'].map((state) => isUsable(state as Health['state']))).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  it('counts failures, keeps words and time of the last change', () => {
    let health = afterCheck(initialHealth(true, 5), { ok: true, detail: 'HTTP 200', nowMs: 10 }, CHECK);
    health = afterCheck(health, { ok: false, detail: 'connection refused', nowMs: 20 }, CHECK);
    expect(health).toEqual({ state: 'up', against: 1, sinceMs: 10, lastCheck: 'connection refused', failuresTotal: 1 });
  });
});

describe('nextCheckInMs()', () => {
  it('is the fast interval while the state is in doubt', () => {
    const up = afterCheck(initialHealth(true, 0), { ok: true, detail: '', nowMs: 1 }, CHECK);
    expect(nextCheckInMs(initialHealth(true, 0), CHECK)).toBe(500);
    expect(nextCheckInMs(up, CHECK)).toBe(2000);
    expect(nextCheckInMs(afterCheck(up, { ok: false, detail: '', nowMs: 2 }, CHECK), CHECK)).toBe(500);
  });
});
