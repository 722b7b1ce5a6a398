// When an owner tells the link that it has the address, and when the node that gave way says so for it: after each cause,
// for as long as a switch may lose it, on every sign that somebody else was owner; never more than the cap.
import { expect, test } from 'vitest';
import { config, Driver, intervalUs, peer } from '../../test/machine-driver.ts';
import { startBurst, silentGarp, takeDue } from './garp.ts';

const second = 1_000_000;

/** The times of what is sent, in ms after the cause. */
function sentAfter(driver: Driver, us: number, type: 'announce' | 'point'): number[] {
  const sent: number[] = [];
  const startUs = driver.nowUs;
  for (let passed = 0; passed < us; passed += 5000) {
    for (const effect of driver.pass(5000)) if (effect.type === type) sent.push((driver.nowUs - startUs) / 1000);
  }
  return sent;
}

test('a new owner announces at once and after 1, 2 and 5 s, and goes on for as long as a port may learn', () => {
  let schedule = startBurst(silentGarp, 0);
  const sent: number[] = [];
  for (let nowUs = 0; nowUs <= 100 * second; nowUs += 5000) {
    const due = takeDue(schedule, nowUs);
    schedule = due.schedule;
    if (due.send) sent.push(nowUs / 1000);
  }
  expect(sent).toEqual([0, 10, 50, 200, 1000, 2000, 5000, 10_000, 20_000, 40_000, 100_000]);
});

test('who gives way tells the link where the owner is, before the address goes, and repeats it as an owner would', () => {
  const node = new Driver().master();
  node.pass(10 * second);
  node.advert(200);
  expect(node.types()).toEqual(['point', 'release', 'advertise 100', 'changed']);
  expect(node.effects[0]).toEqual({ type: 'point', owner: peer });
  node.each(100 * second, intervalUs, () => node.advert(200));
  expect(node.all.filter(({ type }) => type === 'point')).toHaveLength(10);
  expect(node.state.vrrp).toBe('backup');
});

test('who gave way says no more of the owner when it is gone, or when this node is owner again', () => {
  const silent = new Driver().master().advert(200);
  const before = silent.all.length;
  silent.pass(4 * intervalUs);
  expect(silent.state.vrrp).toBe('master');
  const after = silent.all.slice(before).map(({ type }) => type);
  expect(after.slice(after.indexOf('own'))).not.toContain('point');
  const resigned = new Driver({ peers: 2 }).master().advert(200).advert(0);
  resigned.effects = [];
  expect(resigned.pass(intervalUs / 2).filter(({ type }) => type === 'point')).toEqual([]);
  const ill = new Driver().master().advert(200).ability('cannot-serve');
  expect(sentAfter(ill, 10 * second, 'point')).toEqual([]);
});

test('an owner that hears a word again announces: the other one may have been owner meanwhile', () => {
  const node = new Driver().master();
  node.pass(50 * second);
  node.word({ heardAgeUs: 0 });
  expect(node.types()).toEqual(['announce']);
  expect(node.word().types()).toEqual([]);
  node.feed({ type: 'peer', nowUs: node.nowUs, word: undefined });
  expect(node.types()).toEqual([]);
  node.pass(10 * second);
  // The path over which words come is whole, adverts of the other one do not come: it is a silent backup.
  expect(node.word({ term: 9 }).types()).toEqual(['announce', 'changed']);
  expect(sentAfter(node, 6 * second, 'announce')).toEqual([10, 50, 200, 1000, 2000, 5000]);
});

test('an owner announces when the word says that the other one is owner no more', () => {
  const node = new Driver({ priority: 200 }).master();
  node.pass(50 * second);
  node.word({ state: 'master', heardAgeUs: 0 });
  expect(node.types()).toEqual([]);
  expect(node.word({ state: 'backup', heardAgeUs: 0 }).types()).toEqual(['announce']);
  expect(node.word({ state: 'backup', heardAgeUs: 0 }).types()).toEqual([]);
});

test('a flapping link makes no more than the cap of frames', () => {
  const node = new Driver().master();
  node.pass(10 * second);
  const before = node.state.counters.announcements;
  node.each(10 * second, 10_000, () => {
    node.word();
    node.feed({ type: 'peer', nowUs: node.nowUs, word: undefined });
  });
  expect(2 * (node.state.counters.announcements - before)).toBeLessThanOrEqual(20 * 11);
  expect(config.peers).toBe(1);
});

test('an owner that stays after a split has a new token: what moves the address outside was told to move it to the other node', () => {
  const node = new Driver().master();
  node.pass(50 * second);
  const { term } = node.state;
  node.feed({ type: 'peer', nowUs: node.nowUs, word: undefined });
  expect(node.word({ state: 'master', term: term + 1, heardAgeUs: 0 }).state.term).toBe(term);
  node.word({ term: term + 1, heardAgeUs: 0 });
  expect(node.state).toMatchObject({ vrrp: 'master', term: term + 2 });
  expect(node.effects).toContainEqual(
    expect.objectContaining({
      type: 'changed',
      from: 'master',
      to: 'master',
      reason: 'the other node was owner meanwhile',
    }),
  );
  expect(node.word({ term: term + 1, heardAgeUs: 0 }).types()).toEqual([]);
});
