// Load, chaos and soak against one node: idle connections, a server that dies, one that is a black hole, clients that
// leave, broken answers among good ones, slow clients, a broken configuration. Short here; TOSPANN_LONG=1 makes it the
// full list, prints its figures beside HAProxy's, and takes some minutes.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  BLACK_HOLE,
  footprintOf,
  Load,
  pause,
  Single,
  SINGLE_ADDRESS,
  tool,
  until,
  type LabProcess,
  type LoadOptions,
  type LoadReport,
  type OutputLine,
} from '../src/index.ts';

const long = process.env['TOSPANN_LONG'] === '1';
const IDLE = long ? 9000 : 1000;
const SLOW = long ? 2000 : 300;
const SECONDS = long ? 15 : 2;
const CONNECT_MS = 500;
const RETRIES = 3;
/** What a busy machine may add to the median of a short run; the long one is for a quiet machine, and takes the p99. */
const SLACK_MS = long ? 5 : 50;

const CONFIG = `frontends:
  main: { bind: ["*:80"], maxConnections: 12000, defaultBackend: app }
  hole: { bind: ["*:82"], defaultBackend: hole }
backends:
  app:
    check: { type: http, path: /check, interval: 500ms, fastInterval: 200ms, rise: 1, fall: 2, timeout: 2s }
    servers: { web1: { address: "10.10.10.1:80" }, web2: { address: "10.10.10.2:80" } }
  hole: { servers: { hole: { address: "${BLACK_HOLE}:80" }, web2: { address: "10.10.10.2:80" } } }
timeouts: { httpRequest: 10s, client: 60s, server: 10s, connect: ${CONNECT_MS}ms, httpKeepAlive: 120s }
http: { retries: ${RETRIES}, redispatch: true, retryOn: [empty] }
log: { access: { enabled: false } }
proxy: { threads: 1, user: nobody }
`;

const HAPROXY = `global
  nbthread 1
  maxconn 9800
defaults
  mode http
  timeout client 120s
  timeout server 10s
  timeout connect 1s
  timeout http-keep-alive 120s
listen main
  bind *:81
  server web1 10.10.10.1:80
`;

let single: Single;
/** Paths of POST requests that a server has read, in order. */
const posts: string[] = [];

const notePost = ({ json }: OutputLine): void => {
  if (json?.['event'] === 'request' && json['method'] === 'POST') posts.push(String(json['url']));
};

function figure(text: string): void {
  const file = process.env['TOSPANN_FIGURES'];
  if (file !== undefined) appendFileSync(file, `${text}\n`);
  process.stdout.write(`${text}\n`);
}

function start(options: Omit<LoadOptions, 'target'> & { readonly port?: number }): Load {
  const { port = 80, ...rest } = options;
  return new Load(single.client, { target: `${SINGLE_ADDRESS}:${port}`, ...rest });
}

/** A whole load run. */
async function load(options: Parameters<typeof start>[0]): Promise<LoadReport> {
  await using run = start(options);
  return await run.ended(options.seconds * 1000 + 120_000);
}

async function idle(count: number, mode: 'silent' | 'answered' | 'drip', port = 80): Promise<LabProcess> {
  const target = `${SINGLE_ADDRESS}:${port}`;
  const process = single.client.spawnInstrument('idle', tool('idle', { target, count, mode }), { keepLines: 100 });
  await process.waitForEvent('ready', () => true, { timeoutMs: 60_000 });
  return process;
}

/** Others' latency is at most doubled. */
function expectNotSlower(report: LoadReport, baseline: LoadReport): void {
  const of = (run: LoadReport): number => (long ? run.p99Ms : run.p50Ms);
  expect(of(report)).toBeLessThan(2 * of(baseline) + SLACK_MS);
}

const told = (report: LoadReport): string =>
  `${report.ok} ok, ${report.failed} failed ${JSON.stringify(report.failures)}`;
const latencies = ({ p50Ms, p99Ms, p999Ms, maxMs }: LoadReport): string =>
  `p50 ${p50Ms} ms, p99 ${p99Ms} ms, p99.9 ${p999Ms} ms, longest ${maxMs} ms`;

