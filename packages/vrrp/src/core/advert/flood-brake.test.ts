// When the sockets rest, and when they must not.
import { expect, test } from 'vitest';
import { FloodBrake } from './flood-brake.ts';

const second = 1_000_000;

/** One reading each time: how many of them are followed by a rest. */
function rests(perSecond: number, each = 1): number {
  const brake = new FloodBrake(second / 10);
  let count = 0;
  for (let nowUs = 0; nowUs < second; nowUs += (each * second) / perSecond)
    if (brake.note(each, nowUs) !== -Infinity) count++;
  return count;
}

test('a wrong packet now and then is read when it comes', () => {
  expect(rests(100)).toBe(0);
  expect(new FloodBrake(second).note(0, 0)).toBe(-Infinity);
});

test('a flood lets the sockets rest, for a quarter of an interval and 25 ms at most', () => {
  expect(rests(1000)).toBeGreaterThan(950);
  for (const [intervalUs, restUs] of [
    [10_000, 2_500],
    [100_000, 25_000],
    [second, 25_000],
  ] as const) {
    const brake = new FloodBrake(intervalUs);
    for (let count = 0; count < 20; count++) expect(brake.note(1, 1000)).toBe(-Infinity);
    expect(brake.note(1, 1000)).toBe(1000 + restUs);
    // A wake-up for a timer or a command that has read nothing wrong.
    expect(brake.note(0, 2000)).toBe(-Infinity);
  }
});

test('one that would overflow the receive buffer meanwhile does not, nor does one that is over', () => {
  expect(rests(10_000, 40)).toBe(0);
  const brake = new FloodBrake(second);
  for (let count = 0; count < 1000; count++) brake.note(1, count * 1000);
  expect(brake.note(1, second + 1000)).not.toBe(-Infinity);
  expect(brake.note(1, 3 * second)).toBe(-Infinity);
});
