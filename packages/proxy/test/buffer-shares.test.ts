// One client takes what all need: many more connections than there are buffers, each of which makes the engine
// keep something, by every way that there is. Whoever comes then, on another frontend, is served at once, without a
// millisecond passing; and when all have gone, nothing is missing.
import type { PairConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { app, ask, type BenchFlag, EngineBench, GET, OK } from './engine-bench.ts';

/** The listening socket of the other frontend. */
const OTHER = 8;
/** Five times as many as there are buffers of either kind: 10 000 of the 2048 that a worker has. */
const HOGS = 320;
const BUFFERS = { bufferBytes: 16_384, receiveBuffers: 64, sendBuffers: 128 };
const LARGE = 40_000;
const answer = (fields = ''): string =>
  `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${LARGE}\r\n\r\n${'b'.repeat(LARGE)}`;
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const WEBSOCKET = `GET / HTTP/1.1\r\nHost: a\r\n${UPGRADE}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
const SWITCH = `HTTP/1.1 101 Switching Protocols\r\n${UPGRADE}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n`;

/** What one hog does; `i` is its number. The server's side of its connection, if it has got one, is the last there. */
interface Way {
  readonly flags?: readonly BenchFlag[];
  readonly configure?: (config: PairConfig) => PairConfig;
  readonly buffers?: { readonly receiveBuffers: number; readonly sendBuffers: number };
  readonly play: (bench: EngineBench, i: number) => void;
}

function server(bench: EngineBench): MemoryPeer {
  return bench.connections.at(-1)!.peer;
}

function askSlowly(bench: EngineBench, text: string): MemoryPeer {
  const client = ask(bench, text);
  client.reading = false;
  return client;
}

const queued = app({ maxConnections: 1 });
const WAYS: Readonly<Record<string, Way>> = {
  'answers that nobody reads': {
    play: (bench) => {
      askSlowly(bench, GET);
      server(bench).write(answer());
    },
  },
  'answers that come in small pieces and that nobody reads': {
    play: (bench) => {
      askSlowly(bench, GET);
      server(bench).write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(9000)}`);
    },
  },
  'compressed answers that nobody reads': {
    flags: ['compress'],
    // A worker has ten times as many buffers as it compresses answers at one time.
    buffers: { receiveBuffers: 512, sendBuffers: 512 },
    play: (bench, i) => {
      askSlowly(bench, 'GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
      let text = '';
      for (let n = i + 1; text.length < LARGE; n = (n * 48_271) % 2_147_483_647) text += n;
      server(bench).write(
        `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      );
    },
  },
  'requests that wait for a place': { configure: queued, play: (bench) => void ask(bench) },
  'large heads that wait for a place': {
    configure: queued,
    play: (bench) => void ask(bench, `GET /${'p'.repeat(3000)} HTTP/1.1\r\nHost: a\r\n\r\n`),
  },
  'bodies that wait for a place': {
    configure: queued,
    play: (bench) =>
      void ask(bench, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${LARGE}\r\n\r\n${'r'.repeat(LARGE)}`),
  },
  'requests that a server does not answer': { play: (bench) => void ask(bench) },
  'requests for a server that cannot be reached': {
    play: (bench) => {
      bench.transport.fault({ address: '10.0.0.1', port: 80 }, 0);
      ask(bench);
    },
  },
  'bodies that a server does not read': {
    play: (bench) => {
      const client = ask(bench, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${LARGE}\r\n\r\n`);
      server(bench).reading = false;
      client.write('r'.repeat(LARGE));
    },
  },
  'two bytes behind a request': {
    play: (bench) => {
      const client = ask(bench);
      for (let n = 0; n < 2; n++) {
        client.write('G');
        bench.transport.settle();
      }
    },
  },
  'requests behind a request': { play: (bench) => void ask(bench, GET.repeat(500)) },
  'heads that do not end': { play: (bench) => void ask(bench, 'G') },
  'PROXY headers that do not end': { flags: ['accept-proxy'], play: (bench) => void ask(bench, 'PROXY') },
  'streams that wait for a place': { flags: ['tcp'], configure: queued, play: (bench) => void ask(bench, 'x') },
  'large streams that wait for a place': {
    flags: ['tcp'],
    configure: queued,
    play: (bench) => void ask(bench, 'x'.repeat(LARGE)),
  },
  'streams that nobody reads': {
    flags: ['tcp'],
    play: (bench) => {
      askSlowly(bench, 'x');
      server(bench).write('y'.repeat(LARGE));
    },
  },
  'tunnels whose client does not read': {
    play: (bench) => {
      askSlowly(bench, WEBSOCKET);
      server(bench).write(SWITCH + 'y'.repeat(LARGE));
    },
  },
  'tunnels whose server does not read': {
    play: (bench) => {
      const client = ask(bench, WEBSOCKET);
      server(bench).write(SWITCH);
      bench.transport.settle();
      server(bench).reading = false;
      client.write('x'.repeat(LARGE));
    },
  },
};

function benchFor({ flags = [], configure = (same) => same, buffers }: Partial<Way>): EngineBench {
  const bench = new EngineBench({
    flags: ['one-server', 'log-off', ...flags],
    transport: { ...BUFFERS, ...buffers, socketBytes: 8192, latePieces: 1 },
    configure: (config) => {
      const changed = configure(config);
      const main = { ...changed.frontends[0]!, maxConnections: 1000 };
      const { compression: _, ...plain } = main;
      return { ...changed, frontends: [main, { ...plain, name: 'other', mode: 'http', defaultBackend: 'static' }] };
    },
  });
  bench.engine.listen(OTHER, 1, { port: 81 });
  return bench;
}

/** What a client of the other frontend and its server hear of each other, without any time passing. */
function exchange(bench: EngineBench): string {
  const client = bench.transport.dial(OTHER);
  client.write(GET);
  bench.transport.settle();
  const files = bench.connections.filter(({ server: name }) => name === 'files').at(-1);
  files?.peer.write(OK);
  bench.transport.settle();
  const { text } = client;
  client.close();
  return text;
}

describe('Nobody takes what all need', () => {
  for (const [name, way] of Object.entries(WAYS)) {
    it(`${HOGS} times ${name}: others are served at once`, () => {
      const bench = benchFor(way);
      for (let i = 0; i < HOGS; i++) {
        way.play(bench, i);
        bench.transport.settle();
      }
      for (let i = 0; i < 3; i++) expect(exchange(bench)).toBe(OK);
      bench.engine.closeAll();
      bench.transport.advance(30_000);
      expect(bench.missingBuffers).toBe(0);
      expect(Math.max(...bench.engine.resting)).toBe(0);
    });
  }

  it('when even the smallest pieces have no room, who has stood still for a second gives way', () => {
    const bench = benchFor({ buffers: { receiveBuffers: 32, sendBuffers: 16 } });
    const clients = Array.from({ length: HOGS }, () => {
      const client = askSlowly(bench, GET);
      server(bench).write(answer());
      bench.transport.settle();
      return client;
    });
    bench.transport.advance(1100);
    for (let i = 0; i < 3; i++) expect(exchange(bench)).toBe(OK);
    const reset = clients.filter(({ wasReset }) => wasReset).length;
    expect(reset).toBeGreaterThan(0);
    expect(reset).toBeLessThan(HOGS);
  });

  it('all that was kept comes out whole when it is asked for after all', () => {
    const bench = benchFor({});
    const body = (i: number): string => `${i}.`.repeat(5000);
    const clients = Array.from({ length: 100 }, (_, i) => {
      const client = askSlowly(bench, `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`);
      server(bench).write(`HTTP/1.1 200 OK\r\nContent-Length: ${body(i).length}\r\n\r\n${body(i)}`);
      bench.transport.settle();
      return client;
    });
    for (const client of clients) client.resume();
    bench.transport.settle();
    const wrong = clients.filter(({ text }, i) => text.split('\r\n\r\n')[1] !== body(i));
    expect(wrong.length).toBe(0);
  });

  it('killing a server costs no GET, however many are under way at it', () => {
    const bench = benchFor({ configure: (config) => ({ ...config, http: { ...config.http, retryOn: ['empty'] } }) });
    const clients = Array.from({ length: HOGS }, () => ask(bench));
    const before = [...bench.connections];
    for (const { peer } of before) peer.close(true);
    bench.transport.advance(1000);
    for (const { peer } of bench.connections.slice(before.length)) peer.write(OK);
    bench.transport.settle();
    expect(clients.filter(({ text }) => text === OK).length).toBe(HOGS);
  });
});
