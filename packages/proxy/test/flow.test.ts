// Limits, the line of waiting requests, retries and their budget, in the engine on the memory transport.
import type { PairConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { ServerCounter, serverCounter, sharedLayout } from '../src/core/shared.ts';
import { app, ask, benchConfig, EngineBench, GET, OK } from './engine-bench.ts';

type Http = PairConfig['http'];

const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const SERVER_COUNTERS = sharedLayout(benchConfig([]));

function states(bench: EngineBench): (string | undefined)[] {
  return bench.logLines().map((line) => /"state":"([^"]*)"/.exec(line)?.[1]);
}

function counter(bench: EngineBench, server: number, which: number): number {
  return bench.counters[serverCounter(SERVER_COUNTERS, server) + which]!;
}

/** What servers have got and not answered yet, in order of arrival. */
function asked(bench: EngineBench): { readonly path: string; readonly peer: MemoryPeer }[] {
  return bench.connections
    .filter(({ peer }) => peer.text !== '')
    .map(({ peer }) => ({ path: peer.take().split(' ')[1]!, peer }));
}

describe('limits', () => {
  it('a backend: no more than maxConnections at all its servers together, the rest in order', () => {
    const bench = new EngineBench({ configure: app({ maxConnections: 3 }) });
    for (let i = 0; i < 8; i++) ask(bench, get(`/${i}`));
    const seen: string[] = [];
    while (seen.length < 8) {
      const running = asked(bench);
      expect(running.length).toBe(seen.length === 0 ? 3 : Math.min(1, 8 - seen.length));
      seen.push(...running.map(({ path }) => path));
      const next = bench.connections.find(({ peer }) => !peer.ended && peer.text === '')!;
      const { peer } = running[0] ?? next;
      peer.write(OK);
      bench.transport.settle();
    }
    expect(seen).toEqual(Array.from({ length: 8 }, (_, i) => `/${i}`));
  });

  it('maxQueue: who comes when so many wait gets 503 at once', () => {
    const bench = new EngineBench({ flags: ['one-server', 'server-max-1'], configure: app({ maxQueue: 2 }) });
    const clients = Array.from({ length: 4 }, () => ask(bench));
    expect(clients.map(({ text }) => text.slice(9, 12))).toEqual(['', '', '', '503']);
    expect(states(bench)).toEqual(['PQ--']);
    const none = new EngineBench({ flags: ['one-server', 'server-max-1'], configure: app({ maxQueue: 0 }) });
    ask(none);
    expect(ask(none).text).toContain('HTTP/1.1 503 ');
  });

  it('the place in the queue is in the log', () => {
    const bench = new EngineBench({ flags: ['one-server', 'server-max-1', 'log-haproxy'] });
    for (let i = 0; i < 3; i++) ask(bench);
    for (let i = 0; i < 3; i++) {
      bench.connections[0]!.peer.write(OK);
      bench.transport.settle();
    }
    expect(bench.logLines().map((line) => / (\d+\/\d+) "GET/.exec(line)?.[1])).toEqual(['0/0', '0/1', '0/2']);
    const bound = new EngineBench({ flags: ['cookie', 'server-max-1', 'log-haproxy'] });
    const sticky = get('/', 'Cookie: SERVERID=s2\r\n');
    for (let i = 0; i < 3; i++) ask(bound, sticky);
    for (let i = 0; i < 3; i++) {
      bound.connections[0]!.peer.write(OK);
      bound.transport.settle();
    }
    expect(bound.logLines().map((line) => / (\d+\/\d+) "GET/.exec(line)?.[1])).toEqual(['0/0', '1/0', '2/0']);
  });

  it('those who wait for one server and those who wait for any take turns by age', () => {
    const bench = new EngineBench({ flags: ['cookie', 'server-max-1'] });
    const sticky = (path: string): string => get(path, 'Cookie: SERVERID=s1\r\n');
    ask(bench, get('/busy1'));
    ask(bench, get('/busy2'));
    ask(bench, sticky('/a-bound'));
    ask(bench, get('/b-any'));
    ask(bench, sticky('/c-bound'));
    const [web1] = bench.connections;
    const order: string[] = [];
    for (let i = 0; i < 4; i++) {
      order.push(web1!.peer.take().split(' ')[1]!);
      web1!.peer.write(OK);
      bench.transport.settle();
    }
    expect(order).toEqual(['/busy1', '/a-bound', '/b-any', '/c-bound']);
  });

  it('a client that goes away in the queue, by FIN or RST, frees its place there', () => {
    const bench = new EngineBench({ flags: ['one-server', 'server-max-1'] });
    ask(bench, get('/0'));
    const leaving = [ask(bench, get('/1')), ask(bench, get('/2'))];
    const stays = ask(bench, get('/3'));
    leaving[0]!.end();
    leaving[1]!.close(true);
    bench.transport.settle();
    expect(bench.engine.queued).toBe(1);
    expect(states(bench)).toEqual(['CQ--', 'CQ--']);
    bench.connections[0]!.peer.take();
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    expect(bench.connections[0]!.peer.take()).toContain('GET /3 ');
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    expect(stays.text).toBe(OK);
  });

  it('serves those who wait when a server comes up', () => {
    const bench = new EngineBench({ flags: ['server-max-1'] });
    bench.setUsable(1, false);
    ask(bench);
    const waiting = ask(bench);
    expect(bench.engine.queued).toBe(1);
    bench.setUsable(1, true);
    expect(bench.engine.queued).toBe(0);
    bench.connections.find(({ server }) => server === 'web2')!.peer.write(OK);
    bench.transport.settle();
    expect(waiting.text).toBe(OK);
  });
});

describe('retries of answers', () => {
  const withRetry = (http: Partial<Http>): ((config: PairConfig) => PairConfig) => {
    return (config) => ({ ...config, http: { ...config.http, ...http } });
  };
  const all: Partial<Http> = { retryOn: ['empty', 'timeout', 'bad-answer', 503] };
  const open = (http: Partial<Http> = all): EngineBench => new EngineBench({ configure: withRetry(http) });

  /** What a server does instead of answering. */
  const failures: Record<string, (bench: EngineBench, peer: MemoryPeer) => void> = {
    503: (_, peer) => peer.write('HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy'),
    timeout: (bench) => bench.transport.advance(4100),
    'bad-answer': (_, peer) => peer.write('SMTP ready\r\n\r\n'),
    'half a head': (_, peer) => {
      peer.write('HTTP/1.1 200 OK\r\nX-Ha');
      peer.close(true);
    },
    empty: (_, peer) => peer.close(true),
  };

  it.each(Object.keys(failures))('%s: a GET goes to another server, a POST gets the answer that it got', (name) => {
    const bench = open();
    const client = ask(bench);
    failures[name]!(bench, bench.connections[0]!.peer);
    bench.transport.settle();
    expect(bench.connections.map(({ server }) => server)).toEqual(['web1', 'web2']);
    bench.connections[1]!.peer.write(OK);
    bench.transport.settle();
    expect(client.text).toBe(OK);
    expect(bench.logLines()[0]).toContain('"retries":1');
    expect(counter(bench, 0, ServerCounter.retries)).toBe(1);
    expect(counter(bench, 0, ServerCounter.redispatches)).toBe(1);

    const post = open();
    const poster = ask(post, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi');
    failures[name]!(post, post.connections[0]!.peer);
    post.transport.settle();
    expect(post.connections.length).toBe(1);
    expect(poster.text).toMatch(/^HTTP\/1\.1 50[234] /);
  });

  it('is not done without being asked for', () => {
    const bench = open({});
    const client = ask(bench);
    failures[503]!(bench, bench.connections[0]!.peer);
    bench.transport.settle();
    expect(client.text).toContain('HTTP/1.1 503 Busy');
  });

  it('ends with the last answer after so many retries', () => {
    const bench = open({ ...all, retries: 2 });
    const client = ask(bench);
    for (let i = 0; i < 3; i++) {
      failures[503]!(bench, bench.connections[i]!.peer);
      bench.transport.settle();
    }
    expect(bench.connections.length).toBe(3);
    expect(client.text).toContain('HTTP/1.1 503 Busy');
    expect(client.text).toContain('busy');
    expect(bench.logLines()[0]).toContain('"retries":2');
  });

  it('is not done once a byte of the answer is out, nor after an interim answer', () => {
    for (const begun of ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123', 'HTTP/1.1 103 Early Hints\r\n\r\n']) {
      const bench = open();
      const client = ask(bench);
      bench.connections[0]!.peer.write(begun);
      bench.transport.settle();
      bench.connections[0]!.peer.close(true);
      bench.transport.settle();
      expect(bench.connections.length).toBe(1);
      expect(client.text).toContain(begun);
    }
  });

  it('stays within its budget', () => {
    const bench = open({ ...all, retries: 1, retryBudgetPercent: 10 });
    const answers: string[] = [];
    for (let i = 0; i < 30; i++) {
      const before = bench.connections.length;
      const client = ask(bench);
      failures[503]!(bench, bench.connections[before]!.peer);
      bench.transport.settle();
      bench.connections[before + 1]?.peer.write(OK);
      bench.transport.settle();
      answers.push(client.text.slice(9, 12));
      for (const { peer } of bench.connections.slice(before)) peer.close();
      client.close();
      bench.transport.settle();
    }
    expect(answers.filter((status) => status === '200').length).toBe(10);
    expect(answers.slice(10).every((status) => status === '503')).toBe(true);
  });

  it('loses no buffer and no place over retries', () => {
    const bench = new EngineBench({
      flags: ['server-max-1'],
      configure: (config) => withRetry(all)(config),
    });
    for (const name of Object.keys(failures)) {
      const client = ask(bench);
      failures[name]!(bench, bench.connections.at(-1)!.peer);
      bench.transport.settle();
      bench.connections.at(-1)!.peer.write(OK);
      bench.transport.settle();
      expect(client.text).toBe(OK);
      client.close();
      for (const { peer } of bench.connections) peer.close();
      bench.transport.settle();
    }
    bench.transport.advance(30_000);
    expect(bench.missingBuffers).toBe(0);
    expect(bench.engine.queued).toBe(0);
  });
});

describe('a POST is never sent twice', () => {
  const post = 'POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nmoney=10';
  const everything = (config: PairConfig): PairConfig => ({
    ...config,
    http: { ...config.http, retryOn: ['empty', 'timeout', 'bad-answer', 500, 502, 503, 504] },
  });
  const ends = {
    fin: (_: EngineBench, peer: MemoryPeer) => peer.close(),
    rst: (_: EngineBench, peer: MemoryPeer) => peer.close(true),
    silence: (bench: EngineBench) => bench.transport.advance(5000),
  };

  /** A client whose POST (so much of it) is at a server, on a new connection or on a pooled one; and that connection. */
  function begin(bench: EngineBench, pooled: boolean, text: string): { client: MemoryPeer; peer?: MemoryPeer } {
    const client = bench.dial();
    for (const server of pooled ? [0, 1] : []) {
      client.write(GET);
      bench.transport.settle();
      bench.connections[server]!.peer.take();
      bench.connections[server]!.peer.write(OK);
      bench.transport.settle();
      expect(client.take()).toBe(OK);
    }
    client.write(text);
    bench.transport.settle();
    const peer = sentTo(bench)[0];
    return peer === undefined ? { client } : { client, peer };
  }

  function sentTo(bench: EngineBench): MemoryPeer[] {
    return bench.connections.filter(({ peer }) => peer.text.includes('POST')).map(({ peer }) => peer);
  }

  it.each([false, true])('whatever byte of the answer is the last one (over a pooled connection: %s)', (pooled) => {
    const answers = ['HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy', OK, 'HTTP/1.1 103 Hints\r\n\r\n', 'garbage'];
    for (const answer of answers) {
      for (let bytes = 0; bytes <= answer.length; bytes++) {
        for (const end of Object.values(ends)) {
          const bench = new EngineBench({ configure: everything });
          const { peer } = begin(bench, pooled, post);
          peer!.write(answer.slice(0, bytes));
          bench.transport.settle();
          end(bench, peer!);
          bench.transport.settle();
          expect(sentTo(bench)).toEqual([peer]);
          expect(bench.connections.length).toBe(pooled ? 2 : 1);
        }
      }
    }
  });

  it.each([false, true])('whatever byte of the request is the last that a server takes (pooled: %s)', (pooled) => {
    const head = post.indexOf('\r\n\r\n') + 4; // before that no server is chosen
    for (let bytes = head; bytes <= post.length; bytes++) {
      for (const end of Object.values(ends)) {
        const bench = new EngineBench({ configure: everything });
        const { client, peer } = begin(bench, pooled, post.slice(0, bytes));
        peer!.reading = false;
        client.write(post.slice(bytes));
        bench.transport.settle();
        end(bench, peer!);
        bench.transport.settle();
        expect(sentTo(bench)).toEqual([peer]);
        expect(bench.connections.length).toBe(pooled ? 2 : 1);
      }
    }
  });
});

describe('closeSessionsWhenDown', () => {
  it('ends what runs at a server that goes down: cut, 503, or once more elsewhere', () => {
    const bench = new EngineBench({ flags: ['cookie'], configure: app({ closeSessionsWhenDown: true }) });
    const sticky = (text: string): MemoryPeer =>
      ask(bench, text.replace('\r\n\r\n', '\r\nCookie: SERVERID=s2\r\n\r\n'));
    const answering = sticky(GET);
    bench.connections[0]!.peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123');
    const posting = sticky('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi');
    const asking = sticky(GET);
    bench.setUsable(1, false);
    bench.transport.settle();
    expect(answering.wasReset).toBe(true);
    expect(posting.text).toContain('HTTP/1.1 503 ');
    const moved = bench.connections.at(-1)!;
    expect(moved.server).toBe('web1');
    moved.peer.write(OK);
    bench.transport.settle();
    expect(asking.text).toContain('SERVERID=s1');
    expect(states(bench).toSorted()).toEqual(['--DI', 'DDVN', 'DHVN']);
  });

  it('leaves them without it', () => {
    const bench = new EngineBench();
    const client = ask(bench);
    bench.setUsable(0, false);
    bench.connections[0]!.peer.write(OK);
    bench.transport.settle();
    expect(client.text).toBe(OK);
  });
});
