// Hooks with real processes and real HTTP servers: what they are told, in which order, and what they cannot do to us.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HookConfig, HookEvent } from '@tospann/config';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Desk, runs, stateEvent, until } from '../../../test/acting.ts';
import { startCall, type CallResult } from './call.ts';
import { Hooks } from './hooks.ts';

let desk: Desk;
let hooks: Hooks;

beforeEach(() => {
  desk = new Desk();
  hooks = new Hooks({ node: 'lb1', report: desk.report });
});
afterEach(async () => {
  await hooks.close(0);
  desk[Symbol.dispose]();
});

test('a program is told by its standard input and by variables, and gets nothing else of this process', async () => {
  process.env['TOSPANN_ROLE'] = 'vrrp';
  const run = desk.script(
    'tell',
    'cat >> $LOG; echo >> $LOG; env | grep -E "TOSPANN|NODE_" | sort >> $LOG; echo end >> $LOG',
  );
  hooks.configure([hook('tell', { run: [run], timeoutMs: 10_000 })]);
  hooks.take(stateEvent('lb1 owns "public" now'));
  await until('the end', () => desk.logged().includes('end'));
  delete process.env['TOSPANN_ROLE'];
  const [json = '', ...rest] = desk.logged();
  expect(JSON.parse(json)).toEqual({ node: 'lb1', ...stateEvent('lb1 owns "public" now') });
  expect(rest).toEqual([
    'TOSPANN_EVENT=vrrp-state',
    'TOSPANN_FROM=BACKUP',
    'TOSPANN_GROUP=shop',
    'TOSPANN_NODE=lb1',
    'TOSPANN_REASON=the owner fell silent',
    'TOSPANN_SEVERITY=warning',
    'TOSPANN_STATE=MASTER',
    'TOSPANN_TERM=7',
    'TOSPANN_TEXT=lb1 owns "public" now',
    'TOSPANN_TIME_MS=1790000000000',
    'TOSPANN_VIP=public',
    'end',
  ]);
  expect(desk.reports).toEqual([]);
});

test('events come in their order, one call at a time, and only of the kinds that were asked for', async () => {
  const run = desk.script('slowly', 'echo begin $TOSPANN_TEXT >> $LOG; sleep 0.05; echo end $TOSPANN_TEXT >> $LOG');
  hooks.configure([hook('slowly', { run: [run], timeoutMs: 10_000 }, ['vrrp-state', 'maintenance'])]);
  for (const text of ['1', '2', '3', '4']) {
    hooks.take(stateEvent(text));
    hooks.take({ ...stateEvent(`not ${text}`), event: 'track' });
  }
  hooks.take({ ...stateEvent('5'), event: 'maintenance' });
  await until('the last one', () => desk.logged().includes('end 5'));
  expect(desk.logged()).toEqual(['1', '2', '3', '4', '5'].flatMap((text) => [`begin ${text}`, `end ${text}`]));
});

test('a hook that hangs, ignores SIGTERM and has a child that does too is ended with it, and the next event comes', async () => {
  const run = desk.script(
    'hang',
    `trap '' TERM
sh -c 'trap "" TERM; echo child $$ >> '$LOG'; while :; do sleep 1; done' &
echo parent $$ >> $LOG
echo waiting for a lock
while :; do sleep 1; done`,
  );
  hooks.configure([hook('hang', { run: [run], timeoutMs: 400 })]);
  hooks.take(stateEvent('first'));
  await until('both processes', () => desk.logged().length === 2);
  const pids = desk.logged().map((line) => Number(line.split(' ')[1]));
  await until('the report', () => desk.reports.length === 1);
  for (const pid of pids) await until(`the end of ${pid}`, () => !runs(pid));
  expect(desk.reports[0]).toMatchObject({
    event: 'hook',
    severity: 'alarm',
    evidence: { code: 'LB_VRRP_HOOK_TIMED_OUT', hook: 'hang', output: 'waiting for a lock' },
  });
  hooks.take(stateEvent('second'));
  await until('the second call', () => desk.logged().length === 4);
});

