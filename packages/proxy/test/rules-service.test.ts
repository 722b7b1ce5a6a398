// Rules with real worker threads, sockets and files, on both transports: a map that changes while it is served, error
// pages, what servers are told of the client.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PairConfig } from '@tospann/config';
import { closeFd, localAddress, openListener, probeIoUring } from '@tospann/linux';
import { describe, expect, it } from 'vitest';
import { startProxy, type ProxyLogLine, type ProxyService } from '../src/index.ts';
import { benchConfig } from './engine-bench.ts';
import { startWorker } from './start-worker.ts';

const ENGINES = probeIoUring().usable ? (['ring', 'node'] as const) : (['node'] as const);

async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!(await done())) {
    if (performance.now() > endMs) throw new Error('it did not happen within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Sends a request, closes, and gives all that came back. */
function talk(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (part) => (text += String(part)));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    socket.write(request);
  });
}

const get = (path: string, host: string, fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${fields}\r\n`;

async function origin(name: string, stack: AsyncDisposableStack): Promise<number> {
  const server = http.createServer((request, response) => {
    response.end(JSON.stringify({ name, url: request.url, headers: request.headers }));
  });
  stack.defer(() => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function start(
  config: PairConfig,
  { fd, lines, stack }: { readonly fd: number; readonly lines: ProxyLogLine[]; readonly stack: AsyncDisposableStack },
): Promise<ProxyService> {
  const service = startProxy({
    config,
    listeners: [{ frontend: 'main', fd }],
    startWorker,
    onEvent: () => undefined,
    log: (line) => lines.push(line),
    onFatal: (error) => lines.push({ event: 'worker-lost', msg: String(error) }),
    buffers: 64,
  });
  stack.defer(() => service.close());
  await service.ready;
  return service;
}

describe.each(ENGINES)('rules on the %s transport', (engine) => {
  it('follow files, and tell servers who asks', async () => {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'tospann-rules-'));
    stack.defer(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'hosts.map');
    writeFileSync(file, 'one.test app\n');
    writeFileSync(join(folder, '404.txt'), 'not here\n');
    const ports = [await origin('app', stack), await origin('files', stack)];
    const base = benchConfig(['one-server', 'log-off']);
    const config: PairConfig = {
      ...base,
      backends: base.backends.map((backend, i) => ({
        ...backend,
        servers: [{ ...backend.servers[0]!, address: '127.0.0.1', port: ports[i]! }],
      })),
      maps: [{ name: 'hosts', file, match: 'suffix' }],
      http: {
        ...base.http,
        trustedProxies: ['127.0.0.0/8'],
        forwardedPort: true,
        requestId: { header: 'X-Request-Id', respond: true },
      },
      frontends: [
        {
          ...base.frontends[0]!,
          acls: [],
          errorPages: [{ status: 404, file: join(folder, '404.txt') }],
          rules: [
            { action: { type: 'set-header', name: 'X-Client', value: [{ variable: 'clientAddress' }] } },
            { action: { type: 'replace-prefix', from: '/old', to: '/new' } },
            { action: { type: 'use-map', map: 'hosts', key: { from: 'host' } } },
            { action: { type: 'deny', status: 404 } },
          ],
        },
      ],
      proxy: { engine, threads: 2, user: 'nobody' },
    };
    const fd = openListener({ address: '127.0.0.1', port: 0 });
    stack.defer(() => closeFd(fd));
    const { port } = localAddress(fd);
    const lines: ProxyLogLine[] = [];
    const service = await start(config, { fd, lines, stack });

    const first = await talk(
      port,
      get('/old/x', 'www.one.test', 'X-Forwarded-For: 2001:DB8::7\r\nX-Request-Id: mine\r\n'),
    );
    expect(first).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nX-Request-Id: mine\r\n/);
    const seen = JSON.parse(first.slice(first.indexOf('{'), first.lastIndexOf('}') + 1));
    expect(seen).toMatchObject({ name: 'app', url: '/new/x' });
    expect(seen.headers).toMatchObject({
      'x-client': '2001:db8::7',
      'x-request-id': 'mine',
      'x-forwarded-port': `${port}`,
    });

    const missing = await talk(port, get('/', 'two.test'));
    expect(missing).toMatch(/^HTTP\/1\.1 404 Not Found\r\n[^]*Content-Type: text\/plain[^]*\r\n\r\nnot here\n$/);
    const ids = await Promise.all(Array.from({ length: 6 }, () => talk(port, get('/', 'one.test'))));
    expect(new Set(ids.map((text) => /X-Request-Id: ([0-9a-f]{32})\r\n/.exec(text)?.[1])).size).toBe(6);

    // A new file in the old one's place, as deployments do it.
    writeFileSync(join(folder, 'next'), '*.two.test static\ntwo.test static\n');
    renameSync(join(folder, 'next'), file);
    await until(async () => (await talk(port, get('/', 'a.two.test'))).includes('"name":"files"'));
    await until(async () => (await talk(port, get('/', 'one.test'))).startsWith('HTTP/1.1 404'));
    writeFileSync(file, 'two.test static\nbroken\n');
    await until(() => lines.some(({ event, msg }) => event === 'map-failed' && msg.includes('line 2')));
    expect(await talk(port, get('/', 'two.test'))).toContain('"name":"files"');

    // A configuration that is refused leaves the maps that serve to their own files.
    const other = join(folder, 'other.map');
    writeFileSync(other, 'one.test app\n');
    const next = { ...config, maps: [{ name: 'hosts', file: other, match: 'suffix' as const }] };
    const refused = { ...next, frontends: [{ ...config.frontends[0]!, defaultBackend: 'nowhere' }] };
    const listeners = [{ frontend: 'main', fd }];
    const refusal = { code: 'LB_OPERATION_RELOAD_REFUSED' };
    await expect(service.reload({ config: refused, listeners })).rejects.toMatchObject(refusal);
    writeFileSync(other, 'two.test nowhere\n');
    writeFileSync(file, 'two.test app\n');
    // Both workers: connections go to either.
    const toApp = async (host: string): Promise<boolean> => {
      const texts = await Promise.all(Array.from({ length: 8 }, () => talk(port, get('/', host))));
      return texts.every((text) => text.includes('"name":"app"'));
    };
    await until(() => toApp('two.test'));
    expect(await talk(port, get('/', 'one.test'))).toMatch(/^HTTP\/1\.1 404 /);
    writeFileSync(other, 'three.test app\n');
    expect(await service.reload({ config: next, listeners })).toEqual({ outcome: 'swapped' });
    expect(await toApp('three.test')).toBe(true);
    writeFileSync(other, 'four.test app\n');
    await until(() => toApp('four.test'));
    expect(lines.filter(({ event }) => event === 'worker-lost')).toEqual([]);
  }, 60_000);

  it.each(['FIN', 'RST'])(
    'forget a client that leaves by %s while it is held',
    async (how) => {
      await using stack = new AsyncDisposableStack();
      const fd = openListener({ address: '127.0.0.1', port: 0 });
      stack.defer(() => closeFd(fd));
      const base = benchConfig(['one-server', 'log-off']);
      const rules = [{ action: { type: 'tarpit', status: 429, delayMs: 600_000 } }] as const;
      const lines: ProxyLogLine[] = [];
      const config: PairConfig = {
        ...base,
        frontends: [{ ...base.frontends[0]!, acls: [], rules }],
        proxy: { engine, threads: 1, user: 'nobody' },
      };
      const service = await start(config, { fd, lines, stack });
      const open = (): number => service.snapshot().frontends[0]!.currentConnections;
      const asked = (): number => service.snapshot().frontends[0]!.requestsTotal;
      const client = net.connect(localAddress(fd).port, '127.0.0.1');
      stack.defer(() => void client.destroy());
      client.on('error', () => undefined);
      client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(200_000)}`);
      await until(() => asked() === 1 && client.writableLength === 0);
      expect(open()).toBe(1);
      if (how === 'FIN') client.end();
      else client.resetAndDestroy();
      await until(() => open() === 0);
      expect(lines).toEqual([]);
    },
    60_000,
  );
});
