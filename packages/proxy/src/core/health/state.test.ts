import { describe, expect, it } from 'vitest';
import {
  afterCheck,
  initialHealth,
  isUsable,
  markedDown,
  nextCheckInMs,
  withJitter,
  type CheckResult,
  type Health,
  notAsked,
} from './state.ts';

const CHECK = { rise: 2, fall: 3, intervalMs: 2000, fastIntervalMs: 500, downIntervalMs: 1500 };
const result = (ok: boolean, nowMs: number, detail = ''): CheckResult => ({ ok, detail, nowMs, code: 'L7OK' });

/** Plays results (`+` good, `-` bad) and writes down the state after each. */
function play(results: string): string {
  let health: Health = initialHealth(true, 0);
  let out = '';
  for (const [i, sign] of results.split('').entries()) {
    health = afterCheck(health, result(sign === '+', i + 1, sign), CHECK);
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

  it('changes only after rise or fall results in a row, over random histories', () => {
    for (let seed = 1; seed <= 300; seed++) {
      let random = seed;
      const next = (): number => (random = (random * 48_271) % 2_147_483_647) / 2_147_483_647;
      const signs = Array.from({ length: 60 }, () => (next() < 0.5 ? '+' : '-')).join('');
      const states = play(signs);
      for (let i = 1; i < states.length; i++) {
        const wanted = states[i - 1] === 'u' ? '-'.repeat(CHECK.fall) : '+'.repeat(CHECK.rise);
        const inARow = signs.slice(i + 1 - wanted.length, i + 1) === wanted;
        expect(states[i] !== states[i - 1], `seed ${seed} at ${i}: ${signs}`).toBe(inARow);
      }
    }
  });

  it('takes traffic in every state but down', () => {
    const states = ['starting', 'up', 'down', 'unchecked'] as const;
    expect(states.map((state) => isUsable(state))).toEqual([true, true, false, true]);
  });

  it('counts failures, keeps words and time of the last change', () => {
    let health = afterCheck(initialHealth(true, 5), result(true, 10, 'HTTP 200'), CHECK);
    health = afterCheck(health, { ...result(false, 20, 'connection refused'), code: 'L4CON' }, CHECK);
    expect(health).toEqual({
      state: 'up',
      against: 1,
      sinceMs: 10,
      lastCheck: 'connection refused',
      code: 'L4CON',
      failuresTotal: 1,
    });
  });
});

describe('notAsked()', () => {
  it('changes the words and the next check, not the state, the count or the failures', () => {
    const up = afterCheck(initialHealth(true, 0), result(true, 10, 'HTTP 200'), { ...CHECK, fall: 2 });
    const doubted = afterCheck(up, result(false, 20, 'refused'), { ...CHECK, fall: 2 });
    const unknown = notAsked(doubted, 'no local port is left here (EADDRNOTAVAIL)');
    expect(unknown).toEqual({
      ...doubted,
      lastCheck: 'not asked: no local port is left here (EADDRNOTAVAIL)',
      code: 'SOCKERR',
    });
    expect(nextCheckInMs(notAsked(up, 'x'), CHECK)).toBe(CHECK.fastIntervalMs);
  });
});

describe('failuresTotal', () => {
  it('counts the failures of a server that was up, none of one that is down already', () => {
    let health = afterCheck(initialHealth(true, 0), result(true, 1), CHECK);
    for (let i = 0; i < CHECK.fall + 5; i++) health = afterCheck(health, result(false, 2 + i), CHECK);
    expect(health).toMatchObject({ state: 'down', failuresTotal: CHECK.fall });
    health = initialHealth(true, 0);
    for (let i = 0; i < 9; i++) health = afterCheck(health, result(false, i), CHECK);
    expect(health).toMatchObject({ state: 'down', failuresTotal: 1 });
  });
});

describe('markedDown()', () => {
  it('takes a server down at once, and rise good checks bring it back', () => {
    let health = markedDown(afterCheck(initialHealth(true, 0), result(true, 1), CHECK), 'faults', 7);
    expect(health).toMatchObject({ state: 'down', sinceMs: 7, lastCheck: 'faults' });
    expect(markedDown(health, 'again', 9)).toBe(health);
    health = afterCheck(health, result(true, 10), CHECK);
    expect(afterCheck(health, result(true, 11), CHECK).state).toBe('up');
  });
});

describe('nextCheckInMs()', () => {
  it('is the fast interval while the state is in doubt, and another one while it is down', () => {
    const up = afterCheck(initialHealth(true, 0), result(true, 1), CHECK);
    expect(nextCheckInMs(initialHealth(true, 0), CHECK)).toBe(500);
    expect(nextCheckInMs(up, CHECK)).toBe(2000);
    expect(nextCheckInMs(afterCheck(up, result(false, 2), CHECK), CHECK)).toBe(500);
    const down = afterCheck(initialHealth(true, 0), result(false, 1), CHECK);
    expect(nextCheckInMs(down, CHECK)).toBe(1500);
    expect(nextCheckInMs(down, { intervalMs: 2000, fastIntervalMs: 500 })).toBe(2000);
  });
});

describe('withJitter()', () => {
  it('stays within the percentage on both sides', () => {
    expect([0, 0.5, 0.999_999].map((random) => Math.round(withJitter(1000, 5, random)))).toEqual([950, 1000, 1050]);
  });
});
