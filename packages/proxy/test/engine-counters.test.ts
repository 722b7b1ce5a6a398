// The engine on the memory transport: what it counts and logs, and what it leaves out.
import { SELF_PROBE_AGENT } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import {
  FrontendCounter,
  LATENCY_BOUNDS_MS,
  REFUSAL_SLOTS,
  ServerCounter,
  serverCounter,
  sharedLayout,
} from '../src/core/shared.ts';
import { ask, benchConfig, EngineBench, GET, OK } from './engine-bench.ts';

describe('Engine: counters', () => {
  it('counts requests, answers, bytes and durations of frontend and server', () => {
    const bench = new EngineBench({ flags: ['one-server'] });
    const layout = sharedLayout(benchConfig(['one-server']));
    const client = ask(bench);
    bench.transport.advance(30);
    bench.connections[0]!.peer.write('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    bench.transport.settle();
    client.write('NO\r\n\r\n');
    bench.transport.settle();
    const server = serverCounter(layout, 0);
    expect(bench.counters[FrontendCounter.requestsTotal]).toBe(2);
    expect([...bench.counters.subarray(FrontendCounter.responses, FrontendCounter.responses + 5)]).toEqual([
      0, 0, 0, 2, 0,
    ]);
    expect([
      ...bench.counters.subarray(server + ServerCounter.responses, server + ServerCounter.responses + 5),
    ]).toEqual([0, 0, 0, 1, 0]);
    expect(bench.counters[server + ServerCounter.currentSessions]).toBe(0);
    expect(bench.counters[server + ServerCounter.bytesIn]).toBe(GET.length);
    const latency = [...bench.counters.subarray(layout.latencyBase, layout.latencyBase + LATENCY_BOUNDS_MS.length + 1)];
    expect(latency.reduce((a, b) => a + b)).toBe(2);
    expect(latency[5]).toBe(1); // 30 ms is in "up to 50"
    expect(bench.counters[server + ServerCounter.responseMs]).toBe(30);
    expect(bench.counters[server + ServerCounter.totalMs]).toBe(30);
    expect(bench.counters[server + ServerCounter.responseTimes + 5]).toBe(1);
    const refused = bench.counters.subarray(layout.refusalBase, layout.refusalBase + REFUSAL_SLOTS);
    expect(refused.reduce((a, b) => a + b)).toBe(1);
  });

  it("leaves the node's own probe out of counters and log, but believes it only from loopback", () => {
    const probe = `GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: ${SELF_PROBE_AGENT}\r\n\r\n`;
    const bench = new EngineBench({ flags: ['one-server'] });
    const server = serverCounter(sharedLayout(benchConfig(['one-server'])), 0);
    const counted = (address: string): readonly (number | undefined)[] => {
      const client = bench.dial(address);
      client.write(probe);
      bench.transport.settle();
      bench.connections[0]!.peer.write(OK);
      bench.transport.settle();
      expect(client.take()).toContain('200 OK');
      return [
        bench.counters[FrontendCounter.requestsTotal],
        bench.counters[server + ServerCounter.requestsTotal],
        bench.logLines().length,
      ];
    };
    expect(counted('127.0.0.1')).toEqual([0, 0, 0]);
    expect(counted('192.0.2.1')).toEqual([1, 1, 1]);
  });

  it('leaves the question for the proxy alone out as well: answered with 400, counted and logged nowhere', () => {
    const bench = new EngineBench({ flags: ['one-server'] });
    const layout = sharedLayout(benchConfig(['one-server']));
    const ask400 = (address: string, agent: string): readonly (number | undefined)[] => {
      const client = bench.dial(address);
      client.write(`GET / HTTP/1.1\r\nUser-Agent: ${agent}\r\nConnection: close\r\n\r\n`);
      bench.transport.settle();
      expect(client.take()).toContain('HTTP/1.1 400');
      return [
        bench.counters[FrontendCounter.requestsTotal],
        bench.counters[FrontendCounter.responses + 3],
        bench.counters.subarray(layout.refusalBase, layout.refusalBase + REFUSAL_SLOTS).reduce((a, b) => a + b),
        bench.logLines().length,
      ];
    };
    expect(ask400('127.0.0.1', SELF_PROBE_AGENT)).toEqual([0, 0, 0, 0]);
    expect(ask400('192.0.2.1', SELF_PROBE_AGENT)).toEqual([1, 1, 1, 1]);
    expect(ask400('127.0.0.1', 'curl')).toEqual([2, 2, 2, 1]);
  });

  it('writes no log when it is off', () => {
    const bench = new EngineBench({ flags: ['one-server', 'log-off'] });
    ask(bench);
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    expect(bench.logLines()).toEqual([]);
  });
});

describe('Engine: shortage of buffers', () => {
  it('serves on with very few buffers, one after the other', () => {
    const bench = new EngineBench({
      flags: ['one-server'],
      transport: { receiveBuffers: 4, sendBuffers: 4, socketBytes: 8192 },
    });
    const clients = Array.from({ length: 3 }, () => ask(bench));
    for (let i = 0; i < 3; i++) {
      const server = bench.connections[i]!.peer;
      server.write(`HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n${'b'.repeat(50_000)}`);
    }
    bench.transport.advance(1000);
    for (const client of clients) expect(client.text.length).toBeGreaterThan(50_000);
    expect(bench.missingBuffers).toBeLessThan(3);
  });

  it('answers 503 or closes, and does not stall, when there is no buffer for a request', () => {
    const bench = new EngineBench({ flags: ['one-server'], transport: { receiveBuffers: 8, sendBuffers: 2 } });
    const large = `GET /${'p'.repeat(3000)} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const clients = Array.from({ length: 6 }, () => ask(bench, large));
    bench.transport.advance(10);
    const refused = clients.filter((client) => client.wasReset || client.text.includes(' 503 '));
    expect(refused.length).toBeGreaterThan(0);
    for (const { peer } of bench.connections) peer.write(OK);
    bench.transport.settle();
    for (const client of clients) client.close();
    bench.transport.advance(10_000);
    expect(bench.missingBuffers).toBe(0);
  });
});
