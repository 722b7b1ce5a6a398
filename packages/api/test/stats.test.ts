// The statistics over a real socket: login, page, CSV, and what is refused.
import { request, type IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { consoleToken } from '../src/index.ts';
import { clusterKey, startNode, type TestNode } from './harness.ts';

const config = (): { readonly frontends: []; readonly backends: [] } => ({ frontends: [], backends: [] });
const binds = [{ address: '127.0.0.1', port: 0 }];

let node: TestNode;
let byToken: TestNode;

beforeAll(async () => {
  const login = { user: 'admin', password: 'pass:word' };
  node = await startNode('lb1', { stats: { binds, path: '/haproxy', login, config } });
  byToken = await startNode('lb2', { stats: { binds, path: '/', config } });
});

afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await byToken[Symbol.asyncDispose]();
});

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

function get(
  of: TestNode,
  path: string,
  options: { readonly login?: string; readonly method?: string; readonly from?: string } = {},
): Promise<Got> {
  const { login, method = 'GET', from = '127.0.0.1' } = options;
  const headers = login === undefined ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: of.api.statsPorts()[0], path, method, headers, agent: false, localAddress: from },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      },
    );
    sent.on('error', reject).end();
  });
}

test('nobody reads it without the right user and password', async () => {
  const attempts = [undefined, 'admin:wrong', 'other:pass:word', 'admin', ':pass:word', 'admin:pass:word '];
  for (const login of attempts) {
    const answer = await get(node, '/haproxy;csv', login === undefined ? {} : { login });
    expect([login, answer.status]).toEqual([login, 401]);
    expect(answer.headers['www-authenticate']).toContain('Basic realm=');
    expect(answer.text).not.toContain('pxname');
  }
});

test('page and CSV come from the status of now', async () => {
  const login = 'admin:pass:word';
  const page = await get(node, '/haproxy', { login });
  expect(page).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
  expect(page.text).toContain('http-equiv="refresh"');
  expect((await get(node, '/haproxy;norefresh', { login })).text).not.toContain('http-equiv');
  const csv = await get(node, '/haproxy;csv', { login });
  expect(csv.headers['content-type']).toContain('text/plain');
  expect(csv.text.split('\n')[0]).toMatch(/^# pxname,svname,qcur,/);
  expect(csv.text).toContain('\nmain,FRONTEND,');
  expect(csv.text).toMatch(/\napp,web1,/);
  const head = await get(node, '/haproxy;csv', { login, method: 'HEAD' });
  expect([head.status, head.text]).toEqual([200, '']);
});

test('other paths and methods are refused', async () => {
  const login = 'admin:pass:word';
  expect((await get(node, '/', { login })).status).toBe(404);
  expect(await get(node, '/haproxy', { login, method: 'POST' })).toMatchObject({ status: 405 });
});

test("without a login of its own the console's token is the password", async () => {
  expect((await get(byToken, '/;csv', { login: `anybody:${consoleToken(clusterKey)}` })).status).toBe(200);
  expect((await get(byToken, '/;csv', { login: 'anybody:' })).status).toBe(401);
});

test('wrong passwords of one address are bounded, for it alone, and then not even the right one is looked at', async () => {
  const login = { user: 'mon', password: 'right' };
  await using guessed = await startNode('lb3', { stats: { binds, path: '/', login, config } });
  for (let i = 0; i < 10; i++) expect((await get(guessed, '/;csv', { login: `mon:guess${i}` })).status).toBe(401);
  const blocked = await get(guessed, '/;csv', { login: 'mon:right' });
  expect([blocked.status, blocked.text.includes('pxname')]).toEqual([429, false]);
  expect(Number(blocked.headers['retry-after'])).toBeGreaterThan(0);
  expect((await get(guessed, '/;csv', { login: 'mon:right', from: '127.0.0.2' })).status).toBe(200);
});

test('a browser that asks without a password first is not taken for one that guesses', async () => {
  const login = { user: 'mon', password: 'right' };
  await using fresh = await startNode('lb3', { stats: { binds, path: '/', login, config } });
  for (let i = 0; i < 15; i++) expect((await get(fresh, '/')).status).toBe(401);
  expect((await get(fresh, '/', { login: 'mon:right' })).status).toBe(200);
});
