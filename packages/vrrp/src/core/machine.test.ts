// The election, event by event: RFC 9568 section 6.4 and the rules in which this agent goes beyond it.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { config, down, Driver, intervalUs, peer } from '../../test/machine-driver.ts';
import { nextTickUs } from './machine.ts';
import type { MachineEvent } from './state.ts';
import { downUs, leaseSeconds, skewUs } from './timers.ts';

test('timers are exact at 10 ms and at 1 s', () => {
  expect(downUs({ ...config, intervalUs: 1_000_000 })).toBe(3_609_375);
  expect(downUs({ ...config, intervalUs: 10_000 })).toBe(36_094);
  expect(skewUs({ ...config, priority: 254, intervalUs: 10_000 })).toBe(79);
  expect(leaseSeconds({ ...config, intervalUs: 1_000_000 })).toBe(4);
  expect(leaseSeconds(config)).toBe(1);
});

test('init waits for the proxy, then listens a whole down interval before it owns', () => {
  const node = new Driver().link(true);
  expect(node.state.vrrp).toBe('init');
  node.ability('serves');
  expect(node.state.vrrp).toBe('backup');
  node.pass(down - 1);
  expect(node.state.vrrp).toBe('backup');
  const effects = node.pass(1);
  expect(effects.map(({ type }) => type)).toEqual(['own', 'advertise', 'changed', 'announce']);
});

test('the only node of a cluster does not wait', () => {
  expect(new Driver({ peers: 0 }).backup().state.vrrp).toBe('master');
});

test('adverts keep their absolute schedule though the loop is a little late', () => {
  const node = new Driver().master();
  const first = node.state.advertDueUs;
  node.nowUs = first + 30_000;
  node.tick();
  expect(node.state.advertDueUs).toBe(first + intervalUs);
});

test('a loop that is late by more than an interval sends at once, re-bases and announces', () => {
  const node = new Driver().master();
  node.pass(5_000_000);
  node.nowUs = node.state.advertDueUs + 2 * intervalUs;
  node.tick();
  expect(node.types()).toEqual(['advertise 100', 'announce']);
  expect(node.state.advertDueUs).toBe(node.nowUs + intervalUs);
  expect(node.state.counters).toMatchObject({ late: 1, freezes: 0 });
});

test('a backup follows a lower advert (no preferred owner) and a higher one alike', () => {
  for (const priority of [50, 100, 200]) {
    const node = new Driver().backup();
    for (let advert = 0; advert < 20; advert++) {
      node.pass(intervalUs);
      node.advert(priority);
    }
    expect(node.state.vrrp).toBe('backup');
    expect(node.state.downDueUs).toBe(node.nowUs + down);
  }
});

test('a backup adopts the interval of the owner', () => {
  const node = new Driver().backup().advert(200, { intervalUs: 1_000_000 });
  expect(node.state.downDueUs).toBe(node.nowUs + downUs({ ...config, intervalUs: 1_000_000 }));
});

test('the preferred node takes the address back after its delay, and not while it has no live server', () => {
  const node = new Driver({ preferred: true, priority: 150 }).backup();
  const follow = (us: number): void => {
    for (let passed = 0; passed < us && node.state.vrrp === 'backup'; passed += intervalUs) {
      node.advert(100);
      node.pass(intervalUs);
    }
  };
  follow(900_000);
  expect(node.state.vrrp).toBe('backup');
  node.ability('no-live-server');
  follow(3_000_000);
  expect(node.state.vrrp).toBe('backup');
  node.ability('serves');
  const startUs = node.nowUs;
  follow(3_000_000);
  expect(node.state.vrrp).toBe('master');
  expect(node.state.sinceUs - startUs).toBe(1_000_000);
});

test('priority 0 of the only peer is taken at once; with two peers after the skew', () => {
  const node = new Driver().backup().advert(100).advert(0);
  expect(node.state).toMatchObject({ vrrp: 'master', reason: 'the owner resigned' });
  const three = new Driver({ peers: 2 }).backup().advert(100).advert(0);
  expect(three.state.vrrp).toBe('backup');
  expect(three.state.downDueUs).toBe(three.nowUs + skewUs(config));
});

test('an advert that the network doubled or delayed past a priority 0 moves nothing', () => {
  const node = new Driver().backup().advert(200).advert(0);
  node.pass(2_000);
  node.advert(200);
  expect(node.state.vrrp).toBe('master');
  node.pass(intervalUs);
  node.advert(200);
  expect(node.state.vrrp).toBe('backup');
});

