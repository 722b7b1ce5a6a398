// Starts the admin API of one node: the control socket at once, TLS on its addresses (tried again while one is taken),
// the watch over the peer, the live stream. Traffic never passes here; when it dies no request notices.
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { PairConfig } from '@tospann/config';
import { plainData, TospannError } from '@tospann/errors';
import { heirless } from '../core/heir.ts';
import { judge } from '../core/verdict.ts';
import { remember, sampleOf } from '../core/history.ts';
import type {
  EventDraft,
  FailoverReport,
  HistorySample,
  NodeStatus,
  Operation,
  OperationReport,
  PairStatus,
  ServerChangeReport,
  ServerOrder,
} from '../contract.ts';
import { AccessControl } from './access.ts';
import { hasErrno } from './atomic-file.ts';
import type { EventStore } from './event-store.ts';
import { readOrCreateCertificate, type NodeCertificate } from './certificate.ts';
import { consoleToken, peerLinkKey } from './cluster-key.ts';
import { HostSampler } from './host-sampler.ts';
import { buildListener, type ApiApp } from './listener.ts';
import { LiveHub } from './live-hub.ts';
import type { ApiLog } from './log.ts';
import type { PeerAddress } from './peer-client.ts';
import type { AgentMove, MoveOrder } from './move-routes.ts';
import { PeerLink } from './peer-link.ts';
import { addRoutes, type ApiNode, type ConsoleAsset } from './routes.ts';
import { Sessions } from './sessions.ts';
import { StatsListener, type StatsLogin, type StatsOptions } from './stats-listener.ts';

/** Where to listen with TLS; port 0 takes a free one. */
export interface ApiBind {
  readonly address: string;
  readonly port: number;
}

/** Options of startApi. */
export interface ApiOptions {
  readonly nodeName: string;
  /** The other nodes of the cluster; the first is the peer. Empty: a single node. */
  readonly peers: readonly PeerAddress[];
  readonly binds: readonly ApiBind[];
  /** The control socket (mode 0660): no token is needed there. */
  readonly socketPath: string;
  /** Keeps the TLS certificate. */
  readonly stateDir: string;
  readonly clusterKey: Buffer;
  /** The console's files by path, `/index.html` for `/`. */
  readonly consoleAssets: (path: string) => ConsoleAsset | undefined;
  /** This node's status now; called about once a second and for each question. `host` may be left out. */
  readonly getStatus: () => NodeStatus;
  /** Gives this node's addresses up, for a failover or maintenance, and ends when the other node owns them. */
  readonly move: (order: MoveOrder) => Promise<AgentMove>;
  /** Called when it changes whether the other node could take over: why not, or empty. @default nothing */
  readonly onSpare?: (problem: string) => void;
  /** Puts something into the event stream of this node. @default nothing */
  readonly tellEvent?: (event: Omit<EventDraft, 'timeMs' | 'monotonicMs'>) => void;
  /** Does what an operator asks over the control socket; absent: those paths are not known. */
  readonly operate?: (operation: Operation, options: { readonly force: boolean }) => Promise<OperationReport>;
  /** The running configuration, told over the control socket only: it has passwords. Absent: that path is not known. */
  readonly runningConfig?: () => PairConfig;
  /** Does what an operator wants of a server of this node. Absent: every server is unknown. */
  readonly changeServer?: (order: ServerOrder) => Promise<ServerChangeReport>;
  /** The events of this node; absent: it keeps none. The caller closes it. */
  readonly events?: EventStore;
  /** The HAProxy-compatible statistics; absent: none. Without a login, the console's token is the password. */
  readonly stats?: {
    readonly binds: readonly ApiBind[];
    readonly path: string;
    readonly login?: StatsLogin;
    /** The running configuration, asked at each page. */
    readonly config: StatsOptions['config'];
  };
  readonly log: ApiLog;
  /** Overrides for tests. */
  readonly tuning?: {
    readonly requestsPerMinute?: number;
    readonly liveClients?: number;
    readonly peerIntervalMs?: number;
  };
}

/** A running API. */
export interface RunningApi {
  /** The TLS addresses that are open now. */
  readonly addresses: () => readonly ApiBind[];
  /** Ports of the statistics that are open now. */
  readonly statsPorts: () => readonly number[];
  /** SHA-256 of the certificate, lower-case hex: what a careful operator compares in the browser. */
  readonly fingerprint: string;
  readonly pair: () => PairStatus;
  readonly close: () => Promise<void>;
}

const secondMs = 1000;
const listenAgainMs = 5000;
/** Events that go with the status once a second: what the console lists. */
const shownEvents = 12;

