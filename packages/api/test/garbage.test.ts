// Garbage at both doors: mutated requests byte by byte, random JSON, random frames. Nothing may crash, answer 500 or
// log an internal error. TOSPANN_FUZZ_RUNS makes it longer.
import { connect } from 'node:net';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { consoleToken } from '@tospann/api';
import { clusterKey, startNode, type TestNode } from './harness.ts';

const numRuns = Number(process.env['TOSPANN_FUZZ_RUNS'] ?? 150);

const seeds = [
  'GET /api/v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /metrics?a=%zz HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nConnection: close\r\n\r\n',
  'POST /api/v1/failover HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"to":"lb2"}',
  'POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nd\r\n{"token":"x"}\r\n0\r\n\r\n',
  'GET /api/v1/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  'GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  'DELETE /api/v1/session HTTP/1.1\r\nHost: x\r\nCookie: __Host-tospann=abc; =; ;;\r\nConnection: close\r\n\r\n',
] as const;

const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.nat(6),
  insert: fc.uint8Array({ maxLength: 6 }),
});
const mutated = fc.tuple(fc.constantFrom(...seeds), fc.array(mutation, { maxLength: 4 })).map(([seed, mutations]) => {
  let bytes = Buffer.from(seed, 'latin1');
  for (const { at, remove, insert } of mutations) {
    const index = Math.floor(at * bytes.length);
    bytes = Buffer.concat([bytes.subarray(0, index), insert, bytes.subarray(index + remove)]);
  }
  return bytes;
});

test('mutated requests never get a 500 and leave the node answering', async () => {
  await using lb1 = await startNode('lb1');
  await fc.assert(
    fc.asyncProperty(mutated, async (bytes) => {
      const answer = await sendRaw(lb1.socketPath, bytes);
      expect(answer).not.toMatch(/^HTTP\/1\.1 5/);
    }),
    { numRuns },
  );
  await expectWell(lb1);
}, 60_000);

test('random JSON never gets a 500 from any route that reads a body', async () => {
  await using lb1 = await startNode('lb1');
  const routes = fc.constantFrom('/api/v1/failover', '/api/v1/session');
  await fc.assert(
    fc.asyncProperty(routes, fc.json({ maxDepth: 4 }), async (path, body) => {
      const { status } = await lb1.overSocket({ method: 'POST', path, body });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    }),
    { numRuns },
  );
  await expectWell(lb1);
}, 60_000);

test('random frames on the live stream cut off their own client only', async () => {
  await using lb1 = await startNode('lb1');
  const headers = { authorization: `Bearer ${consoleToken(clusterKey)}` };
  const url = `wss://127.0.0.1:${lb1.port()}/api/v1/live`;
  for (const frame of [
    Buffer.from([0xff, 0xff, 0, 1]),
    Buffer.from([0x81, 0xff, ...Array.from({ length: 8 }, () => 0xff)]),
    Buffer.alloc(4000, 0x89),
  ]) {
    const socket = new WebSocket(url, { headers, rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('open', resolve));
    const ended = new Promise((resolve) => socket.once('close', resolve));
    // Below the client's own framing: what a broken or hostile program would put on the wire.
    const wire = Reflect.get(socket, '_socket') as { write(bytes: Buffer): void };
    wire.write(frame);
    await ended;
  }
  await expectWell(lb1);
});

async function expectWell(lb: TestNode): Promise<void> {
  expect((await lb.overSocket({ path: '/healthz' })).status).toBe(200);
  expect(lb.logged.filter((line) => line.includes('LB_INTERNAL'))).toEqual([]);
}

/** Sends bytes, half-closes, and returns what came back until the end or for a quarter of a second. */
function sendRaw(socketPath: string, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(socketPath, () => socket.end(bytes));
    const timer = setTimeout(() => socket.destroy(), 250);
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}
