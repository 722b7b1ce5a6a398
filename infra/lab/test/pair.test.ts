// The pair serves the founding article's site: requests, reloads and planned moves lose nothing. One pair for all
// tests of this file, in this order; each test leaves both nodes running.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { checkArticleSite } from '../src/article-checks.ts';
import {
  type CommandResult,
  handOverUnderLoad,
  HttpClient,
  Load,
  monotonicMs,
  Pair,
  type PairMember,
  pause,
  Prober,
  startOrigin,
  until,
  VIP,
} from '../src/index.ts';

const TARGET = `${VIP}:80`;
let pair: Pair;
let client: HttpClient;

/** The node that is not preferred owns the address: what leaves it comes back only if it is moved. */
async function ownedByTheOther(): Promise<{ readonly leaving: PairMember; readonly staying: PairMember }> {
  if ((await pair.waitForOwner()) !== pair.lb2) expect((await pair.lb1.failover()).code).toBe(0);
  await pair.waitForOwner(pair.lb2, 5_000);
  return { leaving: pair.lb2, staying: pair.lb1 };
}

/** A command that a pre-check may refuse for a moment, as right after a move. */
async function patiently(member: PairMember, args: readonly string[]): Promise<CommandResult> {
  const deadlineMs = monotonicMs() + 15_000;
  for (;;) {
    const result = await member.command(args);
    if (result.code === 0 || monotonicMs() > deadlineMs) return result;
    await pause(300);
  }
}

beforeAll(async () => {
  pair = await Pair.create();
  await pair.start();
  await pair.waitForOwner(pair.lb1, 30_000);
  client = await HttpClient.start(pair.client);
  await until('both servers', async () => (await client.request(`http://${VIP}/`)).status === 200, {
    timeoutMs: 10_000,
  });
});

afterAll(async () => {
  await pair[Symbol.asyncDispose]();
});

describe('the article, imported and served', () => {
  test('the import accounts for every line and says what it refuses', () => {
    const report = pair.imported.stderr;
    for (const refused of ['tcp_tw_recycle', 'killall -0', 'weight 2', 'chroot', 'daemon'])
      expect(report).toContain(refused);
  });

  test('the site looks as the article wants it', async () => {
    const checks = await checkArticleSite(client, VIP);
    expect(checks.filter((check) => !check.ok)).toEqual([]);
    expect(checks.length).toBeGreaterThan(7);
  });

  test('bodies pass whole in both directions, with length and chunked', async () => {
    const sent = await client.request(`http://${VIP}/echo`, { method: 'POST', body: 'x'.repeat(300_000) });
    expect(JSON.parse(sent.body)).toMatchObject({ bodyBytes: 300_000 });
    const long = await client.request(`http://${VIP}/?size=1000000`);
    expect(long.body.length).toBe(1_000_000);
    const chunked = await client.request(`http://${VIP}/?size=20000&chunks=10&chunkDelayMs=5`);
    expect(chunked.body.length).toBe(200_000);
    expect((await client.request(`http://${VIP}/?status=404`)).status).toBe(404);
  });

  test('status says on both nodes that all is well, and who owns the address', async () => {
    for (const member of [pair.lb1, pair.lb2]) {
      await until('the peer link', async () => (await member.command(['status'])).code === 0, { timeoutMs: 15_000 });
      const result = await member.command(['status', '--json']);
      expect(result.code, result.stdout + result.stderr).toBe(0);
      const status = JSON.parse(result.stdout) as { self: { node: string; vrrp: { vips: { owner: string }[] } } };
      expect(status.self.node).toBe(member.name);
      expect(status.self.vrrp.vips.map((vip) => vip.owner)).toEqual(['lb1']);
    }
  });
});

describe('a web server that dies', () => {
  test('is left out, requests go on, and it comes back', async () => {
    const load = new Load(pair.client, { target: TARGET, rps: 100, seconds: 60, keepAlive: true });
    await load.started();
    await pair.origins[1]?.stop({ signal: 'SIGKILL' });
    await pause(2_000);
    const report = await load.finish();
    // A request that the server had in hand when it was killed is lost; no other is.
    expect(report.failed, JSON.stringify(report.failures)).toBeLessThanOrEqual(2);
    await startOrigin(pair.lab.node('web2'));
    await until('web2 again', async () => (await client.request(`http://${VIP}/`)).body.includes('web2'), {
      timeoutMs: 15_000,
      everyMs: 100,
    });
  });
});

