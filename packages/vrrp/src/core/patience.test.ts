// How long a backup waits by what it hears, and what that makes of a lossy path and of a crash.
import { expect, test } from 'vitest';
import { interrupted, newStream, noteAdvert, patientAdverts, type Stream } from './patience.ts';

const intervalUs = 100_000;

/** A stream of `count` adverts of which those in `lost` did not come. */
function heard(count: number, isLost: (index: number) => boolean): Stream {
  let stream = newStream;
  for (let index = 0; index < count; index++)
    if (!isLost(index)) stream = noteAdvert(stream, index * intervalUs, intervalUs);
  return stream;
}

test('a path that loses nothing, or an advert now and then, is waited for as configured', () => {
  expect(patientAdverts(newStream, 3)).toBe(3);
  expect(
    patientAdverts(
      heard(500, () => false),
      3,
    ),
  ).toBe(3);
  expect(
    patientAdverts(
      heard(500, (index) => index % 100 === 99),
      3,
    ),
  ).toBe(3);
  // An outage, however long, is one gap.
  expect(
    patientAdverts(
      heard(500, (index) => index > 400 && index < 490),
      3,
    ),
  ).toBe(3);
});

test('the more is lost, the longer it waits, and not without a bound', () => {
  const lossy = (every: number): number =>
    patientAdverts(
      heard(600, (index) => index % every === 0),
      3,
    );
  expect([10, 5, 4, 3].map(lossy)).toEqual([6, 10, 12, 12]);
  expect(
    patientAdverts(
      heard(600, (index) => index % 2 === 0),
      3,
    ),
  ).toBe(12);
  expect(
    patientAdverts(
      heard(600, (index) => index % 3 === 0),
      10,
    ),
  ).toBe(20);
});

test('a path that is whole again is soon waited for as configured', () => {
  let stream = heard(600, (index) => index % 3 === 0);
  let adverts = 0;
  for (; patientAdverts(stream, 3) > 3; adverts++) stream = noteAdvert(stream, stream.heardUs + intervalUs, intervalUs);
  expect(adverts).toBeLessThan(100);
});

test('what this node missed itself is not held against the path', () => {
  let stream = heard(50, () => false);
  for (let pause = 0; pause < 20; pause++)
    stream = noteAdvert(interrupted(stream), 10_000_000 + pause * 10 * intervalUs, intervalUs);
  expect(patientAdverts(stream, 3)).toBe(3);
});

test('a third of all adverts lost at random moves nothing in a day', () => {
  let seed = 7;
  const random = (): number => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  let stream = newStream;
  let missed = 0;
  let moves = 0;
  let movesOfThree = 0;
  for (let index = 0; index < 864_000; index++) {
    if (random() < 0.3) {
      missed++;
      if (missed === 3) movesOfThree++;
      if (missed === patientAdverts(stream, 3)) moves++;
      continue;
    }
    missed = 0;
    stream = noteAdvert(stream, index * intervalUs, intervalUs);
  }
  expect(movesOfThree).toBeGreaterThan(10_000);
  expect(moves).toBeLessThan(10);
});