test('the last word of an owner that drains is told once; one in fault says none', () => {
  const node = new Driver().backup().advert(100).advert(0);
  node.pass(1_000);
  expect(node.advert(0).effects).toContainEqual(expect.objectContaining({ what: 'old-owner-drains' }));
  node.pass(200_000);
  expect(node.advert(0).effects.filter(({ type }) => type === 'notice')).toEqual([]);
  const crashed = new Driver().backup().advert(100);
  crashed.pass(down);
  expect(crashed.advert(50).effects.filter(({ type }) => type === 'notice')).toEqual([]);
});

test('a last resort gives way at once to a node with a live server', () => {
  const node = new Driver().backup().advert(1);
  expect(node.state).toMatchObject({ vrrp: 'master', reason: 'the owner has no live server' });
  const both = new Driver().link(true).ability('no-live-server').advert(1);
  expect(both.state.vrrp).toBe('backup');
  const owner = new Driver().master().ability('no-live-server');
  expect(owner.types()).toEqual(['advertise 1']);
  expect(owner.advert(100).state.vrrp).toBe('backup');
});

test('a master yields to higher rank, releases, says one last word and listens', () => {
  for (const [priority, wins, yields] of [
    [101, false, true],
    [100, true, true],
    [100, false, false],
    [99, true, false],
  ] as const) {
    const node = new Driver().master();
    // Half an interval after the last advert.
    node.pass(5_050_000);
    node.advert(priority, { wins });
    expect(node.state.vrrp).toBe(yields ? 'backup' : 'master');
    expect(node.types()).toEqual(
      yields ? ['point', 'release', 'advertise 100', 'changed'] : ['advertise 100', 'announce'],
    );
  }
});

test('a flood of resigning adverts makes at most four answers an interval and twenty frames a second', () => {
  const node = new Driver().master();
  node.pass(5_000_000);
  const before = node.state.counters;
  for (let packet = 0; packet < 1000; packet++) {
    node.advert(0);
    node.pass(1_000);
  }
  expect(node.state.counters.sent - before.sent).toBeLessThanOrEqual(41);
  expect(2 * (node.state.counters.announcements - before.announcements)).toBeLessThanOrEqual(22);
});

test('a frozen master yields to whoever took the address, also of lower rank', () => {
  const node = new Driver().master().freeze(2 * down);
  node.feed({ type: 'address', nowUs: node.nowUs, index: 0, present: false });
  expect(node.effects).toEqual([]);
  node.advert(50);
  expect(node.state).toMatchObject({ vrrp: 'backup', reason: 'frozen, the other node has taken over' });
  expect(node.state.counters.freezes).toBe(1);
});

test('a frozen master whose address nobody took says so first and has a full lease after it', () => {
  const node = new Driver().master();
  node.pass(5_000_000);
  node.freeze(2 * down).tick();
  expect(node.effects.filter(({ type }) => type !== 'notice')).toEqual([
    { type: 'advertise', priority: 100, lease: true },
    { type: 'announce' },
  ]);
  expect(node.state.counters).toMatchObject({ freezes: 1 });
});

test('a frozen backup listens once more before it takes over', () => {
  const node = new Driver().backup().advert(100);
  node.freeze(down + 2 * intervalUs).tick();
  expect(node.state.vrrp).toBe('backup');
  node.pass(1.5 * intervalUs + skewUs(config));
  expect(node.state.vrrp).toBe('master');
});

test('a removed address comes back with an advert, a lease and announcements', () => {
  const node = new Driver().master();
  node.pass(5_000_000);
  node.feed({ type: 'address', nowUs: node.nowUs, index: 0, present: false });
  expect(node.effects.filter(({ type }) => type !== 'notice')).toEqual([
    { type: 'advertise', priority: 100, lease: true },
    { type: 'announce' },
  ]);
  expect(node.state.counters.restored).toBe(1);
});

test('the lease is renewed by adverts alone, by at most eight in its length', () => {
  for (const [interval, least, most] of [
    [10_000, 70, 100],
    [100_000, 99, 101],
  ] as const) {
    const node = new Driver({ intervalUs: interval }).master();
    const renewed = node.pass(10_000_000).filter((effect) => effect.type === 'advertise' && effect.lease);
    expect(renewed.length).toBeGreaterThanOrEqual(least);
    expect(renewed.length).toBeLessThanOrEqual(most);
  }
});

test('slow adverts renew the lease each time, so that it says when the last one left', () => {
  const node = new Driver({ intervalUs: 1_000_000 }).backup();
  node.pass(downUs({ ...config, intervalUs: 1_000_000 }));
  const adverts = node.pass(10_000_000).filter((effect) => effect.type === 'advertise');
  expect(adverts.map((effect) => effect.type === 'advertise' && effect.lease)).toEqual(
    Array.from({ length: 10 }, () => true),
  );
});

