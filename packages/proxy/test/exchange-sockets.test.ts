// The cases of cases/ over real sockets, on the ring and on the node transport, as the memory transport plays them.
// Left out are those that need the transport's clock (`wait`), the checks' hand (`web1 down`) or the client's port
// (`send-proxy`), and what they say about log lines: times are real here. Each byte sequence is sent as it stands, not at every cut.
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import type { PairConfig } from '@tospann/config';
import { closeFd, localAddress, openListener, probeIoUring } from '@tospann/linux';
import { afterAll, describe, expect, it } from 'vitest';
import { startProxy, type ProxyService } from '../src/index.ts';
import { benchConfig, type BenchFlag } from './engine-bench.ts';
import { parseCase, type ExchangeCase } from './exchange.ts';
import { startWorker } from './start-worker.ts';

const folder = new URL('cases/', import.meta.url);
const NEEDS_MORE = /^(wait|web\d) /;
const cases = readdirSync(folder)
  .map((name) => ({ name, exchange: parseCase(readFileSync(new URL(name, folder), 'utf8')) }))
  .filter(({ exchange }) => !exchange.sections.some(({ what }) => NEEDS_MORE.test(what)))
  .filter(({ exchange }) => !exchange.flags.some((flag) => flag.startsWith('send-proxy')));

/** How long something that must come is waited for, and something that must not. */
const PATIENCE_MS = 4000;
const QUIET_MS = 40;

/** One socket and what has come on it. */
class Wire {
  readonly socket: net.Socket;
  text = '';
  over = false;
  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => (this.text += bytes.toString('latin1')));
    socket.on('error', () => (this.over = true));
    socket.on('end', () => (this.over = true));
    socket.on('close', () => (this.over = true));
  }
}

async function until(done: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!done() && performance.now() < endMs) await pause(2);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A proxy with its played servers, for all cases with the same flags. */
class Stage {
  readonly service: ProxyService;
  readonly port: number;
  readonly host: string;
  readonly wires: Wire[] = [];
  readonly #servers: readonly net.Server[];
  readonly #fd: number;

  private constructor(servers: readonly net.Server[], given: PairConfig) {
    this.#servers = servers;
    this.#fd = openListener({ address: '127.0.0.1', port: 0 });
    this.port = localAddress(this.#fd).port;
    const { port } = this;
    const frontends = given.frontends.map((f) => ({ ...f, binds: f.binds.map((bind) => ({ ...bind, port })) }));
    const config = { ...given, frontends };
    const first = config.backends[0]!.servers[0]!;
    this.host = `${first.address}:${first.port}`;
    this.service = startProxy({
      config,
      listeners: [{ frontend: 'main', fd: this.#fd }],
      startWorker,
      onEvent: () => undefined,
      log: () => undefined,
      onFatal: (error) => {
        throw error;
      },
      buffers: 64,
    });
    for (const server of servers) server.on('connection', (socket) => this.wires.push(new Wire(socket)));
  }

  static async open(flags: readonly BenchFlag[], engine: 'ring' | 'node'): Promise<Stage> {
    const config = benchConfig(flags);
    const servers: net.Server[] = [];
    const backends = [];
    for (const backend of config.backends) {
      const list = [];
      for (const server of backend.servers) {
        const played = net.createServer({ allowHalfOpen: true });
        await new Promise<void>((resolve) => played.listen(0, '127.0.0.1', resolve));
        servers.push(played);
        const address = played.address();
        list.push({ ...server, address: '127.0.0.1', port: typeof address === 'object' ? address!.port : 0 });
      }
      backends.push({ ...backend, servers: list });
    }
    const stage = new Stage(servers, {
      ...config,
      backends,
      log: { ...config.log, access: { ...config.log.access, enabled: false } },
      proxy: { engine, threads: 1, user: '' },
    });
    await stage.service.ready;
    return stage;
  }

  async close(): Promise<void> {
    await this.service.close();
    for (const server of this.#servers) server.close();
    for (const { socket } of this.wires) socket.destroy();
    closeFd(this.#fd);
  }
}

/** Plays one case; returns what was wrong, or ''. */
async function play(stage: Stage, exchange: ExchangeCase): Promise<string> {
  const before = stage.wires.length;
  const client = new Wire(net.connect({ port: stage.port, host: '127.0.0.1', allowHalfOpen: true }));
  let server: Wire | undefined;
  const wireOf = (what: string): Wire | undefined =>
    what.includes('client') ? client : (server ??= stage.wires.at(-1));
  try {
    for (const [i, { what, text }] of exchange.sections.entries()) {
      if (what === 'to server' && server === undefined && text !== '') await until(() => stage.wires.length > before);
      if (what === 'to new server') {
        const old = server;
        await until(() => stage.wires.at(-1) !== old && stage.wires.length > before);
        server = stage.wires.at(-1);
      }
      const wrong = await step(wireOf(what), what, local(text, stage.host));
      if (wrong !== '') return `section ${i} (${what}): ${wrong}`;
    }
    return '';
  } finally {
    client.socket.destroy();
    for (const { socket } of stage.wires) socket.destroy();
    await pause(15); // the proxy sees that its idle connections are gone
  }
}

/** The addresses of the cases are not those of this machine. */
function local(text: string, host: string): string {
  return text.replaceAll('192.0.2.1', '127.0.0.1').replaceAll('10.0.0.1:80', host);
}

async function step(wire: Wire | undefined, what: string, text: string): Promise<string> {
  if (what === 'log') return '';
  if (wire === undefined) return text === '' ? '' : 'there is no connection';
  const [who = '', verb = ''] = what.split(' ');
  if (who === 'to') return expectText(wire, text);
  if (verb === 'ends') wire.socket.end();
  else if (verb === 'resets') wire.socket.resetAndDestroy();
  else if (verb === 'closed') {
    await until(() => wire.over);
    return wire.over ? '' : 'it is still open';
  } else if (verb === 'open') {
    await pause(QUIET_MS);
    return wire.over ? 'it is closed' : '';
  } else wire.socket.write(Buffer.from(text, 'latin1'));
  return '';
}

async function expectText(wire: Wire, expected: string): Promise<string> {
  const open = expected.endsWith('*');
  const needed = open ? expected.slice(0, -1) : expected;
  await until(() => wire.text.length >= needed.length || wire.over);
  if (needed === '' || open) await pause(QUIET_MS);
  const got = wire.text;
  wire.text = '';
  const same = open ? got.startsWith(needed) : got === needed;
  return same ? '' : `\n--- expected\n${expected}\n--- got\n${got}`;
}

for (const engine of ['ring', 'node'] as const) {
  describe.skipIf(engine === 'ring' && !probeIoUring().usable)(`exchanges over sockets, ${engine}`, () => {
    const stages = new Map<string, Promise<Stage>>();
    afterAll(async () => {
      for (const stage of stages.values()) await (await stage).close();
    });
    for (const { name, exchange } of cases) {
      it(name, async () => {
        // Which server is next shows in the cookie: those cases begin with a fresh proxy.
        const key = exchange.flags.includes('cookie') ? name : exchange.flags.join(' ');
        const stage = stages.get(key) ?? Stage.open(exchange.flags, engine);
        stages.set(key, stage);
        expect(await play(await stage, exchange)).toBe('');
      });
    }
  });
}
