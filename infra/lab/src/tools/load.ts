// Open-loop load with exact accounting: every request that was sent is counted as good or as failed, once. Run as
//   node load.ts --target 192.168.1.200:80 --rps 200 --seconds 10 [--keepalive 1] [--path /] [--timeout 10000]
//     [--unique 1: every request has a path of its own] [--abort 10: so many percent of clients leave in the answer]
//     [--expect TEXT: a 200 without it in its body is a failure]
// Prints a JSON line a second and {"event":"load-end",...} at the end; SIGTERM ends it early, requests under way finish.
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';

import { monotonicMs } from '../clock.ts';
import { numberOf, readArguments, say, targetOf } from './arguments.ts';

const options = readArguments(process.argv.slice(2));
const target = targetOf(options);
const rps = numberOf(options, 'rps', 200);
const total = Math.floor(rps * numberOf(options, 'seconds', 10));
const keepAlive = options.get('keepalive') === '1';
const timeoutMs = numberOf(options, 'timeout', 10_000);
const method = options.get('method') ?? 'GET';
const unique = options.get('unique') === '1';
const abortPercent = numberOf(options, 'abort', 0);
const expected = options.get('expect') ?? '';
/** A good client gives an idle connection up before the other side does: else a request meets its end by chance. */
const IDLE_MS = 5000;
const agent = new Agent({ keepAlive, maxSockets: numberOf(options, 'connections', 1000), timeout: IDLE_MS });

/** A long run keeps the last ones only: memory stays flat. */
const LATENCIES_KEPT = 200_000;
const tally = { sent: 0, ok: 0, failed: 0, aborted: 0, failedToConnect: 0, lostUnderWay: 0, lostOnReusedConnection: 0 };
const failures = new Map<string, number>();
const latenciesMs: number[] = [];
const servedBy = new Map<string, number>();
let open = 0;
let stopped = false;

/** Sends one request; `settle` is called exactly once for it. */
function send(): void {
  const atMs = monotonicMs();
  tally.sent += 1;
  open += 1;
  let settled = false;
  let connected = false;
  const settle = (failure: string, request: ClientRequest): void => {
    if (settled) return;
    settled = true;
    open -= 1;
    if (failure === '') {
      tally.ok += 1;
      latenciesMs[(tally.ok - 1) % LATENCIES_KEPT] = monotonicMs() - atMs;
    } else {
      countFailure(failure, request.reusedSocket ? 'reused' : connected ? 'connected' : 'new');
      request.destroy();
    }
    if (stopped && open === 0) finish();
  };
  const leaves = tally.sent % 100 < abortPercent;
  const path = `${options.get('path') ?? '/'}${unique ? `/${tally.sent}` : ''}`;
  const request = httpRequest(
    { host: target.host, port: target.port, method, path, agent, timeout: timeoutMs },
    (response) => {
      if (leaves) leave(request, () => settle('', request));
      else read(response, (failure) => settle(failure, request));
    },
  );
  request.on('socket', (socket) => {
    // One that has served before has connected before, and collects no listeners.
    if (socket.connecting) socket.once('connect', () => (connected = true));
  });
  request.on('timeout', () => settle('timeout', request));
  request.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message, request));
  request.end(method === 'POST' ? 'hello' : undefined);
}

/** The client goes away in the middle of its answer; its request counts as good. */
function leave(request: ClientRequest, settle: () => void): void {
  tally.aborted += 1;
  settle();
  request.destroy();
}

function read(response: IncomingMessage, settle: (failure: string) => void): void {
  let text = '';
  if (expected === '') response.resume();
  else response.setEncoding('latin1').on('data', (part: string) => (text += part));
  response.on('end', () => {
    if (response.statusCode !== 200) settle(`status-${String(response.statusCode)}`);
    else settle(text.includes(expected) ? '' : 'another answer');
  });
  response.on('aborted', () => settle('truncated'));
  response.on('error', () => settle('truncated'));
  const via = response.headers['x-peer'];
  const name = typeof via === 'string' ? via : 'unknown';
  servedBy.set(name, (servedBy.get(name) ?? 0) + 1);
}

/** Counts a failure by how far its connection was: `new` never came to be, `reused` had served a request before. */
function countFailure(failure: string, connection: 'new' | 'connected' | 'reused'): void {
  tally.failed += 1;
  if (connection === 'new') tally.failedToConnect += 1;
  else if (connection === 'connected') tally.lostUnderWay += 1;
  else tally.lostOnReusedConnection += 1;
  const kind = connection === 'new' ? failure : `${failure} (${connection})`;
  failures.set(kind, (failures.get(kind) ?? 0) + 1);
  say({ event: 'load-failure', atMs: monotonicMs(), kind });
}

function finish(): void {
  latenciesMs.sort((one, other) => one - other);
  const at = (part: number): number =>
    Math.round((latenciesMs[Math.floor(latenciesMs.length * part)] ?? 0) * 100) / 100;
  say({
    event: 'load-end',
    ...tally,
    failures: Object.fromEntries(failures),
    servedBy: Object.fromEntries(servedBy),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    p999Ms: at(0.999),
    maxMs: Math.round((latenciesMs.at(-1) ?? 0) * 100) / 100,
  });
  process.exit(0);
}

function stop(): void {
  stopped = true;
  clearInterval(sending);
  clearInterval(telling);
  if (open === 0) finish();
}

const startMs = monotonicMs();
say({ event: 'ready', atMs: startMs });
const sending = setInterval(() => {
  const due = Math.min(total, Math.floor(((monotonicMs() - startMs) / 1000) * rps) + 1);
  while (tally.sent < due) send();
  if (tally.sent >= total) stop();
}, 2);
const telling = setInterval(() => say({ event: 'load-second', ...tally, open }), 1000);
process.on('SIGTERM', stop);
