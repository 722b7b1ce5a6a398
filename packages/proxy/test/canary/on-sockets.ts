// A canary run over real sockets, with the ring or the node transport in the proxy's own worker: the same actors as on
// memory. What a server sends behind an answer comes with the last bytes of that answer here: later, nobody could say
// whether it was before the next request. At the end every descriptor and every place is back.
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { closeFd, localAddress, openListener } from '@tospann/linux';
import { startProxy, type ProxyService } from '../../src/index.ts';
import { benchConfig } from '../engine-bench.ts';
import { Random } from '../random.ts';
import { startWorker } from '../start-worker.ts';
import { ClientActor, newCounts, type Scene, ServerActor, type Wire } from './actors.ts';
import type { Outcome } from './on-memory.ts';

const CLIENTS = 48;
const BUFFER_BYTES = { ring: 65_536, node: 16_384 } as const;
/** Idle connections to servers are closed after 4 s, held ones after their time-outs. */
const PATIENCE_MS = 30_000;

export async function playOnSockets(engine: 'ring' | 'node', exchanges: number, seed: number): Promise<Outcome> {
  const scene = new SocketScene(engine, exchanges, seed);
  const wrong = await scene.play();
  return { wrong: wrong === '' ? '' : `--transport ${engine} --seed ${seed}: ${wrong}`, counts: scene.counts };
}

function wireOf(socket: net.Socket): Wire {
  return {
    write: (text) => void (socket.writable && socket.write(Buffer.from(text, 'latin1'))),
    end: () => void (socket.writable && socket.end()),
    reset: () => void socket.resetAndDestroy(),
  };
}

function listen(socket: net.Socket, actor: ClientActor | ServerActor): void {
  socket.on('data', (bytes: Buffer) => actor.received(bytes.toString('latin1')));
  socket.on('end', () => actor.ended());
  socket.on('error', () => actor.broken());
  socket.on('close', () => actor.broken());
}

class SocketScene implements Scene {
  readonly random: Random;
  readonly bufferBytes: number;
  readonly lateSurplus = false;
  readonly counts = newCounts();
  readonly #engine: 'ring' | 'node';
  readonly #open = new Set<net.Socket>();
  #left: number;
  #number = 0;
  #clients = 0;
  #port = 0;
  #wrong = '';

  // oxlint-disable-next-line max-params -- as playOnSockets
  constructor(engine: 'ring' | 'node', exchanges: number, seed: number) {
    this.random = new Random(seed);
    this.bufferBytes = BUFFER_BYTES[engine];
    this.#engine = engine;
    this.#left = exchanges;
  }

  later(steps: number, act: () => void): void {
    if (steps === 0) setImmediate(act);
    else setTimeout(act, steps);
  }

  wrong(what: string): void {
    if (this.#wrong === '') this.#wrong = what;
  }

  nextId(): string | undefined {
    return this.#wrong === '' && this.#left-- > 0 ? `x${this.#number++}` : undefined;
  }

  async play(): Promise<string> {
    const servers = await Promise.all([0, 1, 2].map(() => this.#serve()));
    const fd = openListener({ address: '127.0.0.1', port: 0 });
    this.#port = localAddress(fd).port;
    const service = this.#start(
      fd,
      servers.map((server) => (server.address() as net.AddressInfo).port), // TCP servers that listen
    );
    await service.ready;
    const before = descriptors();
    for (let i = 0; i < CLIENTS; i++) this.#dial();
    while (this.#clients > 0) await pause(20);
    const left = this.#wrong === '' ? await this.#leftOver(service, before) : '';
    await service.close();
    for (const socket of this.#open) socket.destroy();
    for (const server of servers) server.close();
    closeFd(fd);
    return this.#wrong === '' ? left : this.#wrong;
  }

  async #serve(): Promise<net.Server> {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#keep(socket);
      listen(socket, new ServerActor(this, wireOf(socket)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  #keep(socket: net.Socket): void {
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
  }

  #dial(): void {
    this.#clients++;
    const socket = net.connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#keep(socket);
    const actor = new ClientActor(this, wireOf(socket), () => {
      this.#clients--;
      setImmediate(() => {
        if (this.#left > 0 && this.#wrong === '') this.#dial();
        if (!socket.destroyed) socket.resume();
      });
    });
    listen(socket, actor);
    actor.start();
  }

  #start(fd: number, ports: readonly number[]): ProxyService {
    const config = benchConfig(['log-off']);
    let next = 0;
    return startProxy({
      config: {
        ...config,
        frontends: config.frontends.map((one) => ({ ...one, maxConnections: 40 })),
        backends: config.backends.map((backend) => ({
          ...backend,
          servers: backend.servers.map((server) => ({
            ...server,
            address: '127.0.0.1',
            port: ports[next++]!,
            maxConnections: 6,
          })),
        })),
        http: { ...config.http, retryOn: ['empty', 'bad-answer'] },
        timeouts: {
          ...config.timeouts,
          httpRequestMs: 300,
          clientMs: 300,
          serverMs: 250,
          connectMs: 500,
          httpKeepAliveMs: 400,
        },
        proxy: { engine: this.#engine, threads: 1, user: '' },
      },
      listeners: [{ frontend: 'main', fd }],
      startWorker,
      onEvent: () => undefined,
      log: () => undefined,
      onFatal: (error) => {
        throw error;
      },
      buffers: 512,
    });
  }

  /** Waits until everything is back; says what is not, in the end. */
  async #leftOver(service: ProxyService, before: number): Promise<string> {
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const left = leftIn(service, before);
      if (left === '' || performance.now() > endMs) return left;
      for (const socket of this.#open) if (socket.readableEnded) socket.destroy();
      await pause(50);
    }
  }
}

function leftIn(service: ProxyService, before: number): string {
  const { frontends, backends } = service.snapshot();
  for (const { name, currentConnections } of frontends) {
    if (currentConnections !== 0) return `${currentConnections} connections of frontend ${name} are never closed`;
  }
  for (const { servers, queued } of backends) {
    if ((queued ?? 0) !== 0) return `${queued} requests wait for ever`;
    for (const { name, currentSessions } of servers) {
      if (currentSessions !== 0) return `${currentSessions} sessions at ${name} never end`;
    }
  }
  const now = descriptors();
  return now <= before ? '' : `${now - before} descriptors are never closed`;
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

async function pause(ms: number): Promise<void> {
  return await new Promise((resolve) => setTimeout(resolve, ms));
}
