// A plan that takes another one's place inside an engine: what goes on, what moves, what ends.
import type { PairConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import { ServerCounter, serverCounter } from '../src/core/shared.ts';
import { ask, benchConfig, GET, OK, type BenchFlag } from './engine-bench.ts';
import { ReloadBench } from './reload-bench.ts';

const server = (i: number): PairConfig['backends'][number]['servers'][number] => ({
  name: `web${i}`,
  address: `10.0.0.${i}`,
  port: 80,
  weight: 1,
});

function bench(flags: readonly BenchFlag[] = []): ReloadBench {
  return new ReloadBench({ flags, start: benchConfig(flags) });
}

function withServers(config: PairConfig, names: readonly number[]): PairConfig {
  const app = config.backends[0]!;
  const servers = names.map((i) => app.servers.find(({ name }) => name === `web${i}`) ?? server(i));
  return { ...config, backends: [{ ...app, servers }, ...config.backends.slice(1)] };
}

describe('replacePlan()', () => {
  it('keeps the idle connection and the counters of a server that stays, and closes that of one that goes', () => {
    const at = bench();
    const clients = [ask(at), ask(at)];
    for (const { peer } of at.connections) peer.write(OK);
    at.transport.settle();
    expect(clients.map(({ text }) => text)).toEqual([OK, OK]);
    expect(at.connections.map((connection) => connection.server)).toEqual(['web1', 'web2']);
    const slot = at.slotOf('app', 'web2');
    at.serve('web3', server(3));
    at.reload(withServers(at.config, [3, 2]));
    expect(at.connections[0]!.peer.wasReset).toBe(true);
    expect(at.connections[1]!.peer.ended).toBe(false);
    expect(at.slotOf('app', 'web2')).toBe(slot);
    for (const client of clients) client.write(GET);
    at.transport.settle();
    expect(at.connections.map((connection) => connection.server)).toEqual(['web1', 'web2', 'web3']);
    expect(at.counters[serverCounter(at.layout, slot) + ServerCounter.requestsTotal]).toBe(2);
    expect(at.settleSlots()).toBe(true);
    expect(at.freed).toBe(1);
  });

  it('goes on with the turn', () => {
    const at = bench();
    ask(at);
    at.reload(at.config);
    ask(at);
    at.reload(withServers(at.config, [1, 2]));
    ask(at);
    expect(at.connections.map((connection) => connection.server)).toEqual(['web1', 'web2', 'web1']);
  });

  it('lets a request end at a server that is gone; its slot is free only then', () => {
    const at = bench();
    const client = ask(at);
    const old = at.connections[0]!;
    expect(old.server).toBe('web1');
    at.reload(withServers(at.config, [2]));
    expect(at.settleSlots()).toBe(false);
    old.peer.write(OK);
    at.transport.settle();
    expect(client.text).toBe(OK);
    expect(old.peer.wasReset).toBe(true);
    client.write(GET);
    at.transport.settle();
    expect(at.connections[1]!.server).toBe('web2');
    expect(at.settleSlots()).toBe(true);
    expect(at.freed).toBe(1);
    expect(at.missingBuffers).toBe(1); // that of the request under way
  });

  it('sends who waits for a server that is gone to another one', () => {
    const at = bench(['cookie', 'server-max-1']);
    const sticky = 'GET / HTTP/1.1\r\nHost: a\r\nCookie: SERVERID=s2\r\n\r\n';
    ask(at, sticky);
    const waiting = ask(at, sticky);
    expect(at.engine.queued).toBe(1);
    at.reload(withServers(at.config, [1]));
    expect(at.engine.queued).toBe(0);
    at.connections.find((connection) => connection.server === 'web1')!.peer.write(OK);
    at.transport.settle();
    expect(waiting.text).toContain('SERVERID=s1');
  });

  it('gives places of a new server to those who waited before it came', () => {
    const at = bench(['one-server', 'server-max-1']);
    ask(at);
    const waiting = ask(at);
    at.serve('web2', server(2));
    at.reload(withServers(at.config, [1, 2]));
    expect(at.engine.queued).toBe(0);
    at.connections.find((connection) => connection.server === 'web2')!.peer.write(OK);
    at.transport.settle();
    expect(waiting.text).toBe(OK);
  });

  it('serves who waits for a backend that is gone at its old servers', () => {
    const at = bench(['one-server', 'server-max-1']);
    const first = ask(at);
    const second = ask(at);
    const [app, files] = at.config.backends;
    const main = { ...at.config.frontends[0]!, defaultBackend: files!.name };
    at.reload({ ...at.config, frontends: [main], backends: [files!] });
    expect(at.engine.queued).toBe(1);
    at.connections[0]!.peer.write(OK);
    at.transport.settle();
    expect(first.text).toBe(OK);
    const again = at.connections.at(-1)!;
    expect(again.server).toBe(app!.servers[0]!.name);
    again.peer.write(OK);
    at.transport.settle();
    expect(second.text).toBe(OK);
    expect(at.engine.queued).toBe(0);
    second.write(GET);
    at.transport.settle();
    expect(at.connections.at(-1)!.server).toBe('files');
    expect(at.settleSlots()).toBe(true);
    expect(at.freed).toBe(2);
  });

  it('routes the next request of a kept connection by the new rules, with the new time-outs', () => {
    const at = bench(['one-server']);
    const client = ask(at);
    at.connections[0]!.peer.write(OK);
    at.transport.settle();
    const main = { ...at.config.frontends[0]!, defaultBackend: 'static' };
    at.reload({ ...at.config, frontends: [main], timeouts: { ...at.config.timeouts, serverMs: 300 } });
    client.text = '';
    client.write(GET);
    at.transport.settle();
    expect(at.connections[1]!.server).toBe('files');
    at.transport.advance(400);
    expect(client.text).toContain('HTTP/1.1 504 ');
  });

  it('ends the connections of a frontend that is gone: idle ones at once, busy ones with their answer', () => {
    const at = bench(['one-server']);
    const idle = ask(at);
    at.connections[0]!.peer.write(OK);
    at.transport.settle();
    const busy = ask(at);
    const silent = at.dial();
    at.transport.settle();
    const other = { ...at.config.frontends[0]!, name: 'other' };
    at.reload({ ...at.config, frontends: [other] }, null);
    expect(idle.ended).toBe(true);
    expect(busy.ended).toBe(false);
    expect(silent.ended).toBe(false); // it may have sent its request already
    at.connections[0]!.peer.write(OK);
    at.transport.settle();
    expect(busy.text).toContain('Connection: close');
    expect(busy.ended).toBe(true);
    silent.write(GET);
    at.transport.settle();
    at.connections[0]!.peer.write(OK);
    at.transport.settle();
    expect(silent.text).toContain('Connection: close');
    for (const client of [idle, busy, silent]) client.close();
    at.transport.advance(3000);
    expect(at.engine.openClients).toBe(0);
    expect(at.settleSlots()).toBe(true);
    expect(at.freed).toBe(1);
  });

  it('gives the listening socket to another frontend without a pause', () => {
    const at = bench(['one-server']);
    const early = ask(at);
    at.reload({ ...at.config, frontends: [{ ...at.config.frontends[0]!, name: 'other' }] });
    const late = ask(at);
    for (const { peer } of at.connections) peer.write(OK);
    at.transport.settle();
    expect(early.text).toContain('Connection: close');
    expect(late.text).toBe(OK);
    const lines = at.logLines().map((line) => /"frontend":"(\w+)"/.exec(line)?.[1]);
    expect(lines.toSorted((a, b) => (a! < b! ? -1 : 1))).toEqual(['main', 'other']);
  });
});
