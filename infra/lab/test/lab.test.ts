// The lab itself: what it builds, breaks and removes. No product here.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import {
  AddressWatch,
  createLab,
  HttpClient,
  Load,
  monotonicMs,
  pause,
  PAIR_TOPOLOGY,
  Prober,
  removeStaleLabs,
  startOrigin,
  tool,
  until,
} from '../src/index.ts';

function namespacesOf(pid: number): string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns').filter((name) => name.startsWith(`tospann-${pid}-`)) : [];
}

describe('createLab()', () => {
  test('joins the nodes and removes namespaces, processes and files at disposal', async () => {
    let folder = '';
    let originPid = 0;
    {
      await using lab = createLab(PAIR_TOPOLOGY);
      folder = lab.folder;
      const origin = await startOrigin(lab.node('web1'));
      originPid = origin.pid;
      await using client = await HttpClient.start(lab.node('lb1'));
      const answer = await client.request('http://10.10.10.1/echo');
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toMatchObject({ server: 'web1', peer: '10.10.10.11' });
      expect((await client.request('http://10.10.10.2/')).error).toBe('ECONNREFUSED');
    }
    expect(namespacesOf(process.pid)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
    expect(existsSync(`/proc/${originPid}/task`) && readdirSync(`/proc/${originPid}/task`).length > 1).toBe(false);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('is removed when its process ends by %s', async (signal) => {
    const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
    const child = spawn(process.execPath, [main, 'up'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const pid = child.pid ?? 0;
    expect(namespacesOf(pid).length).toBeGreaterThan(4);
    child.kill(signal);
    await new Promise((resolve) => child.once('exit', resolve));
    expect(namespacesOf(pid)).toEqual([]);
  });

  test('is found and removed later when its process was killed', async () => {
    const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
    const child = spawn(process.execPath, [main, 'up'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const pid = child.pid ?? 0;
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(namespacesOf(pid).length).toBeGreaterThan(4);
    removeStaleLabs();
    expect(namespacesOf(pid)).toEqual([]);
  });
});

describe('faults', () => {
  test('cut, one-way cut, loss and pulled cable do what they say and heal', async () => {
    await using lab = createLab(PAIR_TOPOLOGY);
    await startOrigin(lab.node('web1'));
    const reaches = (): boolean => {
      try {
        lab.node('lb1').run(['curl', '-s', '-m', '0.3', 'http://10.10.10.1/']);
        return true;
      } catch {
        return false;
      }
    };
    expect(reaches()).toBe(true);
    for (const fault of [
      () => lab.faults.cut('lb1', 'web1'),
      () => lab.faults.cutOneWay('web1', 'lb1'),
      () => lab.faults.loss('lb1', 'web1', 100),
      () => lab.faults.isolate('lb1'),
      () => lab.faults.linkDown('lb1', 1),
    ]) {
      const heal = fault();
      expect(reaches()).toBe(false);
      heal();
      await until('the network to heal', () => reaches(), { timeoutMs: 5_000, everyMs: 50 });
    }
    lab.faults.cut('lb1', 'lb2');
    expect(reaches()).toBe(true);
  });

  test('freeze stops every process of a node and thaw lets them go on', async () => {
    await using lab = createLab(PAIR_TOPOLOGY);
    await startOrigin(lab.node('web1'));
    await using client = await HttpClient.start(lab.node('lb1'));
    lab.node('web1').freeze();
    expect((await client.request('http://10.10.10.1/', { timeoutMs: 300 })).error).toBe('timeout');
    lab.node('web1').thaw();
    expect((await client.request('http://10.10.10.1/')).status).toBe(200);
  });
});

describe('instruments', () => {
  test('the prober and the load generator see a server die and come back, and count every request once', async () => {
    await using lab = createLab(PAIR_TOPOLOGY);
    const origin = await startOrigin(lab.node('web1'));
    await using prober = new Prober(lab.node('lb1'), { target: '10.10.10.1:80' });
    await using load = new Load(lab.node('lb2'), { target: '10.10.10.1:80', rps: 100, seconds: 30 });
    await Promise.all([prober.started(), load.started()]);
    await pause(400);
    const killedMs = monotonicMs();
    await origin.stop({ signal: 'SIGKILL' });
    await pause(300);
    await startOrigin(lab.node('web1'));
    const backMs = monotonicMs();
    await pause(400);
    const report = await prober.finish();
    const account = await load.finish();
    expect(report.longestOutageMs).toBeGreaterThan(250);
    expect(report.longestOutageMs).toBeLessThan(backMs - killedMs + 100);
    expect(report.byKind['refused']).toBeGreaterThan(30);
    expect(report.outages[0]?.fromMs).toBeGreaterThan(killedMs - 50);
    expect(account.failed).toBeGreaterThan(20);
    expect(account.ok + account.failed).toBe(account.sent);
    expect(account.failedToConnect + account.lostUnderWay).toBe(account.failed);
    expect(account.failedToConnect).toBeGreaterThan(20);
  });

  test('the address watch tells who has an address, overlaps and times without an owner', async () => {
    await using lab = createLab(PAIR_TOPOLOGY);
    const [one, other] = [lab.node('lb1'), lab.node('lb2')];
    await using watch = await AddressWatch.start([one, other], '192.168.1.200');
    const startMs = monotonicMs();
    one.run(['ip', 'addr', 'add', '192.168.1.200/32', 'dev', 'eth0']);
    await until('lb1', () => watch.owners.join() === 'lb1', { timeoutMs: 2_000 });
    other.run(['ip', 'addr', 'add', '192.168.1.200/32', 'dev', 'eth0']);
    await pause(200);
    one.run(['ip', 'addr', 'del', '192.168.1.200/32', 'dev', 'eth0']);
    await until('lb2', () => watch.owners.join() === 'lb2', { timeoutMs: 2_000 });
    expect(watch.overlapMs(startMs)).toBeGreaterThan(180);
    other.run(['ip', 'addr', 'del', '192.168.1.200/32', 'dev', 'eth0']);
    await until('nobody', () => watch.owners.length === 0, { timeoutMs: 2_000 });
    await pause(100);
    expect(watch.ownerlessMs(startMs)).toBeGreaterThan(90);
    expect(other.has('192.168.1.200')).toBe(false);
  });

  test('without-io-uring takes io_uring away from a program and its children, and nothing else', async () => {
    await using lab = createLab({ nodes: [{ name: 'one', links: [] }] });
    const script = `
      const { dlopen } = require('node:ffi');
      const libc = dlopen(null, { syscall: { arguments: ['i32', 'u32', 'pointer'], return: 'i32' } }).functions;
      console.log(libc.syscall(425, 8, Buffer.alloc(120)) >= 0 ? 'ring' : 'no ring', process.argv[1]);`;
    const command = [process.execPath, '--disable-warning=ExperimentalWarning', '-e', script, 'a b'];
    expect(lab.node('one').run(command)).toBe('ring a b\n');
    expect(lab.node('one').run([...tool('without-io-uring'), ...command])).toBe('no ring a b\n');
  });
});
