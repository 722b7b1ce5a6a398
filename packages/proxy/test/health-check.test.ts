// Checks on real sockets: what each kind of answer, silence and refusal means.
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import type { CheckConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import { HealthCheck } from '../src/io/health-check.ts';
import type { Health } from '../src/core/health.ts';

const CHECK: CheckConfig = {
  type: 'http',
  method: 'GET',
  path: '/health?x',
  intervalMs: 10_000,
  fastIntervalMs: 10_000,
  timeoutMs: 150,
  rise: 1,
  fall: 1,
};

/** Result of one check against a server that does this with each connection; and what the server got. */
async function checkOnce(
  serve: ((socket: net.Socket) => void) | null,
  change: Partial<CheckConfig> = {},
): Promise<{ health: Health; got: string }> {
  let got = '';
  const server = net.createServer((socket) => {
    socket.on('data', (bytes: Buffer) => (got += bytes.toString('latin1')));
    socket.on('error', () => undefined);
    serve?.(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  if (serve === null) await new Promise((resolve) => server.close(resolve));
  const health = await new Promise<Health>((resolve) => {
    const check = new HealthCheck({
      server: { address: '127.0.0.1', port },
      check: { ...CHECK, ...change },
      firstInMs: 0,
      monotonicMs: () => performance.now(),
      onResult: (result) => {
        check.close();
        resolve(result);
      },
    });
  });
  server.close();
  return { health, got: got.replaceAll(`127.0.0.1:${port}`, 'HOST') };
}

const answer = (text: string) => (socket: net.Socket) => void socket.once('data', () => socket.end(text));

describe('HealthCheck', () => {
  it.each([
    ['HTTP/1.1 200 OK\r\n\r\n', 'up', /^HTTP 200 in \d+ ms$/],
    ['HTTP/1.0 302 Found\r\n\r\n', 'up', /^HTTP 302 in \d+ ms$/],
    ['HTTP/1.1 404 Not Found\r\n\r\n', 'down', /^HTTP 404 in \d+ ms$/],
    ['HTTP/1.1 503 Service Unavailable\r\n\r\n', 'down', /^HTTP 503 in \d+ ms$/],
    ['220 smtp ready\r\n', 'down', /^no HTTP answer$/],
    ['', 'down', /^connection closed without an answer$/],
    ['x'.repeat(5000), 'down', /^no HTTP answer$/],
  ])('takes %j as %s', async (text, state, detail) => {
    const { health } = await checkOnce(answer(text));
    expect(health.state).toBe(state);
    expect(health.lastCheck).toMatch(detail);
  });

  it('takes an answer that comes byte by byte', async () => {
    const { health } = await checkOnce((socket) => {
      const bytes = [...'HTTP/1.1 204 No Content\r\n'];
      const timer = setInterval(() => {
        const next = bytes.shift();
        if (next === undefined) clearInterval(timer);
        else if (!socket.destroyed) socket.write(next);
      }, 1);
    });
    expect(health.state).toBe('up');
  });

  it('asks for the path with the method, the host that is set or the address, and closes', async () => {
    const plain = await checkOnce(answer('HTTP/1.1 200 OK\r\n\r\n'));
    expect(plain.got).toBe(
      'GET /health?x HTTP/1.1\r\nHost: HOST\r\nUser-Agent: tospann-check\r\nConnection: close\r\n\r\n',
    );
    const named = await checkOnce(answer('HTTP/1.1 200 OK\r\n\r\n'), { method: 'HEAD', host: 'shop.example' });
    expect(named.got).toContain('HEAD /health?x HTTP/1.1\r\nHost: shop.example\r\n');
  });

  it('waits no longer than the time-out', async () => {
    const { health } = await checkOnce(() => undefined);
    expect(health).toMatchObject({ state: 'down', lastCheck: 'no answer in 150 ms', failuresTotal: 1 });
  });

  it('says that a connection was refused, for HTTP and TCP', async () => {
    expect((await checkOnce(null)).health.lastCheck).toBe('connection refused');
    expect((await checkOnce(null, { type: 'tcp' })).health).toMatchObject({ state: 'down' });
  });

  it('is content with a connection for TCP, and sends nothing', async () => {
    const { health, got } = await checkOnce(() => undefined, { type: 'tcp' });
    expect(health.state).toBe('up');
    expect(health.lastCheck).toMatch(/^connected in \d+ ms$/);
    expect(got).toBe('');
  });
});
