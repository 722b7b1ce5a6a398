// Limits by source at the engine: connections that are closed at once, requests that get 429, exemptions, counters that
// all workers share. Heads and bodies over a limit are in cases/limit-*.case.
import { describe, expect, it } from 'vitest';
import { Fault } from '@tospann/http';
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { SOURCE_TABLE_BYTES } from '../src/core/limits/source-table.ts';
import { REFUSAL_SLOTS } from '../src/core/shared.ts';
import { ask, EngineBench, GET, OK } from './engine-bench.ts';

function dial(bench: EngineBench, address: string): MemoryPeer {
  const client = bench.dial(address);
  bench.transport.settle();
  return client;
}

function refused(bench: EngineBench, fault: number): number {
  const { refusalBase } = bench.engine.plan.layout;
  expect(fault).toBeLessThan(REFUSAL_SLOTS);
  return bench.counters[refusalBase + fault]!;
}

describe('connectionsPerSource', () => {
  it('closes those above it at once, without a log line, and takes others when one ends', () => {
    const bench = new EngineBench({ flags: ['one-server', 'log-empty'], limits: { connectionsPerSource: 2 } });
    const clients = [1, 2, 3].map(() => dial(bench, '198.51.100.7'));
    expect(clients.map((client) => client.wasReset)).toEqual([false, false, true]);
    expect(dial(bench, '198.51.100.8').wasReset).toBe(false);
    expect(refused(bench, Fault.SOURCE_CONNECTIONS)).toBe(1);
    clients[0]!.close();
    bench.transport.settle();
    bench.logLines();
    expect(dial(bench, '198.51.100.7').wasReset).toBe(false);
    expect(dial(bench, '198.51.100.7').wasReset).toBe(true);
    expect(bench.logLines()).toEqual([]);
  });

  it('counts over all workers', () => {
    const sources = new Int32Array(new SharedArrayBuffer(SOURCE_TABLE_BYTES));
    const limits = { connectionsPerSource: 2 };
    const workers = [new EngineBench({ limits, sources }), new EngineBench({ limits, sources })];
    const clients = [0, 1, 0].map((worker) => dial(workers[worker]!, '198.51.100.7'));
    expect(clients.map((client) => client.wasReset)).toEqual([false, false, true]);
    clients[1]!.close();
    for (const worker of workers) worker.transport.settle();
    expect(dial(workers[0]!, '198.51.100.7').wasReset).toBe(false);
  });

  it('leaves out exempt networks and this machine', () => {
    const limits = { connectionsPerSource: 1, exempt: ['198.51.100.0/24'] };
    const bench = new EngineBench({ flags: ['one-server'], limits });
    for (const address of ['198.51.100.7', '127.0.0.1']) {
      expect([1, 2, 3].map(() => dial(bench, address).wasReset)).toEqual([false, false, false]);
    }
  });

  it('is about the client that a PROXY header names', () => {
    const bench = new EngineBench({ flags: ['one-server', 'accept-proxy'], limits: { connectionsPerSource: 1 } });
    const from = (source: string): MemoryPeer => {
      const client = bench.dial('10.9.9.9');
      client.write(`PROXY TCP4 ${source} 192.0.2.99 1234 80\r\n${GET}`);
      bench.transport.settle();
      return client;
    };
    const clients = ['203.0.113.1', '203.0.113.2', '203.0.113.1'].map((source) => from(source));
    expect(clients.map((client) => client.wasReset)).toEqual([false, false, true]);
    for (const client of clients) client.close();
    bench.transport.advance(10_000);
    expect(bench.missingBuffers).toBe(0);
  });

  it('holds in mode tcp too', () => {
    const bench = new EngineBench({ flags: ['one-server', 'tcp'], limits: { connectionsPerSource: 1 } });
    expect([1, 2].map(() => dial(bench, '198.51.100.7').wasReset)).toEqual([false, true]);
    expect(bench.connections.length).toBe(1);
  });
});

describe('connectionRate', () => {
  it('closes those that come too fast, and takes them again later', () => {
    const limits = { connectionRate: { count: 3, periodMs: 1000 } };
    const bench = new EngineBench({ flags: ['one-server'], limits });
    const burst = (): boolean[] =>
      [1, 2, 3, 4, 5].map(() => {
        const client = dial(bench, '198.51.100.7');
        const { wasReset } = client;
        client.close();
        bench.transport.settle();
        return wasReset;
      });
    expect(burst()).toEqual([false, false, false, true, true]);
    expect(refused(bench, Fault.CONNECTION_RATE)).toBe(2);
    bench.transport.advance(1070);
    expect(burst()).toEqual([false, false, false, true, true]);
  });
});

describe('requestRate', () => {
  it('answers 429 with Retry-After and the reason in the log; other sources are served', () => {
    const limits = { requestRate: { count: 2, periodMs: 10_000 } };
    const bench = new EngineBench({ flags: ['one-server'], limits });
    const request = (address: string): string => {
      const client = bench.dial(address);
      client.write(GET);
      bench.transport.settle();
      for (const { peer } of bench.connections) if (peer.take() !== '') peer.write(OK);
      bench.transport.settle();
      const answer = client.take();
      client.close();
      bench.transport.settle();
      return answer;
    };
    expect(request('198.51.100.7')).toContain(' 200 OK');
    expect(request('198.51.100.7')).toContain(' 200 OK');
    bench.logLines();
    const answer = request('198.51.100.7');
    expect(answer).toContain(' 429 Too Many Requests\r\n');
    expect(answer).toContain('\r\nRetry-After: 11\r\n');
    expect(answer).toContain('\r\n\r\n<!doctype html>');
    expect(bench.logLines()[0]).toMatch(
      /"method":"GET".*"status":429.*"state":"PR--","reason":"Cannot take the request/,
    );
    expect(refused(bench, Fault.REQUEST_RATE)).toBe(1);
    expect(request('198.51.100.8')).toContain(' 200 OK');
    bench.transport.advance(11_000);
    expect(request('198.51.100.7')).toContain(' 200 OK');
    expect(request('198.51.100.7')).toContain(' 200 OK');
    expect(request('198.51.100.7')).toContain(' 429 ');
  });

  it('holds inside one connection; what is pipelined behind a refused request is not served', () => {
    const limits = { requestRate: { count: 1, periodMs: 10_000 } };
    const bench = new EngineBench({ flags: ['one-server'], limits });
    const client = ask(bench, GET.repeat(5));
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    const answers = client.take();
    expect(answers.match(/HTTP\/1\.1 /g)?.length).toBe(2);
    expect(answers).toContain(' 429 ');
    expect(client.ended).toBe(true);
  });
});
