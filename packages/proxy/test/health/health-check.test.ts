// Checks on real sockets: what each kind of answer, silence and refusal means, against odd servers.
import { spawn } from 'node:child_process';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { CheckConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import { CheckHeadParser } from '../../src/core/health/http-conversation.ts';
import { initialHealth, type Health } from '../../src/core/health/state.ts';
import { HealthCheck } from '../../src/io/health/health-check.ts';
import { SocketGate } from '../../src/io/health/talk.ts';

const CHECK: CheckConfig = {
  type: 'http',
  method: 'GET',
  path: '/health?x',
  intervalMs: 10_000,
  fastIntervalMs: 10_000,
  timeoutMs: 20_000,
  rise: 1,
  fall: 1,
};

const tools = {
  gate: new SocketGate(64),
  parser: new CheckHeadParser(),
  monotonicMs: (): number => performance.now(),
  random: (): number => 0.5,
};

type Serve = (socket: net.Socket) => void;

/** Result of one check against a server that does this with each connection; and what the server got. */
async function checkOnce(
  serve: Serve | null,
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
      target: () => ({ address: '127.0.0.1', port }),
      host: `127.0.0.1:${port}`,
      check: { ...CHECK, ...change },
      health: initialHealth(true, 0),
      firstInMs: 0,
      tools,
      onResult: (result) => {
        check.close();
        resolve(result);
      },
    });
  });
  server.close();
  return { health, got: got.replaceAll(`127.0.0.1:${port}`, 'HOST') };
}

/** Answers the request with these pieces, each a little after the other, and closes. */
const answer =
  (...pieces: string[]): Serve =>
  (socket) =>
    void socket.once('data', () => {
      const next = (): void => {
        const piece = pieces.shift();
        if (piece === undefined || socket.destroyed) socket.end();
        else socket.write(piece, () => setTimeout(next, 2));
      };
      next();
    });

const OK = 'HTTP/1.1 200 OK\r\n';
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

describe('HealthCheck, http', () => {
  it.each([
    ['HTTP/1.1 200 OK\r\n\r\n', 'up', /^HTTP 200 in \d+ ms$/],
    ['HTTP/1.0 302 Found\r\n\r\n', 'up', /^HTTP 302 in \d+ ms$/],
    ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n', 'up', /^HTTP 204 in \d+ ms$/],
    ['HTTP/1.1 404 Not Found\r\n\r\n', 'down', /^HTTP 404, wanted 200-399$/],
    ['HTTP/1.1 503 Service Unavailable\r\n\r\n', 'down', /^HTTP 503, wanted 200-399$/],
    ['220 smtp ready\r\n', 'down', /^no valid HTTP answer$/],
    ['HTTP/1.1 200 OK\r\nbroken header\r\n\r\n', 'down', /^no valid HTTP answer$/],
    ['HTTP/1.1 200 OK\r\nTransf', 'down', /^the answer was cut in its head$/],
    ['', 'down', /^closed without an answer$/],
    ['x'.repeat(5000), 'down', /^no valid HTTP answer$/],
    [`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(20_000)}`, 'down', /^no valid HTTP answer$/],
  ])('takes %j as %s', async (text, state, detail) => {
    const { health } = await checkOnce(answer(text));
    expect(health.lastCheck).toMatch(detail);
    expect(health.state).toBe(state);
  });

  it('takes an answer that comes byte by byte', async () => {
    const { health } = await checkOnce(answer(...'HTTP/1.1 204 No Content\r\n\r\n'));
    expect(health.state).toBe('up');
  });

  it('asks for the path with the method, the host that is set or the address, and closes', async () => {
    const plain = await checkOnce(answer(`${OK}\r\n`));
    expect(plain.got).toBe(
      'GET /health?x HTTP/1.1\r\nHost: HOST\r\nUser-Agent: tospann-check\r\nConnection: close\r\n\r\n',
    );
    const headers = { 'user-agent': 'mine', 'X-Check': 'yes' };
    const named = await checkOnce(answer(`${OK}\r\n`), { method: 'HEAD', host: 'shop.example', headers });
    expect(named.got).toBe(
      'HEAD /health?x HTTP/1.1\r\nHost: shop.example\r\nuser-agent: mine\r\nConnection: close\r\nX-Check: yes\r\n\r\n',
    );
  });

  it('waits no longer than the time-out, which is for the whole check', async () => {
    const silent = await checkOnce(() => undefined, { timeoutMs: 150 });
    expect(silent.health).toMatchObject({ state: 'down', lastCheck: 'no answer in 150 ms', failuresTotal: 1 });
    expect(silent.health.code).toBe('L7TOUT');
    const endless: Serve = (socket) => {
      const timer = setInterval(() => socket.destroyed || socket.write('HTTP/1.1 200 OK\r\nA: b\r\n'.charAt(0)), 20);
      socket.on('close', () => clearInterval(timer));
    };
    const slow = await checkOnce(endless, { timeoutMs: 150 });
    expect(slow.health.state).toBe('down');
  });

  it('says that a connection was refused or reset, for HTTP and TCP', async () => {
    expect((await checkOnce(null)).health).toMatchObject({ lastCheck: 'connection refused', code: 'L4CON' });
    expect((await checkOnce(null, { type: 'tcp' })).health).toMatchObject({ state: 'down' });
    const reset = await checkOnce((socket) => void socket.once('data', () => socket.resetAndDestroy()));
    expect(reset.health).toMatchObject({ state: 'down', lastCheck: 'connection reset', code: 'L7RSP' });
  });
});

