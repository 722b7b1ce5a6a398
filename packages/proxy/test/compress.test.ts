// Compressed answers on the memory transport: what the client decodes is what the server sent, however it came, and a
// body that was cut never looks whole. The decoders are those of node:zlib.
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ask, EngineBench } from './engine-bench.ts';

const TEXT = 'A line of text that repeats itself, as the text of pages does. '.repeat(3);

interface Answer {
  readonly head: string;
  readonly body: Uint8Array;
  /** The last chunk has come. */
  readonly whole: boolean;
}

/** Takes an answer with a chunked body apart. */
function parse(raw: string): Answer {
  const split = raw.indexOf('\r\n\r\n') + 4;
  const head = raw.slice(0, split);
  const pieces: Buffer[] = [];
  let at = split;
  for (;;) {
    const end = raw.indexOf('\r\n', at);
    if (end < 0) return { head, body: Buffer.concat(pieces), whole: false };
    const size = Number.parseInt(raw.slice(at, end), 16);
    if (size === 0) return { head, body: Buffer.concat(pieces), whole: raw.slice(end) === '\r\n\r\n' };
    pieces.push(Buffer.from(raw.slice(end + 2, end + 2 + size), 'latin1'));
    at = end + 2 + size + 2;
  }
}

function request(accept: string, method = 'GET', version = '1.1'): string {
  return `${method} / HTTP/${version}\r\nHost: a\r\nAccept-Encoding: ${accept}\r\n\r\n`;
}

