// The link between two nodes over real TLS: proofs both ways, other keys, replays, clocks and a man in the middle.
import { createServer as createTlsServer } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { problem, type ApiOptions, type AgentMove } from '../src/index.ts';
import { readOrCreateCertificate } from '../src/io/certificate.ts';
import { peerLinkKey } from '../src/io/cluster-key.ts';
import { peerFields, proveRequest } from '../src/io/peer-proof.ts';
import { node } from './fixture.ts';
import { clusterKey, startNode, until, type TestNode } from './harness.ts';

const tuning = { peerIntervalMs: 100 };
// A port on which nobody listens: 1 is reserved.
const nowhere = { name: 'lb2', address: '127.0.0.1', port: 1 };

/** lb2 knows lb1's address; lb1 knows lb2 by name only. */
async function startPair(overrides: { lb1?: Partial<ApiOptions>; lb2?: Partial<ApiOptions> } = {}) {
  const lb1 = await startNode('lb1', { peers: [nowhere], tuning, ...overrides.lb1 });
  const peers = [{ name: 'lb1', address: '127.0.0.1', port: lb1.port() }];
  const lb2 = await startNode('lb2', { peers, tuning, ...overrides.lb2 });
  lb2.current.status = node('lb2', 'backup');
  return {
    lb1,
    lb2,
    [Symbol.asyncDispose]: async () => {
      await lb2[Symbol.asyncDispose]();
      await lb1[Symbol.asyncDispose]();
    },
  };
}

const errorAt = (lb: TestNode): string => lb.api.pair().peer?.error ?? '';

test('each second the peer is asked, and both are in one status', async () => {
  await using pair = await startPair();
  await until(() => pair.lb2.api.pair().peer?.reachable === true);
  const { self, peer, verdict } = pair.lb2.api.pair();
  expect(self.node).toBe('lb2');
  expect(peer).toMatchObject({ name: 'lb1', reachable: true, status: { node: 'lb1' } });
  expect(verdict).toEqual({ level: 'ok', sentence: 'Healthy. lb1 holds public, lb2 ready.' });
});

test('a peer that is gone keeps its last status, grows old and says why', async () => {
  await using pair = await startPair();
  await until(() => pair.lb2.api.pair().peer?.reachable === true);
  await pair.lb1.api.close();
  await until(() => pair.lb2.api.pair().peer?.reachable === false);
  const { peer, verdict } = pair.lb2.api.pair();
  expect(peer?.lastSeenAgeMs).toBeGreaterThan(2000);
  expect(peer?.error).toBe('connection refused');
  expect(peer?.status?.node).toBe('lb1');
  expect(verdict.level).toBe('degraded');
});

test('a peer with another cluster key is named as that', async () => {
  await using pair = await startPair({ lb2: { clusterKey: Buffer.alloc(32, 9) } });
  await until(() => errorAt(pair.lb2).includes('cluster key'));
  expect(errorAt(pair.lb2)).toBe('peer has another cluster key');
  expect(pair.lb2.api.pair().peer?.lastSeenAgeMs).toBe(-1);
});

test('an answer of another node than expected is refused', async () => {
  await using pair = await startPair();
  pair.lb1.current.status = node('lb3', 'backup');
  await until(() => errorAt(pair.lb2).includes('its name is "lb3" there'));
});

test('something else on the port is told as such', async () => {
  await using directory = new TemporaryDirectory();
  const certificate = readOrCreateCertificate({
    stateDir: directory.path,
    nodeName: 'x',
    addresses: [],
    nowMs: Date.now(),
  });
  const other = createTlsServer({ key: certificate.keyPem, cert: certificate.certificatePem }, (socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
  });
  await listening(other);
  const { port } = other.address() as AddressInfo;
  await using lb2 = await startNode('lb2', { peers: [{ name: 'lb1', address: '127.0.0.1', port }], tuning });
  await until(() => errorAt(lb2).includes('not a Tospann node'));
  other.close();
});

test('a silent peer costs a second and never piles up', async () => {
  let open = 0;
  let most = 0;
  const silent = createServer((socket) => {
    open += 1;
    most = Math.max(most, open);
    socket.on('error', () => undefined).on('close', () => (open -= 1));
    socket.resume();
  });
  await listening(silent);
  const { port } = silent.address() as AddressInfo;
  await using lb2 = await startNode('lb2', {
    peers: [{ name: 'lb1', address: '127.0.0.1', port }],
    tuning: { peerIntervalMs: 50 },
  });
  await until(() => errorAt(lb2).includes('no answer within 1000 ms'));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(most).toBe(1);
  await lb2.api.close();
  silent.close();
});

test('a man in the middle with his own certificate gets nothing, even when he passes all bytes on', async () => {
  await using lb1 = await startNode('lb1', { peers: [nowhere], tuning });
  await using directory = new TemporaryDirectory();
  const his = readOrCreateCertificate({
    stateDir: directory.path,
    nodeName: 'lb1',
    addresses: [],
    nowMs: Date.now(),
  });
  const middle = createTlsServer({ key: his.keyPem, cert: his.certificatePem }, (client) => {
    const server = connectTls({ port: lb1.port(), host: '127.0.0.1', rejectUnauthorized: false });
    client.on('error', () => server.destroy()).pipe(server);
    server.on('error', () => client.destroy()).pipe(client);
  });
  await listening(middle);
  const { port } = middle.address() as AddressInfo;
  await using lb2 = await startNode('lb2', { peers: [{ name: 'lb1', address: '127.0.0.1', port }], tuning });
  await until(() => errorAt(lb2) !== 'not asked yet');
  await until(() => errorAt(lb2) === 'peer has another cluster key');
  expect(lb2.api.pair().peer?.status).toBeUndefined();
  await lb2.api.close();
  middle.close();
});

