// The rules in which the agent goes beyond RFC 9568, one by one: the second path, the unheard master, maintenance,
// impaired nodes, the address owner, version 2, contenders and keys.
import { expect, test } from 'vitest';
import { config, down, Driver, intervalUs, peer } from '../../test/machine-driver.ts';
import { nextTickUs, step } from './machine.ts';
import { defaultPreemptDelayUs, downUs, handoverLimitUs, leaseRenewUs, leaseSeconds, unheardUs } from './timers.ts';

const second = 1_000_000;

test('version 2: the skew is of a second, whatever the interval, and the own interval counts', () => {
  for (const [interval, priority, expected] of [
    [1, 100, 3_609_375],
    [5, 100, 15_609_375],
    [1, 255, 3_003_907],
  ] as const) {
    const timing = { priority, intervalUs: interval * second, missedAdverts: 3, version: 2 } as const;
    expect(downUs(timing)).toBe(expected);
  }
  const node = new Driver({ version: 2, intervalUs: second }).backup().advert(200, { intervalUs: 7 * second });
  expect(node.state.activeIntervalUs).toBe(second);
});

test('more missed adverts are waited for where the network loses them', () => {
  const node = new Driver({ missedAdverts: 10 }).backup().advert(100);
  node.pass(10 * intervalUs);
  expect(node.state.vrrp).toBe('backup');
  node.pass(intervalUs);
  expect(node.state.vrrp).toBe('master');
});

test('the lease covers the down interval, its renewals, and not a second more', () => {
  for (const interval of [10_000, 50_000, 100_000, 120_000, 270_000, 400_000, second, 5 * second, 40_950_000])
    for (const missedAdverts of [2, 3, 10, 100]) {
      const timing = { priority: 100, intervalUs: interval, missedAdverts, version: 3 } as const;
      const leaseUs = leaseSeconds(timing) * second;
      expect(leaseUs - downUs(timing)).toBeLessThan(second);
      expect(leaseUs).toBeGreaterThanOrEqual(downUs(timing));
      // The kernel counts a lease up to 20 ms short; one advert more may pass before the renewal.
      expect(leaseRenewUs(timing) + interval).toBeLessThan(leaseUs - 20_000);
    }
});

test('a fresh word "master" is believed, for a while and with a notice', () => {
  const node = new Driver({ holdUs: 2 * second }).backup().advert(100);
  const ownsAfter = (us: number): void => {
    node.each(us, intervalUs / 4, () => node.word({ state: 'master', heardAgeUs: -1 }));
  };
  ownsAfter(2 * second);
  expect(node.state.vrrp).toBe('backup');
  expect(node.notices()).toEqual(['path-broken']);
  ownsAfter(second);
  expect(node.state).toMatchObject({ vrrp: 'master', reason: 'the owner fell silent', deafness: 1 });
});

test('adverts that come back end the hold with a notice', () => {
  const node = new Driver().backup().advert(100);
  node.each(second, intervalUs / 4, () => node.word({ state: 'master' }));
  node.advert(100);
  expect(node.notices()).toEqual(['path-broken', 'path-whole']);
  expect(node.state.downDueUs).toBe(node.nowUs + down);
});

test('words that do not count: old, of a crashed node, not master, worse than this node', () => {
  for (const [word, ageUs] of [
    [{ state: 'master' }, 2 * intervalUs],
    [{ state: 'backup' }, 1_000],
    [{ state: 'master', ability: 'cannot-serve' }, 1_000],
    [{ state: 'master', priority: 1, ability: 'no-live-server' }, 1_000],
    [{ state: 'master', priority: 2, ability: 'impaired' }, 1_000],
  ] as const) {
    const node = new Driver().backup().advert(100);
    node.pass(down - ageUs);
    node.word(word);
    node.pass(ageUs);
    expect(node.state.vrrp).toBe('master');
  }
  // The link is lost after the last word: a node that crashes says nothing.
  const lost = new Driver().backup().advert(100);
  lost.pass(down - 1_000);
  lost.word({ state: 'master' }).feed({ type: 'peer', nowUs: lost.nowUs, word: undefined });
  lost.pass(1_000);
  expect(lost.state.vrrp).toBe('master');
});

