// What an operator does with a server while 100 requests a second run: drain, maintenance, ready. Nothing fails, clients
// with the session cookie stay until maintenance, and what was said outlives the proxy and the node, on both nodes.
import { afterAll, beforeAll, expect, test } from 'vitest';

import { HttpClient, Load, Pair, pause, until, VIP, type PairMember } from '../src/index.ts';

let pair: Pair;
let client: HttpClient;

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

interface Listed {
  readonly servers: readonly { readonly backend: string; readonly name: string; readonly status: string }[];
}

async function statusOn(member: PairMember, target: string): Promise<string | undefined> {
  const result = await member.command(['servers', 'list', '--json']);
  if (result.code !== 0) return undefined;
  const { servers } = JSON.parse(result.stdout) as Listed;
  return servers.find(({ backend, name }) => `${backend}/${name}` === target)?.status;
}

/** Name of the first backend and its first server, as imported; and the cookie that means it. */
async function firstServer(): Promise<string> {
  const { stdout } = await pair.lb1.command(['servers', 'list', '--json']);
  const server = (JSON.parse(stdout) as Listed).servers.find(({ name }) => name === 'web1');
  expect(server, stdout).toBeDefined();
  return `${server!.backend}/${server!.name}`;
}

async function bodyWithCookie(cookie: string): Promise<string> {
  const answer = await client.request(`http://${VIP}/`, { headers: { cookie } });
  expect(answer.status).toBe(200);
  return answer.body;
}

async function bodiesWithout(): Promise<ReadonlySet<string>> {
  const bodies = new Set<string>();
  for (let i = 0; i < 8; i++)
    bodies.add((await client.request(`http://${VIP}/`)).body.includes('web1') ? 'web1' : 'web2');
  return bodies;
}

test('drain --wait, maint and ready under load fail no request, and sessions stay while a server is drained', async () => {
  const target = await firstServer();
  const cookie = 'SERVERID=s1';
  expect(await bodyWithCookie(cookie)).toContain('web1');
  await using fresh = new Load(pair.client, { target: `${VIP}:80`, rps: 60, seconds: 120 });
  await using kept = new Load(pair.client, { target: `${VIP}:80`, rps: 40, seconds: 120, keepAlive: true });
  await Promise.all([fresh.started(), kept.started()]);
  await pause(500);

  const drained = await pair.lb1.command(['servers', 'drain', target, '--wait', '60s']);
  expect(drained.code, drained.stderr).toBe(0);
  expect(drained.stdout).toContain(`${target} is drain, weight 0 of 100, 0 sessions`);
  await until('no new session on web1', async () => !(await bodiesWithout()).has('web1'), { timeoutMs: 10_000 });
  for (let i = 0; i < 5; i++) expect(await bodyWithCookie(cookie)).toContain('web1');
  // The other node thinks the same: it may own the address next.
  await until('the other node', async () => (await statusOn(pair.lb2, target)) === 'drain', { timeoutMs: 10_000 });

  const out = await pair.lb1.command(['servers', 'maint', target]);
  expect(out.code, out.stderr).toBe(0);
  await until('nothing on web1', async () => !(await bodyWithCookie(cookie)).includes('web1'), { timeoutMs: 10_000 });
  await pause(500);

  expect((await pair.lb1.command(['servers', 'ready', target])).code).toBe(0);
  await until('web1 again', async () => (await bodiesWithout()).size === 2, { timeoutMs: 15_000, everyMs: 100 });
  await pause(500);
  for (const report of [await fresh.finish(), await kept.finish()]) {
    expect(report.failed, JSON.stringify(report.failures)).toBe(0);
    expect(report.sent).toBeGreaterThan(50);
  }
  const events = pair.lb1.process.events('server-state').filter((line) => line.json?.['by'] === 'operator');
  expect(events.map((line) => [line.json?.['to'], line.json?.['reason']])).toEqual([
    ['drain', 'drain by operator'],
    ['maint', 'maint by operator'],
    ['up', 'ready by operator'],
  ]);
});

test('what was said outlives a proxy that is killed and a node that starts again', async () => {
  const target = await firstServer();
  expect((await pair.lb1.command(['servers', 'maint', target])).code).toBe(0);
  const [pid] = pair.lb1.childPids('proxy');
  process.kill(pid!, 'SIGKILL');
  await until('another proxy', () => pair.lb1.childPids('proxy').some((other) => other !== pid), { timeoutMs: 15_000 });
  await until('maintenance', async () => (await statusOn(pair.lb1, target)) === 'maint', { timeoutMs: 20_000 });
  expect(await statusOn(pair.lb2, target)).toBe('maint');
  expect((await pair.lb2.stop()).code).toBe(0);
  await pair.lb2.start(pair.configFile);
  await until('maintenance', async () => (await statusOn(pair.lb2, target)) === 'maint', { timeoutMs: 20_000 });
  expect((await pair.lb1.command(['servers', 'ready', target])).code).toBe(0);
});

test('a server that is not there, a weight that is none and a word that is missing are refused', async () => {
  const unknown = await pair.lb1.command(['servers', 'drain', 'app/nobody']);
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('LB_API_UNKNOWN_SERVER');
  expect((await pair.lb1.command(['servers', 'weight', 'app/web1', '257'])).code).toBe(2);
  expect((await pair.lb1.command(['servers', 'drain', 'web1'])).code).toBe(2);
  expect((await pair.lb1.command(['servers', 'drain'])).code).toBe(2);
});
