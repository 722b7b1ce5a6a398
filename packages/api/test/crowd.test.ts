// The TLS listener in a crowd: one address that holds what it can keeps nobody else out, least of all the other node; and
// nobody gets a WebSocket without a login.
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { consoleToken } from '../src/index.ts';
import { clusterKey, startNode, until, type TestNode } from './harness.ts';

class Crowd implements Disposable {
  readonly sockets: Socket[] = [];

  constructor(port: number, count: number, from: string) {
    for (let i = 0; i < count; i++) {
      const socket = connect({ host: '127.0.0.1', port, localAddress: from });
      socket.on('error', () => undefined);
      this.sockets.push(socket);
    }
  }

  get open(): number {
    return this.sockets.filter((socket) => socket.readyState === 'open').length;
  }

  get closed(): number {
    return this.sockets.filter((socket) => socket.closed || socket.readyState === 'closed').length;
  }

  [Symbol.dispose](): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

/** The first line of the answer to a request over TLS from an address, or why there is none. */
function statusLine(node: TestNode, { head, from = '127.0.0.1' }: { head: string; from?: string }): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({
      socket: connect({ host: '127.0.0.1', port: node.port(), localAddress: from }),
      rejectUnauthorized: false,
    });
    let text = '';
    socket.on('secureConnect', () => socket.write(head));
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (text.includes('\r\n')) socket.destroy();
    });
    socket.on('error', (error) => resolve(`error: ${error.message}`));
    socket.on('close', () => resolve(text.split('\r\n', 1)[0] ?? ''));
  });
}

const health = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

test('600 silent connections of one address keep neither another address nor the other node out', async () => {
  await using lb1 = await startNode('lb1', { peers: [{ name: 'lb2', address: '127.0.0.3', port: 9 }] });
  using crowd = new Crowd(lb1.port(), 600, '127.0.0.1');
  await until(() => crowd.closed >= 600 - 48);
  expect(crowd.open).toBeLessThanOrEqual(48);
  for (const from of ['127.0.0.2', '127.0.0.3'])
    expect(await statusLine(lb1, { head: health, from })).toBe('HTTP/1.1 200 OK');
});

test('the other node gets through though many addresses hold all that there is', async () => {
  await using lb1 = await startNode('lb1', { peers: [{ name: 'lb2', address: '127.0.0.3', port: 9 }] });
  const crowds = Array.from({ length: 13 }, (_, i) => new Crowd(lb1.port(), 48, `127.0.1.${i + 1}`));
  try {
    await until(() => crowds.reduce((sum, { closed }) => sum + closed, 0) >= 13 * 48 - 512);
    expect(await statusLine(lb1, { head: health, from: '127.0.0.3' })).toBe('HTTP/1.1 200 OK');
    expect(await statusLine(lb1, { head: health, from: '127.0.0.2' })).not.toBe('HTTP/1.1 200 OK');
  } finally {
    for (const crowd of crowds) crowd[Symbol.dispose]();
  }
});

const upgrade = (path: string, more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`;

test.each(['/', '/healthz', '/index.html', '/assets/x.js', '/api/v1/session', '/api/v1/live', '/nothing'])(
  'an upgrade on %s without a login is refused before it is one',
  async (path) => {
    const asset = { body: new Uint8Array([1]), type: 'text/html', etag: 'x' };
    await using lb1 = await startNode('lb1', { consoleAssets: () => asset });
    expect(await statusLine(lb1, { head: upgrade(path) })).toBe('HTTP/1.1 401 Unauthorized');
  },
);

test('with the token the live stream is upgraded, and nothing else', async () => {
  await using lb1 = await startNode('lb1');
  const token = `Authorization: Bearer ${consoleToken(clusterKey)}\r\n`;
  expect(await statusLine(lb1, { head: upgrade('/api/v1/live', token) })).toBe('HTTP/1.1 101 Switching Protocols');
  expect(await statusLine(lb1, { head: upgrade('/healthz', token) })).toBe('HTTP/1.1 401 Unauthorized');
});
