// What operators may do with servers over the API: the list, orders and who may give them, and the other node.
import { expect, test } from 'vitest';
import { TospannError } from '@tospann/errors';
import type { ServerChangeReport, ServerOrder } from '../src/index.ts';
import { consoleToken } from '../src/index.ts';
import { server } from './fixture.ts';
import { clusterKey, startNode, until, type TestNode } from './harness.ts';

function recorder(): { orders: ServerOrder[]; changeServer: (order: ServerOrder) => Promise<ServerChangeReport> } {
  const orders: ServerOrder[] = [];
  const changeServer = (order: ServerOrder): Promise<ServerChangeReport> => {
    const { backend, server, state = 'ready', weight = 100 } = order;
    if (server === 'nobody') return Promise.reject(new TospannError('LB_API_UNKNOWN_SERVER', { name: server }));
    orders.push(order);
    const status = state === 'ready' ? 'up' : state;
    const figures = { weight: weight ?? 100, effectiveWeight: 0, currentSessions: 3 };
    return Promise.resolve({ backend, server, status, admin: state, ...figures });
  };
  return { orders, changeServer };
}

const put = (body: string, path = '/api/v1/servers/app/web1') => ({ method: 'PUT', path, body });

test('GET /api/v1/servers lists the servers of the node with their backends', async () => {
  await using lb1 = await startNode('lb1');
  const answer = await lb1.overSocket({ path: '/api/v1/servers' });
  expect(answer.status).toBe(200);
  const { backends } = lb1.current.status.proxy!;
  const names = backends.flatMap((backend) => backend.servers.map((server) => `${backend.name}/${server.name}`));
  const list = answer.json() as { node: string; servers: { backend: string; name: string }[] };
  expect(list.node).toBe('lb1');
  expect(list.servers.map(({ backend, name }) => `${backend}/${name}`)).toEqual(names);
});

test('GET /api/v1/servers says so while the proxy does not answer', async () => {
  await using lb1 = await startNode('lb1');
  const { proxy: _gone, ...status } = lb1.current.status;
  lb1.current.status = status;
  const answer = await lb1.overSocket({ path: '/api/v1/servers' });
  expect([answer.status, (answer.json() as { code: string }).code]).toEqual([503, 'LB_API_NO_PROXY']);
});

test('PUT gives the order to the node and answers how the server stands', async () => {
  const { orders, changeServer } = recorder();
  await using lb1 = await startNode('lb1', { changeServer });
  const answer = await lb1.overSocket(put('{"state":"drain","weight":7}'));
  expect(answer.status).toBe(200);
  expect(answer.json()).toMatchObject({ backend: 'app', server: 'web1', status: 'drain', weight: 7 });
  expect((await lb1.overSocket(put('{"weight":null}', '/api/v1/servers/a%20b/web%2F1'))).status).toBe(200);
  expect(orders).toEqual([
    { backend: 'app', server: 'web1', state: 'drain', weight: 7 },
    { backend: 'a b', server: 'web/1', weight: null },
  ]);
});

function setServers(node: TestNode, ...servers: ReturnType<typeof server>[]): void {
  const { status } = node.current;
  node.current.status = { ...status, proxy: { ...status.proxy!, backends: [{ name: 'app', servers }] } };
}
const drained = { admin: 'drain', status: 'drain', effectiveWeight: 0 } as const;

test('the last server that takes traffic is not taken out without force, whatever would take it out', async () => {
  const { orders, changeServer } = recorder();
  await using lb1 = await startNode('lb1', { changeServer });
  setServers(lb1, server('web1'), server('web2', drained), server('web3', { state: 'down' }));
  for (const wish of ['{"state":"drain"}', '{"state":"maint"}', '{"weight":0}', '{"state":"ready","weight":0}']) {
    const answer = await lb1.overSocket(put(wish));
    expect([answer.status, (answer.json() as { code: string }).code], wish).toEqual([409, 'LB_API_LAST_SERVER']);
  }
  expect(orders).toEqual([]);
  // Down or out already: nobody loses anything by it.
  for (const name of ['web2', 'web3'])
    expect((await lb1.overSocket(put('{"state":"maint"}', `/api/v1/servers/app/${name}`))).status).toBe(200);
  expect((await lb1.overSocket(put('{"state":"maint","force":true}'))).status).toBe(200);
  expect(orders.at(-1)).toEqual({ backend: 'app', server: 'web1', state: 'maint' });
  setServers(lb1, server('web1'), server('web2', { live: true, takesTraffic: false, idleBecause: 'backup' }));
  expect((await lb1.overSocket(put('{"state":"drain"}'))).status).toBe(200);
});

