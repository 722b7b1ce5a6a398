// A last node never steps down to nobody: own faults count only while the other node is heard, and better. And what both nodes
// find out about, one later than the other, moves no address.
import { expect, test } from 'vitest';
import { config, down, Driver, intervalUs, peer } from '../../test/machine-driver.ts';
import { handoverLimitUs } from './timers.ts';

const second = 1_000_000;

/** The adverts of this node do not leave for a while. */
function mute(node: Driver, us: number): Driver {
  node.mute = 'EPERM';
  node.pass(us);
  return node;
}

test('a proxy that hangs where nobody takes over costs no ownership, and is told', () => {
  const node = new Driver().master().ability('cannot-serve');
  node.pass(handoverLimitUs(config));
  expect(node.state).toMatchObject({ vrrp: 'master', handover: undefined });
  expect(node.types()).toContain('advertise 1');
  expect(node.notices()).toContain('no-substitute');
  node.pass(30 * second);
  expect(node.state.vrrp).toBe('master');
  // Somebody comes up that can serve: it hears the lowest priority and takes over with an advert.
  expect(node.advert(100).state.vrrp).toBe('fault');
});

test('where the other node is known to be no better, nobody is asked', () => {
  for (const word of [
    { ability: 'cannot-serve', state: 'fault' },
    { maintenance: true, state: 'fault' },
    { state: 'init' },
  ] as const) {
    const node = new Driver().master().word(word).ability('cannot-serve');
    expect(node.types()).toEqual(['advertise 1', 'notice']);
    expect(node.state.handover).toBeUndefined();
    expect(node.ability('serves').types()).toEqual(['advertise 100']);
  }
  const alone = new Driver({ peers: 0 }).backup().ability('cannot-serve');
  expect(alone.state.vrrp).toBe('master');
  expect(alone.types()).toEqual(['advertise 1', 'notice']);
});

test('a node that cannot serve takes an address that nobody has, and gives it to whoever is heard', () => {
  const node = new Driver().backup().advert(100).ability('cannot-serve');
  expect(node.state).toMatchObject({ vrrp: 'fault', reason: 'told cannot-serve' });
  node.each(20 * intervalUs, intervalUs, (driver) => driver.advert(100));
  expect(node.state.vrrp).toBe('fault');
  node.pass(4 * intervalUs);
  expect(node.state).toMatchObject({ vrrp: 'master', reason: 'the owner fell silent' });
  expect(node.types()).toContain('advertise 1');
  expect(node.advert(100).state).toMatchObject({ vrrp: 'fault' });
});

test('a planned move of the other node is not for a node that cannot serve, which waits for what comes of it', () => {
  const node = new Driver().backup().advert(100).ability('cannot-serve').advert(0);
  node.pass(handoverLimitUs(config));
  expect(node.state.vrrp).toBe('fault');
  expect(node.advert(100).state.vrrp).toBe('fault');
});

test('an ability that comes and goes does not keep a node from listening to the end', () => {
  const node = new Driver().backup().advert(100);
  let flaps = 0;
  while (node.state.vrrp !== 'master' && flaps++ < 100) {
    node.ability('cannot-serve').pass(intervalUs / 2);
    node.ability('serves').pass(intervalUs / 2);
  }
  expect(node.state.vrrp).toBe('master');
  expect(flaps * intervalUs).toBeLessThan(down + 3 * intervalUs);
});

test('adverts that cannot be sent end no ownership of a node that hears nobody', () => {
  const node = mute(new Driver().master(), 20 * down);
  expect(node.state.vrrp).toBe('master');
  expect(node.notices().filter((what) => what === 'send-failed')).toHaveLength(1);
  const leases = node.all.filter((effect) => effect.type === 'advertise' && effect.lease).length;
  expect(leases).toBeGreaterThan(20);
});

