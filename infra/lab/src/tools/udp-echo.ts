// Datagrams to an address and back, for how long nobody answers there. Run as
//   node udp-echo.ts --echo NAME [--port 25007]            answers each datagram with its text and NAME
//   node udp-echo.ts --target ADDRESS:PORT [--interval 5] [--timeout 500]
// The second prints one line for each datagram: {"event":"udp","atMs","ok","by"}. It holds no neighbour entry alive: only
// what a stack learns from gratuitous ARP tells it where to send.
import { createSocket } from 'node:dgram';

import { monotonicMs } from '../clock.ts';
import { numberOf, readArguments, say, targetOf } from './arguments.ts';

const options = readArguments(process.argv.slice(2));
const name = options.get('echo');

if (name === undefined) ask();
else echo(name);

function echo(by: string): void {
  const server = createSocket('udp4');
  server.on('message', (message, from) =>
    server.send(`${message.toString()} ${by}`, from.port, from.address, () => {}),
  );
  server.bind(numberOf(options, 'port', 25_007), () => say({ event: 'ready' }));
}

function ask(): void {
  const target = targetOf(options);
  const intervalMs = numberOf(options, 'interval', 5);
  const timeoutMs = numberOf(options, 'timeout', 500);
  const waiting = new Map<string, { readonly atMs: number; readonly timer: NodeJS.Timeout }>();
  const client = createSocket('udp4');
  client.on('error', () => {});
  client.on('message', (message) => {
    const [id = '', by = ''] = message.toString().split(' ');
    const asked = waiting.get(id);
    if (asked === undefined) return;
    waiting.delete(id);
    clearTimeout(asked.timer);
    say({ event: 'udp', atMs: asked.atMs, ok: true, by });
  });
  let next = 0;
  client.bind(0, () => {
    say({ event: 'ready' });
    const startMs = monotonicMs();
    setInterval(() => {
      for (; startMs + next * intervalMs <= monotonicMs(); next++) {
        const id = String(next);
        const atMs = monotonicMs();
        const timer = setTimeout(() => {
          waiting.delete(id);
          say({ event: 'udp', atMs, ok: false, by: '' });
        }, timeoutMs);
        waiting.set(id, { atMs, timer });
        client.send(id, target.port, target.host, () => {});
      }
    }, intervalMs);
  });
}
