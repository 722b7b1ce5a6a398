// The self-probe against a real listener that answers, has no server, hangs, resets or is gone.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { startSelfProbe, type FullState } from './self-probe.ts';

interface Change {
  readonly ability: string;
  readonly reason: string;
  readonly atMs: number;
}

/** A listener whose behaviour can be changed, and the probe that asks it. */
class Bench implements AsyncDisposable {
  readonly changes: Change[] = [];
  answer: RequestListener = (_request, response) => response.end('page');
  full: FullState | undefined;
  readonly #server: Server;
  #probe: ReturnType<typeof startSelfProbe> | undefined;
  #wake: () => void = () => {};

  /** `whole`: also what needs no server goes through `answer`; else the listener itself says 400 to it, as the proxy does. */
  constructor(options: { readonly whole?: boolean } = {}) {
    const requireHostHeader = options.whole !== true;
    this.#server = createServer({ requireHostHeader }, (request, response) => this.answer(request, response));
  }

  port = 0;

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo; // it listens on TCP
    this.port = port;
    this.#probe = startSelfProbe({
      target: { frontend: 'main', host: '127.0.0.1', port, path: '/' },
      whenFull: () => this.full,
      onChange: (ability, reason) => {
        this.changes.push({ ability, reason, atMs: performance.now() });
        this.#wake();
      },
    });
    return this;
  }

  /** Waits for the next change; returns it and how long it took. */
  async next(): Promise<Change & { readonly tookMs: number }> {
    const startMs = performance.now();
    const index = this.changes.length;
    while (this.changes.length === index) await new Promise<void>((resolve) => (this.#wake = resolve));
    const change = this.changes[index];
    if (change === undefined) throw new Error('no change');
    return { ...change, tookMs: change.atMs - startMs };
  }

  stopListening(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#probe?.close();
    this.stopListening();
  }
}

test('startSelfProbe() sees a listener that answers, loses its servers, and has them back', async () => {
  await using bench = await new Bench().start();
  expect(await bench.next()).toMatchObject({ ability: 'serves' });
  bench.answer = (_request, response) => response.writeHead(503).end();
  expect(await bench.next()).toMatchObject({ ability: 'no-live-server' });
  bench.answer = (_request, response) => response.writeHead(404).end();
  expect(await bench.next()).toMatchObject({ ability: 'serves' });
});

test('startSelfProbe() finds a hung listener within two seconds', async () => {
  await using bench = await new Bench({ whole: true }).start();
  await bench.next();
  bench.answer = () => {};
  const change = await bench.next();
  expect(change).toMatchObject({ ability: 'cannot-serve', reason: expect.stringContaining('does not answer') });
  // The bound is 1.8 s; the rest is a loaded machine.
  expect(change.tookMs).toBeLessThan(2300);
});

test('startSelfProbe() takes the word of a proxy that has no place left for its question', async () => {
  await using bench = await new Bench({ whole: true }).start();
  await bench.next();
  bench.answer = () => {};
  bench.full = { live: true, maxConnections: 30 };
  expect(await bench.next()).toMatchObject({
    ability: 'full',
    reason:
      'all 30 connections that maxConnections allows are taken, so that others wait (127.0.0.1:' + bench.port + ')',
  });
  bench.full = { live: false, maxConnections: 30 };
  expect(await bench.next()).toMatchObject({ ability: 'no-live-server' });
  bench.full = undefined;
  expect(await bench.next()).toMatchObject({ ability: 'cannot-serve' });
});

test('startSelfProbe() blames no listener for a server that hangs behind it', async () => {
  await using bench = await new Bench().start();
  await bench.next();
  const { promise, resolve } = Promise.withResolvers<void>();
  let hung = 0;
  bench.answer = () => {
    if (++hung === 4) resolve();
  };
  await promise;
  expect(bench.changes).toHaveLength(1);
});

test('startSelfProbe() finds a listener that is gone', async () => {
  await using bench = await new Bench().start();
  await bench.next();
  bench.stopListening();
  expect(await bench.next()).toMatchObject({ ability: 'cannot-serve', reason: expect.stringContaining('refuses') });
});

test('startSelfProbe() does not fall for answers that are late by less than a second', async () => {
  await using bench = await new Bench().start();
  await bench.next();
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  bench.answer = (_request, response) => {
    setTimeout(() => response.end(), ++asked <= 3 ? 600 : 0);
    if (asked === 5) resolve();
  };
  await promise;
  expect(bench.changes).toHaveLength(1);
});