test('the last server of the other node is not taken out either: both do what is ordered', async () => {
  const here = recorder();
  await using lb2 = await startNode('lb2', { peers: [{ name: 'lb1', address: '127.0.0.1', port: 9 }] });
  setServers(lb2, server('web1'), server('web2', { state: 'down' }));
  await using lb1 = await startNode('lb1', {
    changeServer: here.changeServer,
    peers: [{ name: 'lb2', address: '127.0.0.1', port: lb2.port() }],
    tuning: { peerIntervalMs: 50 },
  });
  setServers(lb1, server('web1'), server('web2'));
  await until(() => lb1.api.pair().peer?.reachable === true);
  const refused = await lb1.overSocket(put('{"state":"drain"}'));
  expect(refused.status).toBe(409);
  expect((refused.json() as { title: string }).title).toContain('on lb2 no other server of "app" takes traffic');
  expect(here.orders).toEqual([]);
});

test.each([
  ['{}', 400, 'LB_API_BAD_REQUEST'],
  ['{"state":"off"}', 400, 'LB_API_BAD_REQUEST'],
  ['{"weight":257}', 400, 'LB_API_BAD_REQUEST'],
  ['{"weight":1.5}', 400, 'LB_API_BAD_REQUEST'],
  ['{"state":"drain","more":1}', 400, 'LB_API_BAD_REQUEST'],
  ['nonsense', 400, 'LB_API_BAD_REQUEST'],
])('PUT with body %s is refused', async (body, status, code) => {
  const { orders, changeServer } = recorder();
  await using lb1 = await startNode('lb1', { changeServer });
  const answer = await lb1.overSocket(put(body));
  expect([answer.status, (answer.json() as { code: string }).code]).toEqual([status, code]);
  expect(orders).toEqual([]);
});

test('PUT for a server that is not there answers 404 with the code', async () => {
  await using lb1 = await startNode('lb1', recorder());
  const answer = await lb1.overSocket(put('{"state":"maint"}', '/api/v1/servers/app/nobody'));
  expect([answer.status, (answer.json() as { code: string }).code]).toEqual([404, 'LB_API_UNKNOWN_SERVER']);
});

test('on the network a change takes a token, or a session from the own origin', async () => {
  const { orders, changeServer } = recorder();
  await using lb1 = await startNode('lb1', { changeServer });
  const token = consoleToken(clusterKey);
  const call = put('{"state":"drain"}');
  expect((await lb1.overTls(call)).status).toBe(401);
  const login = await lb1.overTls({ method: 'POST', path: '/api/v1/session', body: JSON.stringify({ token }) });
  const cookie = String(login.headers['set-cookie']?.[0]).split(';', 1)[0]!;
  expect((await lb1.overTls({ ...call, headers: { cookie } })).status).toBe(403);
  expect((await lb1.overTls({ ...call, headers: { cookie, origin: 'https://evil.example' } })).status).toBe(403);
  expect(orders).toEqual([]);
  const origin = `https://127.0.0.1:${lb1.port()}`;
  expect((await lb1.overTls({ ...call, headers: { cookie, origin } })).status).toBe(200);
  expect((await lb1.overTls({ ...call, headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  expect(orders.length).toBe(2);
  // Only a peer may ask without telling the other node again.
  const asPeer = {
    method: 'POST',
    path: '/api/v1/node/servers',
    body: '{"backend":"app","server":"web1","state":"maint"}',
  };
  expect((await lb1.overTls({ ...asPeer, headers: { authorization: `Bearer ${token}` } })).status).not.toBe(200);
  expect(orders.length).toBe(2);
});

test('the other node does the same, and the answer says so; or says why it did not', async () => {
  const there = recorder();
  const here = recorder();
  const tuning = { peerIntervalMs: 50 };
  const lb2 = await startNode('lb2', {
    changeServer: there.changeServer,
    peers: [{ name: 'lb1', address: '127.0.0.1', port: 9 }],
  });
  await using lb1 = await startNode('lb1', {
    changeServer: here.changeServer,
    peers: [{ name: 'lb2', address: '127.0.0.1', port: lb2.port() }],
    tuning,
  });
  await until(() => lb1.api.pair().peer?.reachable === true);
  const both = await lb1.overSocket(put('{"state":"maint"}'));
  expect(both.json()).toMatchObject({ status: 'maint', peer: 'done' });
  expect(there.orders).toEqual([{ backend: 'app', server: 'web1', state: 'maint' }]);
  await lb2[Symbol.asyncDispose]();
  const alone = await lb1.overSocket(put('{"state":"ready"}'));
  expect(alone.status).toBe(200);
  expect((alone.json() as { peer: string }).peer).toMatch(/^lb2 gave no answer/);
  expect(here.orders.length).toBe(2);
});
