// The other node is Debian's keepalived (with haproxy beside it), both ways round: it stays BACKUP under our higher
// priority, takes over on our priority 0, and we do the same under its.
import { readFileSync } from 'node:fs';

import { afterEach, expect, test } from 'vitest';

import { monotonicMs, Pair, pause, Prober, startHaproxy, startKeepalived, VIP, type LabProcess } from '../src/index.ts';

/** The article's advert interval is a second; here it is shorter to keep the tests short. */
const ADVERT_MS = 400;
const ADVERT = { ours: `${ADVERT_MS}ms`, theirs: String(ADVERT_MS / 1000) };
const DOWN_INTERVAL_MS = 4 * ADVERT_MS;

let pair: Pair | undefined;

afterEach(async () => {
  await pair?.[Symbol.asyncDispose]();
  pair = undefined;
});

async function createPair(): Promise<Pair> {
  pair = await Pair.create({
    configure: (yaml) => yaml.replace(/advertInterval: \S+?([,\s}])/, `advertInterval: ${ADVERT.ours}$1`),
  });
  expect(readFileSync(pair.configFile, 'utf8')).toContain(`advertInterval: ${ADVERT.ours}`);
  return pair;
}

/** Starts keepalived and haproxy as lb2 with a priority. */
async function startPeer(pair: Pair, priority: number): Promise<LabProcess> {
  if (pair.lb2.node.pids().length === 0) await startHaproxy(pair.lab, pair.lb2.node);
  return await startKeepalived(pair.lab, 'lb2', { priority, advertInterval: ADVERT.theirs });
}

/** lb1 says that it is backup. Its line may come some time after keepalived has put the address on: wait for it. */
async function isBackup(pair: Pair): Promise<void> {
  const last = (): unknown => pair.lb1.process.events('vrrp-state').at(-1)?.json;
  await expect.poll(last, { timeout: 10_000 }).toMatchObject({ to: 'backup' });
}

test('keepalived is BACKUP under our priority, takes over on our priority 0, and yields when we are back', async () => {
  const pair = await createPair();
  await pair.lb1.start(pair.configFile);
  await pair.waitForOwner(pair.lb1);
  const peer = await startPeer(pair, 90);
  await pause(2 * DOWN_INTERVAL_MS);
  expect(pair.watch.owners).toEqual(['lb1']);

  await using prober = new Prober(pair.client, { target: `${VIP}:80` });
  await prober.started();
  await pause(300);
  const stoppedMs = monotonicMs();
  const ended = await pair.lb1.stop();
  expect(ended).toMatchObject({ code: 0 });
  await pair.waitForOwner(pair.lb2, 3_000);
  const tookMs = (pair.ownedAtMs(pair.lb2, stoppedMs) ?? Infinity) - stoppedMs;
  // Priority 0 lets the peer wait for its skew only, not for three adverts.
  expect(tookMs).toBeLessThan(3 * ADVERT_MS);
  await pause(500);
  const report = prober.report(stoppedMs - 100);
  expect(report.failedToConnect, JSON.stringify(report.byKind)).toBe(0);
  // keepalived knows nothing of connections: what is under way when it takes the address is lost.
  // Requests of a fifth of a second may be under way on a loaded machine.
  expect(report.failed).toBeLessThan(40);

  await pair.lb1.start(pair.configFile);
  await pair.waitForOwner(pair.lb1, 20_000);
  const said = (): string => peer.text('stdout') + peer.text('stderr');
  await expect.poll(said, { timeout: 10_000 }).toMatch(/Entering MASTER STATE[\s\S]*Entering BACKUP STATE/);
  expect(peer.running).toBe(true);
});

test("we are BACKUP under keepalived's priority, take over on its priority 0, and yield when it is back", async () => {
  const pair = await createPair();
  const peer = await startPeer(pair, 200);
  await pair.waitForOwner(pair.lb2);
  await pair.lb1.start(pair.configFile);
  await pause(2 * DOWN_INTERVAL_MS);
  expect(pair.watch.owners).toEqual(['lb2']);
  await isBackup(pair);

  const stoppedMs = monotonicMs();
  await peer.stop();
  await pair.waitForOwner(pair.lb1, 3_000);
  const tookMs = (pair.ownedAtMs(pair.lb1, stoppedMs) ?? Infinity) - stoppedMs;
  expect(tookMs).toBeLessThan(3 * ADVERT_MS);

  await startPeer(pair, 200);
  await pair.waitForOwner(pair.lb2, 10_000);
  await isBackup(pair);
});
