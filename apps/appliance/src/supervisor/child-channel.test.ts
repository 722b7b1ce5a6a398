// The supervisor's end of a channel against what a child that was taken over can write, over a real pair of sockets.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { FromChild } from '../ipc.ts';
import { ChildChannel } from './child-channel.ts';

const open: { destroy(): void }[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

interface Ends {
  readonly child: Socket;
  readonly channel: ChildChannel;
  readonly messages: FromChild[];
  /** Why the child is to be ended. */
  readonly fault: Promise<string>;
}

async function ends(): Promise<Ends> {
  const path = join(tmpdir(), `channel-${process.pid}-${Math.random()}.sock`);
  const server = createServer().listen(path);
  await once(server, 'listening');
  const child = connect(path);
  const [socket] = (await once(server, 'connection')) as [Socket];
  server.close();
  open.push(child, socket);
  child.on('error', () => undefined);
  const messages: FromChild[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  const channel = new ChildChannel(socket, 'proxy', { message: (message) => messages.push(message), fault: resolve });
  return { child, channel, messages, fault: promise };
}

test('takes messages that come in pieces and together', async () => {
  const { child, messages, fault } = await ends();
  const text = `${JSON.stringify({ type: 'ready' })}\n${JSON.stringify({ type: 'fatal', code: 'A', message: 'über', hint: '' })}\n`;
  for (const byte of Buffer.from(text)) child.write(Buffer.of(byte));
  child.write('not for you\n');
  await fault;
  expect(messages).toEqual([{ type: 'ready' }, { type: 'fatal', code: 'A', message: 'über', hint: '' }]);
});

test.each([
  ['what is no JSON', '{"type":\n', /no object/],
  ["a message of Node's own kind", '{"cmd":"NODE_HANDLE","type":"net.Socket"}\n', /unknown type/],
  ['a message of another role', '{"type":"operation","id":1,"operation":"upgrade"}\n', /no message of this role/],
  ['a message without its parts', '{"type":"server-answer","id":1}\n', /another shape/],
  ['a line without an end', 'x'.repeat(17 * 1024 * 1024), /characters/],
  ['a flood', '{"type":"alive"}\n'.repeat(40_000), /too much/],
])('ends a child for %s, and hears nothing after it', async (_name, text, why) => {
  const { child, messages, fault } = await ends();
  child.write(text);
  child.write('{"type":"ready"}\n');
  expect(await fault).toMatch(why);
  expect(messages.some(({ type }) => type === 'ready')).toBe(false);
});

test('a child that reads nothing costs a bound of memory and is ended', async () => {
  const { child, channel, fault } = await ends();
  child.pause();
  const event = { timeMs: 1, monotonicMs: 1, event: 'x', severity: 'info', text: 'x'.repeat(1024 * 1024) } as const;
  for (let id = 0; id < 100; id++) channel.send({ type: 'keep-event', id, event });
  expect(await fault).toMatch(/does not read/);
});
