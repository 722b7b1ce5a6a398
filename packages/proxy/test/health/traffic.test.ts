// Health and real requests together, with worker threads and sockets, on each transport: servers that fail requests,
// a server whose name moves to another address, orders of the operator.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BackendConfig, PairConfig } from '@tospann/config';
import { closeFd, localAddress, openListener, probeIoUring } from '@tospann/linux';
import { describe, expect, it } from 'vitest';
import type { NameAnswer } from '../../src/core/health/name.ts';
import { startProxy, type ProxyEvent, type ProxyService } from '../../src/index.ts';
import { benchConfig } from '../engine-bench.ts';
import { startWorker } from '../start-worker.ts';

const ENGINES = probeIoUring().usable ? (['ring', 'node'] as const) : (['node'] as const);

async function until(done: () => boolean): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!done()) {
    if (performance.now() > endMs) throw new Error(`it did not happen within 20 s: ${done.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A server whose answers a test decides; `name` is the body. */
class Origin {
  status = 200;
  /** Reset each connection with a request on it. */
  resets = false;
  requests = 0;
  readonly #server: http.Server;

  constructor(name: string) {
    this.#server = http.createServer((request, response) => {
      this.requests++;
      if (this.resets) request.socket.resetAndDestroy();
      else response.writeHead(this.status).end(name);
    });
  }

  async listen(address: string, port: number): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, address, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

class Site implements AsyncDisposable {
  readonly events: ProxyEvent[] = [];
  service!: ProxyService;
  readonly #origins: Origin[] = [];
  #port = 0;
  #fd = -1;

  async origin(name: string, address = '127.0.0.1', port = 0): Promise<{ origin: Origin; port: number }> {
    const origin = new Origin(name);
    this.#origins.push(origin);
    return { origin, port: await origin.listen(address, port) };
  }

  async start(
    engine: 'ring' | 'node',
    backend: Partial<BackendConfig> & Pick<BackendConfig, 'servers'>,
    resolver?: () => Promise<NameAnswer>,
  ): Promise<void> {
    const base = benchConfig([]);
    const frontend = { ...base.frontends[0]!, rules: [], acls: [], defaultBackend: 'app' };
    const { retryOn: _none, ...http } = base.http;
    const config: PairConfig = {
      ...base,
      frontends: [frontend],
      backends: [{ name: 'app', balance: 'roundrobin', ...backend }],
      http: { ...http, retries: 0, redispatch: false },
      log: { ...base.log, access: { ...base.log.access, enabled: false } },
      proxy: { engine, threads: 2, user: '' },
    };
    this.#fd = openListener({ address: '127.0.0.1', port: 0 });
    this.#port = localAddress(this.#fd).port;
    this.service = startProxy({
      config,
      listeners: [{ frontend: frontend.name, fd: this.#fd }],
      startWorker,
      onEvent: (event) => this.events.push(event),
      log: () => undefined,
      onFatal: (error) => {
        throw error;
      },
      buffers: 64,
      ...(resolver === undefined ? {} : { resolver }),
    });
    await this.service.ready;
  }

  get(): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const request = http.get({ host: '127.0.0.1', port: this.#port, path: '/', agent: false }, (response) => {
        let text = '';
        response.on('data', (bytes: Buffer) => (text += bytes.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      request.on('error', reject);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.close();
    for (const origin of this.#origins) origin.close();
    closeFd(this.#fd);
  }
}

const server = (name: string, port: number, address = '127.0.0.1') => ({ name, address, port, weight: 100 });

describe.each(ENGINES)('health and traffic on %s', (engine) => {
  it('a server that answers 503 again and again is marked down, and a connection brings it back', async () => {
    await using site = new Site();
    const bad = await site.origin('bad');
    const good = await site.origin('good');
    bad.origin.status = 503;
    const observe = { layer: 'http', errorLimit: 5, onError: 'mark-down' } as const;
    await site.start(engine, { servers: [server('web1', bad.port), server('web2', good.port)], observe });
    const asked: number[] = [];
    while (!site.events.some(({ to }) => to === 'down') && asked.length < 500) asked.push((await site.get()).status);
    expect(site.events[0]).toMatchObject({
      server: 'web1',
      from: 'unchecked',
      to: 'down',
      reason: '5 requests in a row failed',
      by: 'traffic',
    });
    expect(asked.filter((status) => status === 503).length).toBeGreaterThanOrEqual(5);
    bad.origin.status = 200;
    await until(() => site.events.some(({ to }) => to === 'up'));
    await until(() => bad.origin.requests > 0);
    const before = bad.origin.requests;
    for (let i = 0; i < 200 && bad.origin.requests === before; i++) await site.get();
    expect(bad.origin.requests).toBeGreaterThan(before);
  });

  it('faults that are not in a row do nothing, and 5xx are none for layer connection', async () => {
    await using site = new Site();
    const one = await site.origin('one');
    const observe = { layer: 'connection', errorLimit: 4, onError: 'mark-down' } as const;
    await site.start(engine, { servers: [server('web1', one.port)], observe });
    one.origin.status = 500;
    for (let i = 0; i < 12; i++) expect((await site.get()).status).toBe(500);
    for (let i = 0; i < 12; i++) {
      // A GET that meets a reset is sent once more: two faults.
      one.origin.resets = i % 2 === 0;
      await site.get();
    }
    // The flag is looked at every 50 ms: a whole round of good requests later nothing may have come of it.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(site.events).toEqual([]);
    one.origin.resets = true;
    for (let i = 0; i < 8 && site.events.length === 0; i++) await site.get();
    await until(() => site.events.length > 0);
    expect(site.events[0]).toMatchObject({ to: 'down', by: 'traffic' });
  });

  it('follows a name to another address for new connections', async () => {
    await using site = new Site();
    const first = await site.origin('first', '127.0.0.1');
    await site.origin('second', '127.0.0.2', first.port);
    let answer: NameAnswer = { fault: 'the resolver failed (SERVFAIL)' };
    const named = { ...server('web1', first.port, 'web.shop'), isName: true };
    await site.start(engine, { servers: [named] }, () => Promise.resolve(answer));
    expect((await site.get()).status).toBe(503);
    answer = { addresses: ['127.0.0.1'], ttlMs: 0 };
    await until(() => site.events.length === 1);
    await untilAnswer(site, 'first');
    answer = { addresses: ['127.0.0.2'], ttlMs: 0 };
    await untilAnswer(site, 'second');
    answer = { fault: 'the resolver does not answer' };
    await until(() => site.service.snapshot().backends[0]!.servers[0]!.resolution === 'stale');
    await untilAnswer(site, 'second');
  });

  it('asks for a name again when its server is down, long before the answer is old', async () => {
    await using site = new Site();
    const first = await site.origin('first', '127.0.0.1');
    await site.origin('second', '127.0.0.2', first.port);
    let answer: NameAnswer = { addresses: ['127.0.0.1'], ttlMs: 300_000 };
    const named = { ...server('web1', first.port, 'web.shop'), isName: true };
    const check = { type: 'tcp', method: 'GET', path: '/', timeoutMs: 1000, rise: 1, fall: 1 } as const;
    const checked = { servers: [named], check: { ...check, intervalMs: 50, fastIntervalMs: 50 } };
    await site.start(engine, checked, () => Promise.resolve(answer));
    await untilAnswer(site, 'first');
    answer = { addresses: ['127.0.0.2'], ttlMs: 300_000 };
    first.origin.close();
    await untilAnswer(site, 'second');
  });

  it('obeys orders: drain, maint, weight, ready', async () => {
    await using site = new Site();
    const one = await site.origin('one');
    const two = await site.origin('two');
    await site.start(engine, { servers: [server('web1', one.port), server('web2', two.port)] });
    const tally = async (): Promise<string> => {
      const seen = new Map<string, number>();
      for (let i = 0; i < 8; i++) {
        const { text } = await site.get();
        seen.set(text, (seen.get(text) ?? 0) + 1);
      }
      return [...seen]
        .map(([name, count]) => `${name} ${count}`)
        .sort()
        .join(', ');
    };
    const settle = async (wanted: string): Promise<void> => {
      let got = '';
      for (let i = 0; i < 200 && got !== wanted; i++) got = await tally();
      expect(got).toBe(wanted);
    };
    await settle('one 4, two 4');
    for (const state of ['drain', 'maint'] as const) {
      expect(site.service.order({ backend: 'app', server: 'web1', state })).toBe(true);
      await settle('two 8');
    }
    site.service.order({ backend: 'app', server: 'web1', state: 'ready', weight: 33 });
    site.service.order({ backend: 'app', server: 'web2', weight: 99 });
    await settle('one 2, two 6');
  });
});

/** Until so many answers in a row are the wanted one: each worker takes a change at its own next tick. */
async function untilAnswer(site: Site, wanted: string): Promise<void> {
  let inARow = 0;
  for (let i = 0; i < 2000 && inARow < 12; i++) {
    const { text } = await site.get();
    inARow = text === wanted ? inARow + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(inARow).toBe(12);
}