/** Does what startApi says. */
export async function openApi(options: ApiOptions): Promise<RunningApi> {
  const certificate = readOrCreateCertificate({
    stateDir: options.stateDir,
    nodeName: options.nodeName,
    addresses: options.binds.map((bind) => bind.address),
    nowMs: Date.now(),
  });
  const { fingerprint, renewedBecause } = certificate;
  if (renewedBecause !== undefined) {
    options.log.info({ event: 'certificate', fingerprint, reason: renewedBecause }, 'TLS certificate made');
  }
  const core = new ApiCore(options);
  const socketApp = await openSocket(options, core.node);
  const listeners = options.binds.map((bind) => new TlsListener(bind, { options, node: core.node, certificate }));
  const stats = statsListeners(options, core.node.self);
  await Promise.all([...listeners, ...stats].map((listener) => listener.open()));
  core.start();
  return {
    addresses: () => listeners.flatMap((listener) => listener.address ?? []),
    statsPorts: () => stats.flatMap((listener) => listener.port ?? []),
    fingerprint,
    pair: core.node.pair,
    close: async () => {
      core.stop();
      await Promise.all([socketApp.close(), ...[...listeners, ...stats].map((listener) => listener.close())]);
      removeSocket(options.socketPath);
    },
  };
}

function statsListeners({ stats, clusterKey, log }: ApiOptions, status: () => NodeStatus): readonly StatsListener[] {
  if (stats === undefined) return [];
  const { binds, path, config, login = { password: consoleToken(clusterKey) } } = stats;
  return binds.map((bind) => new StatsListener({ bind, path, login, config, status, log }));
}

/** What is behind all listeners: status, peer, history, live stream. */
class ApiCore {
  readonly node: ApiNode;
  readonly #options: ApiOptions;
  readonly #hub: LiveHub;
  readonly #link: PeerLink | undefined;
  readonly #host = new HostSampler({ nowMs: monotonicMs });
  readonly #history = new Map<string, readonly HistorySample[]>();
  #timer: NodeJS.Timeout | undefined;
  #reported = '';
  #spareProblem = '';

  constructor(options: ApiOptions) {
    this.#options = options;
    const { nodeName, clusterKey, peers, log, tuning = {} } = options;
    const clocks = { nowMs: monotonicMs, wallMs: Date.now };
    const peerKey = peerLinkKey(clusterKey);
    const [peer] = peers;
    const interval = tuning.peerIntervalMs === undefined ? {} : { intervalMs: tuning.peerIntervalMs };
    this.#link = peer && new PeerLink({ nodeName, peer, key: peerKey, log, ...clocks, ...interval });
    this.#hub = new LiveHub({
      nowMs: monotonicMs,
      pair: () => this.#pair(),
      history: () => [...this.#history.values()].flat(),
      ...(tuning.liveClients === undefined ? {} : { clientLimit: tuning.liveClients }),
    });
    const sessions = new Sessions({ token: consoleToken(clusterKey), nowMs: monotonicMs });
    this.node = {
      nodeName,
      access: new AccessControl({ nodeName, sessions, peerNames: peers.map(({ name }) => name), peerKey, ...clocks }),
      hub: this.#hub,
      self: () => this.#self(),
      pair: () => this.#pair(),
      resign: (order) => options.move(order),
      askPeer: (wish) => this.#askPeer(wish),
      freshPeer: async () => await this.#link?.freshStatus(),
      tellEvent: options.tellEvent ?? ((): void => {}),
      operate: options.operate ?? (() => Promise.reject(new TospannError('LB_API_NOT_FOUND', { path: 'operation' }))),
      runningConfig: options.runningConfig,
      changeServer: (order) => this.#changeServer(order),
      changePeersServer: async (order) => await this.#link?.askServerChange(order),
      consoleAssets: options.consoleAssets,
      events: options.events,
    };
  }

  start(): void {
    this.#link?.start();
    this.#timer = setInterval(() => this.#tick(), secondMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#link?.stop();
    this.#hub.close();
  }

  #tick(): void {
    try {
      const pair = this.#pair();
      const { self, peer } = pair;
      this.#tellSpare(pair);
      this.#note(self, self.timeMs);
      // The peer's figures stand at this node's time: one axis for both, whatever the clocks say.
      if (peer?.reachable && peer.status !== undefined) this.#note(peer.status, self.timeMs);
      this.#hub.tick();
      this.#reported = '';
    } catch (error) {
      const text = String(error);
      // Once for each fault, not once for each second of it.
      if (text !== this.#reported)
        this.#options.log.error({ code: 'LB_INTERNAL', err: error }, 'Status could not be made');
      this.#reported = text;
    }
  }

  #tellSpare(pair: PairStatus): void {
    const problem = heirless(pair);
    if (problem === this.#spareProblem) return;
    this.#spareProblem = problem;
    this.#options.onSpare?.(problem);
  }

  #note(status: NodeStatus, timeMs: number): void {
    const sample = sampleOf(status, timeMs);
    if (sample === undefined) return;
    this.#history.set(status.node, remember(this.#history.get(status.node) ?? [], sample));
  }

  #self(): NodeStatus {
    // Servers, agents and scripts speak in it, to terminals, pages and monitoring.
    const status = plainData(this.#options.getStatus());
    const events = this.#options.events?.recent(shownEvents);
    return { ...status, host: { ...this.#host.sample(), ...status.host }, ...(events === undefined ? {} : { events }) };
  }

  #pair(): PairStatus {
    const self = this.#self();
    const peer = this.#link?.status();
    return { self, ...(peer === undefined ? {} : { peer }), verdict: judge(self, peer) };
  }

  async #changeServer(order: ServerOrder): Promise<ServerChangeReport> {
    if (this.#options.changeServer !== undefined) return await this.#options.changeServer(order);
    throw new TospannError('LB_API_UNKNOWN_SERVER', { name: `${order.backend}/${order.server}` });
  }

  #askPeer(wish: { readonly to: string; readonly force: boolean }): Promise<FailoverReport> {
    if (this.#link !== undefined) return this.#link.askFailover(wish);
    throw new TospannError('LB_API_FAILOVER_REFUSED', { to: wish.to, detail: 'there is no other node to ask' });
  }
}