describe('HealthCheck, expect', () => {
  const wantsOk = { expect: { bodyContains: 'OK' } };
  it.each([
    ['by length', [`${OK}Content-Length: 6\r\n\r\n`, 'al', 'l OK'], wantsOk, 'up', /^HTTP 200 in/],
    [
      'no text by length',
      [`${OK}Content-Length: 4\r\n\r\nfine`],
      wantsOk,
      'down',
      /^HTTP 200, no `OK` in its 4 bytes$/,
    ],
    ['text behind the length', [`${OK}Content-Length: 4\r\n\r\nfineOK`], wantsOk, 'down', /no `OK` in its 4 bytes/],
    [
      'chunks, text over two',
      [`${OK}Transfer-Encoding: chunked\r\n\r\n`, chunk('O'), chunk('K'), '0\r\n\r\n'],
      wantsOk,
      'up',
      /HTTP 200/,
    ],
    [
      'a size that is no text',
      [`${OK}Transfer-Encoding: chunked\r\n\r\n${chunk('x')}0\r\n\r\n`],
      { expect: { bodyContains: '1' } },
      'down',
      /no `1`/,
    ],
    [
      'broken chunks',
      [`${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nOK`],
      wantsOk,
      'down',
      /^broken chunks in the answer$/,
    ],
    [
      'chunks cut',
      [`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nO`],
      wantsOk,
      'down',
      /^the answer was cut in its body$/,
    ],
    ['length cut', [`${OK}Content-Length: 60\r\n\r\nOK`], wantsOk, 'down', /^the answer was cut in its body$/],
    ['until close', [`${OK}\r\n`, 'all ', 'OK'], wantsOk, 'up', /HTTP 200/],
    ['until close, no text', [`${OK}\r\n`, 'nothing'], wantsOk, 'down', /no `OK` in its 7 bytes/],
    ['no body', ['HTTP/1.1 204 No Content\r\n\r\n'], wantsOk, 'down', /no `OK` in its 0 bytes/],
    ['text behind 64 KiB', [`${OK}\r\n${'x'.repeat(65_536)}OK`], wantsOk, 'down', /no `OK` in the first 64 KiB/],
    ['text at the end of 64 KiB', [`${OK}\r\n${'x'.repeat(65_534)}OK`], wantsOk, 'up', /HTTP 200/],
    ['a regex', [`${OK}\r\nload: 17`], { expect: { bodyRegex: '^load: [0-9]+$' } }, 'up', /HTTP 200/],
    ['a regex that fails', [`${OK}\r\nload: x`], { expect: { bodyRegex: '^load: [0-9]+$' } }, 'down', /no `\^load/],
    [
      'a status in a range',
      ['HTTP/1.1 418 Pot\r\n\r\n'],
      { expect: { status: [{ from: 410, to: 419 }] } },
      'up',
      /418/,
    ],
    [
      'a status that is not wanted',
      [`${OK}\r\n`],
      {
        expect: {
          status: [
            { from: 204, to: 204 },
            { from: 300, to: 301 },
          ],
        },
      },
      'down',
      /^HTTP 200, wanted 204, 300-301$/,
    ],
    [
      'a header',
      [`${OK}X-State: a serving b\r\n\r\n`],
      { expect: { header: { name: 'x-state', contains: 'serving' } } },
      'up',
      /HTTP 200/,
    ],
    [
      'a header without',
      [`${OK}X-State: off\r\n\r\n`],
      { expect: { header: { name: 'X-State', contains: 'serving' } } },
      'down',
      /^HTTP 200 without `serving` in X-State$/,
    ],
    [
      'all must hold',
      [`${OK}X-State: on\r\n\r\nOK`],
      { expect: { header: { name: 'X-State', contains: 'on' }, bodyContains: 'KO' } },
      'down',
      /no `KO`/,
    ],
  ] as const)('%s', async (...[, pieces, change, state, detail]) => {
    const { health } = await checkOnce(answer(...pieces), change);
    expect(health.lastCheck).toMatch(detail);
    expect(health.state).toBe(state);
  });
});

describe('HealthCheck, tcp', () => {
  it('is content with a connection, and sends nothing', async () => {
    const { health, got } = await checkOnce(() => undefined, { type: 'tcp' });
    expect(health).toMatchObject({ state: 'up', code: 'L4OK' });
    expect(health.lastCheck).toMatch(/^connected in \d+ ms$/);
    expect(got).toBe('');
  });

  /** An SMTP-like server: speaks first, answers EHLO, in pieces. */
  const banner: Serve = (socket) => {
    socket.write('220 ma');
    setTimeout(() => socket.write('il ESMTP\r\n'), 5);
    socket.on('data', (bytes: Buffer) => socket.write(`250 ${bytes.toString().trim()}\r\n`));
  };

  it('holds a dialogue in order, the banner first', async () => {
    const dialogue = [{ expect: '220 mail' }, { send: 'EHLO x\r\n' }, { expect: '250 ' }, { send: 'QUIT\r\n' }];
    const { health, got } = await checkOnce(banner, { type: 'tcp', dialogue });
    expect(health).toMatchObject({ state: 'up', code: 'L7OK' });
    expect(got).toContain('EHLO x\r\n');
  });

  it('says which text did not come', async () => {
    const wants = (text: string): Partial<CheckConfig> => ({
      type: 'tcp',
      timeoutMs: 300,
      dialogue: [{ expect: text }],
    });
    expect((await checkOnce(banner, wants('+PONG'))).health.lastCheck).toBe('no answer in 300 ms');
    const closes: Serve = (socket) => void socket.end('-ERR');
    expect((await checkOnce(closes, wants('+PONG\r\n'))).health.lastCheck).toBe('closed before `+PONG\\r\\n` came');
    const floods: Serve = (socket) => void socket.write('x'.repeat(80_000));
    const flood = await checkOnce(floods, { ...wants('+PONG'), timeoutMs: 20_000 });
    expect(flood.health.lastCheck).toBe('no `+PONG` in the first 64 KiB');
  });

  it('does not take the same bytes for two expected texts', async () => {
    const dialogue = [{ expect: 'ab' }, { expect: 'b' }];
    const { health } = await checkOnce((socket) => void socket.end('abc'), { type: 'tcp', dialogue });
    expect(health).toMatchObject({ state: 'down', lastCheck: 'closed before `b` came' });
  });
});

describe('SocketGate', () => {
  it('lets only so many begin, the others in their order, and forgets who leaves the queue', () => {
    const gate = new SocketGate(2);
    const begun: number[] = [];
    const leave = [1, 2, 3, 4, 5].map((n) => gate.enter(() => begun.push(n)));
    leave[2]!();
    gate.leave();
    gate.leave();
    expect([begun, gate.peak]).toEqual([[1, 2, 4, 5], 2]);
  });
});

/** A check in a process of its own is stopped as soon as its request is there, for longer than its time-out. */
async function stopChecks(times: number, timeoutMs: number): Promise<string[]> {
  const found: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      child.kill('SIGSTOP');
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      setTimeout(() => child.kill('SIGCONT'), 2 * timeoutMs);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  const script = fileURLToPath(new URL('./check-apart.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@tospann/source', script, String(port), String(timeoutMs)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  child.stdout.on('data', (text: Buffer) => {
    found.push(...text.toString().trim().split('\n'));
    if (found.length >= times) resolve();
  });
  await promise;
  child.kill('SIGKILL');
  server.close();
  return found.slice(0, times);
}

describe('HealthCheck, a stall of this process', () => {
  it('longer than the time-out is no silence of the server, whose answer lies in the socket', async () => {
    for (const words of await stopChecks(6, 100)) expect(words).toMatch(/^HTTP 200 in \d+ ms$/);
  });

  it('does not hide a server that is silent', async () => {
    expect((await checkOnce(() => undefined, { timeoutMs: 60 })).health.lastCheck).toBe('no answer in 60 ms');
  });
});
