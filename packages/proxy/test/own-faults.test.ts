// What is the node's own fault is never held against a server: ports, descriptors or memory that it lacks, and time in
// which it stood still. In the engine on the memory transport.
import { describe, expect, it } from 'vitest';
import { ServerCounter, serverCounter, serverWord, ServerWord, sharedLayout } from '../src/core/shared.ts';
import { Errno } from '../src/core/transport.ts';
import { app, ask, benchConfig, EngineBench, GET, OK } from './engine-bench.ts';

const WEB1 = { address: '10.0.0.1', port: 80 };
const OWN = [Errno.EADDRNOTAVAIL, Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM, Errno.EAGAIN] as const;
const observed = app({ observe: { layer: 'connection', errorLimit: 1, onError: 'mark-down' } });

function connectErrors(bench: EngineBench): number {
  return bench.counters[serverCounter(sharedLayout(benchConfig([])), 0) + ServerCounter.connectErrors]!;
}

const isTripped = (bench: EngineBench): boolean => bench.words[serverWord(0) + ServerWord.tripped] === 1;

describe('a connect that fails for want of something here', () => {
  it.each(OWN)('errno %i: another server is tried, the 503 says R for a resource of the proxy', (errno) => {
    const bench = new EngineBench({ flags: ['one-server'], configure: observed });
    bench.transport.fault(WEB1, errno);
    const client = ask(bench);
    bench.transport.advance(2000);
    expect(client.text).toContain('HTTP/1.1 503 ');
    expect(bench.logLines()[0]).toContain('"state":"RC--"');
    expect(connectErrors(bench)).toBe(0);
    expect(isTripped(bench)).toBe(false);
  });

  it('a refusal is still the fault of the server', () => {
    const bench = new EngineBench({ flags: ['one-server', 'no-retries'], configure: observed });
    bench.transport.fault(WEB1, Errno.ECONNREFUSED);
    ask(bench);
    bench.transport.advance(2000);
    expect(connectErrors(bench)).toBe(1);
    expect(isTripped(bench)).toBe(true);
  });

  it('the ports come back while it retries: the client gets its answer', () => {
    const bench = new EngineBench({ flags: ['one-server'] });
    bench.transport.fault(WEB1, Errno.EADDRNOTAVAIL);
    const client = ask(bench);
    bench.transport.advance(50);
    bench.transport.fault(WEB1, null);
    bench.transport.advance(400);
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    expect(client.text).toBe(OK);
  });
});

describe('idle connections to servers', () => {
  it.each([
    ['when they have been idle for too long', (bench: EngineBench) => bench.transport.advance(10_000)],
    ['when the server is down', (bench: EngineBench) => bench.setUsable(0, false)],
  ])('end by RST %s: no local port is left in TIME_WAIT', (_when, end) => {
    const bench = new EngineBench({ flags: ['one-server'] });
    ask(bench);
    const { peer } = bench.connections[0]!;
    peer.write(OK);
    bench.transport.settle();
    end(bench);
    expect(peer.wasReset).toBe(true);
  });

  it('end by RST when the answer says close', () => {
    const bench = new EngineBench({ flags: ['one-server'] });
    ask(bench);
    const { peer } = bench.connections[0]!;
    peer.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    bench.transport.settle();
    expect(peer.wasReset).toBe(true);
  });
});

describe('a stall of this process', () => {
  it('an answer that came meanwhile is read before the server time-out decides', () => {
    const bench = new EngineBench({ flags: ['one-server'] });
    const client = ask(bench);
    bench.connections[0]!.peer.write(OK);
    bench.transport.stall(60_000);
    bench.transport.advance(100);
    expect(client.text).toBe(OK);
  });

  it('a connect that was accepted meanwhile is not a time-out', () => {
    const bench = new EngineBench({ flags: ['one-server', 'no-retries'] });
    const client = bench.dial();
    client.write(GET);
    bench.transport.stall(60_000);
    bench.transport.advance(100);
    bench.connections[0]?.peer.write(OK);
    bench.transport.settle();
    expect(client.text).toBe(OK);
  });

  it('silence is still a time-out, one tick later', () => {
    const bench = new EngineBench({ flags: ['one-server', 'no-retries'] });
    const client = ask(bench);
    bench.transport.stall(60_000);
    bench.transport.advance(100);
    expect(client.text).toContain('HTTP/1.1 504 ');
  });
});
