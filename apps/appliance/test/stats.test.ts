// The HAProxy-compatible statistics of a running node: what a script that knows HAProxy's `;csv` gets from ours after
// some requests, and after a reload that adds a server.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, get as httpGet, type Server } from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { binary, Scratch } from './binary.ts';

const PORTS = { site: 29_810, stats: 29_811, web1: 29_812, web2: 29_813 };
const scratch = new Scratch();
const origins: Server[] = [];
let node: ChildProcess;
let output = '';

function configuration(servers: readonly string[]): string {
  return `version: 1
cluster: { name: stats, nodes: { one: { address: 127.0.0.1, interface: lo } } }
frontends:
  main: { bind: ["127.0.0.1:${PORTS.site}"], defaultBackend: app }
backends:
  app:
    balance: leastconn
    servers: { ${servers.join(', ')} }
admin: { stats: { bind: "127.0.0.1:${PORTS.stats}", path: /haproxy, auth: { user: monitor, password: "s3cret-words" } } }
log: { access: { enabled: false } }
proxy: { threads: 1 }
`;
}

const web1 = `web1: { address: 127.0.0.1:${PORTS.web1}, maxConnections: 50 }`;
const web2 = `web2: { address: 127.0.0.1:${PORTS.web2}, backup: true }`;

beforeAll(async () => {
  for (const port of [PORTS.web1, PORTS.web2]) {
    const origin = createServer((_request, response) => response.end('here'));
    origin.listen(port, '127.0.0.1');
    await once(origin, 'listening');
    origins.push(origin);
  }
  const file = scratch.file('tospann.yaml', configuration([web1]));
  const folders = ['--run-dir', join(scratch.dir, 'run'), '--state-dir', join(scratch.dir, 'state')];
  node = spawn(binary, ['run', '-c', file, '--node', 'one', ...folders], { stdio: ['ignore', 'ignore', 'pipe'] });
  node.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
});

afterAll(async () => {
  if (node.exitCode === null) {
    node.kill('SIGTERM');
    await once(node, 'exit');
  }
  for (const origin of origins) origin.close();
  scratch[Symbol.dispose]();
});

function ask(port: number, path: string, auth?: string): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, agent: false, ...(auth === undefined ? {} : { auth }) };
    httpGet(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    }).on('error', reject);
  });
}

async function rows(): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const { text } = await ask(PORTS.stats, '/haproxy;csv', 'monitor:s3cret-words');
  const [head = '', ...lines] = text.trimEnd().split('\n');
  const names = head.replace(/^# /, '').split(',');
  return Object.fromEntries(
    lines.map((line) => {
      const row = Object.fromEntries(line.split(',').map((field, i) => [names[i] ?? '', field]));
      return [`${row['pxname']}/${row['svname']}`, row];
    }),
  );
}

test('a script reads the requests of each server, and a reload adds a row and keeps the counters', async () => {
  await expect.poll(() => output, { timeout: 30_000 }).toContain('"event":"ready"');
  await expect.poll(() => output, { timeout: 30_000 }).toContain('"event":"stats-listening"');
  expect((await ask(PORTS.stats, '/haproxy;csv')).status).toBe(401);
  for (let i = 0; i < 20; i++) expect((await ask(PORTS.site, '/')).text).toBe('here');
  await expect.poll(async () => (await rows())['app/web1']?.['stot'], { timeout: 10_000 }).toBe('20');
  const before = await rows();
  expect(before['app/web1']).toMatchObject({ slim: '50', hrsp_2xx: '20', status: 'no check', type: '2' });
  expect(before['main/FRONTEND']).toMatchObject({ req_tot: '20', status: 'OPEN' });
  expect(before['app/BACKEND']).toMatchObject({ algo: 'leastconn', act: '1', bck: '0' });

  writeFileSync(join(scratch.dir, 'tospann.yaml'), configuration([web1, web2]));
  node.kill('SIGHUP');
  await expect.poll(async () => (await rows())['app/web2']?.['bck'], { timeout: 20_000 }).toBe('1');
  expect((await rows())['app/web1']).toMatchObject({ stot: '20', hrsp_2xx: '20' });
  expect((await ask(PORTS.stats, '/haproxy', 'monitor:s3cret-words')).text).toContain('Statistics Report for one');
});