describe('reload', () => {
  test('SIGHUP under load fails no request, with and without keep-alive, and the new configuration is served', async () => {
    const before = readFileSync(pair.configFile, 'utf8');
    await using fresh = new Load(pair.client, { target: TARGET, rps: 150, seconds: 60 });
    await using kept = new Load(pair.client, { target: TARGET, rps: 150, seconds: 60, keepAlive: true });
    await Promise.all([fresh.started(), kept.started()]);
    const processes = pair.lb1.childPids('proxy');
    for (const name of ['FIRST', 'SECOND']) {
      await pause(500);
      writeFileSync(pair.configFile, before.replaceAll('SERVERID', name));
      pair.lb1.process.signal('SIGHUP');
      await until(
        `cookies named ${name}`,
        async () => (await client.request(`http://${VIP}/`)).rawHeaders.some((value) => value.startsWith(`${name}=s`)),
        { timeoutMs: 10_000, everyMs: 50 },
      );
    }
    await pause(500);
    expect(pair.lb1.childPids('proxy')).toEqual(processes);
    const reports = [await fresh.finish(), await kept.finish()];
    for (const report of reports) expect(report.failed, JSON.stringify(report.failures)).toBe(0);
    writeFileSync(pair.configFile, before);
    pair.lb1.process.signal('SIGHUP');
    await until(
      'the first configuration',
      async () => (await client.request(`http://${VIP}/`)).rawHeaders.some((value) => value.startsWith('SERVERID=s')),
      { timeoutMs: 10_000, everyMs: 50 },
    );
  });

  test('a broken configuration changes nothing and says where it is broken', async () => {
    const before = readFileSync(pair.configFile, 'utf8');
    const pids = pair.lb1.childPids('proxy');
    const sinceMs = monotonicMs();
    writeFileSync(pair.configFile, before.replace('balance: roundrobin', 'balance: roundrobbin'));
    pair.lb1.process.signal('SIGHUP');
    const line = await pair.lb1.process.waitForEvent('reload-failed', () => true, { afterMs: sinceMs });
    writeFileSync(pair.configFile, before);
    expect(JSON.stringify(line.json)).toContain('balance');
    expect(line.json?.['line']).toBeTypeOf('number');
    // The one that the reload before has retired may end meanwhile; a new one may not appear.
    expect(pair.lb1.childPids('proxy').filter((pid) => !pids.includes(pid))).toEqual([]);
    expect((await client.request(`http://${VIP}/`)).status).toBe(200);
  });
});

describe('planned failover', () => {
  test('moves the address under 200 new connections a second and fails none', async () => {
    const from = await pair.waitForOwner();
    const to = pair.other(from);
    await using load = new Load(pair.client, { target: TARGET, rps: 200, seconds: 60 });
    await using prober = new Prober(pair.client, { target: TARGET });
    await Promise.all([load.started(), prober.started()]);
    await pause(500);
    // The reload before has restarted the admin process.
    await until('the control socket', async () => (await from.command(['status', '--json'])).code === 0, {
      timeoutMs: 15_000,
    });
    const askedMs = monotonicMs();
    const result = await from.failover();
    expect(result.code, result.stderr).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({ from: from.name, to: to.name });
    await pair.waitForOwner(to, 5_000);
    await pause(1_000);
    const report = await load.finish();
    await prober.finish();
    expect(report.failedToConnect, JSON.stringify(report.failures)).toBe(0);
    expect(prober.report().failedToConnect, JSON.stringify(prober.report().byKind)).toBe(0);
    // Requests under way in the moment of the move are lost neither.
    expect(report.failed, JSON.stringify(report.failures)).toBe(0);
    expect(prober.report().failed, JSON.stringify(prober.report().byKind)).toBe(0);
    // A third of an advert: the bar of a planned change.
    expect(pair.watch.ownerlessMs(askedMs)).toBeLessThan(300);
    const changed = to.process.events('vrrp-state').filter((line) => line.atMs > askedMs);
    expect(changed.map((line) => [line.json?.['from'], line.json?.['to']])).toEqual([['backup', 'master']]);
  });

  test('there and back under load loses no request, no download and no upgraded connection', async () => {
    const { moves, fresh, kept, longLived } = await handOverUnderLoad(pair, {
      times: 2,
      pauseMs: 1_500,
      rps: 200,
    });
    for (const load of [fresh, kept]) expect(load.failed, JSON.stringify(load.failures)).toBe(0);
    expect(fresh.sent + kept.sent).toBeGreaterThan(400);
    expect(longLived).toMatchObject({ tunnels: 50, broken: [], bad: [] });
    expect(longLived.downloads).toBeGreaterThanOrEqual(20);
    // Each upgraded connection went on after the last move.
    expect(longLived.echoed).toBeGreaterThan(50 * 20);
    for (const move of moves) {
      expect(move.notPromised).toEqual([]);
      expect(move.detectionMs).toBeGreaterThan(0);
      expect(move.firstAnswerMs).toBeGreaterThan(0);
    }
    // The upgraded connections stay where they were made: the first move carries them over.
    expect(moves[0]?.connections).toBeGreaterThanOrEqual(50);
  });
});

