// Byte streams over real sockets, on the ring and on the node transport: bulk both ways, half-close, back-pressure,
// resets, PROXY protocol headers, server-sent events. What a stream carries is known byte by byte.
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import type { PairConfig, ServerConfig } from '@tospann/config';
import { closeFd, localAddress, openListener, probeIoUring } from '@tospann/linux';
import { describe, expect, it } from 'vitest';
import { decodeProxyHeader } from '../src/core/proxy-protocol/decode.ts';
import { startProxy, type ProxyService } from '../src/index.ts';
import { benchConfig } from './engine-bench.ts';
import { startWorker } from './start-worker.ts';

const ENGINES = probeIoUring().usable ? (['ring', 'node'] as const) : (['node'] as const);
const MIB = 2 ** 20;
/** Byte i of a stream is that of this pattern, again and again; its length is no power of two. */
const PATTERN = Buffer.from(Array.from({ length: 65_521 }, (_, i) => (Math.imul(i + 1, 2_654_435_761) >>> 24) & 255));

async function until(done: () => boolean): Promise<void> {
  const endMs = performance.now() + 45_000;
  while (!done()) {
    if (performance.now() > endMs) throw new Error('it did not happen within 45 s');
    await pause(5);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** One end of a stream: sends the pattern, and checks what comes against it. */
class End {
  readonly socket: net.Socket;
  got = 0;
  wrongAt = -1;
  ended = false;
  failed = '';
  closed = false;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('end', () => (this.ended = true));
    socket.on('error', (error: NodeJS.ErrnoException) => (this.failed = error.code ?? error.message));
    socket.on('close', () => (this.closed = true));
  }

  /** Sends so many bytes of the pattern from its beginning, as the socket takes them; then FIN. */
  send(bytes: number): void {
    let sent = 0;
    const more = (): void => {
      while (sent < bytes) {
        const from = sent % PATTERN.length;
        const piece = PATTERN.subarray(from, Math.min(PATTERN.length, from + bytes - sent));
        sent += piece.length;
        if (!this.socket.write(piece)) return;
      }
      this.socket.end();
    };
    this.socket.on('drain', more);
    more();
  }

  #take(bytes: Buffer): void {
    for (let done = 0; done < bytes.length;) {
      const from = (this.got + done) % PATTERN.length;
      const length = Math.min(bytes.length - done, PATTERN.length - from);
      const same = bytes.subarray(done, done + length).equals(PATTERN.subarray(from, from + length));
      if (!same && this.wrongAt < 0) this.wrongAt = this.got + done;
      done += length;
    }
    this.got += bytes.length;
  }
}

/** A proxy before one played server. */
class Site implements AsyncDisposable {
  readonly ends: End[] = [];
  readonly sockets: net.Socket[] = [];
  service!: ProxyService;
  port = 0;
  /** What the worker says of its transport when it ends. */
  figures: Readonly<Record<string, number>> = {};
  readonly #server: net.Server;
  #fd = -1;

  constructor(server: net.Server) {
    this.#server = server;
  }

  static async open(
    engine: 'ring' | 'node',
    options: { server?: net.Server; mode?: 'http' | 'tcp'; sendProxy?: 'v1' | 'v2'; acceptProxy?: boolean } = {},
  ): Promise<Site> {
    const server = options.server ?? net.createServer({ allowHalfOpen: true, noDelay: true });
    const site = new Site(server);
    server.on('connection', (socket) => site.sockets.push(socket));
    if (options.server === undefined) server.on('connection', (socket) => site.ends.push(new End(socket)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    site.#start(engine, {
      mode: options.mode ?? 'tcp',
      acceptProxy: options.acceptProxy ?? false,
      server: {
        name: 'web1',
        address: '127.0.0.1',
        port: (server.address() as AddressInfo).port,
        weight: 1,
        ...(options.sendProxy === undefined ? {} : { sendProxy: options.sendProxy }),
      },
    });
    await site.service.ready;
    return site;
  }

