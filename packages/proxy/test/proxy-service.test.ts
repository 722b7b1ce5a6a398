// The service with real worker threads and sockets: checks, log file, snapshot, draining, a worker that dies.
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import http from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { PairConfig } from '@tospann/config';
import { closeFd, localAddress, openListener, probeIoUring } from '@tospann/linux';
import { describe, expect, it } from 'vitest';
import { chooseEngine, startProxy, type ProxyEvent, type ProxyLogLine, type ProxyService } from '../src/index.ts';
import { benchConfig } from './engine-bench.ts';
import { startWorker } from './start-worker.ts';

const ENGINES = probeIoUring().usable ? (['ring', 'node'] as const) : (['node'] as const);

async function until(done: () => boolean): Promise<void> {
  const endMs = performance.now() + 8000;
  while (!done()) {
    if (performance.now() > endMs) throw new Error('it did not happen within 8 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A service with two played servers that are checked every 60 ms. */
class Site implements AsyncDisposable {
  readonly events: ProxyEvent[] = [];
  readonly lines: ProxyLogLine[] = [];
  readonly fatal: Error[] = [];
  readonly workers: Worker[] = [];
  readonly servers: http.Server[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'tospann-service-'));
  service!: ProxyService;
  port = 0;
  /** Ends the answers to `/held`, which wait until then. */
  readonly held: (() => void)[] = [];
  #fd = -1;

  static async open(engine: 'ring' | 'node', threads: number, maxConnections?: number): Promise<Site> {
    const site = new Site();
    const ports: number[] = [];
    for (const name of ['web1', 'web2', 'files']) {
      const server = http.createServer((request, response) => {
        if (request.url === '/held') site.held.push(() => response.end(name));
        else response.end(name);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      site.servers.push(server);
      ports.push((server.address() as AddressInfo).port);
    }
    const config = site.#config(engine, threads, ports);
    const limited = config.frontends.map((one) => (maxConnections === undefined ? one : { ...one, maxConnections }));
    site.#start({ ...config, frontends: limited });
    await site.service.ready;
    return site;
  }

  #config(engine: 'ring' | 'node', threads: number, ports: number[]): PairConfig {
    const config = benchConfig([]);
    const check = {
      type: 'http',
      method: 'GET',
      path: '/',
      intervalMs: 60,
      fastIntervalMs: 30,
      timeoutMs: 1000,
    } as const;
    return {
      ...config,
      backends: config.backends.map((backend, b) => ({
        ...backend,
        ...(b === 0 ? { check: { ...check, rise: 2, fall: 2 } } : {}),
        servers: backend.servers.map((server, i) => ({ ...server, address: '127.0.0.1', port: ports[b * 2 + i]! })),
      })),
      log: { ...config.log, access: { ...config.log.access, file: join(this.folder, 'access.log') } },
      proxy: { engine, threads, user: '' },
    };
  }

  #start(config: PairConfig): void {
    this.#fd = openListener({ address: '127.0.0.1', port: 0 });
    this.port = localAddress(this.#fd).port;
    this.service = startProxy({
      config,
      listeners: [{ frontend: 'main', fd: this.#fd }],
      startWorker: (name, workerData) => {
        const worker = startWorker(name, workerData);
        this.workers.push(worker);
        return worker;
      },
      onEvent: (event) => this.events.push(event),
      log: (line) => this.lines.push(line),
      onFatal: (error) => this.fatal.push(error),
      buffers: 64,
    });
  }

  get(path = '/', agent?: http.Agent): Promise<{ status: number; text: string; close: boolean }> {
    return new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: this.port,
        path,
        ...(agent === undefined ? { agent: false } : { agent }),
      };
      const request = http.get(options, (response) => {
        let text = '';
        response.on('data', (bytes: Buffer) => (text += bytes.toString()));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text, close: response.headers.connection === 'close' }),
        );
      });
      request.on('error', reject);
    });
  }

  log(file = 'access.log'): string[] {
    return readFileSync(join(this.folder, file), 'utf8').split('\n').slice(0, -1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.close();
    for (const server of this.servers) {
      server.closeAllConnections();
      server.close();
    }
    closeFd(this.#fd);
    rmSync(this.folder, { recursive: true });
  }
}

describe.each(ENGINES)('startProxy() on %s', (engine) => {
  it('alternates over servers although two workers share the requests, and counts them together', async () => {
    await using site = await Site.open(engine, 2);
    const answers = [];
    for (let i = 0; i < 8; i++) answers.push((await site.get()).text);
    expect(answers.join(' ')).toMatch(/^(web1 web2 |web2 web1 ){3}(web1 web2|web2 web1)$/);
    await until(() => site.service.snapshot().frontends[0]!.responsesTotal[1] === 8);
    const snapshot = site.service.snapshot();
    expect(snapshot.engine).toBe(engine);
    expect(snapshot.threads).toBe(2);
    expect(snapshot.frontends[0]).toMatchObject({
      requestsTotal: 8,
      responsesTotal: [0, 8, 0, 0, 0],
      refusedTotal: {},
    });
    expect(snapshot.backends[0]!.servers.map(({ requestsTotal }) => requestsTotal)).toEqual([4, 4]);
    expect(snapshot.latencyCounts.reduce((a, b) => a + b)).toBe(8);
  });

  it('follows the checks: a server that dies gets no more requests, one that comes back does', async () => {
    await using site = await Site.open(engine, 1);
    await until(() => site.events.length === 2);
    expect(site.events.map(({ from, to }) => `${from} ${to}`)).toEqual(['starting up', 'starting up']);
    const { port } = site.servers[0]!.address() as AddressInfo;
    site.servers[0]!.closeAllConnections();
    site.servers[0]!.close();
    await until(() => site.events.length === 3);
    expect(site.events[2]).toMatchObject({ server: 'web1', from: 'up', to: 'down', reason: 'connection refused' });
    await until(() => site.service.snapshot().backends[0]!.servers[0]!.state === 'down');
    for (let i = 0; i < 4; i++) expect((await site.get()).text).toBe('web2');
    site.servers[0]!.listen(port, '127.0.0.1');
    await until(() => site.events.length === 4);
    expect(site.events[3]).toMatchObject({ server: 'web1', from: 'down', to: 'up' });
    const later = new Set<string>();
    for (let i = 0; i < 40 && later.size < 2; i++) later.add((await site.get()).text); // workers follow within a tick
    expect([...later].toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['web1', 'web2']);
  });

  it('writes a line for each request, and goes on in a new file after reopenLogs()', async () => {
    await using site = await Site.open(engine, 1);
    await site.get('/one?secret=1');
    await until(() => site.log().length === 1);
    expect(JSON.parse(site.log()[0]!)).toMatchObject({ method: 'GET', path: '/one', status: 200, client: '127.0.0.1' });
    renameSync(join(site.folder, 'access.log'), join(site.folder, 'old.log'));
    site.service.reopenLogs();
    await site.get('/two');
    await until(() => site.log().length === 1);
    expect(site.log()[0]).toContain('/two');
    expect(site.log('old.log').length).toBe(1);
  });

  it('says of a frontend that all its places are taken, and whether it has a server', async () => {
    await using site = await Site.open(engine, 2, 3);
    const sockets = Array.from({ length: 3 }, () => connect(site.port, '127.0.0.1'));
    await until(() => site.service.snapshot().frontends[0]!.full !== undefined);
    expect(site.service.snapshot().frontends[0]!.full).toEqual({ maxConnections: 3, live: true });
    for (const server of ['web1', 'web2']) site.service.order({ backend: 'app', server, state: 'maint' });
    await until(() => site.service.snapshot().frontends[0]!.full?.live === false);
    for (const socket of sockets) socket.destroy();
    await until(() => site.service.snapshot().frontends[0]!.full === undefined);
  });

  it('drains: finishes what runs, tells kept connections to close, accepts no more', async () => {
    await using site = await Site.open(engine, 1);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    await site.get('/', agent);
    const slow = [site.get('/held'), site.get('/held')];
    await until(() => site.held.length === 2);
    const drained = site.service.drain(5000);
    await new Promise((resolve) => setTimeout(resolve, 120)); // a tick of the worker: 50 ms
    expect((await site.get('/', agent)).close).toBe(true);
    for (const release of site.held) release();
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await drained).toBe(0);
    agent.destroy();
  });
});

describe('startProxy() on node', () => {
  // Only here: a thread that waits in the ring cannot be ended from outside; what follows its end is the same code.
  it('tells when a worker dies', async () => {
    await using site = await Site.open('node', 1);
    await site.workers[0]!.terminate();
    await until(() => site.fatal.length === 1);
    expect(site.lines[0]).toMatchObject({ event: 'worker-lost' });
  });
});

describe('chooseEngine()', () => {
  it('says which engine runs and why', () => {
    expect(chooseEngine('node')).toEqual({ engine: 'node', reason: 'proxy.engine is node' });
    expect(chooseEngine('auto').reason).toMatch(/io_uring/);
  });
});