describe('a track script', () => {
  test('that fails moves the address; one that cannot be started moves nothing and says so', async () => {
    const before = readFileSync(pair.configFile, 'utf8');
    const bad = (member: PairMember): string => join(pair.lab.folder, `${member.name}.bad`);
    const withScript = async (run: string): Promise<void> => {
      const script = `failover: { scripts: { disk: { run: ${run}, interval: 200ms, timeout: 2s, fall: 2, rise: 1 } } }`;
      writeFileSync(pair.configFile, `${before}\n${script}\n`);
      for (const member of [pair.lb1, pair.lb2]) expect((await member.command(['reload'])).code).toBe(0);
    };
    const shows = async (member: PairMember, text: string): Promise<void> => {
      await until(text, async () => (await member.command(['status'])).stdout.includes(text), {
        timeoutMs: 15_000,
        everyMs: 200,
      });
    };
    const { leaving: from, staying: to } = await ownedByTheOther();
    await withScript(`[/bin/sh, -c, "test ! -e ${pair.lab.folder}/$TOSPANN_NODE.bad"]`);
    for (const member of [from, to]) await shows(member, 'it passed');
    writeFileSync(bad(from), '');
    await pair.waitForOwner(to, 15_000);
    await shows(from, 'it failed with exit code 1');
    // Bad on both: the address stays where it is.
    writeFileSync(bad(to), '');
    await shows(to, 'it failed with exit code 1');
    expect(pair.watch.owners).toEqual([to.name]);
    for (const member of [from, to]) rmSync(bad(member));
    for (const member of [from, to]) await shows(member, 'it passed');
    const owner = await pair.waitForOwner();
    await withScript('[/no/such/program]');
    await shows(owner, 'it could not be started');
    await pause(1_000);
    expect(pair.watch.owners).toEqual([owner.name]);
    writeFileSync(pair.configFile, before);
    for (const member of [pair.lb1, pair.lb2]) expect((await member.command(['reload'])).code).toBe(0);
  });
});

describe('maintenance', () => {
  test('moves the address away, keeps it away over a restart, and ends without taking it back', async () => {
    const { leaving, staying } = await ownedByTheOther();
    const on = await patiently(leaving, ['maintenance', 'on', '--reason', 'a new disk', '--json']);
    expect(JSON.parse(on.stdout)).toMatchObject({ node: 'lb2', on: true, changed: true, moved: { to: 'lb1' } });
    await pair.waitForOwner(staying, 5_000);
    const again = await leaving.command(['maintenance', 'on', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ on: true, changed: false });

    expect((await leaving.stop()).code).toBe(0);
    await leaving.start(pair.configFile);
    await until(
      'the other node shows it',
      async () => (await staying.command(['status'])).stdout.includes('lb2 is in maintenance (a new disk).'),
      { timeoutMs: 15_000, everyMs: 200 },
    );
    const refused = await staying.command(['failover']);
    expect(refused.code).toBe(6);
    expect(refused.stderr).toContain('run "tospann maintenance off" on lb2');
    expect((await staying.command(['maintenance', 'on'])).code).toBe(6);
    expect(pair.watch.owners).toEqual(['lb1']);

    const off = await leaving.command(['maintenance', 'off', '--json']);
    expect(JSON.parse(off.stdout)).toMatchObject({ on: false, changed: true });
    await until('both nodes ready', async () => (await staying.command(['status'])).stdout.includes('lb2 ready'), {
      timeoutMs: 15_000,
      everyMs: 200,
    });
    expect(pair.watch.owners).toEqual(['lb1']);
    const events = await leaving.command(['events', '--json']);
    expect(events.stdout).toContain('lb2 is in maintenance: a new disk');
    expect(events.stdout).toContain('Maintenance of lb2 is over');
  });
});

describe('SIGTERM', () => {
  test('of the owner loses no request, and leaves no address and no setting', async () => {
    const from = await pair.waitForOwner();
    await using fresh = new Load(pair.client, { target: TARGET, rps: 150, seconds: 60 });
    await fresh.started();
    await pause(500);
    const status = await from.stop();
    await pair.waitForOwner(pair.other(from), 5_000);
    await pause(500);
    const report = await fresh.finish();
    expect(status).toMatchObject({ code: 0 });
    expect(report.failed, JSON.stringify(report.failures)).toBe(0);
    expect(from.node.has(VIP)).toBe(false);
    expect(from.node.pids()).toEqual([]);
    expect(from.node.run(['ip', 'address', 'show', 'dev', 'lo'])).not.toContain(VIP);
    const settings = ['arp_ignore', 'arp_announce'].map((name) => `/proc/sys/net/ipv4/conf/eth0/${name}`);
    expect(from.node.run(['cat', ...settings])).toBe('0\n0\n');
    await from.start(pair.configFile);
  });
});