function signed(lb1: TestNode, overrides: Partial<Parameters<typeof proveRequest>[1]> = {}): Record<string, string> {
  const covered = {
    method: 'GET',
    path: '/api/v1/node',
    from: 'lb2',
    to: 'lb1',
    timeMs: Date.now(),
    nonce: Math.random().toString(36),
    fingerprint: lb1.api.fingerprint,
    body: '',
    ...overrides,
  };
  return {
    [peerFields.from]: covered.from,
    [peerFields.to]: covered.to,
    [peerFields.timeMs]: String(covered.timeMs),
    [peerFields.nonce]: covered.nonce,
    [peerFields.proof]: proveRequest(peerLinkKey(clusterKey), covered),
  };
}

test('a proof is good once, for one node, one path, one certificate and a minute', async () => {
  await using lb1 = await startNode('lb1', { peers: [nowhere] });
  const call = async (headers: Record<string, string>, path = '/api/v1/node') => {
    const answer = await lb1.overTls({ path, headers });
    return answer.status === 200 ? 'ok' : problem.parse(answer.json()).code;
  };
  const good = signed(lb1);
  expect(await call(good)).toBe('ok');
  expect(await call(good)).toBe('LB_API_PEER_REPLAY');
  expect(await call(signed(lb1, { timeMs: Date.now() - 120_000 }))).toBe('LB_API_PEER_CLOCK');
  expect(await call(signed(lb1, { timeMs: Number.NaN }))).toBe('LB_API_PEER_CLOCK');
  expect(await call(signed(lb1, { to: 'lb2' }))).toBe('LB_API_PEER_KEY');
  expect(await call(signed(lb1, { from: 'lb9' }))).toBe('LB_API_PEER_KEY');
  expect(await call(signed(lb1, { fingerprint: '00'.repeat(32) }))).toBe('LB_API_PEER_KEY');
  expect(await call(signed(lb1), '/api/v1/node?x=1')).toBe('LB_API_PEER_KEY');
  expect(await call({ ...signed(lb1), [peerFields.nonce]: 'other' })).toBe('LB_API_PEER_KEY');
  expect(await call({ [peerFields.proof]: '' })).toBe('LB_API_PEER_KEY');
  expect(await call(signed(lb1, { path: '/api/v1/status' }), '/api/v1/status')).toBe('LB_API_NO_TOKEN');
});

test('clocks that differ are told with the difference', async () => {
  await using pair = await startPair();
  const answer = await pair.lb1.overTls({
    path: '/api/v1/node',
    headers: signed(pair.lb1, { timeMs: Date.now() - 95_000 }),
  });
  expect(problem.parse(answer.json()).detail).toContain('clocks differ by 95 s');
});

test('a failover to this node is asked of the peer that owns the addresses', async () => {
  const asked: string[] = [];
  const move = ({ to }: { readonly to: string }): Promise<AgentMove> => {
    asked.push(to);
    // Whom the second lb1 asks.
    pair.lb2.current.status = node('lb2', 'master');
    return Promise.resolve({ vips: ['public'], durationMs: 12, detectionMs: 1, connections: 7, detail: '' });
  };
  await using pair = await startPair({ lb1: { move } });
  const link = { peers: [{ name: 'lb2', address: '127.0.0.1', port: pair.lb2.port() }], clusterKey };
  // A second lb1 that knows lb2's port stands for the first, which was started before lb2 had one.
  await using lb1 = await startNode('lb1', { ...link, move, tuning });
  await using lb2 = await startNode('lb2', {
    peers: [{ name: 'lb1', address: '127.0.0.1', port: lb1.port() }],
    tuning,
  });
  lb2.current.status = node('lb2', 'backup');
  await until(() => lb2.api.pair().peer?.reachable === true && lb1.api.pair().peer?.reachable === true);
  const dry = await lb2.overSocket({ method: 'POST', path: '/api/v1/failover', body: '{"dryRun":true}' });
  expect(dry.json()).toMatchObject({ from: 'lb1', to: 'lb2', vips: ['public'], dryRun: true });
  expect(asked).toEqual([]);
  const answer = await lb2.overSocket({ method: 'POST', path: '/api/v1/failover', body: '{"to":"lb2"}' });
  expect(answer.json()).toMatchObject({ from: 'lb1', to: 'lb2', durationMs: 12, connections: 7, firstAnswerMs: 4 });
  expect(asked).toEqual(['lb2']);
  const there = await lb2.overSocket({ method: 'POST', path: '/api/v1/failover', body: '{"to":"lb1"}' });
  // Where they are already, there is nothing to move, and that is no failure.
  expect(there.status).toBe(200);
  expect(there.json()).toMatchObject({ from: 'lb1', to: 'lb1', vips: [], detail: 'lb1 owns public already' });
  expect(asked).toEqual(['lb2']);
});

class TemporaryDirectory {
  readonly path = mkdtempSync(join(tmpdir(), 'tospann-api-'));
  [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.path, { recursive: true, force: true });
    return Promise.resolve();
  }
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}