test('a word that waited while this node hung says nothing about now', () => {
  const word = { state: 'master', heardAgeUs: -1, term: 9 } as const;
  const hung = new Driver().master();
  hung.pass(down + 10 * intervalUs);
  const saidUs = hung.nowUs - 2 * intervalUs;
  expect(hung.word({ ...word, saidUs }).state).toMatchObject({ vrrp: 'master', word: undefined, peerTerm: 9 });
  expect(hung.word(word).state.vrrp).toBe('backup');
});

test('a pause while it holds on to a word costs the owner nothing', () => {
  const node = new Driver({ missedAdverts: 10 }).backup().advert(100);
  node.each(11 * intervalUs, intervalUs / 4, () => node.word({ state: 'master' }));
  expect(node.notices()).toEqual(['path-broken']);
  node.nowUs += 2 * intervalUs;
  node.feed({ type: 'tick', nowUs: node.nowUs });
  expect(node.state.vrrp).toBe('backup');
  node.pass(2.5 * intervalUs);
  expect(node.state.vrrp).toBe('master');
});

test('a pause across the end of the timer: what was lost before it and what came during it are not silence', () => {
  const node = new Driver({ missedAdverts: 5 }).backup().advert(100);
  node.pass(3.5 * intervalUs);
  node.nowUs += 3 * intervalUs;
  node.feed({ type: 'tick', nowUs: node.nowUs });
  expect(node.state.vrrp).toBe('backup');
  expect(node.notices()).toEqual(['freeze']);
  node.pass(2.5 * intervalUs);
  expect(node.state.vrrp).toBe('master');
});

test('"not master any more" is as good as a priority 0, but only after "master"', () => {
  const node = new Driver().backup().advert(200).word({ state: 'master' }).word({ state: 'fault' });
  expect(node.state).toMatchObject({ vrrp: 'master', reason: 'the owner says that it is not master any more' });
  // An advert of it that was on its way changes nothing.
  node.pass(1_000);
  expect(node.advert(200).state.vrrp).toBe('master');
  // One that starts anew, while the agent before it still owns the address or left it a moment ago.
  const anew = new Driver().backup().advert(200).word({ state: 'master' }).word({ state: 'init', ability: 'unknown' });
  expect(anew.state.vrrp).toBe('backup');
  const early = new Driver().backup().advert(100).word({ state: 'backup' });
  expect(early.state.vrrp).toBe('backup');
  const poor = new Driver().link(true).ability('no-live-server').advert(100).word({ state: 'master' });
  poor.word({ state: 'fault' });
  expect(poor.state.vrrp).toBe('backup');
  poor.pass(intervalUs);
  expect(poor.state.vrrp).toBe('master');
});

test('a term is higher than all that were heard of', () => {
  const node = new Driver().backup().word({ term: 41 });
  node.pass(down);
  expect(node.state.term).toBe(42);
  expect(node.all.find((effect) => effect.type === 'changed' && effect.to === 'master')).toMatchObject({
    evidence: { term: 42, peerState: 'backup', peerAbility: 'serves', ability: 'serves' },
  });
});

test('a master that hears lower adverts though it sends is unheard and yields; then it waits longer and longer', () => {
  const node = new Driver({ priority: 150, preferred: true }).master();
  node.each(3 * intervalUs, intervalUs, () => node.advert(100));
  expect(node.state.vrrp).toBe('master');
  node.advert(100);
  expect(node.state.vrrp).toBe('backup');
  expect(node.types()).toEqual(['notice', 'point', 'release', 'advertise 150', 'changed']);
  let before = node.nowUs;
  for (const times of [2, 4, 8]) {
    while (node.state.vrrp === 'backup') node.advert(100).pass(intervalUs);
    const waitedUs = node.state.sinceUs - before;
    expect(waitedUs).toBe(times * defaultPreemptDelayUs(node.config));
    node.each(5 * intervalUs, intervalUs, () => node.advert(100));
    expect(node.state.vrrp).toBe('backup');
    before = node.state.sinceUs;
    node.advert(100);
    before = node.state.preemptDueUs - 2 * times * defaultPreemptDelayUs(node.config);
  }
});

