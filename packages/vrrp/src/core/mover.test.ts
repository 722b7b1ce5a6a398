import { expect, test } from 'vitest';
import { idleMover, stepMover, type MoverConfig, type MoverEffect, type MoverEvent, type MoverState } from './mover.ts';

const config: MoverConfig = {
  addresses: [
    { vip: 'v4', address: '192.0.2.1' },
    { vip: 'v6', address: '2001:db8::1' },
  ],
  retries: 2,
  retryIntervalMs: 100,
};

test('a take-over moves the addresses one after the other with its token, and says how long it took', () => {
  const run = play([
    { type: 'taken', nowMs: 1000, term: 4 },
    { type: 'taken', nowMs: 1001, term: 4 },
    { type: 'ended', nowMs: 1200, problem: '' },
    { type: 'ended', nowMs: 1500, problem: '' },
  ]);
  expect(run.shown).toEqual(['call v4 4', 'done v4 4 after 200', 'call v6 4', 'done v6 4 after 500']);
});

test('a failed call is tried again after its wait, so many times, then told; the next address has its turn', () => {
  const run = play([
    { type: 'taken', nowMs: 0, term: 1 },
    { type: 'ended', nowMs: 10, problem: 'no' },
    { type: 'tick', nowMs: 109 },
    { type: 'tick', nowMs: 110 },
    { type: 'ended', nowMs: 120, problem: 'no' },
    { type: 'tick', nowMs: 220 },
    { type: 'ended', nowMs: 230, problem: 'never' },
    { type: 'ended', nowMs: 240, problem: '' },
  ]);
  expect(run.shown).toEqual([
    'call v4 1',
    'call v4 1',
    'call v4 1',
    'failed v4 1 after 230',
    'call v6 1',
    'done v6 1 after 240',
  ]);
  expect(run.state.results['v4']).toMatchObject({ outcome: 'failed', attempts: 3, detail: 'never' });
});

test('what is lost in mid-retry is tried no more, and shown as called off', () => {
  const run = play([
    { type: 'taken', nowMs: 0, term: 1 },
    { type: 'ended', nowMs: 10, problem: 'no' },
    { type: 'lost', nowMs: 50 },
    { type: 'tick', nowMs: 110 },
  ]);
  expect(run.shown).toEqual(['call v4 1']);
  expect(run.state.dueMs).toBe(Infinity);
  expect(run.state.results['v4']).toMatchObject({ outcome: 'cancelled', durationMs: 50 });
});

test('a call of an ownership that is over is ended, waited for, and how it ended is told to nobody', () => {
  const run = play([
    { type: 'taken', nowMs: 0, term: 1 },
    { type: 'lost', nowMs: 20 },
    { type: 'taken', nowMs: 30, term: 3 },
    { type: 'lost', nowMs: 35 },
    { type: 'taken', nowMs: 40, term: 5 },
    { type: 'ended', nowMs: 60, problem: '' },
    { type: 'ended', nowMs: 90, problem: '' },
  ]);
  expect(run.shown).toEqual(['call v4 1', 'cancel', 'call v4 5', 'done v4 5 after 50', 'call v6 5']);
});

test('whatever happens: at most one call, tokens never go back, nothing is told of a former ownership', () => {
  let seed = 20_261_123;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((seed / 0x80000000) * below);
  };
  for (let history = 0; history < 2000; history++) oneHistory(random);
});

function oneHistory(random: (below: number) => number): void {
  let state = idleMover;
  let nowMs = 0;
  let term = 0;
  let calls = 0;
  let lastToken = 0;
  for (let i = 0; i < 40; i++) {
    nowMs += random(80);
    // Tokens grow, and now and then the file that keeps them is lost.
    term += random(3) - (random(50) === 0 ? 5 : 0);
    const events: readonly MoverEvent[] = [
      { type: 'taken', nowMs, term },
      { type: 'lost', nowMs },
      { type: 'tick', nowMs },
      { type: 'ended', nowMs, problem: random(2) === 0 ? '' : 'no' },
    ];
    const event = events[random(calls > 0 ? 4 : 3)]!;
    const wasOwner = state.isOwner && !state.isStale;
    if (event.type === 'ended') calls -= 1;
    const step = stepMover(state, event, config);
    state = step.state;
    for (const effect of step.effects) {
      if (effect.type === 'report') expect(wasOwner).toBe(true);
      if (effect.type !== 'call') continue;
      calls += 1;
      expect(effect.term).toBeGreaterThanOrEqual(lastToken);
      lastToken = effect.term;
      expect(state.isOwner).toBe(true);
    }
    expect(calls).toBe(state.isCalling ? 1 : 0);
  }
}

function play(events: readonly MoverEvent[]): { readonly state: MoverState; readonly shown: readonly string[] } {
  let state = idleMover;
  const effects: MoverEffect[] = [];
  for (const event of events) {
    const step = stepMover(state, event, config);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, shown: effects.map(shown) };
}

function shown(effect: MoverEffect): string {
  if (effect.type === 'cancel') return 'cancel';
  const { vip } = effect.address;
  if (effect.type === 'call') return `call ${vip} ${effect.term}`;
  return `${effect.result.outcome} ${vip} ${effect.result.term} after ${effect.result.durationMs}`;
}
