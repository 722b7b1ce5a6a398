// Two paths between the nodes: adverts and the peer link. What happens when one of them is cut, and that a node which
// says over the other that it owns no more is succeeded at once. One pair; the tests follow each other.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { monotonicMs, NODE_ADDRESSES, Pair, until, type Heal, type LabProcess, type PairMember } from '../src/index.ts';

const PEER_PORT = 9444;
/** Adverts come twice a second: an owner counts as dead after 1.3 - 1.8 s. */
const DOWN_LEAST_MS = 1_300;
const HOLD_MS = 4_000;
/** Words come four times an advert interval; the rest is what a loaded machine adds. */
const AT_ONCE_MS = 2_000;

let pair: Pair;
let owner: PairMember;
let other: PairMember;
let adverts: Heal;

beforeAll(async () => {
  pair = await Pair.create({
    configure: (yaml) =>
      `${yaml.replace(/, preferred: lb1/, '').replace(/advertInterval: 1s/, 'advertInterval: 500ms')}\nfailover: { hold: ${HOLD_MS / 1000}s }\n`,
  });
  owner = await pair.start();
  other = pair.other(owner);
  for (const { process } of [owner, other]) await notice(process, 'peer-link-stands');
});

afterAll(async () => {
  await pair[Symbol.asyncDispose]();
});

async function notice(process: LabProcess, what: string, afterMs = 0): Promise<number> {
  const line = await process.waitForEvent('vrrp-notice', (json) => json['what'] === what, {
    timeoutMs: 30_000,
    afterMs,
  });
  return line.atMs;
}

async function problem(process: LabProcess, code: string, afterMs = 0): Promise<string> {
  const line = await process.waitForEvent('vrrp-problem', (json) => json['code'] === code, {
    timeoutMs: 30_000,
    afterMs,
  });
  return String(line.json?.['message']);
}

async function sentence(member: PairMember): Promise<string> {
  return (await member.command(['status'])).stdout.split('\n')[0] ?? '';
}

test('adverts cut both ways: the owner stays while its words say so, both causes are named, and it ends with the hold', async () => {
  adverts = pair.lab.faults.cutVrrp('lb1', 'lb2');
  const heldMs = await notice(other.process, 'path-broken');
  expect(pair.watch.owners).toEqual([owner.name]);
  expect(await problem(other.process, 'LB_VRRP_PEER_UNHEARD')).toContain('IP protocol 112 is filtered on the way');
  expect(await problem(owner.process, 'LB_VRRP_PEER_DEAF')).toContain(`Cannot reach "${other.name}"`);
  await until('a degraded verdict', async () => (await sentence(other)).startsWith('Degraded. '), { timeoutMs: 5_000 });

  await pair.waitForOwner(other, 30_000);
  const takenMs = pair.ownedAtMs(other, heldMs) ?? 0;
  const givenUpMs = pair.releasedAtMs(owner, heldMs) ?? 0;
  expect(takenMs - heldMs).toBeGreaterThan(HOLD_MS - 1_000);
  expect(takenMs - heldMs).toBeLessThan(HOLD_MS + AT_ONCE_MS);
  // Both own until the first word of the new owner has come: the old one then gives way.
  expect(givenUpMs - takenMs).toBeLessThan(AT_ONCE_MS);
  [owner, other] = [other, owner];
});

test('an owner that says it is none any more is succeeded at once, though no advert arrives', async () => {
  const stoppedMs = monotonicMs();
  await owner.stop();
  await pair.waitForOwner(other);
  const releasedMs = pair.releasedAtMs(owner, stoppedMs) ?? 0;
  const takenMs = pair.ownedAtMs(other, stoppedMs) ?? 0;
  expect(takenMs - releasedMs).toBeLessThan(DOWN_LEAST_MS);
  adverts();
  await owner.start(pair.configFile);
  [owner, other] = [other, owner];
  await notice(other.process, 'peer-link-stands');
});

test('the peer link cut while adverts arrive: nothing moves, and an alarm begins and ends', async () => {
  await pair.waitForOwner(owner);
  const { length } = pair.watch.changes;
  const heal = pair.lab.faults.cutTcp('lb1', 'lb2', PEER_PORT);
  const cutMs = monotonicMs();
  const address = NODE_ADDRESSES[owner.name];
  expect(await problem(other.process, 'LB_VRRP_PEER_LINK', cutMs)).toContain(`${address}:${PEER_PORT}`);
  heal();
  await notice(other.process, 'peer-problem-ended', cutMs);
  expect(pair.watch.changes.slice(length)).toEqual([]);
  expect(pair.watch.owners).toEqual([owner.name]);
  await until('a healthy verdict', async () => (await sentence(other)).startsWith('Healthy. '), { timeoutMs: 15_000 });
  expect((await other.command(['status'])).stdout).toMatch(new RegExp(`Peer link to ${owner.name}: up for `));
});

test('another cluster key, then another list of addresses: named on both nodes, and the owner stays', async () => {
  const { length } = pair.watch.changes;
  await other.stop();
  writeFileSync(join(other.stateDir, 'cluster.key'), `${'ab'.repeat(32)}\n`);
  await other.start(pair.configFile);
  for (const { process } of [owner, other])
    expect(await problem(process, 'LB_VRRP_PEER_KEY')).toContain('it has another cluster key');

  await other.stop();
  copyFileSync(join(owner.stateDir, 'cluster.key'), join(other.stateDir, 'cluster.key'));
  const file = join(pair.lab.folder, 'other.yaml');
  const more = 'vips:\n  extra: { address: 192.168.1.201/24, routerId: 77 }\n';
  writeFileSync(file, readFileSync(pair.configFile, 'utf8').replace(/^vips:\n/m, more));
  await other.start(file);
  expect(await problem(owner.process, 'LB_VRRP_PEER_CONFIG')).toContain('only there: extra');
  expect(await problem(other.process, 'LB_VRRP_PEER_CONFIG')).toContain('only here: extra');
  expect(pair.watch.changes.slice(length)).toEqual([]);
});
