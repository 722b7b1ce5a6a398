// What a crash costs: the proxy process, the whole node, a frozen node, a pulled cable. One pair; every test begins
// with both nodes healthy and the address on one of them.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { monotonicMs, Pair, pause, Prober, signalAll, until, VIP, type PairMember } from '../src/index.ts';

const TARGET = `${VIP}:80`;
/** Three adverts of 1 s and a skew below 1 s, and what a loaded machine adds. */
const CRASH_LIMIT_MS = 4_300;

let pair: Pair;
let owner: PairMember;

beforeAll(async () => {
  // No preferred owner: the address moves only when a test makes it.
  pair = await Pair.create({ configure: (yaml) => yaml.replace(/, preferred: lb1/, '') });
  await pair.start();
});

beforeEach(async () => {
  owner = await pair.waitForOwner();
});

afterAll(async () => {
  await pair[Symbol.asyncDispose]();
});

async function probing(): Promise<Prober> {
  const prober = new Prober(pair.client, { target: TARGET });
  await prober.started();
  await pause(400);
  return prober;
}

describe('SIGKILL of the proxy process', () => {
  test('refuses connections for less than 200 ms, and another one serves', async () => {
    await using prober = await probing();
    const before = owner.childPids('proxy');
    expect(before.length).toBe(1);
    signalAll(before, 'SIGKILL');
    await until('another proxy', () => owner.childPids('proxy').some((pid) => !before.includes(pid)), {
      timeoutMs: 5_000,
    });
    await pause(2_000);
    const report = await prober.finish();
    expect(report.longestRefusedMs, JSON.stringify(report.byKind)).toBeLessThan(200);
    expect(report.longestSilenceMs).toBeLessThan(3_000);
    expect(report.answeredBy.length).toBeGreaterThan(0);
    expect(pair.watch.owners.length).toBe(1);
  });

  test('of the admin process disturbs no request', async () => {
    await using prober = await probing();
    signalAll(owner.childPids('admin'), 'SIGKILL');
    await pause(1_500);
    const report = await prober.finish();
    expect(report.failed, JSON.stringify(report.byKind)).toBe(0);
    await until('status again', async () => (await owner.command(['status', '--json'])).code === 0, {
      timeoutMs: 15_000,
      everyMs: 300,
    });
  });

  test('of the failover agent costs a down interval at most and never makes two owners', async () => {
    await using prober = await probing();
    const killedMs = monotonicMs();
    signalAll(owner.childPids('vrrp'), 'SIGKILL');
    await pause(4_000);
    const report = await prober.finish();
    // It comes back as backup and takes its own address for a stale one; so either node takes over after a down interval.
    expect(report.longestOutageMs, JSON.stringify(report.byKind)).toBeLessThan(CRASH_LIMIT_MS);
    expect(pair.watch.overlapMs(killedMs)).toBeLessThan(300);
    await pair.waitForOwner();
  });
});

describe('something that hangs', () => {
  test('a proxy process that is stopped counts as dead: the other node serves', async () => {
    const other = pair.other(owner);
    await using prober = await probing();
    const stopped = owner.childPids('proxy');
    const stoppedMs = monotonicMs();
    signalAll(stopped, 'SIGSTOP');
    await pair.waitForOwner(other, 10_000);
    await pause(500);
    signalAll(stopped, 'SIGCONT');
    await pause(2_000);
    await prober.finish();
    const tookMs = (pair.ownedAtMs(other, stoppedMs) ?? Infinity) - stoppedMs;
    expect(tookMs).toBeLessThan(3_000);
    expect(prober.report(stoppedMs + 4_000).failed).toBe(0);
    await pair.waitForOwner(other);
  });

  test('a web server that hangs moves nothing: both nodes would see the same', async () => {
    const sinceMs = monotonicMs();
    await using prober = new Prober(pair.client, { target: TARGET, intervalMs: 50 });
    await prober.started();
    pair.lab.node('web2').freeze();
    await pause(9_000);
    pair.lab.node('web2').thaw();
    await pause(500);
    const report = await prober.finish();
    expect(pair.watch.changes.filter((change) => change.atMs > sinceMs)).toEqual([]);
    expect(report.byOrigin['web1']).toBeGreaterThan(60);
    expect(report.failedToConnect).toBe(0);
  });
});

describe('a node that dies', () => {
  test('SIGKILL of everything: the address leaves by its lease, the other node alone has it, clients go on', async () => {
    const other = pair.other(owner);
    await using prober = await probing();
    const killedMs = owner.node.killGroup('SIGKILL');
    await pair.waitForOwner(other, 12_000);
    await pause(1_000);
    const report = await prober.finish();
    const leftMs = (pair.releasedAtMs(owner, killedMs) ?? Infinity) - killedMs;
    const tookMs = (pair.ownedAtMs(other, killedMs) ?? Infinity) - killedMs;
    // The lease: two down intervals in whole seconds, 8 s at 1 s adverts and priority 100.
    expect(leftMs).toBeLessThan(8_400);
    expect(tookMs).toBeLessThan(CRASH_LIMIT_MS);
    expect(report.longestOutageMs, JSON.stringify(report.byKind)).toBeLessThan(CRASH_LIMIT_MS);
    expect(report.answeredBy.at(-1)?.via).toBe(other.name === 'lb1' ? '10.10.10.11' : '10.10.10.12');
    await owner.start(pair.configFile);
  });

  test('a frozen node loses the address by its lease and does not disturb the owner when it thaws', async () => {
    const other = pair.other(owner);
    await using prober = await probing();
    const frozenMs = owner.node.freeze();
    await pair.waitForOwner(other, 12_000);
    await pause(1_500);
    const thawedMs = owner.node.thaw();
    await pause(3_000);
    await prober.finish();
    const afterThaw = prober.report(thawedMs);
    const duringFreeze = prober.report(frozenMs, thawedMs);
    expect(duringFreeze.longestOutageMs).toBeLessThan(CRASH_LIMIT_MS);
    expect(afterThaw.longestOutageMs, JSON.stringify(afterThaw.byKind)).toBeLessThan(300);
    expect(pair.watch.overlapMs(thawedMs)).toBeLessThan(300);
  });

  test('a pulled cable moves the address, and exactly one node has it after the cable is back', async () => {
    const other = pair.other(owner);
    await using prober = await probing();
    const pulledMs = monotonicMs();
    const heal = pair.lab.faults.linkDown(owner.name);
    await until('the other node as owner', () => pair.watch.owners.includes(other.name), { timeoutMs: 10_000 });
    await pause(1_000);
    heal();
    const healedMs = monotonicMs();
    await pause(4_000);
    await prober.finish();
    expect(prober.report(pulledMs, healedMs).longestOutageMs).toBeLessThan(CRASH_LIMIT_MS);
    expect(prober.report(healedMs + 500).failed, JSON.stringify(prober.report(healedMs).byKind)).toBe(0);
    await pair.waitForOwner();
  });
});
