// The event stream over real sockets and real files: order, restart, rotation, torn lines, slow readers, limits.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { consoleToken, openEventStore, type EventDraft, type EventLine, type EventStore } from '../src/index.ts';
import { clusterKey, startNode, until, type TestNode } from './harness.ts';

let directory: string;
let stores: EventStore[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tospann-events-'));
  stores = [];
});
afterEach(() => {
  for (const store of stores) store.close();
  rmSync(directory, { recursive: true, force: true });
});

test('what was kept is there after a restart, and numbers go on', () => {
  const first = open();
  for (const text of ['a', 'b', 'c']) first.append(draft(text));
  close(first);
  const second = open();
  expect(second.append(draft('d'))?.seq).toBe(4);
  expect(texts(second)).toEqual(['a', 'b', 'c', 'd']);
});

test('a last line that was torn by a crash costs that one event only', () => {
  const first = open();
  for (const text of ['a', 'b', 'c']) first.append(draft(text));
  close(first);
  const file = join(directory, 'events.jsonl');
  truncateSync(file, statSync(file).size - 10);
  const second = open();
  expect(second.append(draft('d'))?.seq).toBe(3);
  close(second);
  appendFileSync(file, 'not JSON at all\n{"seq":"no number"}\n');
  expect(texts(open())).toEqual(['a', 'b', 'd']);
});

test('an event that is told again after a crash is kept once', () => {
  const first = open();
  const event = draft('told twice');
  first.append(event);
  close(first);
  const second = open();
  expect(second.append(event)).toBeUndefined();
  expect(second.append({ ...event, monotonicMs: event.monotonicMs + 1 })?.seq).toBe(2);
});

test('foreign words in an event are kept as plain bounded text, and known again after a crash', () => {
  const first = open();
  const evil = { ...draft('x'), text: `\u001b[2J\n\u202e${'x'.repeat(9000)}`, evidence: { detail: '\u009b31m' } };
  const kept = first.append(evil);
  expect(kept?.text).toMatch(/^\ufffd\[2J\ufffdx+…$/);
  expect(kept?.text.length).toBe(1000);
  expect(kept?.evidence).toEqual({ detail: '\ufffd31m' });
  close(first);
  expect(open().append(evil)).toBeUndefined();
});

test('two files of a bounded size hold the newest, whatever is written', () => {
  const fileBytes = 20_000;
  const store = open({ fileBytes, held: 50 });
  for (let i = 0; i < 1000; i++) {
    store.append(draft(`event number ${i} ${'x'.repeat(60)}`));
    if (i % 3 === 0) store.flush();
  }
  close(store);
  const sizes = ['events.jsonl', 'events.1.jsonl'].map((name) => statSync(join(directory, name)).size);
  for (const size of sizes) expect(size).toBeLessThanOrEqual(fileBytes);
  const kept = texts(open({ held: 50 }));
  expect(kept).toHaveLength(50);
  expect(kept.at(-1)).toContain('event number 999 ');
  expect(kept[0]).toContain('event number 950 ');
  // Only just rotated: what is missing in the new file comes from the old one.
  const onlyOld = open({ held: 200 });
  expect(texts(onlyOld).length).toBeGreaterThan(100);
});

test('the route tells them as JSON lines, filtered, from a number on, and ends', async () => {
  const store = open();
  await using node = await startNode('lb1', { events: store });
  for (const text of ['a', 'b', 'c']) store.append(draft(text));
  store.append({ ...draft('served'), event: 'server-state', evidence: { backend: 'app', ms: 12.5 } });
  const answer = await node.overSocket({ path: '/api/v1/events?since=1' });
  expect(answer.headers['content-type']).toBe('application/x-ndjson');
  expect(lines(answer.text).map((line) => ('seq' in line ? line.seq : 0))).toEqual([2, 3, 4]);
  const chosen = await node.overSocket({ path: '/api/v1/events?kind=server-state,child' });
  expect(lines(chosen.text)).toMatchObject([
    { seq: 4, node: 'lb1', event: 'server-state', evidence: { backend: 'app', ms: 12.5 } },
  ]);
  expect((await node.overSocket({ path: '/api/v1/events?since=soon' })).status).toBe(400);
  const refused = await node.overTls({ path: '/api/v1/events' });
  expect(refused.status).toBe(401);
  const authorization = `Bearer ${consoleToken(clusterKey)}`;
  const allowed = await node.overTls({ path: '/api/v1/events', headers: { authorization } });
  expect(lines(allowed.text)).toHaveLength(4);
});

test('the last events go with the status, without their evidence', async () => {
  const store = open();
  await using node = await startNode('lb1', { events: store });
  for (let i = 0; i < 30; i++) store.append({ ...draft(`event ${i}`), evidence: { i } });
  const { self } = node.api.pair();
  expect(self.events?.at(-1)).toMatchObject({ seq: 30, text: 'event 29' });
  expect(self.events?.length).toBeLessThan(20);
  expect(JSON.stringify(self.events)).not.toContain('evidence');
});

test('who follows gets the head at once, then each event as it comes', async () => {
  const store = open();
  await using node = await startNode('lb1', { events: store });
  using follower = await follow(node, '/api/v1/events?follow=1');
  expect(follower.status).toBe(200);
  for (const text of ['a', 'b', 'c']) store.append(draft(text));
  await until(() => lines(follower.text()).length === 3);
  store.append(draft('d'));
  await until(() => lines(follower.text()).length === 4);
  expect(lines(follower.text()).map((line) => ('text' in line ? line.text : ''))).toEqual(['a', 'b', 'c', 'd']);
});

test('a follower that does not read is told its gap and stops nobody', async () => {
  const store = open({ held: 100 });
  await using node = await startNode('lb1', { events: store });
  using slow = await follow(node, '/api/v1/events?follow=1&since=0');
  using quick = await follow(node, '/api/v1/events?follow=1');
  slow.pause();
  // More than a socket's buffers hold: 6 MB.
  const total = 3000;
  const filler = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`filler${i}`, 'x'.repeat(400)]));
  for (let i = 0; i < total; i++) {
    store.append({ ...draft(`event ${i}`), evidence: filler });
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => quick.text().includes(`"seq":${total},`));
  slow.resume();
  await until(() => slow.text().includes(`"seq":${total},`));
  const got = lines(slow.text());
  const gaps = got.flatMap((line) => ('seq' in line ? [] : [line]));
  expect(gaps.length).toBeGreaterThan(0);
  // Events and gaps together are every number once, in order.
  let next = 1;
  for (const line of got) {
    expect('seq' in line ? line.seq : line.from).toBe(next);
    next = ('seq' in line ? line.seq : line.to) + 1;
  }
  expect(next).toBe(total + 1);
});

