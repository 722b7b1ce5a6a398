// Limits over real sockets with two workers, on the ring and on the node transport: an origin that counts never sees more
// requests at once than it may get, every request is served, and those that wait are served in the order of arrival.
import http from 'node:http';
import net from 'node:net';
import type { PairConfig } from '@tospann/config';
import { closeFd, localAddress, openListener, probeIoUring } from '@tospann/linux';
import { describe, expect, it } from 'vitest';
import { startProxy, type ProxyService } from '../src/index.ts';
import { benchConfig } from './engine-bench.ts';
import { startWorker } from './start-worker.ts';

const PATIENCE_MS = 60_000;
const LIMIT = 3;

class Stage implements AsyncDisposable {
  readonly origin: http.Server;
  readonly port: number;
  service!: ProxyService;
  /** Requests under way at the origin, the most there ever were, and the paths in their order. */
  running = 0;
  most = 0;
  readonly paths: string[] = [];
  /** Answers that are held back; null: each is given after a moment. */
  held: (() => void)[] | null = null;
  readonly #fd: number;

  private constructor() {
    this.#fd = openListener({ address: '127.0.0.1', port: 0 });
    this.port = localAddress(this.#fd).port;
    this.origin = http.createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
      this.running++;
      this.most = Math.max(this.most, this.running);
      this.paths.push(request.url ?? '');
      const answer = (): void => {
        this.running--;
        response.end('ok');
      };
      if (this.held === null) setTimeout(answer, this.paths.length % 4);
      else this.held.push(answer);
    });
  }

  static async open(engine: 'ring' | 'node', backend: Partial<PairConfig['backends'][number]>): Promise<Stage> {
    const stage = new Stage();
    await new Promise<void>((resolve) => stage.origin.listen(0, '127.0.0.1', resolve));
    const address = stage.origin.address();
    const port = typeof address === 'object' ? address!.port : 0;
    const config = benchConfig(['one-server']);
    const app = { ...config.backends[0]!, ...backend };
    const servers = app.servers.map((server) => ({ ...server, address: '127.0.0.1', port }));
    stage.service = startProxy({
      config: {
        ...config,
        frontends: config.frontends.map((frontend) => ({ ...frontend, rules: [], maxConnections: 1000 })),
        backends: [{ ...app, servers }],
        timeouts: { ...config.timeouts, queueMs: PATIENCE_MS, serverMs: PATIENCE_MS, httpRequestMs: PATIENCE_MS },
        log: { ...config.log, access: { ...config.log.access, enabled: false } },
        proxy: { engine, threads: 2, user: '' },
      },
      listeners: [{ frontend: 'main', fd: stage.#fd }],
      startWorker,
      onEvent: () => undefined,
      log: () => undefined,
      onFatal: (error) => {
        throw error;
      },
      buffers: 64,
    });
    await stage.service.ready;
    return stage;
  }

  get waiting(): number {
    const [backend] = this.service.snapshot().backends;
    return (backend!.queued ?? 0) + backend!.servers.reduce((sum, server) => sum + (server.queued ?? 0), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.close();
    this.origin.closeAllConnections();
    this.origin.close();
    closeFd(this.#fd);
  }
}

/** Sends requests one after another on one connection; settles with the statuses. */
function client(port: number, paths: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    const statuses: string[] = [];
    let text = '';
    const ask = (): void => void socket.write(`GET ${paths[statuses.length]} HTTP/1.1\r\nHost: a\r\n\r\n`);
    socket.on('connect', ask);
    socket.on('error', reject);
    socket.on('close', () => resolve(statuses));
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\r\n\r\nok');
      if (end < 0) return;
      statuses.push(text.slice(9, 12));
      text = text.slice(end + 6);
      if (statuses.length === paths.length) socket.end();
      else ask();
    });
  });
}

async function until(done: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!done()) {
    if (performance.now() > endMs) throw new Error('it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

for (const engine of ['ring', 'node'] as const) {
  describe.skipIf(engine === 'ring' && !probeIoUring().usable)(`limits over sockets, two workers, ${engine}`, () => {
    const oneServer = (maxConnections: number): Partial<PairConfig['backends'][number]> => ({
      servers: [{ name: 'web1', address: '', port: 0, weight: 1, maxConnections }],
    });

    it.each([
      ['of a server', oneServer(LIMIT)],
      ['of a backend', { maxConnections: LIMIT, balance: 'leastconn' as const }],
    ])(
      'the limit %s holds at every moment, and every request is served',
      async (_, backend) => {
        await using stage = await Stage.open(engine, backend);
        const clients = Array.from({ length: 24 }, (_unused, c) =>
          client(
            stage.port,
            Array.from({ length: 10 }, (_none, i) => `/${c}/${i}`),
          ),
        );
        const statuses = (await Promise.all(clients)).flat();
        expect(statuses.length).toBe(240);
        expect(new Set(statuses)).toEqual(new Set(['200']));
        expect(stage.most).toBe(LIMIT);
        expect(stage.waiting).toBe(0);
      },
      PATIENCE_MS,
    );

    it(
      'those who wait are served in the order in which they came, whichever worker has them',
      async () => {
        await using stage = await Stage.open(engine, oneServer(1));
        stage.held = [];
        const clients: Promise<string[]>[] = [];
        const paths = Array.from({ length: 16 }, (_, i) => `/${i}`);
        for (const [i, path] of paths.entries()) {
          clients.push(client(stage.port, [path]));
          await until(() => (i === 0 ? stage.held!.length === 1 : stage.waiting === i));
        }
        for (const _ of paths) {
          await until(() => stage.held!.length === 1);
          stage.held.shift()!();
        }
        expect((await Promise.all(clients)).flat()).toEqual(paths.map(() => '200'));
        expect(stage.paths).toEqual(paths);
      },
      PATIENCE_MS,
    );
  });
}
