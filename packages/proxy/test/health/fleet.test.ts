// All servers in the main thread: what is written into the shared words, on real sockets: agents, orders, names, many
// servers at once, another configuration.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendConfig, CheckConfig, ServerConfig } from '@tospann/config';
import { afterEach, describe, expect, it } from 'vitest';
import { readAddress } from '../../src/core/health/endpoint.ts';
import type { NameAnswer } from '../../src/core/health/name.ts';
import { layoutFor, ServerAdmin, serverWord, ServerWord } from '../../src/core/shared.ts';
import { capacityFor, SlotTable } from '../../src/core/slots.ts';
import type { ServerHealthSnapshot } from '../../src/core/snapshot.ts';
import { Fleet, type FleetOptions, type ServerEvent } from '../../src/io/health/fleet.ts';
import { systemResolver } from '../../src/io/health/name-watch.ts';
import { startDns } from './dns-server.ts';

const CHECK: CheckConfig = {
  type: 'tcp',
  method: 'GET',
  path: '/',
  intervalMs: 50,
  fastIntervalMs: 20,
  timeoutMs: 5000,
  rise: 1,
  fall: 1,
};

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanUp.splice(0)) clean();
});

async function listen(serve: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function until(done: () => boolean): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!done()) {
    if (performance.now() > endMs) throw new Error(`it did not happen within 20 s: ${done.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const web = (name: string, port: number, more: Partial<ServerConfig> = {}): ServerConfig => ({
  name,
  address: '127.0.0.1',
  port,
  weight: 100,
  ...more,
});

function start(backend: Partial<BackendConfig> & Pick<BackendConfig, 'servers'>, more: Partial<FleetOptions> = {}) {
  const configOf = (changed: typeof backend) => ({
    frontends: [],
    backends: [{ name: 'app', balance: 'roundrobin' as const, ...changed }],
  });
  const config = configOf(backend);
  const capacity = capacityFor(config);
  const table = new SlotTable(capacity);
  const words = new Int32Array(new SharedArrayBuffer(layoutFor(capacity).wordBytes));
  const events: ServerEvent[] = [];
  const fleet = new Fleet({
    words,
    wake: () => undefined,
    monotonicMs: () => performance.now(),
    onEvent: (event) => events.push(event),
    ...more,
  });
  const apply = (next: typeof backend): void => fleet.apply(configOf(next), table.assign(configOf(next))!);
  apply(backend);
  cleanUp.push(() => fleet.close());
  const slotOf = (i: number): number => table.assign(config)!.servers[0]![i]!;
  return {
    fleet,
    events,
    words,
    apply,
    word: (server: number, at: number): number => words[serverWord(slotOf(server)) + at]!,
    addressOf: (server: number): string => readAddress(words, serverWord(slotOf(server))),
    trip: (server: number): void => void Atomics.store(words, serverWord(slotOf(server)) + ServerWord.tripped, 1),
    snapshot: (server: number): ServerHealthSnapshot => fleet.snapshotOf(slotOf(server)),
  };
}

it('asks no server whose check is switched off, and takes it as up', async () => {
  const port = await listen((socket) => socket.destroy());
  const check = { ...CHECK, type: 'http' as const };
  const site = start({ servers: [web('web1', port), web('sorry', port, { check: false, backup: true })], check });
  await until(() => site.snapshot(0).state === 'down');
  expect([site.snapshot(1).state, site.word(1, ServerWord.usable)]).toEqual(['unchecked', 1]);
});

describe('Fleet, agents and orders', () => {
  it('follows the words of an agent, with what it was sent', async () => {
    let line = '75%';
    let got = '';
    const port = await listen((socket) => {
      socket.once('data', (bytes) => {
        got = bytes.toString();
        socket.end(`${line}\n`);
      });
    });
    const site = start({
      servers: [web('web1', 1, { maxConnections: 9 })],
      agent: { port, intervalMs: 20, timeoutMs: 5000, send: 'app/web1\n' },
    });
    await until(() => site.word(0, ServerWord.weight) === 75);
    expect(got).toBe('app/web1\n');
    line = 'drain 50% maxconn:4';
    await until(() => site.word(0, ServerWord.admin) === ServerAdmin.DRAIN);
    expect([site.word(0, ServerWord.limit), site.word(0, ServerWord.weight)]).toEqual([4, 0]);
    line = 'ready maxconn:0';
    await until(() => site.word(0, ServerWord.admin) === ServerAdmin.READY);
    expect([site.word(0, ServerWord.limit), site.word(0, ServerWord.weight)]).toEqual([9, 50]);
    line = 'down #disk full';
    await until(() => site.word(0, ServerWord.usable) === 0);
    expect(site.events.map(({ from, to, reason, by }) => [from, to, reason, by])).toEqual([
      ['unchecked', 'drain', 'drain by agent; agent: drain 50% maxconn:4', 'agent'],
      ['drain', 'unchecked', 'agent: ready maxconn:0', 'agent'],
      ['unchecked', 'down', 'agent: down #disk full', 'agent'],
    ]);
    line = '100%'; // not up
    await until(() => site.snapshot(0).checkDetail === 'agent: 100%');
    expect(site.snapshot(0).state).toBe('down');
    line = 'up';
    await until(() => site.word(0, ServerWord.usable) === 1);
  });

  it('an agent that is gone changes nothing, and the operator wins over one that says ready', async () => {
    const site = start({ servers: [web('web1', 1)], agent: { port: 1, intervalMs: 20, timeoutMs: 1000 } });
    await until(() => site.snapshot(0).checkDetail === 'agent: no answer (connection refused)');
    expect([site.word(0, ServerWord.usable), site.word(0, ServerWord.weight)]).toEqual([1, 100]);
    const ready = await listen((socket) => socket.end('ready up\n'));
    const other = start({ servers: [web('web1', 1)], agent: { port: ready, intervalMs: 20, timeoutMs: 1000 } });
    expect(other.fleet.order({ backend: 'app', server: 'web1', state: 'maint' })).toBe(true);
    await until(() => other.snapshot(0).checkDetail === 'maint by operator; agent: ready up');
    expect([other.word(0, ServerWord.admin), other.word(0, ServerWord.usable)]).toEqual([ServerAdmin.MAINT, 0]);
  });

  it('does orders, tells by whom, and begins with those from before', () => {
    const servers = [web('web1', 1), web('web2', 2)];
    const site = start({ servers }, { orders: [{ backend: 'app', server: 'web2', state: 'drain', weight: 30 }] });
    expect([site.word(1, ServerWord.admin), site.snapshot(1).weight]).toEqual([ServerAdmin.DRAIN, 30]);
    expect(site.fleet.order({ backend: 'app', server: 'web3', state: 'maint' })).toBe(false);
    site.fleet.order({ backend: 'app', server: 'web1', state: 'maint' });
    site.fleet.order({ backend: 'app', server: 'web1', weight: 7 });
    site.fleet.order({ backend: 'app', server: 'web1', state: 'ready' });
    expect(site.word(0, ServerWord.weight)).toBe(7);
    site.fleet.order({ backend: 'app', server: 'web1', weight: null });
    expect(site.word(0, ServerWord.weight)).toBe(100);
    expect(site.events.map(({ from, to, reason, by }) => `${from} ${to} ${reason} ${by}`)).toEqual([
      'unchecked maint maint by operator operator',
      'maint unchecked ready by operator operator',
    ]);
  });

  it('keeps orders and health over another configuration; one that is the same disturbs nothing', async () => {
    let connections = 0;
    const port = await listen(() => connections++);
    const servers = [web('web1', port), web('web2', port, { address: '127.0.0.1' })];
    const site = start({ servers, check: CHECK });
    await until(() => site.snapshot(0).state === 'up' && site.snapshot(1).state === 'up');
    site.fleet.order({ backend: 'app', server: 'web1', state: 'drain', weight: 5 });
    const since = site.snapshot(1).sinceMs;
    site.apply({ servers, check: CHECK });
    site.apply({ servers: [servers[0]!, { ...servers[1]!, weight: 40 }], check: { ...CHECK, fall: 9 } });
    expect(site.snapshot(0)).toMatchObject({ status: 'drain', state: 'up', weight: 5 });
    expect(site.snapshot(1)).toMatchObject({ status: 'up', weight: 40, sinceMs: since });
    const before = connections;
    await until(() => connections > before + 3);
    expect(site.events.filter(({ by }) => by !== 'operator').map(({ to }) => to)).toEqual(['up', 'up']);
  });
});

describe('Fleet, passive health', () => {
  it('marks a server down when its flag is up, and a check brings it back', async () => {
    const port = await listen(() => undefined);
    const observe = { layer: 'http', errorLimit: 3, onError: 'mark-down' } as const;
    const site = start({ servers: [web('web1', port)], check: { ...CHECK, rise: 3 }, observe });
    await until(() => site.snapshot(0).state === 'up');
    site.trip(0);
    await until(() => site.events.some(({ to }) => to === 'down'));
    await until(() => site.snapshot(0).state === 'up');
    expect(site.events.at(-2)).toMatchObject({ to: 'down', by: 'traffic', reason: '3 requests in a row failed' });
    expect(site.word(0, ServerWord.tripped)).toBe(0);
  });
});

describe('Fleet, many servers', () => {
  it('spreads the checks of 200 servers and bounds their sockets', async () => {
    const startMs = performance.now();
    const at: number[] = [];
    const port = await listen((socket) => {
      at.push(performance.now() - startMs);
      socket.write('OK');
    });
    const servers = Array.from({ length: 200 }, (_, i) => web(`web${i}`, port));
    const check = { ...CHECK, intervalMs: 100_000, fastIntervalMs: 2000, dialogue: [{ expect: 'OK' }] };
    const site = start({ servers, check });
    await until(() => servers.every((_, i) => site.snapshot(i).state === 'up'));
    expect(at.length).toBe(200);
    // Timers are late on a busy machine, never early: not all of them can have begun at the start.
    expect(Math.max(...at)).toBeGreaterThan(1900);
    expect(site.fleet.peakSockets).toBeLessThan(200);
  });

  it('goes on with the others while 300 servers swallow their checks', async () => {
    const silent = await listen(() => undefined);
    const good = await listen((socket) => socket.end('OK'));
    const check: CheckConfig = { ...CHECK, timeoutMs: 300, fastIntervalMs: 10, dialogue: [{ expect: 'OK' }] };
    const servers = [...Array.from({ length: 300 }, (_, i) => web(`dead${i}`, silent)), web('good', good)];
    const site = start({ servers, check });
    await until(() => site.snapshot(300).state === 'up');
    expect(site.fleet.peakSockets).toBeLessThanOrEqual(256);
  });
});

describe('Fleet, names', () => {
  const named = (name: string): ServerConfig => web(name, 80, { address: 'web.shop', isName: true });

  it('is down without an address, follows a change, and keeps the last one while the resolver fails', async () => {
    let answer: NameAnswer = { fault: 'SERVFAIL' };
    const site = start({ servers: [named('web1')] }, { resolver: () => Promise.resolve(answer) });
    expect(site.word(0, ServerWord.usable)).toBe(0);
    await until(() => site.snapshot(0).checkDetail === 'no address for web.shop: SERVFAIL');
    expect(site.snapshot(0)).toMatchObject({ state: 'down', resolution: 'unresolved', address: 'web.shop' });
    answer = { addresses: ['192.0.2.7'], ttlMs: 0 };
    await until(() => site.word(0, ServerWord.usable) === 1);
    expect([site.addressOf(0), site.snapshot(0).resolution]).toEqual(['192.0.2.7', 'fresh']);
    answer = { addresses: ['2001:db8::9'], ttlMs: 0 };
    await until(() => site.addressOf(0) === '2001:db8:0:0:0:0:0:9');
    answer = { fault: 'no such name' };
    await until(() => site.snapshot(0).resolution === 'stale');
    expect([site.word(0, ServerWord.usable), site.snapshot(0).address]).toEqual([1, '2001:db8::9']);
    expect(site.snapshot(0).checkDetail).toBe('web.shop: no such name, the last address is kept');
    expect(site.events.map(({ from, to, by }) => `${from} ${to} ${by}`)).toEqual(['down unchecked resolver']);
    expect(site.events[0]!.reason).toBe('web.shop is 192.0.2.7');
  });

  it('begins with the address from before a restart, whatever the resolver says', async () => {
    const known = { backend: 'app', hostName: 'web.shop', address: '192.0.2.7' };
    const addresses = [
      { ...known, server: 'web1' },
      { ...known, server: 'web2', hostName: 'other.shop' },
    ];
    const resolver = (): Promise<NameAnswer> => Promise.resolve({ fault: 'SERVFAIL' });
    const site = start({ servers: [named('web1'), named('web2')] }, { addresses, resolver });
    expect([site.addressOf(0), site.word(0, ServerWord.usable)]).toEqual(['192.0.2.7', 1]);
    await until(() => site.snapshot(0).checkDetail === 'web.shop: SERVFAIL, the last address is kept');
    expect([site.word(0, ServerWord.usable), site.word(1, ServerWord.usable)]).toEqual([1, 0]);
  });

  it('gives servers of one name different addresses, and the same server its own after a reload', async () => {
    const resolver = (): Promise<NameAnswer> =>
      Promise.resolve({ addresses: ['192.0.2.1', '192.0.2.2'], ttlMs: 60_000 });
    const servers = [named('web1'), { ...named('web2') }];
    const site = start({ servers }, { resolver });
    await until(() => site.word(1, ServerWord.usable) === 1);
    expect([site.addressOf(0), site.addressOf(1)]).toEqual(['192.0.2.1', '192.0.2.2']);
    site.apply({ servers: servers.map((server) => ({ ...server, weight: 3 })) });
    expect([site.snapshot(0).address, site.snapshot(1).address]).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(site.word(0, ServerWord.usable)).toBe(1);
  });
});

describe('systemResolver()', () => {
  it('asks DNS: IPv4 first, IPv6 when there is no other, with the time to live', async () => {
    const dns = await startDns();
    cleanUp.push(dns.close);
    const resolve = systemResolver({ hostsFile: '/nowhere', resolvConf: '/nowhere', servers: [dns.server] });
    dns.zone.addresses = ['192.0.2.1', '192.0.2.2', '2001:db8:0:0:0:0:0:1'];
    dns.zone.ttlSeconds = 77;
    expect(await resolve('web.shop')).toEqual({ addresses: ['192.0.2.1', '192.0.2.2'], ttlMs: 77_000 });
    expect(dns.questions).toEqual(['web.shop A']);
    dns.zone.addresses = ['2001:db8:0:0:0:0:0:1'];
    expect(await resolve('web.shop')).toEqual({ addresses: ['2001:db8::1'], ttlMs: 77_000 });
    dns.zone.addresses = [];
    expect(await resolve('web.shop')).toEqual({ fault: 'the name has no address' });
  });

  it('says in words what is wrong', async () => {
    const dns = await startDns();
    cleanUp.push(dns.close);
    const resolve = systemResolver({ hostsFile: '/nowhere', resolvConf: '/nowhere', servers: [dns.server] });
    dns.zone.code = 2;
    expect(await resolve('web.shop')).toEqual({ fault: 'the resolver failed (SERVFAIL)' });
    dns.zone.code = 3;
    expect(await resolve('web.shop')).toEqual({ fault: 'no such name (NXDOMAIN)' });
    dns.zone.silent = true;
    expect(await resolve('web.shop')).toEqual({ fault: 'the resolver does not answer' });
  });

  it('takes /etc/hosts first, and the search list of resolv.conf', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tospann-names-'));
    cleanUp.push(() => rmSync(folder, { recursive: true }));
    const hostsFile = join(folder, 'hosts');
    const resolvConf = join(folder, 'resolv.conf');
    writeFileSync(hostsFile, '192.0.2.50 web1\n');
    writeFileSync(resolvConf, 'search a.example\n');
    const dns = await startDns();
    cleanUp.push(dns.close);
    dns.zone.addresses = ['192.0.2.60'];
    const resolve = systemResolver({ hostsFile, resolvConf, servers: [dns.server] });
    expect(await resolve('web1')).toMatchObject({ addresses: ['192.0.2.50'] });
    expect(await resolve('web2')).toMatchObject({ addresses: ['192.0.2.60'] });
    expect(dns.questions).toEqual(['web2.a.example A']);
  });
});
