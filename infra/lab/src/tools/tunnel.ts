// A client with one upgraded connection that lives long: sends a numbered line every 50 ms and reads it back. Run as
//   node tunnel.ts --target 192.168.1.200:80
// SIGTERM ends it: {"event":"tunnel-end","echoed":123,"broken":""}; `broken` says how the connection ended before.
import { connect } from 'node:net';

import { readArguments, say, targetOf } from './arguments.ts';

const options = readArguments(process.argv.slice(2));
const target = targetOf(options);
const socket = connect(target.port, target.host);
let received = '';
let sent = 0;
let echoed = 0;
let open = false;
let broken = '';
let timer: NodeJS.Timeout | undefined;

socket.setNoDelay(true);
socket.write(
  `GET /tunnel HTTP/1.1\r\nHost: ${target.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
);
socket.on('data', (bytes: Buffer) => {
  received += bytes.toString('latin1');
  if (!open) {
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!received.startsWith('HTTP/1.1 101 ')) broken = received.slice(0, 40);
    received = received.slice(end + 4);
    open = true;
    say({ event: 'ready' });
    timer = setInterval(() => socket.write(`${sent++}\n`), 50);
  }
  for (let end = received.indexOf('\n'); end >= 0; end = received.indexOf('\n')) {
    if (Number(received.slice(0, end)) !== echoed) broken ||= `line ${echoed} came back as ${received.slice(0, end)}`;
    echoed++;
    received = received.slice(end + 1);
  }
});
socket.on('error', (error) => (broken ||= error.message));
socket.on('close', () => {
  clearInterval(timer);
  broken ||= 'closed by the other side';
});
process.on('SIGTERM', () => {
  say({ event: 'tunnel-end', echoed, broken });
  process.exit(0);
});
