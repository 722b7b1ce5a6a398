// Reloads and upgrades under load, with the built executable: no request fails, a tunnel and a download live on, the
// address stays, and memory does not grow.
import { chmodSync, copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import {
  HttpClient,
  Load,
  type LoadReport,
  monotonicMs,
  Pair,
  type PairMember,
  pause,
  tool,
  until,
  VIP,
  type LabProcess,
} from '../src/index.ts';

const TARGET = `${VIP}:80`;
const RELOADS = 20;
const LEAK_RELOADS = 50;

let pair: Pair;
let owner: PairMember;
let base: string;
/** The executable that the nodes run: a copy, so that a test may put another one in its place. */
let program: string;
let real: string;

beforeAll(async () => {
  pair = await Pair.create({
    configure: (yaml) => yaml.replace(/, preferred: lb1/, '').replace('serverClose: true', 'serverClose: false'),
  });
  base = readFileSync(pair.configFile, 'utf8');
  real = process.env['TOSPANN_BIN'] ?? new URL('../../../dist/tospann', import.meta.url).pathname;
  program = join(pair.lab.folder, 'tospann');
  copyFileSync(real, program);
  process.env['TOSPANN_BIN'] = program;
  const more = pair.lab.node('web2').spawnInstrument('web3', tool('origin', { name: 'web3', port: 81 }));
  await more.waitForEvent('ready');
  await pair.start();
  owner = await pair.waitForOwner();
});

afterAll(async () => {
  await pair[Symbol.asyncDispose]();
  process.env['TOSPANN_BIN'] = real;
});

/** Configurations that follow one another: weights, servers, backends, rules, binds, time-outs come and go. */
function variant(turn: number): string {
  const server = '      web2: { address: 10.10.10.2:80, cookie: s2 }\n';
  let yaml = base;
  if (turn % 2 === 1) yaml = yaml.replace(server, `${server}      web3: { address: 10.10.10.2:81, cookie: s3 }\n`);
  if (turn % 3 === 1) yaml = yaml.replace('cookie: s1 }', 'cookie: s1, weight: 7 }');
  if (turn % 4 === 2) yaml = yaml.replace('bind: ["*:80"]', 'bind: ["*:80", "*:8080"]');
  if (turn % 5 === 3) {
    yaml = yaml
      .replace('    defaultBackend: app\n', '    rules: [{ if: url_static, use: files }]\n    defaultBackend: app\n')
      .replace('\ntimeouts:', '\n  files: { servers: { web1: { address: 10.10.10.1:80 } } }\ntimeouts:');
  }
  return yaml.replace('client: 1m', `client: ${60 + turn}s`);
}

async function reload(yaml: string): Promise<void> {
  writeFileSync(pair.configFile, yaml);
  const result = await owner.command(['reload', '--json']);
  expect(result.code, result.stderr).toBe(0);
}

async function tunnel(): Promise<LabProcess> {
  const process = pair.client.spawnInstrument('tunnel', tool('tunnel', { target: TARGET }));
  await process.waitForEvent('ready');
  return process;
}

async function endOf(process: LabProcess): Promise<{ readonly echoed: number; readonly broken: string }> {
  process.signal('SIGTERM');
  const { json } = await process.waitForEvent('tunnel-end');
  return { echoed: Number(json?.['echoed']), broken: String(json?.['broken']) };
}

function load(rps: number, keepAlive: boolean): Load {
  return new Load(pair.client, { target: TARGET, rps, seconds: 600, keepAlive });
}

const account = (report: LoadReport): string =>
  `${report.failed} of ${report.sent}: ${JSON.stringify(report.failures)}`;

describe('reload', () => {
  test(`${RELOADS} reloads at 300 requests a second fail none; a tunnel and a download live on`, async () => {
    await using client = await HttpClient.start(pair.client);
    await using kept = load(200, true);
    await using fresh = load(100, false);
    await Promise.all([kept.started(), fresh.started()]);
    const open = await tunnel();
    const proxies = owner.childPids('proxy');
    const download = client.request(`http://${TARGET}/?size=2000&chunks=300&chunkDelayMs=40`, { timeoutMs: 60_000 });
    for (let turn = 1; turn <= RELOADS; turn++) {
      await reload(variant(turn));
      await pause(300);
    }
    const { status, body } = await download;
    expect([status, body.length]).toEqual([200, 600_000]);
    const [keptReport, freshReport] = await Promise.all([kept.finish(), fresh.finish()]);
    expect(keptReport.failed, account(keptReport)).toBe(0);
    expect(freshReport.failed, account(freshReport)).toBe(0);
    const { echoed, broken } = await endOf(open);
    expect(broken).toBe('');
    expect(echoed).toBeGreaterThan(RELOADS);
    // All in the one process: its counters saw every request.
    expect(owner.childPids('proxy')).toEqual(proxies);
    // What status shows may be a second old.
    const counted = async (): Promise<number> => {
      const text = (await owner.command(['status', '--json'])).stdout;
      const status = JSON.parse(text) as { self: { proxy: { frontends: { requestsTotal: number }[] } } };
      return status.self.proxy.frontends[0]!.requestsTotal;
    };
    await expect.poll(counted, { timeout: 15_000 }).toBeGreaterThanOrEqual(keptReport.sent + freshReport.sent);
  });

  test('what the data plane needs does not grow with the number of reloads', async () => {
    const [pid] = owner.childPids('proxy');
    await using run = load(100, true);
    await run.started();
    const residentKb = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    const after: number[] = [];
    for (let turn = 1; turn <= LEAK_RELOADS; turn++) {
      await reload(variant(turn));
      after.push(residentKb());
    }
    const report = await run.finish();
    expect(report.failed, account(report)).toBe(0);
    expect(owner.childPids('proxy')).toEqual([pid]);
    // The first ones touch memory that stays; the second half costs next to nothing.
    const half = LEAK_RELOADS / 2;
    const lowest = (values: readonly number[]): number => Math.min(...values);
    const grownKb = lowest(after.slice(-10)) - lowest(after.slice(half - 5, half + 5));
    expect(grownKb, after.join(' ')).toBeLessThan(20_000);
  });

  test('a bind moves between an address and the wildcard without a failed request', async () => {
    await reload(base);
    await using run = load(200, false);
    await run.started();
    for (const bind of [`"${VIP}:80", "127.0.0.1:80"`, '"*:80"', `"${VIP}:80"`, '"*:80"']) {
      await reload(base.replace('"*:80"', bind));
      await pause(700);
    }
    const report = await run.finish();
    expect(report.failed, account(report)).toBe(0);
  });
});

describe('upgrade', () => {
  test('of the program at 300 requests a second fails none; the address stays, a tunnel lives on', async () => {
    copyFileSync(real, `${program}.new`);
    await using kept = load(150, true);
    await using fresh = load(150, false);
    await Promise.all([kept.started(), fresh.started()]);
    const open = await tunnel();
    // Also when this test fails: it would keep the old proxy for the next attempt.
    onTestFinished(async () => void (await open.stop({ signal: 'SIGKILL' })));
    const before = owner.childPids('proxy');
    const supervisor = owner.process.pid;
    const startMs = monotonicMs();
    // As a package does it: the new file takes the old one's name.
    renameSync(`${program}.new`, program);
    const result = await owner.command(['upgrade', '--force']);
    expect(result.code, result.stderr).toBe(0);
    expect(owner.process.pid).toBe(supervisor);
    await until('another proxy', () => owner.childPids('proxy').some((pid) => !before.includes(pid)), {
      timeoutMs: 20_000,
    });
    await pause(4000);
    const [keptReport, freshReport] = await Promise.all([kept.finish(), fresh.finish()]);
    expect(freshReport.failed, account(freshReport)).toBe(0);
    expect(keptReport.failed, account(keptReport)).toBe(0);
    const { broken, echoed } = await endOf(open);
    expect(broken).toBe('');
    expect(echoed).toBeGreaterThan(20);
    expect(pair.releasedAtMs(owner, startMs)).toBeUndefined();
    expect(pair.ownedAtMs(pair.other(owner), startMs)).toBeUndefined();
    // The tunnel was the last that the old proxy had.
    await until('the end of the old proxy', () => before.every((pid) => !owner.childPids('proxy').includes(pid)), {
      timeoutMs: 30_000,
    });
  });

  test('to a program that does not run here changes nothing, and says why', async () => {
    const pids = owner.childPids('proxy');
    writeFileSync(`${program}.new`, '#!/bin/sh\necho "not for this machine" >&2\nexit 1\n');
    chmodSync(`${program}.new`, 0o755);
    copyFileSync(program, `${program}.good`);
    renameSync(`${program}.new`, program);
    try {
      const asked = owner.node.spawnInstrument('upgrade', [`${program}.good`, 'upgrade', '--run-dir', owner.runDir]);
      const { code } = await asked.exited;
      expect(code).toBe(1);
      expect(asked.text('stderr')).toContain('not for this machine');
    } finally {
      renameSync(`${program}.good`, program);
    }
    expect(owner.childPids('proxy')).toEqual(pids);
    expect((await owner.command(['status'])).stdout).not.toBe('');
  });
});
