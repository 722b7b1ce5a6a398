// Many connections that do nothing, or too little: opened, held, and closed at SIGTERM. Run as
//   node idle.ts --target 10.10.10.5:80 --count 1000 [--mode silent|answered|drip] [--rate 100]
// rate: so many are begun a second, whatever becomes of the others. silent: nothing is sent; answered: one request was answered; drip: a byte of a head each second. Prints ready when all
// are open, and each second how many still are.
import { connect, type Socket } from 'node:net';

import { monotonicMs } from '../clock.ts';
import { numberOf, readArguments, say, targetOf } from './arguments.ts';

const options = readArguments(process.argv.slice(2));
const target = targetOf(options);
const count = numberOf(options, 'count', 1000);
const mode = options.get('mode') ?? 'silent';
/** 0: as fast as they are opened. */
const rate = numberOf(options, 'rate', 0);
/** So many are being opened at a time: fewer than a listener's backlog. */
const OPENING = 100;

const open = new Set<Socket>();
let opened = 0;
let begun = 0;
let stopped = false;

function openOne(): void {
  begun += 1;
  const socket = connect({ host: target.host, port: target.port, noDelay: true });
  const settled = (): void => {
    opened += 1;
    if (rate === 0 && begun < count) openOne();
    else if (opened === count) say({ event: 'ready', atMs: monotonicMs(), open: open.size });
  };
  socket.once('connect', () => {
    open.add(socket);
    if (mode === 'silent') settled();
    else if (mode === 'drip') socket.write('GET / HTTP/1.1\r\nHost: slow.test\r\nX-Slow: ', settled);
    else socket.write('GET / HTTP/1.1\r\nHost: idle.test\r\n\r\n', () => socket.once('data', settled));
  });
  socket.on('error', () => undefined);
  socket.on('data', () => undefined);
  socket.on('close', () => {
    // What the proxy has closed comes back, as an attacker would.
    if (open.delete(socket) && mode === 'drip' && !stopped) openOne();
  });
}

if (rate === 0) {
  for (let i = 0; i < Math.min(OPENING, count); i++) openOne();
} else {
  const startedMs = monotonicMs();
  const timer = setInterval(() => {
    const due = Math.min(count, Math.floor(((monotonicMs() - startedMs) / 1000) * rate));
    while (begun < due) openOne();
    if (begun >= count) clearInterval(timer);
  }, 20);
}
setInterval(() => {
  if (mode === 'drip') for (const socket of open) socket.write('a');
  say({ event: 'idle', open: open.size });
}, 1000);
process.on('SIGTERM', () => {
  stopped = true;
  for (const socket of open) socket.destroy();
  process.exit(0);
});