test('a child that outlives a hook which ended at SIGTERM is ended too', async () => {
  const run = desk.script('leave', `sh -c 'trap "" TERM; echo $$ >> '$LOG'; while :; do sleep 1; done' & sleep 60`);
  hooks.configure([hook('leave', { run: [run], timeoutMs: 400 })]);
  hooks.take(stateEvent('first'));
  await until('the report', () => desk.reports.length === 1);
  const pid = Number(desk.logged()[0]);
  expect(pid).toBeGreaterThan(1);
  await until('its end', () => !runs(pid));
});

test('failed, timed out and not started are three messages, each with what the operator needs', async () => {
  const fails = desk.script('fails', 'echo no permission for 10.0.0.9 >&2; exit 3');
  hooks.configure([
    hook('fails', { run: [fails], timeoutMs: 10_000 }),
    hook('hangs', { run: ['sleep', '60'], timeoutMs: 200 }),
    hook('missing', { run: ['/nowhere/at/all'], timeoutMs: 1000 }),
  ]);
  hooks.take(stateEvent('x'));
  await until('three reports', () => desk.reports.length === 3);
  expect([...desk.codes()].sort()).toEqual([
    'LB_VRRP_HOOK_FAILED',
    'LB_VRRP_HOOK_NOT_STARTED',
    'LB_VRRP_HOOK_TIMED_OUT',
  ]);
  const failed = desk.reports.find(({ evidence }) => evidence?.['hook'] === 'fails');
  expect(failed?.text).toContain('exit code 3');
  expect(failed?.evidence).toMatchObject({ output: 'no permission for 10.0.0.9' });
  expect(desk.reports.find(({ evidence }) => evidence?.['hook'] === 'missing')?.text).toContain('ENOENT');
});

test('events that a slow hook cannot take are dropped from the oldest on, counted, and told twice', async () => {
  const gate = desk.script(
    'gate',
    `while ! [ -e ${desk.directory}/open ]; do sleep 0.02; done; echo $TOSPANN_TEXT >> $LOG`,
  );
  hooks.configure([hook('gate', { run: [gate], timeoutMs: 30_000 })]);
  hooks.take(stateEvent('first'));
  await new Promise((resolve) => setImmediate(resolve));
  for (let i = 1; i <= 100; i++) hooks.take(stateEvent(String(i)));
  expect(desk.codes()).toEqual(['LB_VRRP_HOOK_DROPPED']);
  desk.script('open', '');
  await until('the last one', () => desk.logged().at(-1) === '100');
  expect(desk.logged()).toEqual(['first', ...Array.from({ length: 64 }, (_, i) => String(i + 37))]);
  expect(desk.reports.at(-1)?.evidence).toMatchObject({ code: 'LB_VRRP_HOOK_DROPPED', dropped: 36 });
});

test('what a hook prints is kept up to a bound, and a hook that reads nothing loses nothing else', async () => {
  const run = desk.script('loud', 'head -c 3000000 /dev/zero | tr "\\\\0" x; echo the end; exit 1');
  hooks.configure([hook('loud', { run: [run], timeoutMs: 20_000 })]);
  hooks.take(stateEvent('y'.repeat(300_000)));
  await until('the report', () => desk.reports.length === 1);
  const output = String(desk.reports[0]?.evidence?.['output']);
  expect(output.length).toBeLessThanOrEqual(2048);
  expect(output).toMatch(/xthe end$/);
});

test('at the end of the agent a hook has its moment, then it is ended', async () => {
  const run = desk.script('long', 'echo $$ >> $LOG; sleep 60');
  hooks.configure([hook('long', { run: [run], timeoutMs: 60_000 })]);
  hooks.take(stateEvent('a'));
  hooks.take(stateEvent('b'));
  await until('the call', () => desk.logged().length === 1);
  await hooks.close(100);
  expect(runs(Number(desk.logged()[0]))).toBe(false);
  expect(desk.logged()).toHaveLength(1);
});