test('lower adverts of a race, a last resort or an impaired node do not end the ownership', () => {
  const race = new Driver().master();
  race.pass(second);
  race.advert(50).pass(20_000);
  race.advert(50).pass(second);
  race.advert(50);
  expect(race.state.vrrp).toBe('master');
  for (const priority of [1, 2]) {
    const node = new Driver().master();
    node.each(20 * intervalUs, intervalUs, () => node.advert(priority));
    expect(node.state.vrrp).toBe('master');
    expect(node.notices()).toEqual(['unheard']);
  }
});

test('a peer that has just begun, or has no link, is not told deaf', () => {
  for (const state of ['init', 'fault', 'backup'] as const) {
    const node = new Driver().master();
    node.pass(unheardUs(config) + 1_000);
    node.word({ state, heardAgeUs: -1 });
    expect(node.notices()).toEqual([]);
  }
});

test('two owners that learn it by the peer link: the one that is heard stays, else the later one, else the rank', () => {
  const longUs = unheardUs(config) + 1_000;
  for (const [word, heardMs, yields] of [
    // The peer hears this node: nothing to do.
    [{ heardAgeUs: 0, term: 9 }, -1, false],
    // It does not, and is heard here.
    [{ heardAgeUs: -1, term: 0 }, 10, true],
    // Both are unheard.
    [{ heardAgeUs: -1, term: 9 }, -1, true],
    [{ heardAgeUs: longUs, term: 0 }, -1, false],
    [{ heardAgeUs: -1, term: 1, wins: true }, -1, true],
    [{ heardAgeUs: -1, term: 1, wins: false }, -1, false],
    [{ heardAgeUs: -1, term: 1, priority: 101, wins: false }, -1, true],
    // A last resort is no better.
    [{ heardAgeUs: -1, term: 9, priority: 1, ability: 'no-live-server' }, -1, false],
  ] as const) {
    const node = new Driver().master();
    node.pass(longUs);
    if (heardMs >= 0) node.advert(50);
    node.word({ state: 'master', ...word });
    expect(node.state.vrrp).toBe(yields ? 'backup' : 'master');
  }
});

test('maintenance: make before break, then a fault that lasts until it is over', () => {
  const node = new Driver().master().maintenance(true);
  expect(node.types()).toEqual(['advertise 0']);
  node.advert(100);
  expect(node.types()).toEqual(['release', 'advertise 0', 'changed', 'handover-ended']);
  expect(node.state).toMatchObject({ vrrp: 'fault', reason: 'maintenance: kernel update' });
  node
    .ability('cannot-serve')
    .ability('serves')
    .link(false)
    .link(true)
    .word({ state: 'master' })
    .word({ state: 'fault' });
  node.pass(10 * down);
  expect(node.state).toMatchObject({ vrrp: 'fault', reason: 'maintenance: kernel update' });
  expect(node.maintenance(false).state.vrrp).toBe('backup');
});

test('maintenance from the start, of a backup, and of an owner that came back warm', () => {
  expect(new Driver().maintenance(true).backup().state.vrrp).toBe('fault');
  expect(new Driver().backup().maintenance(true).state.vrrp).toBe('fault');
  const warm = new Driver();
  warm.feed({ type: 'inherited', nowUs: warm.nowUs, lastAdvertUs: warm.nowUs }).maintenance(true);
  expect(warm.types()).toContain('release');
  expect(warm.backup().state.vrrp).toBe('fault');
});

