// The live stream over real sockets: what comes first, how often, for whom, and who is cut off.
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { consoleToken, liveMessage, type LiveMessage } from '../src/index.ts';
import { clusterKey, startNode, until, type TestNode } from './harness.ts';

const authorization = `Bearer ${consoleToken(clusterKey)}`;

interface Listening {
  readonly messages: LiveMessage[];
  readonly socket: WebSocket;
  readonly end: Promise<number>;
}

function listen(lb: TestNode, headers: Record<string, string>): Listening {
  const socket = new WebSocket(`wss://127.0.0.1:${lb.port()}/api/v1/live`, { headers, rejectUnauthorized: false });
  const messages: LiveMessage[] = [];
  socket.on('message', (data: Buffer) => messages.push(liveMessage.parse(JSON.parse(data.toString('utf8')))));
  const end = new Promise<number>((resolve) => {
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('close', resolve);
    socket.on('error', () => undefined);
  });
  return { messages, socket, end };
}

async function login(lb: TestNode): Promise<string> {
  const body = JSON.stringify({ token: consoleToken(clusterKey) });
  const answer = await lb.overTls({ method: 'POST', path: '/api/v1/session', body });
  return answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

test('the past and the pair come at once, then the pair each second', async () => {
  await using lb1 = await startNode('lb1');
  const cookie = await login(lb1);
  const { messages, socket } = listen(lb1, { cookie, origin: `https://127.0.0.1:${lb1.port()}` });
  await until(() => messages.length >= 4);
  expect(messages.slice(0, 2).map((message) => message.topic)).toEqual(['history', 'pair']);
  const seqs = messages.map((message) => message.seq);
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  socket.close();
});

test('a session from another origin, or with none, gets no stream', async () => {
  await using lb1 = await startNode('lb1');
  const cookie = await login(lb1);
  expect(await listen(lb1, { cookie, origin: 'https://evil.example' }).end).toBe(403);
  expect(await listen(lb1, { cookie }).end).toBe(403);
  expect(await listen(lb1, { origin: `https://127.0.0.1:${lb1.port()}` }).end).toBe(401);
});

test('a stream ends with its session', async () => {
  await using lb1 = await startNode('lb1');
  const cookie = await login(lb1);
  const stream = listen(lb1, { cookie, origin: `https://127.0.0.1:${lb1.port()}` });
  await until(() => stream.messages.length >= 2);
  await lb1.overTls({ method: 'DELETE', path: '/api/v1/session', headers: { cookie } });
  expect(await stream.end).toBe(1008);
});

test('clients beyond the limit get 503, and a place is free again after one has left', async () => {
  await using lb1 = await startNode('lb1', { tuning: { liveClients: 1 } });
  const first = listen(lb1, { authorization });
  await until(() => first.messages.length >= 2);
  expect(await listen(lb1, { authorization }).end).toBe(503);
  first.socket.close();
  await first.end;
  const second = listen(lb1, { authorization });
  await until(() => second.messages.length >= 2);
  second.socket.close();
});

test('a client that floods or sends large frames is cut off, others go on', async () => {
  await using lb1 = await startNode('lb1');
  const honest = listen(lb1, { authorization });
  const flooding = listen(lb1, { authorization });
  const large = listen(lb1, { authorization });
  await until(() => [honest, flooding, large].every(({ messages }) => messages.length >= 2));
  for (let i = 0; i < 100; i++) flooding.socket.send('x');
  large.socket.send('x'.repeat(5000));
  await flooding.end;
  await large.end;
  const { length } = honest.messages;
  await until(() => honest.messages.length > length);
  honest.socket.close();
});

test('a client that reads nothing is cut off before it costs memory', async () => {
  await using lb1 = await startNode('lb1');
  // Texts are bounded each, not their number.
  const big = Array.from({ length: 16_000 }, () => 'x'.repeat(400));
  const stream = listen(lb1, { authorization });
  await until(() => stream.messages.length >= 2);
  stream.socket.pause();
  lb1.current.status = { ...lb1.current.status, notices: big };
  await new Promise((resolve) => setTimeout(resolve, 3500));
  lb1.current.status = { ...lb1.current.status, notices: [] };
  stream.socket.resume();
  expect(await stream.end).toBe(1006);
}, 15_000);
