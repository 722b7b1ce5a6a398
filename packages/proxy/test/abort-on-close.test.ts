// A client that has sent FIN while its request is under way: answered, or taken as gone where the backend says so.
import { describe, expect, it } from 'vitest';
import { ServerWord } from '../src/core/shared.ts';
import { app, ask, EngineBench, GET, OK, type BenchFlag } from './engine-bench.ts';

const FIRST = { address: '10.0.0.1', port: 80 };

function benchOf(abortOnClose: boolean, flags: readonly BenchFlag[] = []): EngineBench {
  return new EngineBench({
    flags: ['one-server', 'server-max-1', 'log-haproxy', ...flags],
    configure: app({ abortOnClose }),
  });
}

function states(bench: EngineBench): (string | undefined)[] {
  return bench.logLines().map((line) => / ([A-Za-z-]{4}) \d+\/\d+\/\d+\/\d+\//.exec(line)?.[1]);
}

function places({ engine, words }: EngineBench): number {
  return words[engine.plan.servers[0]!.word + ServerWord.inUse]!;
}

describe('abortOnClose', () => {
  it('is off by default: who has sent FIN keeps its place and gets its answer', () => {
    const bench = benchOf(false);
    const client = ask(bench);
    client.end();
    bench.transport.settle();
    expect(places(bench)).toBe(1);
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    expect(client.text).toContain('200 OK');
  });

  it('gives the place at the server to the next that waits, and ends the connection to the server', () => {
    const bench = benchOf(true);
    const client = ask(bench);
    const next = ask(bench);
    client.end();
    bench.transport.settle();
    expect(client.ended).toBe(true);
    expect(bench.connections[0]!.peer.wasReset).toBe(true);
    expect(states(bench)).toEqual(['CH--']);
    bench.connections[1]!.peer.write(OK);
    bench.transport.settle();
    expect(next.text).toContain('200 OK');
    next.close();
    bench.transport.advance(10_000);
    expect([places(bench), bench.missingBuffers]).toEqual([0, 0]);
  });

  it('ends an attempt to connect, and a pause between two', () => {
    for (const errno of [0, 111]) {
      const bench = benchOf(true);
      bench.transport.fault(FIRST, errno);
      const client = ask(bench);
      client.end();
      bench.transport.settle();
      expect(states(bench)).toEqual(['CC--']);
      expect(places(bench)).toBe(0);
    }
  });

  it('lets an answer that has begun, and a request that is still being sent, be', () => {
    const bench = benchOf(true);
    const client = ask(bench);
    bench.connections[0]!.peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
    bench.transport.settle();
    client.end();
    bench.transport.settle();
    bench.connections[0]!.peer.write('ok');
    bench.transport.settle();
    expect(client.text).toContain('\r\n\r\nok');
  });

  it('holds for sessions in mode tcp until their server is there', () => {
    const bench = benchOf(true, ['tcp']);
    bench.transport.fault(FIRST, 0);
    const client = bench.dial();
    client.write(GET);
    client.end();
    bench.transport.settle();
    expect(client.ended).toBe(true);
    expect(places(bench)).toBe(0);
  });
});