test('a restarted agent goes on as master half an interval before its peer may take over', () => {
  const restarted = (lastAdvertAgoUs: number): Driver => {
    const node = new Driver();
    const lastAdvertUs = node.nowUs - lastAdvertAgoUs;
    return node.feed({ type: 'inherited', nowUs: node.nowUs, lastAdvertUs }).link(true);
  };
  const warm = restarted(50_000).ability('serves');
  expect(warm.state).toMatchObject({ vrrp: 'master', reason: 'warm restart' });
  expect(restarted(2.5 * intervalUs).ability('serves').state.vrrp).toBe('master');
  // Too late for that: the address stays until somebody else owns it, or for as long as the lease.
  const late = restarted(2.5 * intervalUs + 1).ability('serves');
  expect(late.types()).toEqual(['changed']);
  expect(late.state.vrrp).toBe('backup');
  expect(late.advert(100).types()).toEqual(['release']);
  const told = restarted(3 * intervalUs)
    .ability('serves')
    .word({ state: 'backup' });
  expect(told.types()).toEqual([]);
  expect(told.word({ state: 'master' }).types()).toEqual(['release']);
  const alone = restarted(3 * intervalUs).ability('serves');
  alone.pass(down);
  expect(alone.state).toMatchObject({ vrrp: 'master', reason: 'no advert heard' });
  const unprobed = restarted(50_000);
  const leaseUs = leaseSeconds(config) * 1_000_000;
  expect(unprobed.pass(leaseUs - 51_000)).toEqual([]);
  expect(unprobed.pass(2_000).map(({ type }) => type)).toEqual(['release']);
  const replaced = restarted(50_000).advert(100);
  expect(replaced.types()).toEqual(['release']);
  expect(replaced.ability('serves').state.vrrp).toBe('backup');
  // Its proxy hangs: the other one is asked, but not left alone with it.
  const unfit = restarted(50_000).ability('cannot-serve');
  expect(unfit.types()).toEqual(['own', 'advertise 1', 'changed', 'announce']);
  const unplugged = restarted(50_000).link(false).ability('serves');
  expect(unplugged.types()).toContain('release');
  const ended = restarted(50_000);
  expect(ended.feed({ type: 'close', nowUs: ended.nowUs }).types()).toContain('release');
});

test('failover: priority 0, silence of announcements, release on the first advert, then hold', () => {
  const node = new Driver({ preferred: true, priority: 150 }).master();
  node.feed({ type: 'failover', nowUs: node.nowUs });
  expect(node.effects).toEqual([{ type: 'advertise', priority: 0, lease: true }]);
  expect(node.pass(50_000)).toEqual([]);
  node.advert(100);
  expect(node.types()).toEqual(['release', 'advertise 0', 'changed', 'handover-ended']);
  expect(node.effects.at(-1)).toMatchObject({ taken: true, purpose: 'failover', durationUs: 50_000 });
  for (let advert = 0; advert < 50; advert++) {
    node.advert(100);
    node.pass(intervalUs);
  }
  expect(node.state.vrrp).toBe('backup');
  node.advert(0);
  expect(node.state).toMatchObject({ vrrp: 'master', hold: false });
});

test('failover that nobody takes, or only a last resort, leaves the owner where it is', () => {
  const alone = new Driver().master();
  alone.feed({ type: 'failover', nowUs: alone.nowUs });
  const effects = alone.pass(3 * intervalUs + 50_000);
  expect(effects.filter(({ type }) => type === 'release')).toEqual([]);
  expect(effects.find(({ type }) => type === 'handover-ended')).toMatchObject({ taken: false });
  expect(alone.state.vrrp).toBe('master');
  const poor = new Driver().master();
  poor.feed({ type: 'failover', nowUs: poor.nowUs }).advert(1);
  expect(poor.state.vrrp).toBe('master');
  expect(poor.effects.find(({ type }) => type === 'handover-ended')).toMatchObject({ taken: false });
});

test('stop answers for the address until the peer is heard, or until its limit', () => {
  const heard = new Driver().master();
  heard.feed({ type: 'stop', nowUs: heard.nowUs });
  expect(heard.types()).toEqual(['advertise 0']);
  heard.advert(100);
  expect(heard.types()).toEqual(['release', 'advertise 0', 'changed', 'handover-ended']);
  expect(heard.state).toMatchObject({ vrrp: 'init', stopped: true });
  const unheard = new Driver().master();
  unheard.feed({ type: 'stop', nowUs: unheard.nowUs });
  unheard.pass(3 * intervalUs + 49_999);
  expect(unheard.state.stopped).toBe(false);
  unheard.pass(1);
  expect(unheard.state.stopped).toBe(true);
  expect(nextTickUs(unheard.config, unheard.state)).toBe(Infinity);
});

