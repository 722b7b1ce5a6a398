// Balancing in the engine, on the memory transport: who gets a request, by each way of balancing, and how that changes
// with states and weights of servers.
import type { PairConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { HeaderWord, ServerAdmin, serverWord, ServerWord } from '../src/core/shared.ts';
import { app, ask, EngineBench, GET } from './engine-bench.ts';

type Backend = PairConfig['backends'][number];
type Server = Backend['servers'][number];

function servers(count: number, change: (i: number) => Partial<Server> = () => ({})): Server[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `web${i + 1}`,
    address: `10.0.0.${i + 1}`,
    port: 80,
    weight: 1,
    ...change(i),
  }));
}

function open(backend: Partial<Backend>, random?: () => number): EngineBench {
  return new EngineBench({
    flags: ['no-forwarded'],
    configure: app(backend),
    ...(random === undefined ? {} : { random }),
  });
}

const ANSWER = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

interface Placed {
  readonly server: string;
  readonly peer: MemoryPeer;
  readonly client: MemoryPeer;
}

/** Sends a request and says who got it; it stays under way. */
function placed(bench: EngineBench, text = GET, address?: string): Placed | null {
  const before = bench.connections.length;
  const client = bench.dial(address);
  client.write(text);
  bench.transport.settle();
  const connection = bench.connections[before];
  return connection === undefined ? null : { ...connection, client };
}

