// An HTTP client inside a node: takes one request a line as JSON on standard input, prints one answer a line. Each
// request has a connection of its own unless it asks for "keepAlive". Lines: {"id":1,"url":"http://...","headers":{},
// "method":"GET","body":""} and {"event":"response","id":1,"status":200,"rawHeaders":[],"body":"","tookMs":1.2}.
import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';

import { monotonicMs } from '../clock.ts';
import { say } from './arguments.ts';

interface Order {
  readonly id: number;
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly keepAlive?: boolean;
  readonly timeoutMs?: number;
}

const kept = new Agent({ keepAlive: true, maxSockets: 1 });

function execute(order: Order): void {
  const atMs = monotonicMs();
  let settled = false;
  const settle = (result: Readonly<Record<string, unknown>>): void => {
    if (settled) return;
    settled = true;
    say({ event: 'response', id: order.id, atMs, tookMs: monotonicMs() - atMs, ...result });
  };
  const options = { method: order.method ?? 'GET', headers: order.headers ?? {}, timeout: order.timeoutMs ?? 5000 };
  const start = order.url.startsWith('https:')
    ? // The lab's consoles have certificates of their own making; the lab tests what they say, not who they are.
      httpsRequest(order.url, { ...options, agent: false, rejectUnauthorized: false })
    : httpRequest(order.url, { ...options, agent: order.keepAlive === true ? kept : false });
  start.on('response', (response) => {
    const parts: Buffer[] = [];
    response.on('data', (part: Buffer) => parts.push(part));
    response.on('aborted', () => settle({ error: 'truncated' }));
    response.on('error', () => settle({ error: 'truncated' }));
    response.on('end', () => {
      const body = Buffer.concat(parts).toString('utf8');
      settle({ status: response.statusCode, rawHeaders: response.rawHeaders, body, reused: start.reusedSocket });
    });
  });
  start.on('timeout', () => start.destroy(Object.assign(new Error('timeout'), { code: 'timeout' })));
  start.on('error', (error: NodeJS.ErrnoException) => settle({ error: error.code ?? error.message }));
  start.end(order.body);
}

createInterface({ input: process.stdin }).on('line', (line) => execute(JSON.parse(line) as Order));
process.stdin.on('end', () => process.exit(0));
say({ event: 'ready' });
