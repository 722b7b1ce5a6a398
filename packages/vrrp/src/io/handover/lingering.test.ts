// How long the address of an earlier life stays, and what ends it. With the loop's book of it (lingering.ts).
import { expect, test } from 'vitest';
import { config, Driver } from '../../../test/machine-driver.ts';
import { Lingering } from './lingering.ts';
import { lingerUs, mayLinger } from '../../core/lingering.ts';
import { downUs, warmRestartUs } from '../../core/timers.ts';

test("lingerUs() outlasts the other node's down interval by an advert", () => {
  expect(lingerUs(config)).toBe(downUs(config) + config.intervalUs);
  expect(lingerUs(config)).toBeGreaterThan(warmRestartUs(config));
});

test('mayLinger() until the other node is heard as owner, or this one can not come into the election', () => {
  const fresh = (): Driver => new Driver().link(true);
  expect(mayLinger(fresh().state)).toBe(true);
  expect(mayLinger(fresh().ability('serves').state)).toBe(true);
  expect(mayLinger(fresh().advert(0).state)).toBe(true);
  expect(mayLinger(fresh().advert(100).state)).toBe(false);
  expect(mayLinger(fresh().ability('serves').link(false).state)).toBe(false);
  expect(mayLinger(fresh().ability('serves').ability('cannot-serve').state)).toBe(false);
  const stopped = fresh();
  expect(mayLinger(stopped.feed({ type: 'stop', nowUs: stopped.nowUs }).state)).toBe(false);
  expect(mayLinger(new Driver().master().state)).toBe(false);
});

test('Lingering tells each end once, by its time or by the state', () => {
  const lingering = new Lingering();
  const states = [new Driver().link(true).state, new Driver().link(true).advert(100).state];
  lingering.begin(0, 500);
  lingering.begin(1, 900);
  expect(lingering.dueUs).toBe(500);
  expect(lingering.keeps(0, states[0]!, 499)).toBe(true);
  expect(lingering.takeEnded(states, 499)).toEqual([1]);
  expect(lingering.takeEnded(states, 500)).toEqual([0]);
  expect(lingering.takeEnded(states, 500)).toEqual([]);
  expect(lingering.dueUs).toBe(Infinity);
});
