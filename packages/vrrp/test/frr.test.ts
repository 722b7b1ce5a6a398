// FRR's vrrpd (8.4.4 of Debian 12) as the other node, in both roles: version 3 and 2 for IPv4, version 3 for IPv6. It
// speaks multicast only, has no authentication in version 2, always preempts unless told not to, and computes the IPv4
// checksum of version 3 with the pseudo header (RFC 5798), which ours does too. What it cannot do: a vrrpd that is killed
// leaves its device on, so its node keeps the address beside the new owner for ever; here it ends on purpose, or its
// cable is cut. Needs root and the unpacked package (scripts/test).
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FrrRouter, OwnerWatch } from './frr-router.ts';
import { Lab, until, vip, vip6, type AgentOptions } from './lab.ts';

/** Three adverts of 100 ms and the skew of priority 100. */
const downMs = 361;
/** Of a loaded machine; what happens once is waited for, what must not happen is watched for some down intervals. */
const slackMs = 3000;
/** Two processes tell who has the address; the kernel may run one of them later than the other. */
const watchLateMs = 250;
/** Duplicate address detection of the link-local address, from which IPv6 adverts go. */
const linkLocalMs = 5000;
const ours150: AgentOptions = { vip: { transport: 'multicast', priorities: { lb1: 150, lb2: 100 } } };
const ours100: AgentOptions = { vip: { transport: 'multicast', priorities: { lb1: 100, lb2: 200 } } };
const four = { family: 4, version: 3, intervalMs: 100 } as const;

test.concurrent('FRR stays Backup under our higher priority, takes over when we stop, and we when it ends', async () => {
  await using lab = new Lab(['a', 'b']);
  const watch = new OwnerWatch(lab, four);
  const ours = await lab.startAgent('a', ours150);
  await ours.becomes('master', { withinMs: downMs + slackMs });
  const frr = await FrrRouter.start(lab, { ...four, priority: 100 });
  watch.begin('own');
  await sleep(4 * downMs);
  expect(frr.mastered).toBe(0);
  expect(frr.owns).toBe(false);
  ours.say('stop');
  await frr.becomes('Master', downMs + slackMs);
  await until('FRR alone has the address', () => frr.owns && !lab.hasVip('a'), slackMs);
  // The next life of our node: not preferred, so its higher priority takes nothing back.
  const next = await lab.startAgent('a', ours150);
  await next.becomes('backup', { withinMs: slackMs });
  await sleep(4 * downMs);
  const view = (await next.snapshot()).vips[0];
  expect(view).toMatchObject({ state: 'backup', owner: 'lb2', peerPriority: 100, checksumDialect: 'pseudo-header' });
  expect(view?.adverts.droppedTotal).toEqual({});
  frr.end();
  const taken = await next.becomes('master', { withinMs: downMs + slackMs });
  expect(taken['reason']).toBe('the owner resigned');
  await until('we alone have the address', () => lab.hasVip('a') && !frr.owns, slackMs);
  expect(watch.longestBothMs()).toBeLessThan(downMs + watchLateMs);
});

test.concurrent("we yield to FRR's higher priority, take over when its cable is cut, and yield again", async () => {
  await using lab = new Lab(['a', 'b']);
  const watch = new OwnerWatch(lab, four);
  const ours = await lab.startAgent('a', ours100);
  await ours.becomes('master', { withinMs: downMs + slackMs });
  const frr = await FrrRouter.start(lab, { ...four, priority: 200 });
  watch.begin('own');
  await frr.becomes('Master', downMs + slackMs);
  let from = ours.lines.length;
  await until('FRR alone has the address', () => frr.owns && !lab.hasVip('a'), slackMs);
  expect(watch.longestBothMs()).toBeLessThan(downMs + watchLateMs);
  await sleep(4 * downMs);
  const view = (await ours.snapshot()).vips[0];
  expect(view).toMatchObject({ state: 'backup', peerPriority: 200, transitionsTotal: 3 });
  expect(view?.adverts.droppedTotal).toEqual({});
  lab.cable('b', 'cut');
  await ours.becomes('master', { withinMs: downMs + slackMs, from });
  lab.cable('b', 'whole');
  watch.begin('own');
  from = ours.lines.length;
  await ours.becomes('backup', { withinMs: downMs + slackMs, from });
  await until('FRR alone has the address again', () => frr.owns && !lab.hasVip('a'), slackMs);
  expect(frr.mastered).toBe(1);
});

const priorities = { lb1: 150, lb2: 100 };
const forms = [
  {
    form: 'version 2',
    frr: { family: 4, version: 2, intervalMs: 1000 },
    address: vip,
    groups: {
      public: {
        vips: ['public'],
        routers: [{ routerId: 51, family: 4, vips: ['public'] }],
        version: 2,
        advertIntervalMs: 1000,
        transport: 'multicast',
        priorities,
      },
    },
  },
  {
    form: 'IPv6',
    frr: { family: 6, version: 3, intervalMs: 100 },
    address: vip6,
    groups: {
      public: {
        vips: ['public'],
        routers: [{ routerId: 51, family: 6, vips: ['public'] }],
        transport: 'multicast',
        priorities,
      },
    },
  },
] as const;

test.concurrent.each(forms)('$form: FRR takes over when we hand over, and we when it ends', async (of) => {
  await using lab = new Lab(['a', 'b']);
  const { address, groups, frr: form } = of;
  const ownDownMs = 4 * form.intervalMs;
  const limitMs = ownDownMs + linkLocalMs + slackMs;
  const watch = new OwnerWatch(lab, form);
  const ours = await lab.startAgent('a', { vips: { public: { address } }, groups });
  await ours.becomes('master', { withinMs: limitMs });
  const frr = await FrrRouter.start(lab, { ...form, priority: 100 });
  watch.begin('own');
  await sleep(ownDownMs + 1000);
  expect(frr.mastered).toBe(0);
  const from = ours.lines.length;
  const alone = (): boolean => frr.owns && !lab.hasVip('a', address);
  // Whom it is given to has three intervals and 50 ms to say that it has it: FRR needs longer on a busy machine.
  for (let attempt = 0; attempt < 5 && !alone(); attempt++) {
    ours.say('failover');
    for (let tenth = 0; tenth < 30 && !alone(); tenth++) await sleep(100);
  }
  await until('FRR alone has the address', alone, limitMs);
  await ours.becomes('backup', { withinMs: slackMs, from });
  await sleep(ownDownMs);
  const view = (await ours.snapshot()).vips[0];
  expect(view).toMatchObject({ state: 'backup', peerPriority: 100 });
  expect(view?.adverts.droppedTotal).toEqual({});
  frr.end();
  await until('we alone have the address', () => lab.hasVip('a', address) && !frr.owns, limitMs);
  expect(watch.longestBothMs()).toBeLessThan(ownDownMs + watchLateMs);
});