/** One TLS address: tried again until it opens, so that an address that comes late or a port in use does no harm. */
class TlsListener {
  readonly #bind: ApiBind;
  readonly #parts: { readonly options: ApiOptions; readonly node: ApiNode; readonly certificate: NodeCertificate };
  #app: ApiApp | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  address: ApiBind | undefined;

  constructor(bind: ApiBind, parts: { options: ApiOptions; node: ApiNode; certificate: NodeCertificate }) {
    this.#bind = bind;
    this.#parts = parts;
  }

  async open(): Promise<void> {
    const { options, node, certificate } = this.#parts;
    const limit = options.tuning?.requestsPerMinute;
    const app = await buildListener({
      log: options.log,
      access: node.access,
      certificate,
      peerAddresses: options.peers.map(({ address }) => address),
      ...(limit === undefined ? {} : { requestsPerMinute: limit }),
    });
    addRoutes(app, node, { isSocket: false });
    try {
      await app.listen({ host: this.#bind.address, port: this.#bind.port });
    } catch (error) {
      await app.close();
      return this.#later(error);
    }
    if (this.#isClosed) {
      await app.close();
      return;
    }
    this.#app = app;
    const at = app.server.address();
    const port = typeof at === 'object' && at !== null ? at.port : this.#bind.port;
    this.address = { address: this.#bind.address, port };
    options.log.info({ event: 'admin-listening', ...this.address }, 'admin API listens');
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.address = undefined;
    await this.#app?.close();
  }

  #later(cause: unknown): void {
    const { log } = this.#parts.options;
    const error = listenError(`${this.#bind.address}:${this.#bind.port}`, cause);
    log.error({ code: error.code, source: error.source, hint: error.hint }, error.message);
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.open(), listenAgainMs);
  }
}

async function openSocket(options: ApiOptions, node: ApiNode): Promise<ApiApp> {
  const { socketPath, log } = options;
  if (existsSync(socketPath)) {
    if (await answers(socketPath)) throw new TospannError('LB_API_SOCKET_IN_USE', { path: socketPath });
    rmSync(socketPath, { force: true });
  }
  const app = await buildListener({ log, access: node.access });
  addRoutes(app, node, { isSocket: true });
  try {
    await app.listen({ path: socketPath });
    // Between the two calls the umask decides; connecting needs write permission, which it gives to nobody else.
    chmodSync(socketPath, 0o660);
  } catch (error) {
    await app.close();
    throw listenError(socketPath, error);
  }
  return app;
}

/** The directory may belong to another user by then: the next start takes a dead socket over. */
function removeSocket(socketPath: string): void {
  try {
    rmSync(socketPath, { force: true });
  } catch (error) {
    if (!hasErrno(error, 'EACCES') && !hasErrno(error, 'EPERM')) throw error;
  }
}

/** Tells whether a process accepts on a unix socket: a file that a dead one left behind does not. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socketPath);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

function listenError(address: string, cause: unknown): TospannError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new TospannError('LB_API_LISTEN', { address, detail }, { cause });
}

function monotonicMs(): number {
  return performance.now();
}
