// A node with the real API and the built console, and made-up figures behind it: traffic that swings, a server that
// can go down, an address that can move. For the browser tests and for looking at the page; no part of the product.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  startApi,
  type AdminState,
  type ConsoleAsset,
  type EventStore,
  openEventStore,
  type NodeStatus,
  type RunningApi,
  type ServerStatus,
} from '@tospann/api';

/** Where `vite build` leaves the console. */
export const builtDirectory = fileURLToPath(new URL('../dist', import.meta.url));
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** What a test can change while the node runs. */
export interface FakeWorld {
  owner: string;
  movedAtMs: number;
  downServer: string;
  requestsPerSecond: number;
  errorsPerSecond: number;
}

export interface FakeNode extends AsyncDisposable {
  readonly api: RunningApi;
  readonly url: string;
  readonly events: EventStore;
}

export interface FakeNodeOptions {
  readonly name: string;
  readonly port: number;
  readonly peer: { readonly name: string; readonly port: number };
  readonly world: FakeWorld;
  readonly overrides?: Partial<NodeStatus>;
  /** The built console. @default builtDirectory */
  readonly dist?: string;
}

export const fakeKey = Buffer.alloc(32, 42);
const startedMs = performance.now() - 3 * 3_600_000;

/** Starts one fake node on 127.0.0.1. */
export async function startFakeNode(options: FakeNodeOptions): Promise<FakeNode> {
  const { name, port, peer, world } = options;
  const directory = mkdtempSync(join(tmpdir(), 'tospann-console-'));
  const traffic = new FakeTraffic(name, world);
  const silent = (): void => undefined;
  const log = { info: silent, warn: silent, error: silent };
  const events = openEventStore({ node: name, stateDir: directory, log });
  const timer = setInterval(() => traffic.advance(), 100);
  const api = await startApi({
    nodeName: name,
    peers: [{ name: peer.name, address: '127.0.0.1', port: peer.port }],
    binds: [{ address: '127.0.0.1', port }],
    socketPath: join(directory, 'admin.sock'),
    stateDir: directory,
    clusterKey: fakeKey,
    consoleAssets: (path) => builtAsset(options.dist ?? builtDirectory, path),
    getStatus: () => ({ ...traffic.status(), ...options.overrides }),
    move: () => Promise.reject(new Error('not part of the fake')),
    changeServer: ({ backend, server, state = 'ready' }) => {
      traffic.admin.set(`${backend}/${server}`, state);
      const status = state === 'ready' ? 'up' : state;
      const figures = { weight: 100, effectiveWeight: state === 'ready' ? 100 : 0, currentSessions: 0 };
      return Promise.resolve({ backend, server, status, admin: state, ...figures });
    },
    events,
    log,
    tuning: { requestsPerMinute: 100_000 },
  });
  return {
    api,
    events,
    url: `https://127.0.0.1:${api.addresses()[0]?.port ?? 0}/`,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await api.close();
      events.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Reads a file of the built console. */
export function builtAsset(dist: string, path: string): ConsoleAsset | undefined {
  const file = join(dist, path);
  if (!file.startsWith(dist) || !existsSync(file)) return undefined;
  const body = readFileSync(file);
  const etag = createHash('sha256').update(body).digest('base64url').slice(0, 20);
  return { body, type: types[extname(file)] ?? 'application/octet-stream', etag };
}

/** Counters that grow as the world says, on the node that owns the address. */
class FakeTraffic {
  readonly admin = new Map<string, AdminState>();
  readonly #name: string;
  readonly #world: FakeWorld;
  #requests: number;
  #errors = 17;
  #atMs = performance.now();

  constructor(name: string, world: FakeWorld) {
    this.#name = name;
    this.#world = world;
    this.#requests = name === 'lb1' ? 2_418_220 : 118_345;
  }

  advance(): void {
    const nowMs = performance.now();
    const seconds = (nowMs - this.#atMs) / 1000;
    this.#atMs = nowMs;
    if (this.#world.owner !== this.#name) return;
    const swing = 1 + 0.25 * Math.sin(nowMs / 9000) + 0.08 * Math.sin(nowMs / 1300);
    this.#requests += this.#world.requestsPerSecond * swing * seconds;
    this.#errors += this.#world.errorsPerSecond * swing * seconds;
  }

  status(): NodeStatus {
    const nowMs = performance.now();
    return {
      node: this.#name,
      cluster: 'shop',
      version: '0.1.0',
      configHash: 'c41d7e0952b1f8aa'.repeat(4),
      uptimeMs: nowMs - startedMs,
      timeMs: Date.now(),
      monotonicMs: nowMs,
      children: (['proxy', 'vrrp', 'admin'] as const).map((name, i) => ({
        name,
        state: 'ready',
        pid: 800 + i,
        restartsTotal: this.#name === 'lb1' && name === 'proxy' ? 1 : 0,
        sinceMs: startedMs,
        detail: '',
      })),
      proxy: this.#proxy(nowMs),
      vrrp: {
        vips: [this.#vip(nowMs)],
        scheduling: 'SCHED_RR 50',
        latenessMaxMs: 2.4,
        latenessLastMinuteMs: 0.2,
        gratuitousArpTotal: 61,
        addressRestoredTotal: 0,
        freezesTotal: 0,
      },
      host: { conntrackEntries: 18_430, conntrackLimit: 262_144, cpuBusyRatio: 0.23, cpuStealRatio: 0.012 },
      notices: [],
    };
  }

  #vip(nowMs: number): NonNullable<NodeStatus['vrrp']>['vips'][number] {
    const { owner, movedAtMs } = this.#world;
    const owns = owner === this.#name;
    return {
      name: 'public',
      address: '192.168.1.200/24',
      routerId: 51,
      state: owns ? 'master' : 'backup',
      sinceMs: movedAtMs,
      reason: owns ? 'no advert of the peer for 3.6 s' : 'the peer has the higher priority',
      priority: this.#name === 'lb1' ? 150 : 100,
      transitionsTotal: 3,
      owner,
      adverts: { sentTotal: 5000, receivedTotal: 40, droppedTotal: {} },
      lastAdvertAgeMs: owns ? -1 : nowMs % 1000,
      peerPriority: this.#name === 'lb1' ? 100 : 150,
      checksumDialect: 'pseudo-header',
    };
  }

  #proxy(nowMs: number): NonNullable<NodeStatus['proxy']> {
    const requests = Math.floor(this.#requests);
    const errors = Math.floor(this.#errors);
    return {
      engine: 'ring',
      engineReason: 'Linux 6.1 allows io_uring',
      threads: 2,
      frontends: [
        {
          name: 'main',
          binds: ['0.0.0.0:80'],
          currentConnections: this.#world.owner === this.#name ? 214 + Math.round(20 * Math.sin(nowMs / 3000)) : 0,
          connectionsTotal: Math.floor(requests / 9),
          requestsTotal: requests,
          responsesTotal: [0, requests - errors - 3100, 1870, 1230, errors],
          refusedTotal: { 'bad head': 12, 'head too large': 3 },
          bytesInTotal: requests * 410,
          bytesOutTotal: requests * 8730,
        },
      ],
      backends: [
        {
          name: 'app',
          servers: ['web1', 'web2', 'web3'].map((name, i) =>
            this.#server(name, { share: 0.26 - 0.02 * i, address: `10.10.10.${i + 1}` }),
          ),
        },
        {
          name: 'static',
          servers: ['web1', 'web2'].map((name, i) =>
            this.#server(name, { share: 0.13, address: `10.10.10.${i + 1}`, backend: 'static' }),
          ),
        },
      ],
      latencyBoundsMs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
      latencyCounts: [0.31, 0.35, 0.2, 0.08, 0.04, 0.014, 0.004, 0.001, 0.0007, 0.0002, 0.0001].map((share) =>
        Math.floor(share * requests),
      ),
      logLinesDroppedTotal: 0,
    };
  }

  #server(
    name: string,
    { share, address, backend = 'app' }: { share: number; address: string; backend?: string },
  ): ServerStatus {
    const isDown = this.#world.downServer === `${backend}/${name}`;
    const requests = Math.floor(this.#requests * share);
    const errors = Math.floor(this.#errors * share);
    return {
      name,
      address,
      port: 80,
      state: isDown ? 'down' : 'up',
      ...orderOf(this.admin.get(`${backend}/${name}`) ?? 'ready', isDown),
      sinceMs: isDown ? performance.now() - 42_000 : startedMs,
      lastCheck: isDown ? 'connection refused' : `HTTP 200 in ${2 + Math.floor(share * 20)} ms`,
      weight: 100,
      currentSessions: this.#world.owner === this.#name && !isDown ? Math.round(30 * share) + 2 : 0,
      requestsTotal: requests,
      responsesTotal: [0, requests - errors, 400, 90, errors],
      connectErrorsTotal: isDown ? 37 : 0,
      responseErrorsTotal: 2,
      retriesTotal: isDown ? 41 : 3,
      redispatchesTotal: isDown ? 37 : 0,
      checkFailuresTotal: isDown ? 21 : 1,
      bytesInTotal: requests * 410,
      bytesOutTotal: requests * 8730,
    };
  }
}

function orderOf(admin: AdminState, isDown: boolean): Partial<ServerStatus> {
  if (admin === 'ready') return { admin, status: isDown ? 'down' : 'up', effectiveWeight: 100, checkDetail: '' };
  const status = isDown && admin === 'drain' ? 'down' : admin;
  return { admin, status, effectiveWeight: 0, checkDetail: `${admin} by operator` };
}