test('followers are bounded, and one that leaves makes room', async () => {
  const store = open();
  await using node = await startNode('lb1', { events: store });
  const followers = await Promise.all(
    Array.from({ length: 32 }, async () => await follow(node, '/api/v1/events?follow=1')),
  );
  expect(followers.map(({ status }) => status)).toEqual(followers.map(() => 200));
  expect((await node.overSocket({ path: '/api/v1/events?follow=1' })).json()).toMatchObject({
    status: 503,
    code: 'LB_API_LIVE_FULL',
  });
  for (const follower of followers) follower[Symbol.dispose]();
  const deadlineMs = performance.now() + 5000;
  for (;;) {
    using again = await follow(node, '/api/v1/events?follow=1');
    if (again.status === 200) break;
    expect(performance.now()).toBeLessThan(deadlineMs);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

test('a disk that refuses costs the history, not the stream', () => {
  const logged: string[] = [];
  const line = (_fields: object, message: string): void => void logged.push(message);
  const store = openEventStore({ node: 'lb1', stateDir: directory, log: { info: line, warn: line, error: line } });
  store.append(draft('a'));
  store.close(); // its descriptors are gone, as a file system that has failed
  for (const text of ['b', 'c']) {
    store.append(draft(text));
    store.flush();
  }
  expect(logged).toEqual(['Events cannot be kept']);
  expect(texts(store)).toEqual(['a', 'b', 'c']);
  expect(existsSync(join(directory, 'events.jsonl'))).toBe(true);
  expect(readFileSync(join(directory, 'events.jsonl'), 'utf8').trim().split('\n')).toHaveLength(1);
});

function open(tuning: { readonly held?: number; readonly fileBytes?: number } = {}): EventStore {
  const silent = (): void => undefined;
  const log = { info: silent, warn: silent, error: silent };
  const store = openEventStore({ node: 'lb1', stateDir: directory, log, tuning });
  stores.push(store);
  return store;
}

function close(store: EventStore): void {
  stores.splice(stores.indexOf(store), 1);
  store.close();
}

let clock = 0;
function draft(text: string): EventDraft {
  clock += 1;
  return { timeMs: clock, monotonicMs: clock, event: 'vrrp-state', severity: 'info', vip: 'public', text };
}

function texts(store: EventStore): readonly string[] {
  return store.recent(1000).map(({ text }) => text);
}

function lines(text: string): readonly EventLine[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as EventLine]));
}

interface Follower extends Disposable {
  readonly status: number;
  readonly text: () => string;
  readonly pause: () => void;
  readonly resume: () => void;
}

async function follow(node: TestNode, path: string): Promise<Follower> {
  return await new Promise((resolve, reject) => {
    const sent = request({ socketPath: node.socketPath, path, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', () => undefined);
      resolve({
        status: response.statusCode ?? 0,
        text: () => Buffer.concat(parts).toString('utf8'),
        pause: () => void response.pause(),
        resume: () => void response.resume(),
        [Symbol.dispose]: () => void sent.destroy(),
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}