test('maintenance that nobody takes is refused unless it is forced', () => {
  for (const [force, state] of [
    [false, 'master'],
    [true, 'fault'],
  ] as const) {
    const node = new Driver().master().maintenance(true, force);
    node.pass(handoverLimitUs(config));
    expect(node.state).toMatchObject({ vrrp: state, maintenance: force });
    expect(node.all.find(({ type }) => type === 'handover-ended')).toMatchObject({
      taken: false,
      purpose: 'maintenance',
    });
    const alone = new Driver({ peers: 0 }).backup().maintenance(true, force);
    alone.pass(1);
    expect(alone.state.vrrp).toBe(state);
  }
});

test('a planned move is refused at once when the peer says that it will not take it', () => {
  for (const [word, refused] of [
    [{ maintenance: true }, true],
    [{ state: 'fault' }, true],
    [{ state: 'init' }, true],
    [{ ability: 'cannot-serve' }, true],
    [{ ability: 'no-live-server', priority: 1 }, true],
    [{ ability: 'impaired', priority: 2 }, false],
    [{}, false],
  ] as const) {
    const node = new Driver().master().word(word);
    node.feed({ type: 'failover', nowUs: node.nowUs });
    expect(node.types()).toEqual(refused ? ['handover-ended'] : ['advertise 0']);
    expect(node.state.vrrp).toBe('master');
  }
  // What it said long ago does not count, and a stop is never refused.
  const old = new Driver().master().word({ maintenance: true });
  old.pass(second);
  expect(old.feed({ type: 'failover', nowUs: old.nowUs }).types()).toEqual(['advertise 0']);
  const stop = new Driver().master().word({ maintenance: true });
  stop.feed({ type: 'stop', nowUs: stop.nowUs }).pass(handoverLimitUs(config));
  expect(stop.state.stopped).toBe(true);
});

test('a hand-over ends by the word of the new owner when its adverts are lost', () => {
  const node = new Driver().master();
  node.feed({ type: 'failover', nowUs: node.nowUs }).word({ state: 'master', term: node.state.term + 1 });
  expect(node.types()).toEqual(['release', 'advertise 0', 'changed', 'handover-ended']);
  const stale = new Driver().master();
  stale.feed({ type: 'failover', nowUs: stale.nowUs }).word({ state: 'master', term: 0 });
  expect(stale.state.vrrp).toBe('master');
});

test('an impaired node gives way to a peer that is well, and never to nobody', () => {
  const impaired = new Driver().master().ability('impaired');
  expect(impaired.types()).toEqual(['advertise 2']);
  impaired.pass(10 * down);
  expect(impaired.state.vrrp).toBe('master');
  expect(impaired.advert(100).state.vrrp).toBe('backup');
  for (const [own, priority, takes] of [
    ['serves', 2, true],
    ['impaired', 2, false],
    ['impaired', 1, true],
    ['no-live-server', 2, false],
    ['serves', 100, false],
  ] as const)
    expect(new Driver().link(true).ability(own).advert(priority).state.vrrp).toBe(takes ? 'master' : 'backup');
});

test('the address owner: at once, never to lower rank, and the tie rule between two', () => {
  const owner = new Driver({ priority: 255 }).backup();
  expect(owner.state).toMatchObject({ vrrp: 'master', reason: 'the address owner, able to serve' });
  owner.each(20 * intervalUs, intervalUs, () => owner.advert(254));
  expect(owner.state.vrrp).toBe('master');
  expect(owner.freeze(2 * down).advert(254).state.vrrp).toBe('master');
  owner.pass(intervalUs);
  expect(owner.advert(255, { wins: false }).state.vrrp).toBe('master');
  expect(owner.notices().filter((what) => what === 'rogue-owner')).toHaveLength(1);
  expect(owner.advert(255, { wins: true }).state.vrrp).toBe('backup');
  // It comes back when the lower one is heard, but not after it was told to hand over.
  expect(owner.advert(100).state.vrrp).toBe('master');
  owner.feed({ type: 'failover', nowUs: owner.nowUs });
  expect(owner.effects.at(-1)).toMatchObject({ type: 'handover-ended', taken: false });
  owner.pass(intervalUs);
  owner.feed({ type: 'failover', nowUs: owner.nowUs }).advert(100);
  owner.each(second, intervalUs, () => owner.advert(100));
  expect(owner.state).toMatchObject({ vrrp: 'backup', hold: true });
  const poor = new Driver({ priority: 255 }).link(true).ability('no-live-server').advert(100);
  expect(poor.state.vrrp).toBe('backup');
  expect(poor.ability('serves').state.vrrp).toBe('master');
});

