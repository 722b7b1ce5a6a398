// The engine on the memory transport: what does not fit a script of one client and one server: limits, queues,
// back-pressure, draining, balancing, many clients at once.
import { describe, expect, it } from 'vitest';
import { lineBytes } from '../src/core/flow/waiting-line.ts';
import { FrontendCounter, HeaderWord, layoutFor, ServerAdmin } from '../src/core/shared.ts';
import { capacityFor } from '../src/core/slots.ts';
import { ask, benchConfig, EngineBench, GET, OK } from './engine-bench.ts';

describe('Engine: limits', () => {
  it('lets requests over a server limit wait in order, and serves them as places become free', () => {
    const bench = new EngineBench({ flags: ['one-server', 'server-max-1'] });
    const clients = ['/1', '/2', '/3'].map((path) => ask(bench, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`));
    const server = bench.connections[0]!.peer;
    const seen: string[] = [];
    for (let i = 0; i < 3; i++) {
      seen.push(server.take().split(' ')[1]!);
      server.write(OK);
      bench.transport.settle();
    }
    expect(seen).toEqual(['/1', '/2', '/3']);
    expect(clients.map((client) => client.text)).toEqual([OK, OK, OK]);
    expect(bench.connections.length).toBe(1);
    expect(bench.logLines().map((line) => /"queueMs":(\d+)/.exec(line)?.[1])).toEqual(['0', '0', '0']);
  });

  it('answers 503 after the queue time-out, and forgets clients that leave the queue', () => {
    const bench = new EngineBench({ flags: ['one-server', 'server-max-1'] });
    ask(bench);
    const waiting = ask(bench);
    const leaving = ask(bench);
    leaving.close(true);
    bench.transport.advance(2200);
    expect(waiting.text).toContain('HTTP/1.1 503 ');
    bench.connections[0]!.peer.take();
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    expect(bench.connections[0]!.peer.text).toBe('');
    const states = bench.logLines().map((line) => /"state":"([^"]*)"/.exec(line)?.[1]);
    expect(states).toEqual(['CQ--', 'sQ--', '----']);
    expect(bench.engine.queued).toBe(0);
  });

  it('moves those who wait for a server that goes down to another one', () => {
    const bench = new EngineBench({ flags: ['cookie', 'server-max-1'] });
    const sticky = 'GET / HTTP/1.1\r\nHost: a\r\nCookie: SERVERID=s2\r\n\r\n';
    ask(bench, sticky);
    const waiting = ask(bench, sticky);
    expect(bench.engine.queued).toBe(1);
    bench.setUsable(1, false);
    bench.transport.settle();
    expect(bench.engine.queued).toBe(0);
    const moved = bench.connections.find(({ server }) => server === 'web1')!;
    moved.peer.write(OK);
    bench.transport.settle();
    expect(waiting.text).toContain('SERVERID=s1');
  });

  it('shares a server limit with another worker, in one order of arrival', () => {
    const flags = ['one-server', 'server-max-1'] as const;
    const woken: EngineBench[] = [];
    const memory = new SharedArrayBuffer(lineBytes({ ...layoutFor(capacityFor(benchConfig(flags))), workers: 2 }));
    const a = new EngineBench({
      flags,
      wakeOthers: () => woken.push(b),
      line: { memory, worker: 0, workers: 2 },
    });
    const b: EngineBench = new EngineBench({
      flags,
      words: a.words,
      wakeOthers: () => woken.push(a),
      line: { memory, worker: 1, workers: 2 },
    });
    const served: string[] = [];
    for (let i = 0; i < 9; i++) ask([a, b, a][i % 3]!, `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`);
    for (let i = 0; i < 9; i++) {
      const running = [a, b].flatMap(({ connections }) => connections).filter(({ peer }) => peer.text !== '');
      expect(running.length).toBe(1);
      served.push(running[0]!.peer.take().split(' ')[1]!);
      running[0]!.peer.write(OK);
      for (const bench of [a, b]) bench.transport.settle();
      for (const bench of woken.splice(0)) {
        bench.engine.woken();
        bench.transport.settle();
      }
    }
    expect(served).toEqual(Array.from({ length: 9 }, (_, i) => `/${i}`));
    expect(a.engine.queued + b.engine.queued).toBe(0);
  });

  it('stops accepting at maxConnections and goes on when one closes', () => {
    const bench = new EngineBench({ flags: ['one-server', 'max-2'] });
    const first = ask(bench);
    ask(bench);
    ask(bench);
    expect(bench.engine.openClients).toBe(2);
    first.close();
    bench.connections[0]!.peer.write(OK);
    bench.transport.advance(20);
    expect(bench.engine.openClients).toBe(2);
    expect(bench.counters[FrontendCounter.connectionsTotal]).toBe(3);
  });

  it('goes on accepting when connections close on another worker', () => {
    const bench = new EngineBench({ flags: ['one-server', 'max-2'] });
    const word = bench.engine.plan.frontends[0]!.word;
    Atomics.add(bench.words, word, 1); // another worker has one
    ask(bench);
    ask(bench);
    expect(bench.engine.openClients).toBe(1);
    Atomics.sub(bench.words, word, 1);
    bench.transport.advance(30);
    expect(bench.engine.openClients).toBe(2);
  });

  it('takes turns among servers, and leaves out those that are down', () => {
    const bench = new EngineBench();
    for (let i = 0; i < 4; i++) {
      ask(bench);
      bench.connections.at(-1)!.peer.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      bench.transport.settle();
    }
    expect(bench.connections.map(({ server }) => server)).toEqual(['web1', 'web2', 'web1', 'web2']);
    bench.setUsable(0, false);
    for (let i = 0; i < 2; i++) ask(bench);
    expect(bench.connections.slice(4).map(({ server }) => server)).toEqual(['web2', 'web2']);
    bench.setUsable(0, true);
    ask(bench);
    ask(bench);
    expect(
      bench.connections
        .slice(6)
        .map(({ server }) => server)
        .toSorted(),
    ).toEqual(['web1', 'web2']);
  });
});

describe('Engine: what the operator wants of a server', () => {
  const sticky = 'GET / HTTP/1.1\r\nHost: a\r\nCookie: SERVERID=s2\r\n\r\n';
  const servers = (bench: EngineBench, texts: readonly string[]): string[] => {
    const before = bench.connections.length;
    for (const text of texts) ask(bench, text);
    return bench.connections.slice(before).map(({ server }) => server);
  };

  it('drain: no new sessions, but those whose cookie means the server', () => {
    const bench = new EngineBench({ flags: ['cookie'] });
    bench.setAdmin(1, ServerAdmin.DRAIN);
    expect(servers(bench, [GET, GET, sticky, GET])).toEqual(['web1', 'web1', 'web2', 'web1']);
    bench.setAdmin(1, ServerAdmin.READY);
    expect(servers(bench, [GET, GET]).toSorted()).toEqual(['web1', 'web2']);
  });

  it('maint: nothing, and no idle connection is kept', () => {
    const bench = new EngineBench({ flags: ['cookie'] });
    const client = ask(bench, sticky);
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    expect(client.text).toContain('200 OK');
    bench.setAdmin(1, ServerAdmin.MAINT);
    expect(bench.connections[0]!.peer.wasReset).toBe(true);
    expect(servers(bench, [GET, GET, sticky])).toEqual(['web1', 'web1', 'web1']);
  });
});

describe('Engine: back-pressure', () => {
  const BIG = 3_000_000;

  it('stops reading from a server whose client reads slowly, and loses nothing', () => {
    const bench = new EngineBench({ flags: ['one-server'], transport: { socketBytes: 8192 } });
    const client = ask(bench);
    client.reading = false;
    const body = 'x'.repeat(BIG);
    bench.connections[0]!.peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG}\r\n\r\n${body}`);
    bench.transport.settle();
    expect(bench.missingBuffers).toBeLessThan(8);
    client.onChange = () => undefined;
    client.resume();
    bench.transport.settle();
    expect(client.text.length).toBe(BIG + client.text.indexOf('\r\n\r\n') + 4);
    client.close();
    bench.transport.advance(30_000);
    expect(bench.missingBuffers).toBe(0);
  });

  it('stops reading from a client whose server reads slowly, and loses nothing', () => {
    const bench = new EngineBench({ flags: ['one-server'], transport: { socketBytes: 8192 } });
    const client = ask(bench, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${BIG}\r\n\r\n`);
    const server = bench.connections[0]!.peer;
    server.reading = false;
    client.write('y'.repeat(BIG));
    bench.transport.settle();
    expect(bench.missingBuffers).toBeLessThan(8);
    server.resume();
    bench.transport.settle();
    expect(server.text.split('y').length - 1).toBe(BIG);
    server.write(OK);
    bench.transport.settle();
    expect(client.text).toBe(OK);
  });

  it('takes the next request of a client whose body came late, after receiving was off', () => {
    for (let latePieces = 0; latePieces < 40; latePieces++) {
      const bench = new EngineBench({ flags: ['one-server'], transport: { socketBytes: 8192, latePieces } });
      const client = ask(bench, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n');
      const server = bench.connections[0]!.peer;
      server.reading = false;
      client.write('y'.repeat(60_000));
      bench.transport.settle();
      server.resume();
      bench.transport.settle();
      server.write(OK);
      bench.transport.settle();
      client.write(GET);
      bench.transport.settle();
      server.write(OK);
      bench.transport.settle();
      expect(client.text).toBe(OK + OK);
    }
  });

  it('cuts a client that does not read for the client time-out', () => {
    const bench = new EngineBench({ flags: ['one-server'], transport: { socketBytes: 8192 } });
    const client = ask(bench);
    client.reading = false;
    bench.connections[0]!.peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG}\r\n\r\n${'x'.repeat(BIG)}`);
    bench.transport.advance(2800);
    expect(client.wasReset).toBe(false);
    bench.transport.advance(600);
    expect(client.wasReset).toBe(true);
    expect(bench.connections[0]!.peer.wasReset).toBe(true);
    expect(bench.logLines()[0]).toContain('"state":"cD--"');
    expect(bench.missingBuffers).toBe(0);
  });

  it('a body that trickles in under the least rate gets 408', () => {
    const bench = new EngineBench({ flags: ['one-server'] });
    const client = ask(bench, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
    for (let i = 0; i < 12 && client.text === ''; i++) {
      bench.transport.advance(300);
      client.write('z');
    }
    bench.transport.settle();
    expect(client.text).toContain('HTTP/1.1 408 ');
  });

  it('a slow but honest upload over the least rate is let through', () => {
    const bench = new EngineBench({ flags: ['one-server'] });
    const client = ask(bench, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n');
    for (let i = 0; i < 20; i++) {
      bench.transport.advance(1000);
      client.write('z'.repeat(100));
    }
    bench.transport.settle();
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    expect(client.text).toBe(OK);
  });

  it('does not pool a connection whose server has answered without taking the whole body', () => {
    const bench = new EngineBench({ flags: ['one-server'], transport: { socketBytes: 2048 } });
    const client = ask(bench, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n${'y'.repeat(4000)}`);
    const server = bench.connections[0]!.peer;
    server.reading = false;
    client.write('y'.repeat(6000));
    bench.transport.settle();
    server.write(OK);
    bench.transport.settle();
    expect(client.text).toBe(OK);
    expect(server.wasReset).toBe(true);
  });

  it('does not blame the client for the time in which the server took nothing', () => {
    const bench = new EngineBench({ flags: ['one-server'], transport: { socketBytes: 2048 } });
    const client = ask(bench, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n');
    const server = bench.connections[0]!.peer;
    server.reading = false;
    client.write('y'.repeat(30_000));
    bench.transport.advance(3500);
    server.resume();
    bench.transport.advance(100);
    client.write('y'.repeat(10_000));
    bench.transport.settle();
    server.write(OK);
    bench.transport.settle();
    expect(client.text).toBe(OK);
  });

  it('bounds what a client may pipeline without reading', () => {
    const bench = new EngineBench({ flags: ['one-server'], transport: { socketBytes: 8192 } });
    const client = bench.dial();
    client.write(GET.repeat(2000));
    bench.transport.settle();
    expect(bench.missingBuffers).toBeLessThan(8);
    const server = bench.connections[0]!.peer;
    let answers = 0;
    server.take();
    server.onChange = () => {
      while (server.text.includes('\r\n\r\n')) {
        server.text = server.text.slice(server.text.indexOf('\r\n\r\n') + 4);
        answers++;
        server.write(OK);
      }
    };
    server.write(OK);
    bench.transport.settle();
    expect(answers).toBe(1999);
    expect(client.text).toBe(OK.repeat(2000));
  });
});

describe('Engine: servers that do not answer a connect', () => {
  const SILENT = { address: '10.0.0.1', port: 80 };

  it('gives up after connect time-out x (retries + 1), with 503', () => {
    const bench = new EngineBench({ flags: ['one-server'] });
    bench.transport.unserve(SILENT);
    bench.transport.fault(SILENT, 0);
    const client = ask(bench);
    bench.transport.advance(5900);
    expect(client.text).toBe('');
    bench.transport.advance(400);
    expect(client.text).toContain('HTTP/1.1 503 ');
    expect(bench.logLines()[0]).toContain('"retries":3,"state":"sC--"');
    client.close();
    bench.transport.advance(10_000);
    expect(bench.missingBuffers).toBe(0);
  });

  it('turns to another server after one connect time-out', () => {
    const bench = new EngineBench();
    bench.transport.unserve(SILENT);
    bench.transport.fault(SILENT, 0);
    const client = ask(bench);
    bench.transport.advance(1700);
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    expect(client.text).toBe(OK);
    expect(bench.logLines()[0]).toContain('"server":"web2"');
  });

  it('forgets the attempt when the client leaves meanwhile', () => {
    const bench = new EngineBench({ flags: ['one-server'] });
    bench.transport.unserve(SILENT);
    bench.transport.fault(SILENT, 0);
    const client = ask(bench);
    client.close(true);
    bench.transport.advance(100);
    expect(bench.engine.openClients).toBe(0);
    expect(bench.logLines()[0]).toContain('"state":"CC--"');
    expect(bench.missingBuffers).toBe(0);
  });
});

describe('Engine: heads in pieces', () => {
  it.each([1, 100, 1023])('takes an answer whose head came in %s bytes and then a full buffer', (first) => {
    const bench = new EngineBench({ flags: ['one-server', 'small-buffers'] });
    const client = ask(bench);
    const answer = `HTTP/1.1 200 OK\r\nX-Fill: ${'f'.repeat(200)}\r\nContent-Length: 5000\r\n\r\n${'b'.repeat(5000)}`;
    const server = bench.connections[0]!.peer;
    server.write(answer.slice(0, first));
    bench.transport.settle();
    server.write(answer.slice(first));
    bench.transport.settle();
    expect(client.text).toBe(answer);
    expect(server.wasReset).toBe(false);
  });

  it.each([1, 100, 900])('takes a request whose head came in %s bytes and then a full buffer', (first) => {
    const bench = new EngineBench({ flags: ['one-server', 'small-buffers', 'no-forwarded'] });
    const request = `POST / HTTP/1.1\r\nHost: a\r\nX-Fill: ${'f'.repeat(700)}\r\nContent-Length: 3000\r\n\r\n${'b'.repeat(3000)}`;
    const client = ask(bench, request.slice(0, first));
    client.write(request.slice(first) + GET);
    bench.transport.settle();
    const server = bench.connections[0]!.peer;
    expect(server.take()).toBe(request);
    server.write(OK);
    bench.transport.settle();
    expect(server.take()).toBe(GET);
  });
});

describe('Engine: draining', () => {
  it('accepts no more, finishes what runs with Connection: close, and keeps the server open for it', () => {
    const bench = new EngineBench({ flags: ['one-server'] });
    const running = ask(bench);
    const idle = ask(bench);
    bench.connections[1]!.peer.write(OK);
    bench.transport.settle();
    Atomics.store(bench.words, HeaderWord.draining, 1);
    bench.transport.advance(20);
    const late = ask(bench);
    expect(bench.connections.length).toBe(2);
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    expect(running.text).toContain('Connection: close');
    expect(running.ended).toBe(true);
    // An idle connection may be used once more within its time-out, and is told to close.
    idle.take();
    idle.write(GET);
    bench.transport.settle();
    bench.connections.at(-1)!.peer.write(OK);
    bench.transport.settle();
    expect(idle.text).toContain('Connection: close');
    expect(late.text).toBe('');
    running.close();
    idle.close();
    bench.transport.advance(6000);
    expect(bench.engine.openClients).toBe(0);
  });
});

describe('Engine: standby', () => {
  it('accepts, and ends each connection with its answer, until the node owns an address again', () => {
    const bench = new EngineBench({ flags: ['one-server'] });
    const answered = (): string => {
      const client = ask(bench);
      bench.connections.at(-1)!.peer.write(OK);
      bench.transport.settle();
      return client.take();
    };
    expect(answered()).not.toContain('Connection: close');
    Atomics.store(bench.words, HeaderWord.standby, 1);
    bench.transport.advance(100);
    expect(answered()).toContain('Connection: close');
    Atomics.store(bench.words, HeaderWord.standby, 0);
    bench.transport.advance(100);
    expect(answered()).not.toContain('Connection: close');
  });
});
