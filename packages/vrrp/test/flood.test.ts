// A flood on the wire: 1 000 packets a second that claim our router id, from the other node's real address (wrong keys, no
// signature, replays) and from a stranger's (random, cut, flipped, well formed). They are counted, every one, and change
// nothing: not the owner's adverts, not a timer, little of the processor. Spans with and without the flood are compared
// within one run, and printed. Needs root and tcpdump.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { VrrpSnapshot } from '../src/index.ts';
import { AdvertMeter, type Span } from './advert-meter.ts';
import type { FloodKind, FloodOrder, FloodReport } from './flood.ts';
import { Lab, nodeAddress, run, until, vip, type AgentOptions, type AgentProcess, type LabProcess } from './lab.ts';

const routerId = 51;
const intervalMs = 100;
/** Keeps the pair apart from this machine's own hiccups. */
const missedAdverts = 5;
const downMs = missedAdverts * intervalMs + intervalMs;
const slackMs = 3000;
const spanSeconds = 5;
/** Of each of the two senders. */
const perSecond = 500;
/** What a flood may add to how late an advert is. */
const worseMs = 1;
/** And to what the agent takes of a processor. */
const mostPercent = 5;
/** A machine that is busy spoils a span now and then; a flood would spoil every one. */
const rounds = 4;
const fromPeer: readonly FloodKind[] = ['wrong-key', 'replayed', 'unsigned', 'unknown-key', 'flipped'];
const fromStranger: readonly FloodKind[] = ['random', 'stranger', 'cut', 'wrong-key', 'flipped', 'unsigned'];
const reasons = ['auth-failed', 'auth-key', 'auth-missing', 'replayed', 'unknown-source', 'checksum', 'truncated'];

test('1 000 wrong packets a second make no advert late, touch no timer and cost little', async () => {
  await using lab = new Lab();
  const key = randomBytes(32).toString('hex');
  const options = signed(lab, key);
  // b is the owner first, so that adverts of its own can be recorded, and a knows how far its sequence is.
  const b = await lab.startAgent('b', options);
  await b.becomes('master', { withinMs: downMs + slackMs });
  const recordedB = await recordOf(lab, 'b');
  const a = await lab.startAgent('a', options);
  await a.becomes('backup', { withinMs: slackMs });
  b.say('failover');
  await a.becomes('master', { withinMs: slackMs });
  const recordedA = await recordOf(lab, 'a');
  await until('one owner', () => lab.hasVip('a') && !lab.hasVip('b'), slackMs);
  const start = (target: 'a' | 'b', seconds: number): LabProcess[] => {
    const order = { routerId, vip, intervalMs, perSecond, seconds, key, target: nodeAddress[target] };
    const recorded = target === 'a' ? recordedB : recordedA;
    return [
      flood(lab, target === 'a' ? 'b' : 'a', { ...order, kinds: fromPeer, recorded }),
      flood(lab, 'c', { ...order, kinds: fromStranger }),
    ];
  };

  // The owner.
  const meter = new AdvertMeter(lab, a, { from: 'a', to: 'b', intervalMs });
  await meter.starts();
  const [calmA, calmB] = [await a.snapshot(), await b.snapshot()];
  let sent = 0;
  const spans: { readonly quiet: Span; readonly flooded: Span }[] = [];
  while (spans.length < rounds && !spans.some(isFine)) {
    const quiet = await meter.span(() => sleep(spanSeconds * 1000));
    const floods = await readyOf(start('a', spanSeconds));
    const flooded = await meter.span(async () => void (sent += await sentBy(floods)));
    spans.push({ quiet, flooded });
    process.stdout.write(`without the flood ${JSON.stringify(quiet)}\nwith it ${JSON.stringify(flooded)}\n`);
  }
  expect(spans.some(isFine), JSON.stringify(spans)).toBe(true);
  const floodedA = await counted(a, { before: calmA, dropped: sent - overflowed(lab, 'a') });
  expect(changeOf(calmA, floodedA)).toEqual({ ...unchanged, dropped: sent - overflowed(lab, 'a') });
  for (const reason of reasons) expect(droppedOf(floodedA)[reason], reason).toBeGreaterThan(0);
  process.stdout.write(`${sent} packets to the owner, dropped as ${JSON.stringify(droppedOf(floodedA))}\n`);

  // The backup: what it hears are its owner's adverts, no more.
  const sentToB = await sentBy(await readyOf(start('b', 2)));
  const floodedB = await counted(b, { before: calmB, dropped: sentToB - overflowed(lab, 'b') });
  const { received, ...rest } = changeOf(calmB, floodedB);
  expect(rest).toEqual({ transitions: 0, freezes: 0, state: 'backup', dropped: sentToB - overflowed(lab, 'b') });
  expect(received).toBeLessThanOrEqual((await a.snapshot()).vips[0]?.adverts.sentTotal ?? 0);

  // And when the owner is gone, a flood of well formed adverts that would win does not put off the take-over.
  const [, stranger] = await readyOf(start('b', 6));
  stranger?.say('go');
  await sleep(1000);
  expect((await b.snapshot()).vips[0]).toMatchObject({ state: 'backup', owner: 'lb1' });
  const from = b.lines.length;
  lab.cable('a', 'cut');
  const taken = await b.becomes('master', { withinMs: downMs + slackMs, from });
  expect(taken).toMatchObject({ reason: 'the owner fell silent' });
  expect(stranger?.ended).toBe(false);
});

