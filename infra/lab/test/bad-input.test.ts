// What goes wrong around a node: a wrong configuration, a port in use, a missing interface, missing rights, no
// io_uring, garbage from everywhere. A typed error that says what to do, or service as before; never a crash.
import { connect } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  HttpClient,
  monotonicMs,
  openDoor,
  Pair,
  pause,
  Prober,
  startOrigin,
  tool,
  until,
  VIP,
  type LabProcess,
} from '../src/index.ts';

let pair: Pair;

beforeAll(async () => {
  pair = await Pair.create();
});

afterAll(async () => {
  await pair[Symbol.asyncDispose]();
});

/** Starts lb1 with a changed configuration and waits for its end; gives what it printed. */
async function failingStart(
  change: (yaml: string) => string,
  prefix: readonly string[] = [],
): Promise<{ code: number | null; text: string }> {
  const file = join(pair.lab.folder, 'wrong.yaml');
  writeFileSync(file, change(readFileSync(pair.configFile, 'utf8')));
  const process = pair.lb1.launch(file, { prefix });
  const timer = setTimeout(() => process.signal('SIGKILL'), 20_000);
  const status = await process.exited;
  clearTimeout(timer);
  expect(pair.lb1.node.has(VIP)).toBe(false);
  return { code: status.code, text: process.text('stderr') };
}

describe('a node that cannot start', () => {
  test('prints all errors of a wrong configuration with line and hint and exits with 3', async () => {
    const { code, text } = await failingStart((yaml) =>
      yaml
        .replace('balance: roundrobin', 'balance: roundrobbin')
        .replace('defaultBackend: app', 'defaultBackend: nowhere')
        .replace(/^version: 1$/m, 'version: 1\nsurprise: yes'),
    );
    expect(code).toBe(3);
    const places = text.split('\n').filter((line) => /^\S+wrong\.yaml:\d+:\d+: LB_[A-Z_]+ /.test(line));
    expect(places.length, text).toBeGreaterThanOrEqual(3);
    for (const word of ['roundrobbin', 'nowhere', 'surprise']) expect(text).toContain(word);
    expect(text.toLowerCase()).toContain('hint');
  });

  test('names the port that is in use and exits with 1', async () => {
    const squatter = await startOrigin(pair.lb1.node);
    const { code, text } = await failingStart((yaml) => yaml);
    await squatter.stop();
    expect(code).toBe(1);
    expect(text).toContain('LB_KERNEL_PORT_IN_USE');
    expect(text).toMatch(/\b80\b/);
  });

  test('says that it lacks CAP_NET_RAW and exits with 1', async () => {
    const { code, text } = await failingStart(
      (yaml) => yaml,
      ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw', '--'],
    );
    expect(code, text).toBe(1);
    expect(text).toMatch(/LB_[A-Z_]+/);
    expect(text).toContain('CAP_NET_RAW');
  });

  test('refuses engine: ring where io_uring is forbidden', async () => {
    const { code, text } = await failingStart((yaml) => setEngine(yaml, 'ring'), tool('without-io-uring'));
    expect(code, text).toBe(1);
    expect(text).toMatch(/LB_[A-Z_]*(RING|URING)/);
  });
});

describe('a node whose interface is missing', () => {
  test('says so with a typed error, keeps out of the election and serves what it can', async () => {
    const file = join(pair.lab.folder, 'wrong.yaml');
    writeFileSync(file, readFileSync(pair.configFile, 'utf8').replaceAll('interface: eth0', 'interface: eth7'));
    const process = await pair.lb1.start(file);
    const problem = await process.waitForEvent('vrrp-problem');
    expect(problem.json).toMatchObject({ code: 'LB_KERNEL_NO_INTERFACE' });
    expect(String(problem.json?.['message'])).toContain('eth7');
    await process.waitForEvent('vrrp-state', (json) => json['to'] === 'fault');
    await using client = await HttpClient.start(pair.client);
    expect((await client.request('http://192.168.1.11/')).status).toBe(200);
    expect((await pair.lb1.command(['status'])).code).toBe(4);
    expect(await pair.lb1.stop()).toMatchObject({ code: 0 });
    expect(pair.lb1.node.has(VIP)).toBe(false);
  });
});

/** Sets `proxy.engine`, whether the imported file has a `proxy` section or not. */
function setEngine(yaml: string, engine: string): string {
  if (/^proxy:/m.test(yaml)) return yaml.replace(/^proxy:.*$/m, `proxy: { engine: ${engine} }`);
  return `${yaml}\nproxy: { engine: ${engine} }\n`;
}

