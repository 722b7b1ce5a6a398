// What the log says of requests that end in every way: timers, status, termination state, counts and places in queues.
// Recorded beside HAProxy 2.6 (httplog) with the same servers and clients; rows where it differs say why.
import { expect, it } from 'vitest';
import type { MemoryPeer } from '../src/core/memory-transport.ts';
import { ask, EngineBench, GET, OK } from './engine-bench.ts';

const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nab';
const SERVER = { address: '10.0.0.1', port: 80 };

interface Scene {
  readonly bench: EngineBench;
  readonly client: MemoryPeer;
  readonly pass: (ms: number) => void;
  readonly answer: (text: string) => void;
}

/** The wheel of time-outs is exact to some 10 ms: to hundreds, downwards. */
function coarse(ms: string): string {
  return ms === '-1' ? ms : String(Math.floor(Number(ms) / 100) * 100);
}

/** A client that has sent this, 300 ms after it came; TR counts from the first byte. */
function play(
  text: string,
  act: (scene: Scene) => void,
  format: 'log-haproxy' | 'one-server' = 'log-haproxy',
): string[] {
  const bench = new EngineBench({
    flags: ['one-server', 'no-retries', 'no-forwarded', format],
    configure: (config) => ({
      ...config,
      frontends: [
        {
          ...config.frontends[0]!,
          rules: [
            { if: { acl: 'no' }, action: { type: 'deny', status: 403 } },
            { if: { acl: 'held' }, action: { type: 'tarpit', status: 500, delayMs: 500 } },
            { if: { acl: 'queued' }, action: { type: 'use', backend: 'static' } },
          ],
          acls: ['no', 'held', 'queued'].map((name) => ({
            name,
            pathExact: [`/${name}`],
            pathPrefix: [],
            pathSuffix: [],
            ignoreCase: false,
          })),
        },
      ],
      backends: config.backends.map((backend) => ({
        ...backend,
        servers: backend.servers.map((server) => ({
          ...server,
          ...(backend.name === 'static' ? { maxConnections: 1 } : {}),
        })),
      })),
    }),
  });
  const client = bench.dial();
  bench.transport.advance(300);
  client.write(text);
  bench.transport.settle();
  act({
    bench,
    client,
    pass: (ms) => bench.transport.advance(ms),
    answer: (answer) => {
      bench.connections.at(-1)!.peer.write(answer);
      bench.transport.settle();
    },
  });
  bench.transport.settle();
  return bench.logLines();
}

const HAPROXY = /\] \S+ (\S+) (\S+) (\S+) \d+ - - (\S+) (\S+) (\S+) "/;