test('adverts that cannot be sent end the ownership when another owner is heard, which has taken over by then', () => {
  const node = mute(new Driver({ preferred: true }).master(), 2 * down);
  node.advert(100, { wins: false });
  expect(node.state).toMatchObject({ vrrp: 'backup', owner: peer });
  // Nobody would hear it the next time either: it waits longer.
  node.each(2 * down, intervalUs, (driver) => driver.advert(90));
  expect(node.state.vrrp).toBe('backup');
  node.mute = '';
  while (node.state.vrrp === 'backup') node.advert(90).pass(intervalUs);
  expect(node.state).toMatchObject({ vrrp: 'master', reason: 'preferred node, able to serve' });
  // A worse one is no reason, as everywhere.
  expect(mute(new Driver().master(), down).advert(1).state.vrrp).toBe('master');
});

test('an owner that lacks a part goes on with the rest, and gives way to a node that has all', () => {
  const node = new Driver().master();
  node.link(true, 'IPv6').pass(intervalUs - 1);
  node.link(true).pass(2 * intervalUs);
  expect(node.all.filter((effect) => effect.type === 'advertise' && effect.priority !== 100)).toEqual([]);
  node.link(true, 'IPv6').pass(2 * intervalUs);
  expect(node.state).toMatchObject({ vrrp: 'master', lacks: 'IPv6' });
  expect(node.types()).toContain('advertise 2');
  expect(node.notices()).toContain('partly');
  // The other one lacks the same: nothing moves but by the rule for a tie.
  expect(node.advert(2, { wins: false }).state.vrrp).toBe('master');
  expect(node.advert(100).state.vrrp).toBe('backup');
});

test('a backup that lacks a part says so before, takes over when it must, and not from one that has all', () => {
  const node = new Driver({ preferred: true, preemptDelayUs: 0 }).backup().link(true, 'IPv6').advert(50);
  expect(node.notices()).toEqual(['partly']);
  node.each(10 * down, intervalUs, (driver) => driver.advert(50));
  expect(node.state.vrrp).toBe('backup');
  node.pass(4 * intervalUs);
  expect(node.state.vrrp).toBe('master');
});

const patient = { lastsUs: second };

test('an owner without servers counts as one once that has lasted', () => {
  const node = new Driver(patient).master().ability('no-live-server');
  node.pass(second - intervalUs);
  expect(node.state.ability).toBe('serves');
  node.ability('serves').pass(5 * second);
  expect(node.all.filter((effect) => effect.type === 'advertise' && effect.priority !== 100)).toEqual([]);
  node.ability('no-live-server').pass(second);
  expect(node.types()).toContain('advertise 1');
});

test('a backup whose servers are back counts as one that serves once that has lasted', () => {
  const node = new Driver(patient).backup().ability('no-live-server').advert(1).ability('serves');
  node.each(second - intervalUs, intervalUs, (driver) => driver.advert(1));
  expect(node.state.vrrp).toBe('backup');
  node.each(3 * intervalUs, intervalUs, (driver) => driver.advert(1));
  expect(node.state.vrrp).toBe('master');
  // But where there is no owner any more, it is what it is.
  const heir = new Driver(patient).backup().ability('no-live-server').advert(1).ability('serves');
  heir.pass(4 * intervalUs);
  expect(heir.state).toMatchObject({ vrrp: 'master', ability: 'serves' });
});

test.each([0, 20_000, 94_000, 700_000])('one order for both nodes, heard %i us apart, moves nothing', (apartUs) => {
  for (const first of [0, 1] as const) {
    const nodes = [new Driver(patient).master(), new Driver(patient).backup()] as const;
    const [owner, other] = nodes;
    const hear = (us: number): void => {
      for (let passed = 0; passed < us; passed += intervalUs / 2) {
        owner.pass(intervalUs / 2);
        other.pass(intervalUs / 2);
        const said = owner.effects.findLast((effect) => effect.type === 'advertise');
        if (said?.type === 'advertise') other.advert(said.priority, { wins: false });
        owner.effects = [];
        for (const effect of other.effects) if (effect.type === 'advertise') owner.advert(effect.priority);
      }
    };
    hear(2 * down);
    for (const ability of ['no-live-server', 'serves', 'impaired', 'serves'] as const) {
      nodes[first].ability(ability);
      hear(apartUs);
      nodes[first === 0 ? 1 : 0].ability(ability);
      hear(3 * second);
      expect(nodes.map(({ state }) => state.vrrp)).toEqual(['master', 'backup']);
    }
  }
});