describe('a node without io_uring (seccomp, as in a container)', () => {
  test('serves on the node transport and says in one line why', async () => {
    const process = await pair.lb1.start(pair.configFile, { prefix: tool('without-io-uring') });
    await using client = await HttpClient.start(pair.client);
    await pair.waitForOwner(pair.lb1);
    await until('an answer', async () => (await client.request(`http://${VIP}/`)).status === 200, { timeoutMs: 5_000 });
    const line = await process.waitForEvent('proxy-ready');
    expect(line.json).toMatchObject({ engine: 'node' });
    expect(String(line.json?.['reason'])).toMatch(/io_uring/);
    expect(await pair.lb1.stop()).toMatchObject({ code: 0 });
  });
});

describe('garbage', () => {
  let running: LabProcess[];
  let pids: string;
  const currentPids = (): string =>
    [pair.lb1, pair.lb2]
      .map((member) => `${member.childPids('proxy').join()}/${member.childPids('vrrp').join()}`)
      .join(' ');

  beforeAll(async () => {
    await pair.start();
    await pair.waitForOwner(pair.lb1, 30_000);
    running = [pair.lb1.process, pair.lb2.process];
    pids = currentPids();
  });

  test('on the VRRP sockets is counted and moves nothing', async () => {
    await using prober = new Prober(pair.client, { target: `${VIP}:80` });
    await prober.started();
    const sinceMs = monotonicMs();
    const noises = ['10.10.0.11', '10.10.0.12'].map((to) =>
      pair.client.spawn('noise', tool('vrrp-noise', { to, count: 1500, router: 51, address: VIP })),
    );
    for (const noise of noises) await noise.waitForEvent('noise-end', () => true, { timeoutMs: 30_000 });
    await pause(500);
    const report = await prober.finish();
    expect(report.failed, JSON.stringify(report.byKind)).toBe(0);
    expect(pair.watch.changes.filter((change) => change.atMs > sinceMs)).toEqual([]);
    const status = JSON.parse((await pair.lb2.command(['status', '--json'])).stdout) as {
      self: { vrrp: { vips: { adverts: { droppedTotal: Record<string, number> } }[] } };
    };
    const dropped = Object.values(status.self.vrrp.vips[0]?.adverts.droppedTotal ?? {}).reduce(
      (sum, count) => sum + count,
      0,
    );
    expect(dropped).toBeGreaterThan(500);
    expect(currentPids()).toBe(pids);
  });

  test('from clients is answered by the protocol, and others are served', async () => {
    using door = await openDoor(pair.client, `${VIP}:80`);
    const send = async (bytes: Buffer): Promise<string> =>
      await new Promise((resolve) => {
        const socket = connect(door.port, '127.0.0.1');
        let text = '';
        const done = (): void => {
          socket.destroy();
          resolve(text);
        };
        socket.setTimeout(1_000, done);
        socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
        socket.on('close', done);
        socket.on('error', done);
        socket.end(bytes);
      });
    await using client = await HttpClient.start(pair.client);
    const bad = [
      'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      '\u0000\u0001\u0002 nonsense\r\n\r\n',
    ];
    for (const text of bad) expect(await send(Buffer.from(text, 'latin1'))).toMatch(/^HTTP\/1\.1 400 /);
    for (let round = 0; round < 60; round++) {
      const bytes = Buffer.from(
        Array.from({ length: 1 + Math.floor(Math.random() * 3000) }, () => Math.floor(Math.random() * 256)),
      );
      const answer = await send(bytes);
      expect(answer === '' || /^HTTP\/1\.[01] [45]\d\d /.test(answer), JSON.stringify(answer.slice(0, 60))).toBe(true);
      if (round % 10 === 0) expect((await client.request(`http://${VIP}/`)).status).toBe(200);
    }
    expect(currentPids()).toBe(pids);
  });

  test('from a server never reaches a client as an answer, and the other server is used', async () => {
    await using client = await HttpClient.start(pair.client);
    await pair.origins[1]?.stop({ signal: 'SIGKILL' });
    const noisy = pair.lab.node('web2').spawn('noisy', tool('noisy-server', { port: 80 }));
    await noisy.waitForEvent('ready');
    let good = 0;
    for (let round = 0; round < 60; round++) {
      const answer = await client.request(`http://${VIP}/`);
      if (answer.status === 200 && answer.body === 'served by web1\n') good += 1;
      // A cut answer is allowed to arrive cut; it may not arrive as a complete one.
      else
        expect(answer.status === 502 || answer.status === 503 || answer.error !== '', JSON.stringify(answer)).toBe(
          true,
        );
    }
    expect(good).toBeGreaterThan(20);
    expect(currentPids()).toBe(pids);
    for (const process of running) expect(process.running).toBe(true);
  });
});
