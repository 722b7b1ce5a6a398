import { expect, test } from 'vitest';
import { beginSilence, heard, HUNG_AFTER, look, LOOK_MS } from './silence.ts';

test('a child that says nothing hangs after as many looks in time', () => {
  let silence = beginSilence(0);
  for (let i = 1; i <= HUNG_AFTER; i++) silence = look(silence, i * LOOK_MS);
  expect(silence.looks).toBe(HUNG_AFTER);
});

test('a word ends the silence', () => {
  const silence = heard(look(look(beginSilence(0), LOOK_MS), 2 * LOOK_MS));
  expect(silence.looks).toBe(0);
});

test('a stall of the one who looks is not the silence of the other', () => {
  let silence = beginSilence(0);
  // Ten minutes in which the machine runs for a moment every five seconds.
  for (let i = 1; i <= 120; i++) silence = look(silence, i * 5000);
  expect(silence.looks).toBe(0);
});
