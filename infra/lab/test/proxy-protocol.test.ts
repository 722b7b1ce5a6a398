// The PROXY protocol with Debian's haproxy as the peer on both sides: haproxy (send-proxy-v2) in front of Tospann
// (acceptProxyFrom, sendProxy) in front of haproxy (accept-proxy), in mode tcp and in mode http, through the product.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createLab, productCommand, until, type Lab, type LabNode, type LabProcess } from '../src/index.ts';

const ADDRESS = '10.98.0.1';
const CLIENT = '10.98.0.77';

/** haproxy before and behind Tospann; the last one answers with what it has learned of the client. */
const HAPROXY = `global
  maxconn 200
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend before
  mode tcp
  bind ${ADDRESS}:25501
  default_backend tcp_v2
backend tcp_v2
  mode tcp
  server lb ${ADDRESS}:25511 send-proxy-v2
frontend before_v1
  mode tcp
  bind ${ADDRESS}:25502
  default_backend http_v1
backend http_v1
  mode tcp
  server lb ${ADDRESS}:25512 send-proxy
frontend behind
  bind ${ADDRESS}:25521 accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[req.hdr(x-forwarded-for)]"
`;

const TOSPANN = `version: 1
cluster:
  name: interop
  nodes:
    lb: { address: ${ADDRESS}, interface: lo }
frontends:
  streams:
    bind: [{ address: "${ADDRESS}:25511", acceptProxyFrom: [${ADDRESS}/32] }]
    mode: tcp
    defaultBackend: streams
  pages:
    bind: [{ address: "${ADDRESS}:25512", acceptProxyFrom: [${ADDRESS}/32] }]
    defaultBackend: pages
backends:
  streams:
    mode: tcp
    check: { type: tcp, interval: 200ms, rise: 1, fall: 2, timeout: 2s }
    servers: { behind: { address: "${ADDRESS}:25521", sendProxy: v1 } }
  pages:
    check: { type: http, path: /, interval: 200ms, rise: 1, fall: 2, timeout: 2s }
    servers: { behind: { address: "${ADDRESS}:25521", sendProxy: v2 } }
http: { forwardedFor: {} }
proxy: { engine: auto, threads: 1 }
`;

let lab: Lab;
let node: LabNode;
let product: LabProcess;

beforeAll(async () => {
  lab = createLab({ nodes: [{ name: 'interop', links: [] }] });
  node = lab.node('interop');
  for (const address of [ADDRESS, CLIENT]) node.run(['ip', 'addr', 'add', `${address}/32`, 'dev', 'lo']);
  writeFileSync(join(lab.folder, 'haproxy.cfg'), HAPROXY);
  writeFileSync(join(lab.folder, 'tospann.yaml'), TOSPANN);
  node.spawn('haproxy', ['haproxy', '-db', '-f', join(lab.folder, 'haproxy.cfg')]);
  const folders = ['--run-dir', join(lab.folder, 'run'), '--state-dir', join(lab.folder, 'state')];
  const file = join(lab.folder, 'tospann.yaml');
  product = node.spawn('tospann', [...productCommand(), 'run', '-c', file, '--node', 'lb', ...folders]);
  await until(
    'an answer through all of them',
    () => {
      if (!product.running) throw new Error(`Cannot start tospann:\n${product.tail()}`);
      return ask(25_501).startsWith(CLIENT) && ask(25_502).startsWith(CLIENT);
    },
    { timeoutMs: 60_000, everyMs: 200 },
  );
});

afterAll(() => {
  lab.close();
});

/** A request from the client's address; the answer, or an empty text. */
function ask(port: number): string {
  try {
    return node.run(['curl', '-s', '-m', '5', '--interface', CLIENT, `http://${ADDRESS}:${port}/`]).trim();
  } catch {
    return '';
  }
}

describe('the PROXY protocol with haproxy on both sides', () => {
  test('mode tcp: version 2 comes in, version 1 goes out, the client is the same', () => {
    expect(ask(25_501)).toBe(CLIENT);
  });

  test('mode http: version 1 comes in, version 2 goes out, and X-Forwarded-For says the same', () => {
    expect(ask(25_502)).toBe(`${CLIENT} ${CLIENT}`);
  });

  test('a peer that is not named gets no session without being one itself', () => {
    // The client's own header is not believed: to mode http it is a broken request.
    const direct = node.run([
      'sh',
      '-c',
      `curl -s -m 5 -o /dev/null -w '%{http_code}' --haproxy-protocol --interface ${CLIENT} http://${ADDRESS}:25512/`,
    ]);
    expect(direct.trim()).toBe('400');
  });

  test('health checks begin with a header too: both servers stay up', async () => {
    const states = (): string =>
      node.run([...productCommand(), 'status', '--json', '--run-dir', join(lab.folder, 'run')]);
    await until('checks', () => (states().match(/"state":\s*"up"/g)?.length ?? 0) >= 2, {
      timeoutMs: 20_000,
      everyMs: 200,
    });
    expect(states()).not.toMatch(/"state":\s*"down"/);
  });
});