test('a stranger on our router id is told with its address once a minute; multicast waits for it once', () => {
  const node = new Driver({ transport: 'multicast' }).backup();
  node.each(down, 50_000, () => node.contender(false));
  expect(node.state.vrrp).toBe('backup');
  node.each(down, 50_000, () => node.contender(false));
  node.pass(50_000);
  expect(node.state.vrrp).toBe('master');
  expect(node.notices()).toEqual(['contender', 'contender']);
  node.each(130 * second, second, () => node.contender(false));
  expect(node.notices()).toHaveLength(4);
  const unicast = new Driver().backup().contender(false);
  unicast.pass(down);
  expect(unicast.state.vrrp).toBe('master');
});

test('a node that hears its peer under another key does not take over while it hears it', () => {
  const node = new Driver().backup();
  node.each(5 * down, intervalUs, () => node.contender(true));
  expect(node.state).toMatchObject({ vrrp: 'fault', reason: 'the other node has another key' });
  const startUs = node.state.refusedUs;
  while (node.state.vrrp !== 'master') node.pass(1_000);
  expect(node.state.sinceUs - startUs).toBeLessThan(down + intervalUs);
  // A valid advert ends it as well.
  const mended = new Driver().backup();
  mended.each(2 * down, intervalUs, () => mended.contender(true));
  expect(mended.advert(100).state.vrrp).toBe('backup');
  // The first thing that it hears is that the owner resigns.
  const heir = new Driver().backup();
  heir.each(2 * down, intervalUs, () => heir.contender(true));
  expect(heir.advert(0).state).toMatchObject({ vrrp: 'master', reason: 'the owner resigned' });
  // Why its adverts are refused is told of the peer, whatever a stranger does.
  const both = new Driver().backup();
  both.each(5 * down, intervalUs, () => both.contender(true).contender(false, undefined, 'version'));
  expect(both.state).toMatchObject({ vrrp: 'fault', reason: 'the other node has another key' });
  // An owner never cares, and a word of the peer that it owns nothing outweighs what may be forged.
  const owner = new Driver().master();
  owner.each(5 * down, intervalUs, () => owner.contender(true));
  expect(owner.state.vrrp).toBe('master');
  const told = new Driver().backup();
  told.each(2 * down, intervalUs / 4, () => told.contender(true).word({ state: 'backup' }));
  expect(told.state.vrrp).toBe('master');
});

test('no contender touches a timer, in whatever state', () => {
  const nodes = [
    new Driver(),
    new Driver().backup(),
    new Driver().backup().advert(100),
    new Driver({ preferred: true }).backup().advert(50),
    new Driver().master(),
    new Driver().master().ability('cannot-serve'),
    new Driver().maintenance(true),
  ];
  for (const node of nodes)
    for (const fromPeer of [true, false]) {
      const before = nextTickUs(node.config, node.state);
      const event = { type: 'contender', nowUs: node.nowUs, source: peer, fromPeer, reason: 'auth' } as const;
      const result = step(node.state, event, node.config);
      expect(nextTickUs(node.config, result.state)).toBe(before);
      expect(result.effects.filter(({ type }) => type !== 'notice')).toEqual([]);
      expect(result.state.vrrp).toBe(node.state.vrrp);
    }
});