test('a reload keeps the queue of a hook that stays as it is', async () => {
  const run = desk.script('slowly', 'sleep 0.05; echo $TOSPANN_TEXT >> $LOG');
  const stays = hook('stays', { run: [run], timeoutMs: 10_000 });
  hooks.configure([stays]);
  for (const text of ['1', '2', '3']) hooks.take(stateEvent(text));
  hooks.configure([{ ...stays }, hook('new', { run: ['true'], timeoutMs: 1000 })]);
  await until('all', () => desk.logged().length === 3);
  expect(desk.logged()).toEqual(['1', '2', '3']);
});

test('a web hook is asked again after 500, with the same event, and is content with 204', async () => {
  await using web = await startWeb((_request, response, count) => response.writeHead(count < 3 ? 500 : 204).end());
  hooks.configure([hook('web', { url: web.url, timeoutMs: 5000 })]);
  hooks.take(stateEvent('moved'));
  await until('three requests', () => web.seen.length === 3);
  expect(new Set(web.seen.map(({ body }) => body)).size).toBe(1);
  expect(JSON.parse(web.seen[0]?.body ?? '')).toEqual({ node: 'lb1', ...stateEvent('moved') });
  expect(web.seen[0]?.head).toMatchObject({ method: 'POST', url: '/hook' });
  expect(web.seen[0]?.head.headers).toMatchObject({ 'content-type': 'application/json' });
  expect(web.seen[1]!.atMs - web.seen[0]!.atMs).toBeGreaterThan(400);
  expect(web.seen[2]!.atMs - web.seen[1]!.atMs).toBeGreaterThan(900);
  await hooks.close(5000);
  expect(desk.reports).toEqual([]);
});

test('a web address that hangs, redirects, refuses or does not exist is told apart', async () => {
  await using hanging = await startWeb(() => undefined);
  await using silent = await startWeb((_request, response) => response.writeHead(200).write('half'));
  await using target = await startWeb((_request, response) => response.end());
  await using moved = await startWeb((_request, response) => response.writeHead(302, { location: target.url }).end());
  await using refusing = await startWeb((_request, response) => response.writeHead(403).end('wrong token'));
  await using endless = await startWeb((_request, response) => {
    response.writeHead(200);
    const more = setInterval(() => response.write('x'.repeat(10_000)), 1);
    response.on('close', () => clearInterval(more));
  });
  const ask = async (url: string): Promise<CallResult> =>
    await startCall({ url, timeoutMs: 400 }, { body: '{}', environment: {} }).result;
  expect(await ask(hanging.url)).toMatchObject({ outcome: { type: 'timed-out', afterMs: 400 }, mayRetry: true });
  expect(await ask(silent.url)).toMatchObject({ outcome: { type: 'timed-out' } });
  expect(await ask(moved.url)).toMatchObject({
    outcome: { type: 'failed', how: 'status 302, and redirects are not followed' },
    mayRetry: false,
  });
  expect(target.seen).toEqual([]);
  expect(await ask(refusing.url)).toMatchObject({
    outcome: { type: 'failed', how: 'status 403' },
    output: 'wrong token',
    mayRetry: false,
  });
  expect(await ask(endless.url)).toMatchObject({ outcome: { type: 'done' } });
  const closed = await startWeb(() => undefined);
  await closed[Symbol.asyncDispose]();
  const gone = await ask(closed.url);
  expect(gone).toMatchObject({ outcome: { type: 'not-started' }, mayRetry: true });
  expect(JSON.stringify(gone.outcome)).toContain('ECONNREFUSED');
  // A server that does not speak TLS, and an address that is none.
  expect(await ask(refusing.url.replace('http:', 'https:'))).toMatchObject({ outcome: { type: 'not-started' } });
  expect(await ask('no address')).toMatchObject({ outcome: { type: 'not-started' }, mayRetry: false });
});

function hook(name: string, call: HookConfig['call'], on: readonly HookEvent[] = ['vrrp-state']): HookConfig {
  return { name, on, call };
}

interface Web extends AsyncDisposable {
  readonly url: string;
  readonly seen: { readonly head: IncomingMessage; readonly body: string; readonly atMs: number }[];
}

async function startWeb(
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<Web> {
  const seen: Web['seen'] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      seen.push({ head: request, body, atMs: performance.now() });
      answer(request, response, seen.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