test('a stranger who speaks to the group of a unicast pair is told; other router ids end in the kernel', async () => {
  await using lab = new Lab();
  const a = await lab.startAgent('a', signed(lab, randomBytes(32).toString('hex')));
  await a.becomes('master', { withinMs: downMs + slackMs });
  const order = { routerId, vip, intervalMs, perSecond: 20, seconds: 1, kinds: ['stranger', 'foreign'] } as const;
  expect(await sentBy(await readyOf([flood(lab, 'c', { ...order, target: '224.0.0.18' })]))).toBeGreaterThan(10);
  await a.line((line) => line.includes('contender') && line.includes(nodeAddress.c), { withinMs: slackMs });
  const after = await a.snapshot();
  expect(droppedOf(after)['unknown-source']).toBeGreaterThan(0);
  // Not even a counter is spent on them.
  expect(after.strayPacketsTotal).toEqual({});
  expect(after.vips[0]?.state).toBe('master');
});

const unchanged = { received: 0, transitions: 0, freezes: 0, state: 'master' };

/** Adverts signed with a key that both nodes and the flood have. */
function signed(lab: Lab, key: string): AgentOptions {
  const file = join(lab.directory, 'key');
  writeFileSync(file, key, { mode: 0o600 });
  return {
    vips: { public: { address: vip } },
    groups: {
      public: {
        vips: ['public'],
        routers: [{ routerId, family: 4, vips: ['public'] }],
        advertIntervalMs: intervalMs,
        missedAdverts,
        auth: { type: 'hmac', keys: [{ id: 1, file }], mode: 'enforce' },
      },
    },
  };
}

/** Payloads of some adverts of the owner, as the other node gets them. */
async function recordOf(lab: Lab, owner: 'a' | 'b'): Promise<string[]> {
  const other = owner === 'a' ? 'b' : 'a';
  const order = { own: nodeAddress[other], record: nodeAddress[owner], count: 5 };
  const process = lab.script(other, 'flood.ts', JSON.stringify(order));
  return JSON.parse(await process.line((line) => line.startsWith('['), { withinMs: 30_000 })) as string[];
}

function flood(lab: Lab, place: 'a' | 'b' | 'c', order: Omit<FloodOrder, 'own'>): LabProcess {
  return lab.script(place, 'flood.ts', JSON.stringify({ ...order, own: nodeAddress[place] }));
}

async function readyOf(floods: readonly LabProcess[]): Promise<readonly LabProcess[]> {
  for (const process of floods) await process.line((line) => line === 'ready', { withinMs: 30_000 });
  return floods;
}

/** Lets floods begin; how many packets they have sent, when they are over. */
async function sentBy(floods: readonly LabProcess[]): Promise<number> {
  let sent = 0;
  for (const process of floods) process.say('go');
  for (const process of floods) {
    const line = await process.line((text) => text.startsWith('{'), { withinMs: 30_000 });
    sent += sum(JSON.parse(line) as FloodReport);
  }
  return sent;
}

/** The picture that an agent gives of itself once it has counted so many; whatever it is after a while. */
async function counted(
  agent: AgentProcess,
  { before, dropped }: { readonly before: VrrpSnapshot; readonly dropped: number },
): Promise<VrrpSnapshot> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const now = await agent.snapshot();
    if (changeOf(before, now).dropped >= dropped) return now;
    await sleep(100);
  }
  return await agent.snapshot();
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function droppedOf(snapshot: VrrpSnapshot): Readonly<Record<string, number>> {
  return snapshot.vips[0]?.adverts.droppedTotal ?? {};
}

function changeOf(
  before: VrrpSnapshot,
  after: VrrpSnapshot,
): Readonly<Record<'received' | 'transitions' | 'freezes' | 'dropped', number>> & { readonly state: string } {
  const [was, is] = [before.vips[0], after.vips[0]];
  return {
    received: (is?.adverts.receivedTotal ?? 0) - (was?.adverts.receivedTotal ?? 0),
    transitions: (is?.transitionsTotal ?? 0) - (was?.transitionsTotal ?? 0),
    freezes: after.freezesTotal - before.freezesTotal,
    dropped: sum(droppedOf(after)) - sum(droppedOf(before)),
    state: is?.state ?? '',
  };
}

/** Packets that found no room in a receive buffer of the agent: the last column of /proc/net/raw. */
function overflowed(lab: Lab, place: 'a' | 'b'): number {
  const [, ...sockets] = run('ip', 'netns', 'exec', lab.namespace(place), 'cat', '/proc/net/raw').trim().split('\n');
  return sockets.reduce((total, line) => total + Number(line.trim().split(/ +/).at(-1)), 0);
}

/** Hardly later than without a flood, which costs less than a twentieth of a processor. */
function isFine({ quiet, flooded }: { readonly quiet: Span; readonly flooded: Span }): boolean {
  const later = (of: (span: Span) => number): boolean => of(flooded) - of(quiet) <= worseMs;
  const cheap = flooded.processPercent - quiet.processPercent < mostPercent;
  return later((span) => span.p50Ms) && later((span) => span.p90Ms) && cheap;
}
