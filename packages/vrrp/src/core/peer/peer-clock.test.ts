// When a word was said, on this node's clock: late reading, slow networks, drift and the way back.
import { expect, test } from 'vitest';
import { PeerClock } from './peer-clock.ts';

/** The peer's monotonic clock is far from ours; the shortest way takes 1 ms. */
const apartMs = 5_000_000;
const wayMs = 1;

function note(clock: PeerClock, sentMs: number, lateMs = 0): number {
  const nowMs = sentMs - apartMs + wayMs + lateMs;
  return nowMs - clock.note({ sentMs, echoMs: -1, heldMs: -1, wallMs: sentMs, nowMs, nowWallMs: nowMs });
}

test('a word that comes as fast as any was said now', () => {
  const clock = new PeerClock();
  for (let at = 6_000_000; at < 6_001_000; at += 25) expect(note(clock, at)).toBe(0);
});

test('a word that waited is as old as it waited', () => {
  const clock = new PeerClock();
  for (let at = 6_000_000; at < 6_001_000; at += 25) note(clock, at);
  expect(note(clock, 6_001_000, 700)).toBe(700);
  expect(note(clock, 6_001_025)).toBe(0);
});

test('a burst after a stall of ours: only its last words are new', () => {
  const clock = new PeerClock();
  for (let at = 6_000_000; at < 6_001_000; at += 25) note(clock, at);
  const readMs = 6_007_000 - apartMs + wayMs;
  const ages: number[] = [];
  for (let sentMs = 6_001_000; sentMs <= 6_007_000; sentMs += 1000)
    ages.push(readMs - clock.note({ sentMs, echoMs: -1, heldMs: -1, wallMs: 0, nowMs: readMs, nowWallMs: 0 }));
  expect(ages).toEqual([6000, 5000, 4000, 3000, 2000, 1000, 0]);
});

test('a way that became longer for good counts as the way, after a minute', () => {
  const clock = new PeerClock();
  for (let at = 6_000_000; at < 6_070_000; at += 250) note(clock, at);
  let age = Infinity;
  for (let at = 6_070_000; at < 6_140_000; at += 250) age = note(clock, at, 40);
  expect(age).toBe(0);
});

test('the clocks of the wall are compared at the moment of the word, and the echo tells the round trip', () => {
  const clock = new PeerClock();
  expect(clock.roundTripMs).toBe(-1);
  clock.note({ sentMs: 100, echoMs: 900, heldMs: 60, wallMs: 3_600_000, nowMs: 1000, nowWallMs: 0 });
  expect(clock.roundTripMs).toBe(40);
  expect(clock.aheadMs).toBe(3_600_000);
  // Read 500 ms late: the difference is the same.
  clock.note({ sentMs: 200, echoMs: -1, heldMs: -1, wallMs: 3_600_100, nowMs: 1600, nowWallMs: 600 });
  expect(clock.aheadMs).toBe(3_600_000);
});