  #start(
    engine: 'ring' | 'node',
    { mode, server, acceptProxy }: { mode: 'http' | 'tcp'; server: ServerConfig; acceptProxy: boolean },
  ): void {
    this.#fd = openListener({ address: '127.0.0.1', port: 0 });
    this.port = localAddress(this.#fd).port;
    const config = benchConfig(['one-server', 'log-off']);
    const bind = {
      address: '127.0.0.1',
      port: this.port,
      ...(acceptProxy ? { acceptProxyFrom: ['127.0.0.0/8'] } : {}),
    };
    const whole: PairConfig = {
      ...config,
      frontends: config.frontends.map((frontend) => ({ ...frontend, mode, binds: [bind], rules: [] })),
      backends: [{ ...config.backends[0]!, servers: [server] }],
      timeouts: { ...config.timeouts, tunnelMs: 60_000, clientMs: 60_000, serverMs: 60_000 },
      proxy: { engine, threads: 1, user: '' },
    };
    this.service = startProxy({
      config: whole,
      listeners: [{ frontend: 'main', fd: this.#fd }],
      startWorker: (name, workerData) => {
        const worker = startWorker(name, workerData);
        worker.on('message', (message: { type: string; figures?: Record<string, number> }) => {
          if (message.figures !== undefined) this.figures = message.figures;
        });
        return worker;
      },
      onEvent: () => undefined,
      log: () => undefined,
      onFatal: (error) => {
        throw error;
      },
      buffers: 64,
    });
  }

  /** A client, and the server's end once it is connected. */
  async pair(): Promise<{ client: End; server: End }> {
    const before = this.ends.length;
    const client = new End(net.connect({ host: '127.0.0.1', port: this.port, allowHalfOpen: true, noDelay: true }));
    this.sockets.push(client.socket);
    await until(() => this.ends.length > before);
    return { client, server: this.ends[before]! };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.close();
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    closeFd(this.#fd);
  }
}

describe.each(ENGINES)('byte streams over sockets, %s', (engine) => {
  it('carries much both ways at once, and then FIN', async () => {
    const site = await Site.open(engine);
    {
      await using _ = site;
      const { client, server } = await site.pair();
      client.send(16 * MIB + 5);
      server.send(24 * MIB + 7);
      await until(() => client.ended && server.ended);
      expect([client.got, client.wrongAt, client.failed]).toEqual([24 * MIB + 7, -1, '']);
      expect([server.got, server.wrongAt, server.failed]).toEqual([16 * MIB + 5, -1, '']);
      await until(() => site.service.snapshot().frontends[0]!.currentConnections === 0);
      const { bytesInTotal, bytesOutTotal } = site.service.snapshot().frontends[0]!;
      expect([bytesInTotal, bytesOutTotal]).toEqual([16 * MIB + 5, 24 * MIB + 7]);
    }
    if (engine === 'ring') expect(site.figures['relayedBytes']).toBeGreaterThan(MIB);
  });

  it('goes on with one direction when the other has ended long ago', async () => {
    await using site = await Site.open(engine);
    const { client, server } = await site.pair();
    client.send(8 * MIB);
    await until(() => server.ended);
    expect(client.ended).toBe(false);
    server.send(8 * MIB + 1);
    await until(() => client.ended);
    expect([client.got, client.wrongAt, server.got, server.wrongAt]).toEqual([8 * MIB + 1, -1, 8 * MIB, -1]);
  });

  it('serves words after bulk on the same connection', async () => {
    await using site = await Site.open(engine);
    const { client, server } = await site.pair();
    let at = 0;
    const say = async (from: End, to: End, bytes: number): Promise<void> => {
      const before = to.got;
      for (let left = bytes; left > 0;) {
        const begin = (to === server ? at : to.got + (bytes - left) - (to.got - before)) % PATTERN.length;
        const piece = PATTERN.subarray(begin, Math.min(PATTERN.length, begin + left));
        from.socket.write(piece);
        if (to === server) at += piece.length;
        left -= piece.length;
      }
      await until(() => to.got === before + bytes);
    };
    await say(client, server, 4 * MIB);
    for (let i = 0; i < 20; i++) {
      await say(server, client, 100);
      await say(client, server, 100);
    }
    expect([client.wrongAt, server.wrongAt]).toEqual([-1, -1]);
  });

  it('stops the sender when the reader stops, and loses nothing', async () => {
    await using site = await Site.open(engine);
    const { client, server } = await site.pair();
    client.socket.pause();
    const bytes = 128 * MIB;
    server.send(bytes);
    const written = (): number => server.socket.bytesWritten - server.socket.writableLength;
    let before = -1;
    let still = 0;
    await until(() => {
      still = written() === before ? still + 1 : 0;
      before = written();
      return still > 60;
    });
    // Two pairs of socket buffers and little else.
    expect(before).toBeLessThan(bytes / 2);
    client.socket.resume();
    await until(() => client.ended);
    expect([client.got, client.wrongAt]).toEqual([bytes, -1]);
  });

  it('passes a reset on in the middle of bulk, from either side', async () => {
    await using site = await Site.open(engine);
    for (const who of ['client', 'server'] as const) {
      const pair = await site.pair();
      const other = who === 'client' ? pair.server : pair.client;
      other.send(256 * MIB);
      await until(() => pair[who].got > 4 * MIB);
      pair[who].socket.resetAndDestroy();
      await until(() => other.closed);
      expect(other.failed).toMatch(/ECONNRESET|EPIPE/);
    }
    await until(() => site.service.snapshot().frontends[0]!.currentConnections === 0);
  });

  it.each(['v1', 'v2'] as const)('tells the server who the client is by the PROXY protocol, %s', async (version) => {
    const heard: Buffer[] = [];
    const server = net.createServer((socket) => socket.on('data', (bytes: Buffer) => heard.push(bytes)));
    await using site = await Site.open(engine, { server, sendProxy: version });
    const client = net.connect({ host: '127.0.0.1', port: site.port });
    site.sockets.push(client);
    client.write('hello');
    await until(() => Buffer.concat(heard).toString('latin1').endsWith('hello'));
    const { length, addresses } = decodeProxyHeader(Buffer.concat(heard));
    expect(Buffer.concat(heard).length).toBe(length + 5);
    expect(addresses).toEqual({
      source: '127.0.0.1',
      sourcePort: client.localPort,
      destination: '127.0.0.1',
      destinationPort: site.port,
    });
  });

  it('believes the PROXY protocol of a named peer, in mode http too', async () => {
    const server = http.createServer((request, response) => response.end(request.headers['x-forwarded-for']));
    await using site = await Site.open(engine, { server, mode: 'http', acceptProxy: true });
    const client = net.connect({ host: '127.0.0.1', port: site.port, noDelay: true });
    site.sockets.push(client);
    let text = '';
    client.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
    client.write('PROXY TCP6 2001:db8::9 2001:d');
    await pause(20);
    client.write('b8::1 40001 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => text.endsWith('2001:db8::9'));
  });

  it('passes each server-sent event on before the next is made, and a client that leaves is seen', async () => {
    let stream: http.ServerResponse | undefined;
    let left = false;
    const server = http.createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      response.on('close', () => (left = true));
      stream = response;
    });
    await using site = await Site.open(engine, { server, mode: 'http' });
    const client = net.connect({ host: '127.0.0.1', port: site.port });
    site.sockets.push(client);
    let text = '';
    client.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
    client.write('GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n');
    await until(() => text.includes('text/event-stream') && stream !== undefined);
    for (let i = 0; i < 10; i++) {
      stream!.write(`data: ${i}\n\n`);
      await until(() => text.includes(`data: ${i}\n\n`));
    }
    expect(left).toBe(false);
    client.destroy();
    await until(() => left);
  });
});
