// A reload of the running service, with real worker threads and sockets on both transports: what is kept, what changes,
// and what only another process can take.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PairConfig } from '@tospann/config';
import { closeFd, localAddress, openListener, probeIoUring } from '@tospann/linux';
import { describe, expect, it } from 'vitest';
import { startProxy, type ProxyService } from '../src/index.ts';
import { benchConfig } from './engine-bench.ts';
import { startWorker } from './start-worker.ts';

const ENGINES = probeIoUring().usable ? (['ring', 'node'] as const) : (['node'] as const);

async function until(done: () => boolean): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!done()) {
    if (performance.now() > endMs) throw new Error('it did not happen within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A service with three played servers, of which the configuration has two at first. */
class Site implements AsyncDisposable {
  service!: ProxyService;
  config!: PairConfig;
  port = 0;
  fd = -1;
  /** Connections that each server has got. */
  readonly connections = [0, 0, 0];
  readonly #servers: http.Server[] = [];
  readonly #ports: number[] = [];
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  static async open(engine: 'ring' | 'node', threads: number): Promise<Site> {
    const site = new Site();
    for (const i of [0, 1, 2]) {
      const server = http.createServer((_request, response) => response.end(`web${i + 1}`));
      server.on('connection', () => (site.connections[i]! += 1));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      site.#servers.push(server);
      site.#ports.push((server.address() as AddressInfo).port);
    }
    site.config = site.withServers([1, 2], { ...benchConfig(['cookie']), proxy: { engine, threads, user: '' } });
    site.fd = openListener({ address: '127.0.0.1', port: 0 });
    site.port = localAddress(site.fd).port;
    site.service = startProxy({
      config: site.config,
      listeners: [{ frontend: 'main', fd: site.fd }],
      startWorker,
      onEvent: () => undefined,
      log: () => undefined,
      onFatal: () => undefined,
      buffers: 64,
    });
    await site.service.ready;
    return site;
  }

  withServers(numbers: readonly number[], config: PairConfig = this.config): PairConfig {
    const [app, files] = config.backends;
    const check = { type: 'tcp', method: 'GET', path: '/', intervalMs: 60_000, fastIntervalMs: 30 } as const;
    const servers = numbers.map((i) => ({
      name: `web${i}`,
      address: '127.0.0.1',
      port: this.#ports[i - 1]!,
      weight: 1,
      cookie: `s${i}`,
    }));
    const checked = { ...app!, check: { ...check, timeoutMs: 1000, rise: 1, fall: 1 }, servers };
    return {
      ...config,
      backends: [
        checked,
        { ...files!, servers: [{ ...files!.servers[0]!, address: '127.0.0.1', port: this.#ports[2]! }] },
      ],
      log: { ...config.log, access: { ...config.log.access, enabled: false } },
    };
  }

  async reload(config: PairConfig): Promise<string> {
    const answer = await this.service.reload({ config, listeners: [{ frontend: 'main', fd: this.fd }] });
    return answer.outcome === 'swapped' ? 'swapped' : answer.reason;
  }

  get(headers: http.OutgoingHttpHeaders = {}): Promise<{ readonly text: string; readonly reused: boolean }> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.port, headers, agent: this.#agent };
      const request = http.get(options, (response) => {
        let text = '';
        response.on('data', (bytes: Buffer) => (text += bytes.toString()));
        response.on('end', () => resolve({ text, reused: request.reusedSocket }));
      });
      request.on('error', reject);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.service.close();
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
    closeFd(this.fd);
  }
}

describe.each(ENGINES)('reload() on %s', (engine) => {
  it('keeps connections, turn, sessions, counters and health of what stays', async () => {
    await using site = await Site.open(engine, 1);
    const app = (): ReturnType<ProxyService['snapshot']>['backends'][number] => site.service.snapshot().backends[0]!;
    await until(() => app().servers.every(({ state }) => state === 'up'));
    const since = app().servers[0]!.sinceMs;
    expect([(await site.get()).text, (await site.get()).text]).toEqual(['web1', 'web2']);
    const connections = [...site.connections];
    expect(await site.reload(site.withServers([3, 1]))).toBe('swapped');
    expect(app().servers.map(({ name }) => name)).toEqual(['web3', 'web1']);
    // The client's own connection and that to web1 go on; the session too.
    const sticky = await site.get({ cookie: 'SERVERID=s1' });
    expect(sticky).toEqual({ text: 'web1', reused: true });
    expect(site.connections[0]).toBe(connections[0]);
    expect(app().servers[1]).toMatchObject({ name: 'web1', state: 'up', sinceMs: since });
    await until(() => app().servers[1]!.requestsTotal === 2);
    expect(site.service.snapshot().frontends[0]!.requestsTotal).toBe(3);
    const others = [(await site.get()).text, (await site.get()).text];
    expect(others.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['web1', 'web3']);
  });

  it('gives the slot of a server that left to another one only with counters at zero', async () => {
    await using site = await Site.open(engine, 2);
    for (let i = 0; i < 4; i++) await site.get();
    const counted = (): number => site.service.snapshot().backends[0]!.servers.at(-1)!.requestsTotal;
    await until(() => counted() === 2);
    // Back at once, before its slot was given back: its counters went on.
    await site.reload(site.withServers([1]));
    await site.reload(site.withServers([1, 2]));
    expect(counted()).toBe(2);
    // What is gone is looked for every half second: in the end it comes back as another one.
    for (let turn = 0; turn < 20 && counted() > 0; turn++) {
      await site.reload(site.withServers([1, 3]));
      await new Promise((resolve) => setTimeout(resolve, 700));
      await site.reload(site.withServers([3, 2]));
    }
    expect(counted()).toBe(0);
    expect((await site.get({ cookie: 'SERVERID=s3' })).text).toBe('web3');
  });

  it('says what needs another process, and changes nothing then', async () => {
    await using site = await Site.open(engine, 1);
    const threads = { ...site.config, proxy: { ...site.config.proxy, threads: 2 } };
    expect(await site.reload(threads)).toBe('proxy.threads changed');
    const many = Array.from({ length: 600 }, (_, i) => ({ ...site.config.backends[0]!.servers[0]!, name: `many${i}` }));
    const tooMany = {
      ...site.config,
      backends: [{ ...site.config.backends[0]!, servers: many }, site.config.backends[1]!],
    };
    expect(await site.reload(tooMany)).toContain('slots');
    const broken = { ...site.config, frontends: [{ ...site.config.frontends[0]!, defaultBackend: 'nowhere' }] };
    await expect(site.reload(broken)).rejects.toMatchObject({ code: 'LB_OPERATION_RELOAD_REFUSED' });
    expect((await site.get()).text).toMatch(/^web[12]$/);
    expect(await site.reload(site.config)).toBe('swapped');
  });
});