function chunked(body: string, size: number): string {
  let out = '';
  for (let at = 0; at < body.length; at += size) {
    const piece = body.slice(at, at + size);
    out += `${piece.length.toString(16)};x=y\r\n${piece}\r\n`;
  }
  return `${out}0\r\n\r\n`;
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n';

/** The three ways in which a server ends a body. */
const FRAMINGS: Readonly<Record<string, (body: string) => string>> = {
  length: (body) => `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`,
  chunked: (body) => `${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunked(body, 50)}`,
  close: (body) => `${HEAD}\r\n${body}`,
};

function decode(coding: string, body: Uint8Array): string {
  return (coding === 'br' ? brotliDecompressSync(body) : gunzipSync(body)).toString('latin1');
}

describe('compressed answers', () => {
  for (const coding of ['gzip', 'br']) {
    for (const [framing, write] of Object.entries(FRAMINGS)) {
      it(`${coding}, ${framing}: every split of the server's bytes decodes to the same body`, () => {
        const bytes = write(TEXT);
        for (let at = 1; at <= bytes.length; at++) {
          const bench = new EngineBench({ flags: ['compress', 'one-server'] });
          const client = ask(bench, request(coding));
          const server = bench.connections[0]!.peer;
          server.write(bytes.slice(0, at));
          bench.transport.settle();
          server.write(bytes.slice(at));
          if (framing === 'close') server.end();
          bench.transport.settle();
          const answer = parse(client.take());
          expect(answer.head).toContain(`\r\nContent-Encoding: ${coding}\r\n`);
          expect(answer.whole).toBe(true);
          expect(decode(coding, answer.body)).toBe(TEXT);
          expect(client.ended).toBe(false);
          client.close();
          bench.transport.advance(10_000);
          expect(bench.missingBuffers).toBe(0);
          expect(bench.engine.compression!.pool.lent).toBe(0);
        }
      });

      it(`${coding}, ${framing}: a body that is cut is never shown as whole`, () => {
        const bytes = write(TEXT);
        const bodyStart = bytes.indexOf('\r\n\r\n') + 4;
        for (let at = bodyStart; at < bytes.length; at += 7) {
          const bench = new EngineBench({ flags: ['compress', 'one-server'] });
          const client = ask(bench, request(coding));
          const server = bench.connections[0]!.peer;
          server.write(bytes.slice(0, at));
          bench.transport.settle();
          server.close(true);
          bench.transport.settle();
          const answer = parse(client.take());
          expect(answer.whole && answer.head.includes(' 200 ')).toBe(false);
          expect(client.ended || client.wasReset).toBe(true);
          bench.transport.advance(10_000);
          expect(bench.missingBuffers).toBe(0);
          expect(bench.engine.compression!.pool.lent).toBe(0);
        }
      });
    }
  }

  it('random bodies in random pieces, with a client that stops reading now and then', () => {
    let seed = 20_261_122;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let run = 0; run < 60; run++) {
      const size = 16 + random(200_000);
      const alphabet = 2 + random(250);
      let body = '';
      for (let i = 0; i < size; i++) body += String.fromCharCode(random(alphabet));
      const coding = random(2) === 0 ? 'gzip' : 'br';
      const names = Object.keys(FRAMINGS);
      const framing = names[random(names.length)]!;
      const bytes = FRAMINGS[framing]!(body);
      const bench = new EngineBench({ flags: ['compress', 'one-server'], transport: { socketBytes: 8192 } });
      const client = ask(bench, request(coding));
      const server = bench.connections[0]!.peer;
      let got = '';
      for (let at = 0; at < bytes.length;) {
        const piece = 1 + random(20_000);
        server.write(bytes.slice(at, at + piece));
        at += piece;
        client.reading = random(4) !== 0;
        bench.transport.settle();
        got += client.take();
      }
      if (framing === 'close') server.end();
      client.resume();
      bench.transport.settle();
      got += client.take();
      const answer = parse(got);
      expect(answer.whole).toBe(true);
      expect(decode(coding, answer.body) === body).toBe(true);
      client.close();
      bench.transport.advance(10_000);
      expect(bench.missingBuffers).toBe(0);
    }
  });

  it('keeps the connection, and compresses the next answer too', () => {
    const bench = new EngineBench({ flags: ['compress', 'one-server'] });
    const client = ask(bench, request('gzip'));
    for (let i = 0; i < 3; i++) {
      bench.connections[0]!.peer.write(FRAMINGS['length']!(TEXT));
      bench.transport.settle();
      expect(decode('gzip', parse(client.take()).body)).toBe(TEXT);
      client.write(request('gzip'));
      bench.transport.settle();
    }
    expect(bench.connections.length).toBe(1);
  });

  it('gives out what has come when a server of unknown length pauses', () => {
    const bench = new EngineBench({ flags: ['compress', 'one-server'] });
    const client = ask(bench, request('gzip'));
    bench.connections[0]!.peer.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n`);
    bench.transport.settle();
    const answer = parse(client.take());
    expect(answer.whole).toBe(false);
    expect(gunzipSync(answer.body, { finishFlush: 2 }).toString()).toBe('first');
  });

  it('many large answers: a small request is answered between their slices', () => {
    const bench = new EngineBench({
      flags: ['compress', 'one-server'],
      transport: { socketBytes: 1 << 20, bufferBytes: 65_536, receiveBuffers: 64, sendBuffers: 128 },
    });
    const body = TEXT.repeat(3000);
    const clients = Array.from({ length: 8 }, () => ask(bench, request('gzip')));
    for (const { peer } of bench.connections) peer.write(FRAMINGS['length']!(body));
    bench.transport.settle();
    for (const client of clients) expect(decode('gzip', parse(client.take()).body) === body).toBe(true);
    expect(bench.engine.compression!.first).toBe(null);
  });

  it('without a compressor to spare the answer goes out as it is, and Vary says that it might not', () => {
    const bench = new EngineBench({ flags: ['compress', 'one-server'] });
    const clients = Array.from({ length: 27 }, () => {
      const client = ask(bench, request('br'));
      bench.connections.at(-1)!.peer.write(`${HEAD}Content-Length: 1000\r\n\r\nbegin`);
      bench.transport.settle();
      return client;
    });
    const heads = clients.map((client) => client.take());
    const plain = heads.filter((head) => !head.includes('Content-Encoding'));
    // 64 MiB of native memory: 25 streams of Brotli.
    expect(plain.length).toBe(2);
    for (const head of heads) expect(head).toContain('\r\nVary: Accept-Encoding\r\n');
    for (const client of clients) client.close();
    bench.transport.advance(10_000);
    expect(bench.engine.compression!.pool.lent).toBe(0);
    const again = ask(bench, request('br'));
    bench.connections.at(-1)!.peer.write(`${HEAD}Content-Length: 1000\r\n\r\nbegin`);
    bench.transport.settle();
    expect(again.take()).toContain('\r\nContent-Encoding: br\r\n');
  });
});