test('cannot-serve asks the other node at once and lets go when it is heard; the fault ends with it', () => {
  const node = new Driver().master().ability('cannot-serve');
  expect(node.types()).toEqual(['advertise 0']);
  node.advert(100);
  // Its connections are dead: no drain, and no last word that would keep the other one's guard.
  expect(node.effects).toContainEqual({ type: 'release', drain: false });
  expect(node.types()).toEqual(['release', 'changed']);
  expect(node.state).toMatchObject({ vrrp: 'fault', reason: 'told cannot-serve' });
  expect(node.ability('serves').state.vrrp).toBe('backup');
});

test('a link that flaps within an interval costs no ownership, a longer loss does', () => {
  const node = new Driver().master();
  node.pass(5_000_000);
  node.link(false);
  node.pass(intervalUs - 1);
  node.link(true);
  expect(node.state.vrrp).toBe('master');
  expect(node.types()).toEqual(['advertise 100', 'announce']);
  node.link(false);
  node.pass(intervalUs);
  expect(node.state).toMatchObject({ vrrp: 'fault', reason: 'no carrier' });
  expect(node.link(true).state.vrrp).toBe('backup');
});

test('an address that the kernel refuses is a fault that is tried again after five seconds', () => {
  const node = new Driver().master();
  node.feed({ type: 'own-failed', nowUs: node.nowUs, reason: 'no CAP_NET_ADMIN' });
  expect(node.state).toMatchObject({ vrrp: 'fault', reason: 'no CAP_NET_ADMIN' });
  node.pass(4_999_999);
  expect(node.state.vrrp).toBe('fault');
  node.pass(1);
  expect(node.state.vrrp).toBe('backup');
});

test('another address list is reported once and counts in the election', () => {
  const node = new Driver().backup().advert(200, { addressesDiffer: true });
  expect(node.effects).toContainEqual(expect.objectContaining({ type: 'notice', what: 'config-drift' }));
  expect(node.advert(200, { addressesDiffer: true }).effects).toEqual([]);
  expect(node.state.vrrp).toBe('backup');
});

test('step() never owns in init, fault or stopped, whatever comes', () => {
  const nowUs = fc.constant(0);
  const events: fc.Arbitrary<MachineEvent> = fc.oneof(
    fc.record({ type: fc.constant('tick' as const), nowUs }),
    fc.record({ type: fc.constantFrom('failover' as const, 'stop' as const, 'close' as const), nowUs }),
    fc.record({
      type: fc.constant('ability' as const),
      nowUs,
      ability: fc.constantFrom('serves' as const, 'no-live-server' as const, 'cannot-serve' as const),
      reason: fc.constant(''),
    }),
    fc.record({
      type: fc.constant('link' as const),
      nowUs,
      up: fc.boolean(),
      reason: fc.constant(''),
      lacks: fc.constantFrom('', 'IPv6'),
    }),
    fc.record({ type: fc.constant('address' as const), nowUs, index: fc.constant(0), present: fc.boolean() }),
    fc.record({ type: fc.constant('own-failed' as const), nowUs, reason: fc.constant('') }),
    fc.record({ type: fc.constant('sent' as const), nowUs, ok: fc.boolean(), reason: fc.constant('') }),
    fc.record({
      type: fc.constant('advert' as const),
      nowUs,
      source: fc.constant(peer),
      wins: fc.boolean(),
      priority: fc.constantFrom(0, 1, 50, 100, 200, 255),
      intervalUs: fc.constantFrom(10_000, 100_000, 40_950_000),
      addressesDiffer: fc.constant(false),
    }),
  );
  const steps = fc.array(fc.record({ event: events, afterUs: fc.nat({ max: 400_000 }) }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (history) => {
      const node = new Driver();
      let owned = false;
      const check = (): void => {
        for (const effect of node.effects) {
          if (effect.type === 'own' || (effect.type === 'advertise' && effect.lease)) owned = true;
          if (effect.type === 'release') owned = false;
        }
        expect(owned).toBe(node.state.vrrp === 'master');
      };
      for (const { event, afterUs } of history) {
        node.nowUs += afterUs;
        node.feed({ ...event, nowUs: node.nowUs });
        check();
        if (nextTickUs(node.config, node.state) > node.nowUs) continue;
        // A few ticks at their time move the machine on: no timer stays in the past.
        for (let tick = 0; tick < 7; tick++) {
          node.tick();
          check();
        }
        expect(nextTickUs(node.config, node.state)).toBeGreaterThan(node.nowUs);
      }
    }),
    { numRuns: Number(process.env['VRRP_RUNS'] ?? 500) },
  );
});