beforeAll(async () => {
  single = await Single.create();
  await single.start(CONFIG);
  await load({ rps: 300, seconds: 1, keepAlive: true });
});

afterAll(async () => {
  await single[Symbol.asyncDispose]();
});

test('idle connections cost little, slow nobody, and leave nothing behind', async () => {
  const baseline = await load({ rps: 200, seconds: SECONDS, keepAlive: true });
  const before = footprintOf(single.proxyPids);
  const holder = await idle(IDLE, 'answered');
  const held = footprintOf(single.proxyPids);
  const report = await load({ rps: 200, seconds: SECONDS, keepAlive: true });
  await holder.stop({ signal: 'SIGTERM' });
  const bytes = (held.memoryBytes - before.memoryBytes) / IDLE;
  figure(
    `${IDLE} idle connections: ${Math.round(bytes)} B each; 200 rps beside them: ${latencies(report)} (alone: ${latencies(baseline)})`,
  );
  if (long) await haproxyIdle();
  expect(report.failed, told(report)).toBe(0);
  expect(held.descriptors - before.descriptors).toBeGreaterThanOrEqual(IDLE);
  expectNotSlower(report, baseline);
  expect(bytes).toBeLessThan(16_384);
  const back = (): boolean => footprintOf(single.proxyPids).descriptors <= before.descriptors + 10;
  await until('the descriptors to be back', back, { timeoutMs: 30_000, everyMs: 100 });
});

async function haproxyIdle(): Promise<void> {
  const process = await single.startHaproxy(HAPROXY, 81);
  const before = footprintOf([process.pid]);
  const holder = await idle(IDLE, 'answered', 81);
  const held = footprintOf([process.pid]);
  await holder.stop({ signal: 'SIGTERM' });
  await process.stop({ signal: 'SIGKILL' });
  figure(
    `HAProxy: ${Math.round((held.memoryBytes - before.memoryBytes) / IDLE)} B for each of ${IDLE} idle connections`,
  );
}

test('a server that is killed under load costs no GET, and no POST is done twice', async () => {
  // Servers that tell what they read take the place of the others.
  for (const origin of single.origins.values()) await origin.stop();
  for (const name of ['web1', 'web2']) await single.startOrigin(name, { onLine: notePost, keepLines: 100 });
  await until('both servers to be used', async () => (await load({ rps: 50, seconds: 1 })).failed === 0, {
    timeoutMs: 30_000,
  });
  const gets = [true, false].map((keepAlive) => start({ rps: 150, seconds: 120, keepAlive }));
  const post = start({ rps: 60, seconds: 120, keepAlive: true, method: 'POST', path: '/post', unique: true });
  for (const run of [...gets, post]) await run.started();
  for (let round = 0; round < (long ? 6 : 1); round++) {
    await pause(1000);
    await single.origins.get('web1')!.stop({ signal: 'SIGKILL' });
    await pause(2000);
    await single.startOrigin('web1', { onLine: notePost, keepLines: 100 });
    await pause(1500);
  }
  const [kept, fresh] = await Promise.all(gets.map(async (run) => await run.finish()));
  const posted = await post.finish();
  figure(
    `SIGKILL of a server: kept connections ${told(kept!)}, ${latencies(kept!)}; new ones ${told(fresh!)}, ${latencies(fresh!)}; POST ${told(posted)}, ${posts.length} read`,
  );
  expect([kept!.failed, fresh!.failed], `${told(kept!)}; ${told(fresh!)}`).toEqual([0, 0]);
  expect(posts.length).toBeGreaterThan(50);
  expect(posts.length - new Set(posts).size).toBe(0);
  expect(posted.ok).toBeGreaterThan(posted.sent / 2);
});

test('a server that swallows packets delays a request by its retries at most', async () => {
  const report = await load({ port: 82, rps: 40, seconds: SECONDS, timeoutMs: 30_000 });
  const boundMs = CONNECT_MS * (RETRIES + 1) + 100 * (1 + 2 + 3);
  figure(`black hole: ${told(report)}, ${latencies(report)}; bound ${boundMs} ms`);
  expect(report.failed, told(report)).toBe(0);
  expect(report.maxMs).toBeLessThan(2 * boundMs);
});

