// The API over its two doors: the control socket, where nothing is asked, and TLS, where everything is.
import { statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { connect } from 'node:tls';
import { consoleToken, pairStatus, problem } from '../src/index.ts';
import { node, server } from './fixture.ts';
import { clusterKey, startNode } from './harness.ts';

const bearer = { authorization: `Bearer ${consoleToken(clusterKey)}` };

test('the control socket answers without a token and has mode 0660', async () => {
  await using lb1 = await startNode('lb1');
  const answer = await lb1.overSocket({ path: '/api/v1/status' });
  expect(answer.status).toBe(200);
  expect(pairStatus.parse(answer.json()).self.node).toBe('lb1');
  expect(statSync(lb1.socketPath).mode & 0o777).toBe(0o660);
});

test('a socket file that a dead process left is taken over, a live one is not', async () => {
  await using lb1 = await startNode('lb1');
  await expect(startNode('lb1', { socketPath: lb1.socketPath })).rejects.toMatchObject({
    code: 'LB_API_SOCKET_IN_USE',
  });
  const path = `${lb1.stateDir}/dead.sock`;
  writeFileSync(path, '');
  await using again = await startNode('lb1', { socketPath: path });
  expect((await again.overSocket({ path: '/healthz' })).status).toBe(200);
});

test.each(['/api/v1/status', '/api/v1/node', '/metrics', '/api/v1/live'])(
  '%s over TLS asks for the token',
  async (path) => {
    await using lb1 = await startNode('lb1');
    const refused = await lb1.overTls({ path });
    expect(refused.status).toBe(401);
    expect(refused.headers['content-type']).toContain('application/problem+json');
    const body = problem.parse(refused.json());
    expect(body).toMatchObject({ code: 'LB_API_NO_TOKEN', status: 401 });
    expect(body.hint).not.toBe('');
    expect(body.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect((await lb1.overTls({ path, headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
  },
);

test('the token opens status and metrics over TLS', async () => {
  await using lb1 = await startNode('lb1');
  const status = await lb1.overTls({ path: '/api/v1/status', headers: bearer });
  expect(pairStatus.parse(status.json()).verdict.level).toBe('ok');
  const metrics = await lb1.overTls({ path: '/metrics', headers: bearer });
  expect(metrics.headers['content-type']).toContain('text/plain');
  expect(metrics.text).toContain('tospann_build_info{version="0.1.0",node="lb1"} 1');
});

test('a session opens with the token, is strict, and ends', async () => {
  await using lb1 = await startNode('lb1');
  const wrong = await lb1.overTls({ method: 'POST', path: '/api/v1/session', body: '{"token":"x"}' });
  expect(problem.parse(wrong.json()).code).toBe('LB_API_WRONG_TOKEN');
  const body = JSON.stringify({ token: consoleToken(clusterKey) });
  const opened = await lb1.overTls({ method: 'POST', path: '/api/v1/session', body });
  const setCookie = opened.headers['set-cookie']?.[0] ?? '';
  expect(setCookie).toMatch(/^__Host-tospann=[\w-]{43}; Max-Age=43200; Path=\/; Secure; HttpOnly; SameSite=Strict$/);
  const cookie = setCookie.split(';')[0] ?? '';
  expect((await lb1.overTls({ path: '/api/v1/status', headers: { cookie } })).status).toBe(200);
  const origin = `https://127.0.0.1:${lb1.port()}`;
  const call = { method: 'POST', path: '/api/v1/failover', headers: { cookie } };
  expect(problem.parse((await lb1.overTls(call)).json()).code).toBe('LB_API_FOREIGN_ORIGIN');
  const foreign = await lb1.overTls({ ...call, headers: { cookie, origin: 'https://evil.example' } });
  expect(problem.parse(foreign.json()).code).toBe('LB_API_FOREIGN_ORIGIN');
  const own = await lb1.overTls({ ...call, headers: { cookie, origin } });
  expect(problem.parse(own.json()).code).toBe('LB_API_FAILOVER_REFUSED');
  await lb1.overTls({ method: 'DELETE', path: '/api/v1/session', headers: { cookie } });
  expect((await lb1.overTls({ path: '/api/v1/status', headers: { cookie } })).status).toBe(401);
});

test('wrong tokens are slowed down, the right one still passes', async () => {
  await using lb1 = await startNode('lb1');
  const login = (token: string) =>
    lb1.overTls({ method: 'POST', path: '/api/v1/session', body: JSON.stringify({ token }) });
  let last = await login('wrong');
  for (let i = 0; i < 10; i++) last = await login('wrong');
  expect(last.status).toBe(429);
  expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
  expect((await login(consoleToken(clusterKey))).status).toBe(200);
});

test('requests beyond the limit get 429 as a problem, and not on the socket', async () => {
  await using lb1 = await startNode('lb1', { tuning: { requestsPerMinute: 3 } });
  for (let i = 0; i < 3; i++) expect((await lb1.overTls({ path: '/healthz' })).status).toBe(200);
  const over = await lb1.overTls({ path: '/healthz' });
  expect(over.status).toBe(429);
  expect(problem.parse(over.json()).code).toBe('LB_API_TOO_MANY_REQUESTS');
  for (let i = 0; i < 5; i++) expect((await lb1.overSocket({ path: '/healthz' })).status).toBe(200);
});

test.each([
  ['{', 400, 'LB_API_BAD_REQUEST'],
  ['{"to":1}', 400, 'LB_API_BAD_REQUEST'],
  ['{"too":"lb2"}', 400, 'LB_API_BAD_REQUEST'],
  ['{"__proto__":{"to":"lb2"}}', 400, 'LB_API_BAD_REQUEST'],
  ['{"to":"lb9"}', 422, 'LB_API_UNKNOWN_NODE'],
  ['{"to":"lb1"}', 409, 'LB_API_FAILOVER_REFUSED'],
  [`{"to":"${'x'.repeat(20_000)}"}`, 413, 'LB_API_BODY_TOO_LARGE'],
])('POST /api/v1/failover with body %.20s is refused with a code', async (body, status, code) => {
  await using lb1 = await startNode('lb1');
  const answer = await lb1.overSocket({ method: 'POST', path: '/api/v1/failover', body });
  expect(answer.status).toBe(status);
  expect(problem.parse(answer.json())).toMatchObject({ code, status });
});

test('a fault of the node is a 500 without its text, logged with the request id', async () => {
  await using lb1 = await startNode('lb1', {
    getStatus: () => {
      throw new Error('secret detail');
    },
  });
  const answer = await lb1.overSocket({ path: '/api/v1/status' });
  expect(answer.status).toBe(500);
  expect(answer.text).not.toContain('secret detail');
  const { requestId, code } = problem.parse(answer.json());
  expect(code).toBe('LB_INTERNAL');
  expect(lb1.logged.some((line) => line.includes(requestId))).toBe(true);
});

test('console files have etag, strict CSP and immutable cache when hashed', async () => {
  const asset = { body: Buffer.from('<!doctype html>'), type: 'text/html; charset=utf-8', etag: 'abc' };
  await using lb1 = await startNode('lb1', {
    consoleAssets: (path) => (['/index.html', '/assets/app-1a2b.js'].includes(path) ? asset : undefined),
  });
  const page = await lb1.overTls({ path: '/' });
  expect(page.text).toBe('<!doctype html>');
  expect(page.headers['cache-control']).toBe('no-cache');
  expect(page.headers['content-security-policy']).toContain("default-src 'self'");
  expect(page.headers['content-security-policy']).not.toContain('unsafe');
  expect(page.headers['strict-transport-security']).toBeUndefined();
  expect((await lb1.overTls({ path: '/', headers: { 'if-none-match': '"abc"' } })).status).toBe(304);
  expect((await lb1.overTls({ path: '/assets/app-1a2b.js' })).headers['cache-control']).toContain('immutable');
  const none = await lb1.overTls({ path: '/../../etc/passwd' });
  expect(none.status).toBe(404);
  expect(problem.parse(none.json()).code).toBe('LB_API_NOT_FOUND');
});

test('garbage on the TLS port and in HTTP leaves the node answering', async () => {
  await using lb1 = await startNode('lb1');
  const { createConnection } = await import('node:net');
  const closed = (write: (done: () => void) => void): Promise<void> => new Promise((resolve) => write(resolve));
  await closed((done) => {
    const raw = createConnection(lb1.port(), '127.0.0.1', () => raw.write('GET / HTTP/1.1\r\n\r\n'));
    raw.on('error', () => undefined).on('close', () => done());
  });
  for (const text of ['\0\0\0', 'GET / HTTP/9.9\r\n\r\n', `GET /${'a'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`]) {
    await closed((done) => {
      const tls = connect({ port: lb1.port(), host: '127.0.0.1', rejectUnauthorized: false }, () => tls.write(text));
      tls
        .on('error', () => undefined)
        .on('data', () => undefined)
        .on('close', () => done());
    });
  }
  expect((await lb1.overTls({ path: '/healthz' })).status).toBe(200);
});

test('an address in use is reported and tried again; the socket works meanwhile', async () => {
  await using lb1 = await startNode('lb1');
  await using other = await startNode('lb1', { binds: [{ address: '127.0.0.1', port: lb1.port() }] });
  expect(other.api.addresses()).toEqual([]);
  expect(other.logged.some((line) => line.includes('LB_API_LISTEN'))).toBe(true);
  expect((await other.overSocket({ path: '/healthz' })).status).toBe(200);
});

test('a figure of the machine is in the status, absent ones are left out', async () => {
  await using lb1 = await startNode('lb1');
  lb1.current.status = { ...node('lb1', 'master'), host: { conntrackEntries: 5, conntrackLimit: 100 } };
  const metrics = await lb1.overSocket({ path: '/metrics' });
  expect(metrics.text).toContain('tospann_conntrack_entries 5');
});

test('words of servers, scripts and the machine leave the node as plain bounded lines, whoever asks', async () => {
  await using lb1 = await startNode('lb1');
  const evil = `up\u001b]0;owned\u0007\u009b2K\r\n\u202eFORGED ${'x'.repeat(5000)}`;
  const base = node('lb1', 'master');
  const web1 = server('web1', { state: 'down', lastCheck: evil, checkDetail: evil });
  const conditions = [{ name: 'script x', state: 'failed', sinceMs: 1, sentence: evil, output: evil } as const];
  lb1.current.status = {
    ...base,
    proxy: { ...base.proxy!, backends: [{ name: 'app', servers: [web1] }] },
    vrrp: { ...base.vrrp!, conditions },
    notices: [evil],
  };
  for (const path of ['/api/v1/status', '/api/v1/servers', '/api/v1/node', '/metrics']) {
    const { text } = await lb1.overSocket({ path });
    const parts = path === '/metrics' ? text.split('\n') : textsIn(JSON.parse(text));
    for (const part of parts) expect(part, path).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
    // The verdict names several faults in one sentence.
    expect(Math.max(...parts.map((part) => part.length)), path).toBeLessThan(2000);
  }
});

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
