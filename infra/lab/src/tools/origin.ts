// A web server of the lab: names itself in each answer and says what it saw. Run as
//   node origin.ts --name web1 --port 80 [--record 1]
// The query shapes the answer: ?status=503&size=1000&chunks=5&chunkDelayMs=20&delayMs=50; /echo answers with the
// request as JSON; ?seed=7 fills a chunked body with that noise. ?fault=reset|garbage|cut|extra|close-early makes a broken answer of its kind. With --record 1 each request is a JSON line; SIGUSR2 prints the count of requests by path.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { monotonicMs, pause } from '../clock.ts';
import { numberOf, readArguments, say } from './arguments.ts';
import { Noise } from './noise.ts';

const options = readArguments(process.argv.slice(2));
const name = options.get('name') ?? 'origin';
const record = options.get('record') === '1';
const counts = new Map<string, number>();

function describe(request: IncomingMessage): Readonly<Record<string, unknown>> {
  return {
    server: name,
    method: request.method ?? '',
    url: request.url ?? '',
    peer: peerOf(request),
    rawHeaders: request.rawHeaders,
  };
}

function peerOf(request: IncomingMessage): string {
  return (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
}

async function bodyOf(request: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of request) bytes += (chunk as Buffer).length;
  return bytes;
}

/** Writes a broken answer past the HTTP server. `extra` is a whole answer with another behind it that nobody asked for. */
function breakAnswer(fault: string, socket: Socket | null): void {
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n';
  if (fault === 'reset') socket?.resetAndDestroy();
  else if (fault === 'garbage') socket?.end('\u0000\u0001 nonsense\r\n\r\n');
  else if (fault === 'cut') socket?.end(`${ok}ab`);
  else if (fault === 'extra') socket?.write(`${ok}good${ok}evil`);
  else socket?.end();
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://origin');
  const query = (key: string, byDefault: number): number => Number(url.searchParams.get(key) ?? byDefault);
  counts.set(url.pathname, (counts.get(url.pathname) ?? 0) + 1);
  if (record) say({ event: 'request', atMs: monotonicMs(), ...describe(request) });
  const fault = url.searchParams.get('fault');
  if (fault !== null) {
    breakAnswer(fault, response.socket);
    return;
  }
  const bodyBytes = await bodyOf(request);
  if (query('delayMs', 0) > 0) await pause(query('delayMs', 0));
  response.statusCode = query('status', 200);
  response.setHeader('x-origin', name);
  response.setHeader('x-peer', peerOf(request));
  if (url.pathname === '/echo') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ...describe(request), bodyBytes }));
    return;
  }
  const noise = url.searchParams.has('seed') ? new Noise(query('seed', 0)) : undefined;
  const body = Buffer.alloc(query('size', 0), name);
  response.setHeader('content-type', 'text/plain');
  if (query('chunks', 0) === 0) {
    response.end(body.length > 0 ? body : `served by ${name}\n`);
    return;
  }
  for (let index = 0; index < query('chunks', 0); index++) {
    response.write(noise?.take(body.length) ?? (body.length > 0 ? body : `part ${index} of ${name}\n`));
    await pause(query('chunkDelayMs', 0));
  }
  response.end();
}

const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
  answer(request, response).catch((error: unknown) => {
    say({ event: 'request-failed', error: String(error) });
    response.destroy();
  });
});
// A websocket as far as a proxy sees it: bytes both ways. Whatever comes goes back.
server.on('upgrade', (request, socket) => {
  const key = request.headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on('error', () => socket.destroy());
  socket.pipe(socket);
});
server.listen(numberOf(options, 'port', 80), options.get('address') ?? '0.0.0.0', () => say({ event: 'ready', name }));
process.on('SIGUSR2', () => say({ event: 'counts', counts: Object.fromEntries(counts) }));