test('clients that leave in the middle of their answer leave nothing behind', async () => {
  await load({ rps: 400, seconds: 1, abortPercent: 10, path: '/?size=20000' });
  const before = footprintOf(single.proxyPids);
  const runs = [true, false].map(
    async (keepAlive) =>
      await load({ rps: 200, seconds: long ? 90 : 3, keepAlive, abortPercent: 10, path: '/?size=20000' }),
  );
  const reports = await Promise.all(runs);
  const requests = reports.reduce((sum, { sent }) => sum + sent, 0);
  const back = (): boolean => footprintOf(single.proxyPids).descriptors <= before.descriptors + 10;
  await until('the descriptors to be back', back, { timeoutMs: 30_000, everyMs: 100 });
  const grown = footprintOf(single.proxyPids).memoryBytes - before.memoryBytes;
  const aborted = reports.reduce((sum, report) => sum + report.aborted, 0);
  figure(
    `soak: ${requests} requests, ${aborted} clients left, memory ${Math.round(grown / 1024)} KiB more; ${reports.map(told).join('; ')}`,
  );
  expect(
    reports.map(({ failed }) => failed),
    reports.map(told).join('; '),
  ).toEqual([0, 0]);
  expect(aborted).toBeGreaterThan(requests / 20);
  // The heap of the runtime breathes by some MB; a leak of a connection's buffers would be 16 KiB for each that left.
  expect(grown).toBeLessThan(32 << 20);
});

test("broken answers among good ones are never anybody else's", async () => {
  const faults = ['reset', 'garbage', 'cut', 'extra', 'close-early'];
  const broken = faults.map((fault) => start({ rps: 2, seconds: 120, keepAlive: true, path: `/?fault=${fault}` }));
  for (const run of broken) await run.started();
  const report = await load({ rps: 190, seconds: SECONDS + 2, keepAlive: true, expect: 'served by web' });
  const others = await Promise.all(broken.map(async (run) => await run.finish()));
  figure(
    `faults in 5 %: honest ${told(report)}, ${latencies(report)}; ${others.map((other, i) => `${faults[i]}: ${told(other)}`).join('; ')}`,
  );
  expect(report.failed, told(report)).toBe(0);
  for (const [i, other] of others.entries()) {
    // What stands behind a whole answer is dropped with its connection; the answer is good.
    if (faults[i] === 'extra') expect(other.failed, told(other)).toBe(0);
    else expect(other.ok, `${faults[i]}: ${told(other)}`).toBe(0);
  }
});

test('slow clients slow nobody', async () => {
  const baseline = await load({ rps: 200, seconds: SECONDS, keepAlive: true });
  const slow = await idle(SLOW, 'drip');
  const report = await load({ rps: 200, seconds: SECONDS + 3, keepAlive: true });
  await slow.stop({ signal: 'SIGTERM' });
  figure(
    `${SLOW} slow clients: 200 rps beside them: ${told(report)}, ${latencies(report)} (alone: ${latencies(baseline)})`,
  );
  expect(report.failed, told(report)).toBe(0);
  expectNotSlower(report, baseline);
});

test('a broken configuration is refused with its line, and the old one serves on', async () => {
  await using run = start({ rps: 100, seconds: 60, keepAlive: true });
  await run.started();
  const good = readFileSync(single.configFile, 'utf8');
  const broken = good.replace('retries: 3', 'retries: many');
  writeFileSync(single.configFile, broken);
  const refused = await single.command(['reload']);
  writeFileSync(single.configFile, good);
  const accepted = await single.command(['reload']);
  const report = await run.finish();
  const line = broken.slice(0, broken.indexOf('retries: many')).split('\n').length;
  expect(refused.code, refused.stderr).toBe(3);
  expect(refused.stderr).toMatch(new RegExp(`tospann\\.yaml:${line}:\\d+: LB_CONFIG_`));
  expect(accepted.code, accepted.stderr).toBe(0);
  expect(report.failed, told(report)).toBe(0);
  expect(report.ok).toBeGreaterThan(10);
});