/** Sends a request, answers it, and says who did. */
function served(bench: EngineBench, text = GET, address?: string): string {
  const connection = placed(bench, text, address);
  connection?.peer.write(ANSWER);
  connection?.peer.end();
  bench.transport.settle();
  connection?.client.close();
  bench.transport.settle();
  return connection?.server ?? 'nobody';
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

function counts(names: readonly string[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name of names) result[name] = (result[name] ?? 0) + 1;
  return result;
}

function setWeight(bench: EngineBench, server: number, weight: number): void {
  bench.words[serverWord(server) + ServerWord.weight] = weight;
  bench.words[HeaderWord.generation]! += 1;
  bench.transport.advance(bench.transport.tickMs);
}

/** A small deterministic generator. */
function fixedRandom(): () => number {
  let seed = 7;
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
}

describe('balance roundrobin', () => {
  it('follows weights, also when they change', () => {
    const bench = open({ servers: servers(2, (i) => ({ weight: i === 0 ? 3 : 1 })) });
    expect(counts(times(8, () => served(bench)))).toEqual({ web1: 6, web2: 2 });
    setWeight(bench, 1, 3);
    expect(counts(times(8, () => served(bench)))).toEqual({ web1: 4, web2: 4 });
    setWeight(bench, 1, 0);
    expect(counts(times(8, () => served(bench)))).toEqual({ web1: 8 });
  });
});

describe('balance leastconn', () => {
  it('fills servers in proportion to their weights', () => {
    const bench = open({ balance: 'leastconn', servers: servers(3, (i) => ({ weight: i === 0 ? 2 : 1 })) });
    const names = times(40, () => placed(bench)!.server);
    expect(counts(names)).toEqual({ web1: 20, web2: 10, web3: 10 });
  });

  it('gives the next request to whoever has become free, and turns to idle servers', () => {
    const bench = open({ balance: 'leastconn', servers: servers(3) });
    const running = times(9, () => placed(bench)!);
    for (const { server, peer } of running) if (server === 'web2') peer.write(ANSWER);
    bench.transport.settle();
    expect(times(3, () => placed(bench)!.server)).toEqual(['web2', 'web2', 'web2']);
    const idle = open({ balance: 'leastconn', servers: servers(3, (i) => ({ weight: i + 1 })) });
    expect(counts(times(9, () => served(idle)))).toEqual({ web1: 3, web2: 3, web3: 3 });
  });

  it('counts the requests of all workers', () => {
    const bench = open({ balance: 'leastconn', servers: servers(2) });
    Atomics.add(bench.words, serverWord(0) + ServerWord.inUse, 5);
    expect(counts(times(5, () => placed(bench)!.server))).toEqual({ web2: 5 });
  });
});

describe('balance random2', () => {
  it('is nearly as even as leastconn, and follows weights', () => {
    const bench = open({ balance: 'random2', servers: servers(10) }, fixedRandom());
    const even = Object.values(counts(times(90, () => placed(bench)!.server)));
    expect(even.length).toBe(10);
    expect(Math.max(...even)).toBeLessThanOrEqual(13);
    expect(Math.min(...even)).toBeGreaterThanOrEqual(5);
    const weighted = open(
      { balance: 'random2', servers: servers(2, (i) => ({ weight: i === 0 ? 3 : 1 })) },
      fixedRandom(),
    );
    const shares = counts(times(80, () => placed(weighted)!.server));
    expect(shares['web1']).toBeGreaterThan(50);
    expect(shares['web1']).toBeLessThan(70);
  });

  it('passes over full servers', () => {
    const limited = servers(3, (i) => (i < 2 ? { maxConnections: 1 } : {}));
    const bench = open({ balance: 'random2', servers: limited }, fixedRandom());
    expect(counts(times(12, () => placed(bench)!.server))).toEqual({ web1: 1, web2: 1, web3: 10 });
  });
});

describe('balance first', () => {
  it('fills servers in order up to their limits', () => {
    const bench = open({ balance: 'first', servers: servers(3, () => ({ maxConnections: 2 })) });
    const running = times(5, () => placed(bench)!);
    expect(running.map(({ server }) => server)).toEqual(['web1', 'web1', 'web2', 'web2', 'web3']);
    running[1]!.peer.write(ANSWER);
    bench.transport.settle();
    expect(placed(bench)!.server).toBe('web1');
  });
});

describe('balance by hash', () => {
  const paths = times(60, (i) => `/item/${i}`);
  const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

  it('uri: a path always goes to the same server, whatever its query; the whole target if asked for', () => {
    const bench = open({ balance: 'uri', servers: servers(4) });
    const owners = paths.map((path) => served(bench, get(path)));
    expect(Object.keys(counts(owners)).length).toBe(4);
    expect(paths.map((path, i) => served(bench, get(`${path}?q=${i}`)))).toEqual(owners);
    const whole = open({ balance: 'uri', hash: { wholeUri: true, boundPercent: 0 }, servers: servers(4) });
    expect(Object.keys(counts(times(60, (i) => served(whole, get(`/same?q=${i}`))))).length).toBe(4);
  });

  it('moves only the paths of a server that goes down, and brings them back', () => {
    const bench = open({ balance: 'uri', servers: servers(4) });
    const owners = paths.map((path) => served(bench, get(path)));
    bench.setUsable(2, false);
    const without = paths.map((path) => served(bench, get(path)));
    for (const [i, owner] of owners.entries()) {
      if (owner === 'web3') expect(without[i]).not.toBe('web3');
      else expect(without[i]).toBe(owner);
    }
    bench.setUsable(2, true);
    expect(paths.map((path) => served(bench, get(path)))).toEqual(owners);
  });

  it('is the same on the other node, and with servers in another order', () => {
    const one = open({ balance: 'uri', servers: servers(4) });
    const other = open({ balance: 'uri', servers: servers(4).toReversed() });
    for (const path of paths) expect(served(other, get(path))).toBe(served(one, get(path)));
  });

  it('source: a client always goes to the same server', () => {
    const bench = open({ balance: 'source', servers: servers(4) });
    const addresses = times(40, (i) => `198.51.100.${i}`);
    const owners = addresses.map((address) => served(bench, GET, address));
    expect(Object.keys(counts(owners)).length).toBe(4);
    expect(addresses.map((address) => served(bench, get('/other'), address))).toEqual(owners);
  });

  it('header and cookie: by their value; requests without one take turns', () => {
    for (const [balance, field] of [
      ['header', (i: number) => `X-User: u${i}\r\n`],
      ['cookie', (i: number) => `Cookie: a=b; X-User=u${i}\r\n`],
    ] as const) {
      const bench = open({ balance, hash: { name: 'X-User', wholeUri: false, boundPercent: 0 }, servers: servers(4) });
      const owners = times(40, (i) => served(bench, get('/', field(i))));
      expect(Object.keys(counts(owners)).length).toBe(4);
      expect(times(40, (i) => served(bench, get(`/${i}`, field(i))))).toEqual(owners);
      expect(counts(times(8, () => served(bench)))).toEqual({ web1: 2, web2: 2, web3: 2, web4: 2 });
    }
  });

  it('waits for a full server without a bound, goes on to the next one with it', () => {
    const limited = servers(4, () => ({ maxConnections: 2 }));
    const strict = open({ balance: 'uri', servers: limited });
    const taken = times(4, () => placed(strict, get('/hot')));
    expect(taken.filter((connection) => connection !== null).length).toBe(2);
    expect(strict.engine.queued).toBe(2);
    taken[0]!.peer.write(ANSWER);
    strict.transport.settle();
    expect(strict.engine.queued).toBe(1);

    const bounded = open({
      balance: 'uri',
      hash: { wholeUri: false, boundPercent: 125 },
      servers: servers(4),
    });
    const most = Object.values(counts(times(40, () => placed(bounded, get('/hot'))!.server)));
    expect(Math.max(...most)).toBeLessThanOrEqual(13); // 125 % of 10, rounded up
    expect(served(open({ balance: 'uri', servers: servers(4) }), get('/cold'))).toBe(
      served(open({ balance: 'uri', hash: { wholeUri: false, boundPercent: 125 }, servers: servers(4) }), get('/cold')),
    );
  });
});

describe('backup servers', () => {
  const three = servers(3, (i) => ({ backup: i > 0 }));

  it('serve together when nobody else can, and only then', () => {
    const bench = open({ servers: three });
    expect(counts(times(4, () => served(bench)))).toEqual({ web1: 4 });
    bench.setUsable(0, false);
    expect(counts(times(4, () => served(bench)))).toEqual({ web2: 2, web3: 2 });
    bench.setUsable(0, true);
    expect(served(bench)).toBe('web1');
    bench.setAdmin(0, ServerAdmin.MAINT);
    expect(counts(times(4, () => served(bench)))).toEqual({ web2: 2, web3: 2 });
  });
});

describe('panic threshold', () => {
  it('uses servers that are down as well when too few are up', () => {
    const bench = open({ panicPercent: 50, servers: servers(4) });
    for (const server of [0, 1]) bench.setUsable(server, false);
    expect(counts(times(4, () => served(bench)))).toEqual({ web3: 2, web4: 2 });
    bench.setUsable(2, false);
    expect(counts(times(8, () => served(bench)))).toEqual({ web1: 2, web2: 2, web3: 2, web4: 2 });
    bench.setAdmin(0, ServerAdmin.MAINT);
    expect(Object.keys(counts(times(6, () => served(bench))))).not.toContain('web1');
  });
});

describe('slow start', () => {
  it('gives a server that comes back its weight in steps', () => {
    const bench = open({ slowStartMs: 16_000, servers: servers(2) });
    expect(counts(times(16, () => served(bench)))).toEqual({ web1: 8, web2: 8 });
    bench.setUsable(1, false);
    bench.transport.advance(1000);
    bench.setUsable(1, true);
    const shares: number[] = [];
    for (let i = 0; i < 5; i++) {
      shares.push(counts(times(64, () => served(bench)))['web2'] ?? 0);
      bench.transport.advance(4000);
    }
    expect(shares[0]).toBeLessThan(8);
    for (let i = 1; i < 5; i++) expect(shares[i]!).toBeGreaterThan(shares[i - 1]!);
    expect(shares[4]).toBe(32);
  });

  it('raises its limit with it', () => {
    const bench = open({ slowStartMs: 16_000, balance: 'first', servers: servers(2, () => ({ maxConnections: 16 })) });
    bench.setUsable(0, false);
    bench.setUsable(0, true);
    const names = times(4, () => placed(bench)!.server);
    expect(names).toEqual(['web1', 'web2', 'web2', 'web2']);
    bench.transport.advance(20_000);
    expect(times(15, () => placed(bench)!.server)).toEqual(times(15, () => 'web1'));
  });
});

describe('a retried request', () => {
  it('passes over the server that has failed it, by any way of balancing', () => {
    for (const balance of ['roundrobin', 'leastconn', 'random2', 'first', 'uri', 'source'] as const) {
      for (const gone of [1, 2]) {
        const bench = open({ balance, servers: servers(2) }, fixedRandom());
        bench.transport.unserve({ address: `10.0.0.${gone}`, port: 80 });
        for (let i = 0; i < 4; i++) {
          const client = ask(bench, `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`);
          bench.connections.at(-1)!.peer.write(ANSWER);
          bench.transport.settle();
          expect(client.text).toContain('200 OK');
        }
        expect(counts(bench.connections.map(({ server }) => server))).toEqual({ [`web${3 - gone}`]: 4 });
      }
    }
  });
});