it.each<[string, string, (scene: Scene) => void, string]>([
  ['a whole exchange', GET, ({ pass, answer }) => (pass(200), answer(OK)), '0/0/200 200 ---- 1/1/0/0/0 0/0'],
  ['cR: the head does not end', 'GET / HT', ({ pass }) => pass(1100), '-1/-1/-1 408 cR-- 1/1/0/0/0 0/0'],
  ['CR: FIN in the head', 'GET / HT', ({ client }) => client.end(), '-1/-1/-1 400 CR-- 1/1/0/0/0 0/0'],
  ['CR: RST in the head', 'GET / HT', ({ client }) => client.close(true), '-1/-1/-1 400 CR-- 1/1/0/0/0 0/0'],
  ['PR: not HTTP', 'GE T / x\r\n\r\n', () => undefined, '-1/-1/-1 400 PR-- 1/1/0/0/0 0/0'],
  ['PR: denied', GET.replace('/', '/no'), () => undefined, '-1/-1/-1 403 PR-- 1/1/0/0/0 0/0'],
  ['PT: held', GET.replace('/', '/held'), ({ pass }) => pass(600), '500/-1/-1 500 PT-- 1/1/0/0/0 0/0'],
  // HAProxy does not see this client leave.
  [
    'CT',
    GET.replace('/', '/held'),
    ({ pass, client }) => (pass(200), client.close(true)),
    '200/-1/-1 -1 CT-- 1/1/0/0/0 0/0',
  ],
  ['sH: no answer in time', GET, ({ pass }) => pass(4100), '0/0/-1 504 sH-- 1/1/0/0/0 0/0'],
  ['SH: no answer at all', POST, ({ bench }) => bench.connections[0]!.peer.close(), '0/0/-1 502 SH-- 1/1/0/0/0 0/0'],
  ['PH: an answer that is none', GET, ({ answer }) => answer('what?\r\n\r\n'), '0/0/-1 502 PH-- 1/1/0/0/0 0/0'],
  ['CH: the client leaves', GET, ({ pass, client }) => (pass(200), client.close(true)), '0/0/-1 -1 CH-- 1/1/0/0/0 0/0'],
  ['CD: in its body', POST, ({ pass, client }) => (pass(200), client.close(true)), '0/0/-1 -1 CD-- 1/1/0/0/0 0/0'],
  // HAProxy's time-out for the server ends it first when both are the same.
  ['cD: its body stalls', POST, ({ pass }) => pass(3100), '0/0/-1 408 cD-- 1/1/0/0/0 0/0'],
  [
    'sD: the answer stalls',
    GET,
    ({ pass, answer }) => (pass(200), answer(OK.slice(0, -1)), pass(4100)),
    '0/0/200 200 sD-- 1/1/0/0/0 0/0',
  ],
  [
    'SD: the answer is cut',
    GET,
    ({ bench, pass, answer }) => (pass(200), answer(OK.slice(0, -1)), bench.connections[0]!.peer.close()),
    '0/0/200 200 SD-- 1/1/0/0/0 0/0',
  ],
  // oxlint-disable-next-line max-params -- a row of the table
])('%s', (_, text, act, expected) => {
  const lines = play(text, act);
  expect(lines.map((line) => HAPROXY.exec(line)?.slice(1))).toHaveLength(1);
  const [, , timers = '', status, state, counts, queues] = HAPROXY.exec(lines[0]!)!;
  const [request, ...others] = timers.split('/').map(coarse);
  expect(`${others.slice(0, 3).join('/')} ${status} ${state} ${counts} ${queues}`).toBe(expected);
  expect(request).toBe(/[cC]R|400 PR|[PC]T/.test(expected) ? '-1' : '0');
  const json = play(text, act, 'one-server').map((line) => JSON.parse(line) as Record<string, unknown>);
  const [queue, connect, response] = others.map(Number);
  const rounded = json.map((line) => ({ ...line, queueMs: Number(coarse(String(line['queueMs']))) }));
  expect(rounded).toMatchObject([{ queueMs: queue, connectMs: connect, responseMs: response, state }]);
});

it('says how long a request that nobody took has waited, and its place', () => {
  const queued = GET.replace('/', '/queued');
  const lines = play(queued, ({ bench, pass }) => {
    const [second, third] = [ask(bench, queued), ask(bench, queued)];
    pass(500);
    third.close(true);
    bench.transport.settle();
    pass(1600);
    expect(second.text).toContain(' 503 ');
  });
  const seen = lines.map((line) => {
    const [way, timers = '', ...rest] = HAPROXY.exec(line)!.slice(1);
    return [way, timers.split('/').slice(0, 4).map(coarse).join('/'), ...rest].join(' ');
  });
  expect(seen).toEqual([
    'static/<NOSRV> 0/500/-1/-1 -1 CQ-- 3/3/2/0/0 0/2',
    'static/<NOSRV> 0/2000/-1/-1 503 sQ-- 2/2/1/0/0 0/1',
  ]);
});

it.each([
  ['SC--', true, 10, '503'],
  ['sC--', false, 1600, '503'],
  ['CC--', false, 0, '-1'],
  // oxlint-disable-next-line max-params -- a row of the table
])('%s: a connection that fails has no time, and a request without retries none', (state, refuses, waitMs, status) => {
  const bench = new EngineBench({ flags: ['one-server', 'no-retries', 'log-haproxy'] });
  bench.transport.unserve(SERVER);
  if (!refuses) bench.transport.fault(SERVER, 0);
  const client = ask(bench);
  bench.transport.advance(waitMs);
  if (waitMs === 0) client.close(true);
  bench.transport.settle();
  const [way, timers = '', ...rest] = HAPROXY.exec(bench.logLines()[0]!)!.slice(1);
  expect([way, timers.replace(/\d+$/, ''), ...rest]).toEqual([
    'app/web1',
    '0/0/-1/-1/',
    status,
    state,
    '1/1/0/0/0',
    '0/0',
  ]);
});

it('counts connections and requests over all workers', () => {
  const other = new EngineBench({ flags: ['one-server', 'log-haproxy'] });
  const bench = new EngineBench({ flags: ['one-server', 'log-haproxy'], words: other.words, others: [other.counters] });
  for (let i = 0; i < 3; i++) ask(other);
  ask(bench);
  bench.connections[0]!.peer.write(OK);
  bench.transport.settle();
  expect(HAPROXY.exec(bench.logLines()[0]!)![5]).toBe('4/4/3/3/0');
});
