// Connections that are all opened at one moment, each with one request. Run as
//   node burst.ts --target 10.10.10.5:80 --count 6000
// Prints one line: how many were answered, how many failed, the 99th percentile until the answer, the time in all.
import { connect } from 'node:net';

import { monotonicMs } from '../clock.ts';
import { numberOf, readArguments, say, targetOf } from './arguments.ts';

const options = readArguments(process.argv.slice(2));
const target = targetOf(options);
const count = numberOf(options, 'count', 6000);
/** A SYN that was dropped is sent again after 1 s, 3 s and 7 s. */
const limitMs = 12_000;

const startedMs = monotonicMs();
const took: number[] = [];
let failed = 0;

function ended(): void {
  if (took.length + failed < count) return;
  took.sort((one, other) => one - other);
  const p99Ms = took[Math.floor((took.length - 1) * 0.99)] ?? 0;
  say({ event: 'burst', answered: took.length, failed, p99Ms, tookMs: monotonicMs() - startedMs });
  process.exit(0);
}

function openOne(): void {
  const atMs = monotonicMs();
  let done = false;
  const settle = (ok: boolean): void => {
    if (done) return;
    done = true;
    if (ok) took.push(monotonicMs() - atMs);
    else failed++;
    socket.destroy();
    ended();
  };
  const socket = connect({ host: target.host, port: target.port, noDelay: true });
  socket.setTimeout(limitMs, () => settle(false));
  socket.once('connect', () => socket.write('GET / HTTP/1.1\r\nHost: burst.test\r\nConnection: close\r\n\r\n'));
  socket.once('data', (data) => settle(data.toString('latin1', 0, 12) === 'HTTP/1.1 200'));
  socket.once('error', () => settle(false));
  socket.once('close', () => settle(false));
}

for (let index = 0; index < count; index++) openOne();
