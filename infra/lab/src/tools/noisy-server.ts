// A server that answers each connection with another kind of garbage: random bytes, half a head, impossible framing,
// a reset, silence. node noisy-server.ts --port 80
import { createServer } from 'node:net';

import { numberOf, readArguments, say } from './arguments.ts';

const options = readArguments(process.argv.slice(2));
const answers: readonly (string | undefined)[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nnot a chunk',
  'HTTP/1.1 200 OK\r\nContent-Le',
  'HTTP/1.1 999999 \u0000\r\n\r\n',
  '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  'HTTP/9.9 200 OK\r\nContent-Length: -5\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly a part',
  `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(200_000)}\r\n\r\n`,
  '\n\n\n\n',
  undefined,
];
let turn = 0;

const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => {
    const answer = answers[turn++ % answers.length];
    if (answer === undefined) socket.resetAndDestroy();
    else socket.end(Buffer.from(answer, 'latin1'));
  });
});
server.listen(numberOf(options, 'port', 80), '0.0.0.0', () => say({ event: 'ready' }));
