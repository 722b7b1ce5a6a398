// What a server sends behind a complete answer belongs to nobody: wherever that answer ends in the receive buffers, and
// whoever waits for the place or comes later, nobody gets it as an answer. On the memory transport, at every boundary.
import type { PairConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { ask, EngineBench } from './engine-bench.ts';

const BUFFER_BYTES = 1024;
const POISON = 'HTTP/1.1 200 OK\r\nX-For: nobody\r\nContent-Length: 6\r\n\r\nPOISON';
const GOOD = 'HTTP/1.1 200 OK\r\nX-For: b\r\nContent-Length: 4\r\n\r\nGOOD';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** An answer of exactly so many bytes. */
type Framing = (bytes: number) => string;

const framings: Record<string, Framing> = {
  'Content-Length': (bytes) => fill(bytes, (n) => `HTTP/1.1 200 OK\r\nContent-Length: ${n}\r\n\r\n`),
  chunked: (bytes) => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    return fill(bytes - 7, (n) => `${head}${n.toString(16)}\r\n`) + '\r\n0\r\n\r\n';
  },
  'no body': (bytes) => fill(bytes - 4, () => 'HTTP/1.1 204 No Content\r\nX-Pad: ') + '\r\n\r\n',
  'interim and final': (bytes) =>
    fill(bytes, (n) => `HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: ${n}\r\n\r\n`),
};

function fill(bytes: number, head: (n: number) => string): string {
  let n = bytes - head(bytes).length;
  if (head(n).length + n < bytes) n++;
  return head(n) + 'A'.repeat(n);
}

/** A bench whose one server has one place, with one receive buffer's size that answers are laid out for. */
function benchOf(): EngineBench {
  const transport = { bufferBytes: BUFFER_BYTES };
  return new EngineBench({ flags: ['one-server', 'server-max-1', 'log-off'], transport });
}

/** Sends the pieces of a's answer with the poison behind it; tells what b got in the end. */
function served(bench: EngineBench, pieces: readonly string[]): string {
  const a = ask(bench, get('/a'));
  const waits = ask(bench, get('/b'));
  const [first] = bench.connections;
  for (const piece of pieces) {
    first!.peer.write(piece);
    bench.transport.settle();
  }
  answerAll(bench);
  const later = ask(bench, get('/b'));
  answerAll(bench);
  expect(a.text).not.toContain('POISON');
  return [waits, later].map(({ text }) => /X-For: (\w+)/.exec(text)?.[1] ?? text).join(' ');
}

/** Every server's connection answers what it has been asked for b. */
function answerAll(bench: EngineBench): void {
  for (let round = 0; round < 3; round++) {
    for (const { peer } of bench.connections) {
      if (wasAsked(peer)) peer.write(GOOD);
      peer.text = '';
    }
    bench.transport.settle();
  }
}

function wasAsked(peer: MemoryPeer): boolean {
  return peer.text.includes('GET /b') && !peer.ended && !peer.wasReset;
}

describe('bytes behind a complete answer', () => {
  for (const [name, framing] of Object.entries(framings)) {
    it(`never become the next answer: ${name}, ending anywhere around the end of a receive buffer`, () => {
      for (const at of [BUFFER_BYTES - 2, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1, 2 * BUFFER_BYTES, 300]) {
        const answer = framing(at);
        expect(answer.length).toBe(at);
        expect(served(benchOf(), [answer + POISON]), `ends at ${at}`).toBe('b b');
      }
    });

    it(`never become the next answer: ${name}, whose head comes in two pieces`, () => {
      for (const at of [BUFFER_BYTES, BUFFER_BYTES - 1, 300]) {
        const answer = framing(at);
        for (const cut of [1, 12, 30]) {
          const pieces = [answer.slice(0, cut), answer.slice(cut) + POISON];
          expect(served(benchOf(), pieces), `ends at ${at}, cut at ${cut}`).toBe('b b');
        }
      }
    });
  }

  it('end a connection that waits in the pool, so that the next request goes over another', () => {
    const bench = benchOf();
    ask(bench, get('/a'));
    const { peer } = bench.connections[0]!;
    peer.write(framings['no body']!(300));
    bench.transport.settle();
    peer.write(POISON); // has come, and is not told yet
    const b = ask(bench, get('/b'));
    answerAll(bench);
    expect(b.text).toContain('GOOD');
    expect(peer.wasReset).toBe(true);
  });

  it('are not waited for: an end without bytes behind it leaves the connection in use', () => {
    const bench = benchOf();
    expect(served(bench, [framings['Content-Length']!(BUFFER_BYTES)])).toBe('b b');
    expect(bench.connections.length).toBe(1);
  });

  it('an answer to what has not been sent yet is no reason to trust the connection', () => {
    const bench = new EngineBench({
      flags: ['one-server', 'server-max-1', 'log-off'],
      transport: { socketBytes: 32 },
    });
    bench.transport.serve({ address: '10.0.0.1', port: 80 }, (peer) => {
      peer.reading = bench.connections.length > 0; // the first takes less than the request
      bench.connections.push({ server: 'web1', peer });
    });
    const a = ask(bench, get('/a'));
    const [first] = bench.connections;
    const b = ask(bench, get('/b'));
    first!.peer.write(POISON);
    bench.transport.settle();
    bench.connections[1]!.peer.write(GOOD);
    bench.transport.settle();
    expect(a.text).toContain('POISON'); // its own server said so
    expect(b.text).toContain('GOOD');
    expect(bench.connections.length).toBe(2);
  });
});

describe('a connection object that is used again', () => {
  it('does not cut a long answer of our own because an earlier client had a stream of events', () => {
    const body = 'x'.repeat(60_000);
    const config = (before: PairConfig): PairConfig => ({
      ...before,
      frontends: before.frontends.map((frontend) => ({
        ...frontend,
        rules: [{ if: { acl: 'static' }, action: { type: 'return', status: 200, contentType: 'text/plain', body } }],
      })),
    });
    const bench = new EngineBench({ flags: ['log-off'], transport: { socketBytes: 4096 }, configure: config });
    const half = (): string => {
      const client = bench.dial();
      client.reading = false;
      client.write(get('/static'));
      client.end();
      bench.transport.settle();
      client.resume();
      bench.transport.settle();
      return client.text;
    };
    const fresh = half();
    expect(fresh.length).toBeGreaterThan(body.length);
    bench.transport.advance(50);
    const events = ask(bench, get('/events'));
    const { peer } = bench.connections[0]!;
    peer.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n');
    bench.transport.settle();
    events.close();
    bench.transport.advance(50);
    expect(half()).toBe(fresh);
  });
});
