// Debian's keepalived as the other node, in both roles, unicast and multicast. Needs root and keepalived.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Lab, until, vip, vip6 } from './lab.ts';

const downMs = 361;
const slackMs = 600;
/** Duplicate address detection of the link-local address, from which IPv6 adverts go. */
const linkLocalMs = 5000;

for (const transport of ['unicast', 'multicast'] as const) {
  const unicast = transport === 'unicast';

  test(`keepalived stays BACKUP under our higher priority and takes over at our priority 0 (${transport})`, async () => {
    await using lab = new Lab(['a', 'b']);
    const ours = await lab.startAgent('a', { vip: { transport, priorities: { lb1: 150, lb2: 100 } } });
    await ours.becomes('master', { withinMs: downMs + slackMs });
    const other = lab.keepalived('b', { priority: 100, unicast, state: 'BACKUP' });
    await other.line((line) => line.includes('Entering BACKUP STATE'), { withinMs: 10_000 });
    await sleep(4 * downMs);
    expect(other.lines.filter((line) => line.includes('MASTER STATE'))).toEqual([]);
    expect(lab.hasVip('b')).toBe(false);
    ours.say('failover');
    await other.line((line) => line.includes('Entering MASTER STATE'), { withinMs: 300 + slackMs });
    await ours.becomes('backup', { withinMs: slackMs, from: 3 });
    await until('keepalived alone has the address', () => lab.hasVip('b') && !lab.hasVip('a'), slackMs);
    // Not preferred: our higher priority does not take it back.
    await sleep(2 * downMs);
    const view = (await ours.snapshot()).vips[0];
    expect(view).toMatchObject({ state: 'backup', owner: 'lb2', peerPriority: 100 });
  });

  test(`we stay backup under keepalived's higher priority and take over at its priority 0 (${transport})`, async () => {
    await using lab = new Lab(['a', 'b']);
    const other = lab.keepalived('b', { priority: 200, unicast, state: 'MASTER' });
    await other.line((line) => line.includes('Entering MASTER STATE'), { withinMs: 10_000 });
    const ours = await lab.startAgent('a', { vip: { transport, priorities: { lb1: 100, lb2: 200 } } });
    await ours.becomes('backup', { withinMs: slackMs });
    await sleep(4 * downMs);
    const view = (await ours.snapshot()).vips[0];
    expect(view).toMatchObject({
      state: 'backup',
      peerPriority: 200,
      checksumDialect: 'pseudo-header',
      transitionsTotal: 1,
    });
    expect(view?.adverts.droppedTotal).toEqual({});
    other.signal('SIGTERM');
    const taken = await ours.becomes('master', { withinMs: downMs + slackMs });
    expect(taken['reason']).toBe('the owner resigned');
    await until('we have the address', () => lab.hasVip('a') && !lab.hasVip('b'), slackMs);
  });
}

test('keepalived for IPv6 stays BACKUP under our higher priority and takes over at our priority 0', async () => {
  await using lab = new Lab(['a', 'b']);
  const options = { vip: { address: vip6, transport: 'multicast', priorities: { lb1: 150, lb2: 100 } } } as const;
  const ours = await lab.startAgent('a', options);
  await ours.becomes('master', { withinMs: linkLocalMs + downMs + slackMs });
  const other = lab.keepalived('b', { priority: 100, unicast: false, state: 'BACKUP', six: true });
  await other.line((line) => line.includes('Entering BACKUP STATE'), { withinMs: 10_000 });
  await sleep(4 * downMs);
  expect(other.lines.filter((line) => line.includes('MASTER STATE'))).toEqual([]);
  expect(lab.hasVip('b', vip6)).toBe(false);
  ours.say('failover');
  await other.line((line) => line.includes('Entering MASTER STATE'), { withinMs: 300 + slackMs });
  await until('keepalived alone has the address', () => lab.hasVip('b', vip6) && !lab.hasVip('a', vip6), slackMs);
});

test("for IPv6 we stay backup under keepalived's higher priority and take over at its priority 0", async () => {
  await using lab = new Lab(['a', 'b']);
  const other = lab.keepalived('b', { priority: 200, unicast: false, state: 'MASTER', six: true });
  await other.line((line) => line.includes('Entering MASTER STATE'), { withinMs: 10_000 });
  const options = { vip: { address: vip6, transport: 'multicast', priorities: { lb1: 100, lb2: 200 } } } as const;
  const ours = await lab.startAgent('a', options);
  await ours.becomes('backup', { withinMs: linkLocalMs + slackMs });
  await sleep(4 * downMs);
  const view = (await ours.snapshot()).vips[0];
  expect(view).toMatchObject({ state: 'backup', peerPriority: 200 });
  expect(view?.adverts.droppedTotal).toEqual({});
  other.signal('SIGTERM');
  await ours.becomes('master', { withinMs: downMs + slackMs });
  await until('we have the address', () => lab.hasVip('a', vip6) && !lab.hasVip('b', vip6), slackMs);
});

const password = 'secret';
const priorities = { lb1: 150, lb2: 100 };
const forms = [
  {
    form: 'version 2 with a password',
    address: vip,
    intervalMs: 1000,
    groups: {
      public: {
        vips: ['public'],
        routers: [{ routerId: 51, family: 4, vips: ['public'] }],
        version: 2,
        advertIntervalMs: 1000,
        auth: { type: 'password', password },
        priorities,
      },
    },
    theirs: { password },
  },
  {
    form: 'IPv6 unicast',
    address: vip6,
    intervalMs: 100,
    groups: { public: { vips: ['public'], routers: [{ routerId: 51, family: 6, vips: ['public'] }], priorities } },
    theirs: { six: true },
  },
] as const;

test.each(forms)('$form: each takes over when the other one ends, and only then', async (of) => {
  await using lab = new Lab(['a', 'b']);
  const { address, groups } = of;
  const calmMs = 4 * of.intervalMs + slackMs;
  const limitMs = calmMs + linkLocalMs;
  const ours = await lab.startAgent('a', { vips: { public: { address } }, groups });
  await ours.becomes('master', { withinMs: limitMs });
  const other = lab.keepalived('b', { priority: 100, state: 'BACKUP', unicast: true, ...of.theirs });
  await other.line((line) => line.includes('Entering BACKUP STATE'), { withinMs: 10_000 });
  await sleep(calmMs);
  expect(other.lines.filter((line) => line.includes('MASTER STATE'))).toEqual([]);
  ours.say('failover');
  await other.line((line) => line.includes('Entering MASTER STATE'), { withinMs: limitMs });
  await until('keepalived alone has the address', () => lab.hasVip('b', address) && !lab.hasVip('a', address), limitMs);
  await sleep(calmMs);
  const view = (await ours.snapshot()).vips[0];
  expect(view).toMatchObject({ state: 'backup', peerPriority: 100 });
  expect(view?.adverts.droppedTotal).toEqual({});
  other.signal('SIGTERM');
  await until('we alone have the address', () => lab.hasVip('a', address) && !lab.hasVip('b', address), limitMs);
});
