// The prober: every few ms one new TCP connection with one HTTP request, each result one JSON line. Run as
//   node probe.ts --target 192.168.1.200:80 [--interval 5] [--timeout 1000] [--path /] [--udp PORT]
// Open loop: a probe starts at its time whether earlier ones have ended or not. SIGTERM ends it: the last probes
// are waited for, then comes {"event":"probe-end"}. With --udp each probe also sends one datagram to that port.
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';

import { monotonicMs } from '../clock.ts';
import { numberOf, readArguments, say, targetOf } from './arguments.ts';

const options = readArguments(process.argv.slice(2));
const target = targetOf(options);
const intervalMs = numberOf(options, 'interval', 5);
const timeoutMs = numberOf(options, 'timeout', 1000);
const udpPort = numberOf(options, 'udp', 0);
const request = Buffer.from(
  `GET ${options.get('path') ?? '/'} HTTP/1.1\r\nHost: ${target.host}\r\nUser-Agent: tospann-probe\r\nConnection: close\r\n\r\n`,
);
let open = 0;
let ending = false;

/** Sends one request over a new connection and prints what became of it. */
function probe(): void {
  const atMs = monotonicMs();
  let connectedMs = -1;
  let text = '';
  let settled = false;
  open += 1;
  const socket: Socket = connect({ host: target.host, port: target.port, noDelay: true });
  const settle = (kind: string): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    socket.destroy();
    open -= 1;
    report(kind, { atMs, tookMs: monotonicMs() - atMs, connectMs: connectedMs, text });
    if (ending && open === 0) end();
  };
  const timer = setTimeout(() => settle('timeout'), timeoutMs);
  socket.on('connect', () => {
    connectedMs = monotonicMs() - atMs;
    socket.write(request);
  });
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', (error: NodeJS.ErrnoException) => settle(kindOf(error.code ?? 'error')));
  socket.on('end', () => settle(text === '' ? 'empty' : 'answer'));
}

interface Outcome {
  readonly atMs: number;
  readonly tookMs: number;
  readonly connectMs: number;
  readonly text: string;
}

function report(kind: string, outcome: Outcome): void {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(outcome.text)?.[1] ?? 0);
  const complete = kind === 'answer' && isComplete(outcome.text);
  const ok = complete && status === 200;
  say({
    event: 'probe',
    atMs: round(outcome.atMs),
    tookMs: round(outcome.tookMs),
    connectMs: round(outcome.connectMs),
    ok,
    kind: ok ? 'ok' : wrongKind(kind, complete, status),
    status,
    origin: field(outcome.text, 'x-origin'),
    via: field(outcome.text, 'x-peer'),
  });
}

function wrongKind(kind: string, complete: boolean, status: number): string {
  if (kind !== 'answer') return kind;
  return complete ? `status-${status}` : 'truncated';
}

/** Tells whether the answer has as many body bytes as its Content-Length says, or a last chunk. */
function isComplete(text: string): boolean {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const length = field(text, 'content-length');
  if (length !== '') return text.length - headEnd - 4 === Number(length);
  return !/transfer-encoding: *chunked/i.test(text) || text.endsWith('0\r\n\r\n');
}

function field(text: string, name: string): string {
  return new RegExp(`^${name}: *(.*)\r$`, 'im').exec(text)?.[1] ?? '';
}

function kindOf(code: string): string {
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'reset';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'unreachable';
  return code;
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function end(): void {
  say({ event: 'probe-end' });
  process.exit(0);
}

if (udpPort > 0) {
  const socket = createSocket('udp4');
  socket.on('message', (message) => {
    const [sequence = '', by = ''] = message.toString('latin1').split(' ');
    say({ event: 'udp', atMs: round(monotonicMs()), sequence: Number(sequence), by });
  });
  socket.on('error', () => undefined);
  let sequence = 0;
  setInterval(() => socket.send(`${sequence++}`, udpPort, target.host), intervalMs);
}
let dueMs = monotonicMs();
say({ event: 'ready', atMs: dueMs });
const ticking = setInterval(
  () => {
    const nowMs = monotonicMs();
    // After a stall of this process itself the missed probes are left out: they would all say the same.
    if (nowMs - dueMs > 10 * intervalMs) dueMs = nowMs;
    for (; dueMs <= nowMs; dueMs += intervalMs) probe();
  },
  Math.min(intervalMs, 5),
);
process.on('SIGTERM', () => {
  ending = true;
  clearInterval(ticking);
  if (open === 0) end();
});
