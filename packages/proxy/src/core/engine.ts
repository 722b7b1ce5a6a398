// The engine: one worker's HTTP/1.1 proxy over a transport. This file owns the tables, dispatches the transport's
// events and runs the clock; what is done with a connection is in client.ts (heads and bodies of requests),
// dispatch.ts (servers, pools, queues, retries), response.ts (answers), tunnel.ts and finish.ts (log, counters).
// Pure: no I/O, no clock of its own, no allocation for a request in the steady state.
import { RequestHeadParser, RequestHeadWriter, ResponseHeadParser, ResponseHeadWriter } from '@tospann/http';
import { Buffers, NONE, Ranges } from './buffers.ts';
import { clientEnded, clientExpired, clientFailed, clientReceived, clientSent, dropClient } from './client.ts';
import type { ClientName } from './client-names.ts';
import { Client, ClientPhase, IdlePool, Upstream, UpstreamPhase } from './connection.ts';
import type { Places } from './balance/choose.ts';
import { followServers, upstreamConnected, upstreamExpired } from './dispatch.ts';
import { takeCounted, takePlace } from './flow/places.ts';
import { isAwaited, serveAll, takeGrants } from './flow/queue.ts';
import { retryPolicy, type RetryPolicy } from './flow/retry.ts';
import { lineBytes, WaitingLine } from './flow/waiting-line.ts';
import { EditLists } from './edits.ts';
import { COOKIE_DATES_BYTES } from './persistence/answer-cookie.ts';
import { LogRecord, type AccessLog } from './access-log.ts';
import { admitConnection, releaseConnection } from './limits/admit.ts';
import { admitHeld, closeHeld, Crowd, heldElsewhere, heldFailed, hold, takeConnection } from './limits/crowd.ts';
import { SourceTable } from './limits/source-table.ts';
import { LogStore } from './log-store.ts';
import { Compression } from './compress/compression.ts';
import { encodeTurn } from './compress/encode.ts';
import { HeadPlace } from './partial-head.ts';
import { type EngineListener, Listeners } from './listeners.ts';
import type { BackendPlan, FrontendPlan, Plan, ServerPlan } from './plan.ts';
import { moveClient, type PlanSettings } from './replace.ts';
import { FrontendCounter, HeaderWord, ServerAdmin, ServerWord } from './shared.ts';
import { upstreamEnded, upstreamFailed, upstreamReceived, upstreamSent } from './response.ts';
import { resetClient, resetUpstream } from './reset.ts';
import { sourceOf } from './source.ts';
import { expectProxyHeader } from './proxy-protocol/accept.ts';
import { startStream } from './tcp/stream.ts';
import { tunnelRelayed } from './tunnel.ts';
import { Identities } from './rules/identity.ts';
import { RuleRunner } from './rules/run.ts';
import { RequestPath } from './rules/request-path.ts';
import { makeRoom } from './flow/last-resort.ts';
import { TextBuffer } from './rules/text-buffer.ts';
import { TimerWheel } from './wheel.ts';
import type { Transport, TransportEvents } from './transport.ts';
import { MAX_FIELDS, MAX_HEAD_BYTES, type EngineOptions } from './engine-options.ts';

/** One worker's proxy. Make it, call `listen` for each socket, then let the transport run. */
export class Engine implements TransportEvents {
  readonly transport: Transport;
  readonly buffers: Buffers;
  readonly ranges: Ranges;
  readonly wheel: TimerWheel;
  readonly words: Int32Array;
  readonly counters: Float64Array;
  /** Counters of all workers. */
  readonly fleet: readonly Float64Array[];
  readonly listeners: Listeners;
  readonly logStore: LogStore;
  readonly requestHead: RequestHeadParser;
  readonly requestWriter: RequestHeadWriter;
  readonly answerHead: ResponseHeadParser;
  readonly answerWriter: ResponseHeadWriter;
  /** Null where nothing can be compressed. */
  readonly compression: Compression | null;
  /** No frontend's limit is higher. */
  readonly maxHeadBytes: number;
  /** Null where sources are not limited. */
  readonly sources: SourceTable | null;
  readonly edits = new EditLists();
  /** What client addresses look like in logs and in X-Forwarded-For. */
  readonly names = new Map<string, ClientName>();
  readonly rules = new RuleRunner(this);
  /** The path of the request that is being started. */
  readonly path = new RequestPath(this);
  readonly identities: Identities;
  /** Where templates are written. */
  readonly text = new TextBuffer();
  /** Requests that a rule holds now. */
  tarpitted = 0;
  readonly cookieDates = new Uint8Array(COOKIE_DATES_BYTES);
  readonly place = new HeadPlace();
  readonly record = new LogRecord();
  /** To be added to monotonic ms to get ms since 1970. */
  wallOffsetMs: number;
  /** Connection objects by handle. */
  readonly clients: (Client | null)[] = [];
  readonly upstreams: (Upstream | null)[] = [];
  /** Idle connections of each server, by its slot, as are the queues. */
  readonly pools: readonly IdlePool[];
  /** Requests of all workers that wait for places; those of this worker by their place in the line. */
  readonly line: WaitingLine;
  readonly waiting: (Client | null)[] = [];
  queued = 0;
  /** Backends that a reload has taken away, as long as requests wait for them. */
  leaving: readonly BackendPlan[] = [];
  /** For the choice of a server in the name of those that wait: they are the ones that nobody may overtake. */
  readonly granting: Places;
  /** What is retried beyond failed connections; null: nothing. */
  retry: RetryPolicy | null;
  /** When a slow start makes its next step. */
  nextStepMs = Infinity;
  /** Bytes of each backend's requests that rest in pieces, see flow/resting.ts. */
  readonly resting: Float64Array;
  /** Accepted connections whose frontends are full. */
  readonly crowd = new Crowd();
  draining = false;
  /** This node owns no address: connections end with their answer. */
  standby = false;
  readonly #freeClients: Client[] = [];
  readonly #freeUpstreams: Upstream[] = [];
  #plan: Plan;
  #options: EngineOptions;
  #generation = -1;
  /** What one receive brings at most. */
  #receiveMost = Infinity;
  #openClients = 0;
  #wallCheckedMs: number;
  #tickedMs: number;
  /** After a stall: no deadline decides before this. */
  #readUntilMs = 0;
  #seed = 1;

  constructor(transport: Transport, plan: Plan, options: EngineOptions) {
    this.transport = transport;
    this.#plan = plan;
    this.#options = options;
    this.listeners = new Listeners(transport);
    this.words = options.words;
    this.counters = options.counters;
    this.fleet = options.fleet ?? [options.counters];
    this.buffers = new Buffers(transport);
    this.ranges = new Ranges(transport.bufferCount * 2);
    this.wheel = new TimerWheel(transport.nowMs());
    this.logStore = new LogStore();
    this.maxHeadBytes = Math.min(transport.bufferBytes, MAX_HEAD_BYTES);
    const limits = { maxHeadBytes: this.maxHeadBytes };
    this.requestHead = new RequestHeadParser(transport.memory, { ...limits, maxFields: MAX_FIELDS });
    this.identities = new Identities(options.requestIdSeed ?? '');
    this.requestWriter = new RequestHeadWriter(this.requestHead);
    this.answerHead = new ResponseHeadParser(transport.memory, limits);
    this.answerWriter = new ResponseHeadWriter(this.answerHead);
    const { makeCompressor, sources } = options;
    this.sources = sources === undefined ? null : new SourceTable(sources);
    this.compression = makeCompressor === undefined ? null : new Compression(makeCompressor, this.answerHead);
    const { layout } = plan;
    this.pools = Array.from({ length: layout.servers }, () => new IdlePool());
    const { memory, worker, workers } = options.line ?? { memory: null, worker: 0, workers: 1 };
    const shape = { workers, backends: layout.backends, servers: layout.servers };
    this.line = new WaitingLine(memory ?? new SharedArrayBuffer(lineBytes(shape)), shape, worker);
    this.granting = {
      words: this.words,
      take: (server) => takeCounted(this.words, server),
      random: () => this.random(),
    };
    this.resting = new Float64Array(layout.backends);
    this.retry = retryPolicy(options.http);
    this.wallOffsetMs = options.wallOffsetMs();
    this.#wallCheckedMs = transport.nowMs();
    this.#tickedMs = this.#wallCheckedMs;
    transport.attach(this);
    followServers(this);
  }

  get plan(): Plan {
    return this.#plan;
  }

  get options(): EngineOptions {
    return this.#options;
  }

  get log(): AccessLog | null {
    return this.#options.log;
  }

  /** Only for replacePlan, which does all the rest of it. */
  usePlan(plan: Plan, settings: PlanSettings): void {
    this.#plan = plan;
    this.#options = { ...this.#options, ...settings };
    this.retry = retryPolicy(settings.http);
    for (const client of this.#freeClients) {
      client.frontend = plan.frontends[0]!;
      moveClient(this, client);
    }
    for (const upstream of this.#freeUpstreams) upstream.server = plan.servers[0]!;
  }

  /** Connections with clients that are open now. */
  get openClients(): number {
    return this.#openClients;
  }

  /**
   * Accepts on a listening socket for a frontend (its slot).
   *
   * @param more Who speaks the PROXY protocol there, and its port.
   */
  listen(fd: number, frontend: number, more: Pick<EngineListener, 'proxies' | 'port'> = {}): void {
    this.listeners.add({ fd, frontend, ...more }, this.plan);
  }

  accepted(handle: number, listener: number): void {
    const frontend = this.listeners.frontendOf(listener);
    const othersWait = !this.crowd.isEmpty && this.crowd.first(frontend.index) !== undefined;
    if (!othersWait && takeConnection(this.words, frontend)) {
      this.admit(handle, listener, frontend);
      return;
    }
    hold(this, handle, listener, frontend);
    this.listeners.pause(frontend.index);
    if (othersWait) admitHeld(this, frontend.index);
  }

  /** A connection has its place at its frontend. */
  // oxlint-disable-next-line max-params -- long: hot path, an object would be allocated
  admit(handle: number, listener: number, frontend: FrontendPlan): void {
    const client = this.#freeClients.pop() ?? new Client(frontend);
    client.frontend = frontend;
    client.handle = handle;
    client.out.handle = handle;
    client.phase = ClientPhase.HEAD;
    client.startMs = this.transport.nowMs();
    client.localPort = this.listeners.portOf(listener);
    client.receiving = true;
    this.#store(this.clients, handle, client);
    this.#openClients++;
    this.counters[frontend.counter + FrontendCounter.connectionsTotal]! += 1;
    this.counters[frontend.counter + FrontendCounter.currentConnections]! += 1;
    if (Atomics.load(this.words, frontend.word) >= frontend.maxConnections) this.listeners.pause(frontend.index);
    this.wheel.set(handle, client.startMs + this.options.timeouts.httpRequestMs);
    this.transport.receive(handle, true);
    if (this.#speaksForOthers(listener, handle)) expectProxyHeader(client);
    else if (frontend.limits !== null && !admitConnection(this, client)) return;
    else if (frontend.tcp) startStream(this, client);
  }

  connected(handle: number, errno: number): void {
    const upstream = this.upstreams[handle];
    if (upstream) upstreamConnected(this, upstream, errno);
  }

  received(handle: number, offset: number, length: number): void {
    this.buffers.received(offset);
    if (this.buffers.shortOfReceived) this.#receiveLess();
    const client = this.clients[handle];
    if (client) {
      clientReceived(this, client, offset, length);
      return;
    }
    const upstream = this.upstreams[handle];
    if (upstream) upstreamReceived(this, upstream, offset, length);
    else this.buffers.drop(offset);
  }

  ended(handle: number): void {
    const client = this.clients[handle];
    if (client) clientEnded(this, client);
    else {
      const upstream = this.upstreams[handle];
      if (upstream) upstreamEnded(this, upstream);
    }
  }

  failed(handle: number, errno: number): void {
    const client = this.clients[handle];
    if (client) clientFailed(this, client);
    else {
      const upstream = this.upstreams[handle];
      if (upstream) upstreamFailed(this, upstream, errno);
      else heldFailed(this, handle);
    }
  }

  sent(handle: number): void {
    const client = this.clients[handle];
    if (client) clientSent(this, client);
    else {
      const upstream = this.upstreams[handle];
      if (upstream) upstreamSent(this, upstream);
    }
  }

  relayed(handle: number, bytes: number): void {
    const client = this.clients[handle] ?? this.upstreams[handle]?.client;
    if (client) tunnelRelayed(this, client, client.handle === handle, bytes);
  }

  closed(handle: number): void {
    this.wheel.remove(handle);
    const client = this.clients[handle];
    if (client) {
      this.clients[handle] = null;
      this.#clientGone(client);
      return;
    }
    const upstream = this.upstreams[handle];
    if (!upstream) return;
    this.upstreams[handle] = null;
    upstream.out.clear(this.ranges, this.buffers);
    resetUpstream(upstream);
    this.#freeUpstreams.push(upstream);
  }

  tick(nowMs: number): void {
    this.counters[this.#plan.layout.beat] = nowMs;
    // After a stall of this process what has come meanwhile is read first: the next tick decides about deadlines.
    const { tickMs } = this.transport;
    if (nowMs - this.#tickedMs > 2 * tickMs) this.#readUntilMs = nowMs + tickMs / 2;
    this.#tickedMs = nowMs;
    if (nowMs >= this.#readUntilMs) this.wheel.advance(nowMs, this);
    if (nowMs - this.#wallCheckedMs >= 1000) {
      this.#wallCheckedMs = nowMs;
      this.wallOffsetMs = this.options.wallOffsetMs();
    }
    const generation = Atomics.load(this.words, HeaderWord.generation);
    if (generation !== this.#generation || nowMs >= this.nextStepMs) {
      this.#generation = generation;
      followServers(this);
    }
    this.standby = Atomics.load(this.words, HeaderWord.standby) === 1;
    if (!this.draining && Atomics.load(this.words, HeaderWord.draining) === 1) this.#drain();
    if (this.line.hasGrants) takeGrants(this);
    if (this.queued > 0) serveAll(this);
    if (!this.crowd.isEmpty) for (const { index } of this.plan.frontends) admitHeld(this, index);
    if (this.listeners.anyPaused && !this.draining) this.#resumeAll();
    if (this.buffers.short) {
      makeRoom(this);
      this.buffers.relieve();
      this.#receiveMore();
    }
    this.options.onTick();
  }

  again(): void {
    if (this.compression !== null) encodeTurn(this, this.compression);
  }

  woken(): void {
    this.tick(this.transport.nowMs());
  }

  expired(handle: number): void {
    const client = this.clients[handle];
    if (client) clientExpired(this, client);
    else {
      const upstream = this.upstreams[handle];
      if (upstream) upstreamExpired(this, upstream);
    }
  }

  /** Whether the server is healthy, as far as checks know; what the operator wants of it is another matter. */
  isUsable(server: ServerPlan): boolean {
    return this.words[server.word + ServerWord.usable] === 1;
  }

  /** Whether a session that is bound to the server may go there: it is healthy and not in maintenance. */
  mayTakeSession(server: ServerPlan): boolean {
    const healthy = this.isUsable(server) || server.backend.balance.panic;
    return healthy && this.words[server.word + ServerWord.admin] !== ServerAdmin.MAINT;
  }

  /** Whether the backend has another server to turn to. */
  hasOther(backend: BackendPlan, server: ServerPlan): boolean {
    for (const member of backend.balance.members) if (backend.servers[member]!.index !== server.index) return true;
    return false;
  }

  /** Takes a place at a server for a new request, which overtakes nobody that waits; false when it has none. */
  take(server: ServerPlan): boolean {
    if (!server.counted) return true;
    return !isAwaited(this, server) && takePlace(this.words, server);
  }

  /** In [0, 1). */
  random(): number {
    if (this.options.random !== undefined) return this.options.random();
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 4_294_967_296;
  }

  /** Gives up the copy of the request's head that was kept for a second attempt. */
  dropRepeat(client: Client): void {
    if (client.repeatOffset === NONE) return;
    this.buffers.drop(client.repeatOffset);
    client.repeatOffset = NONE;
  }

  /** Sets the server's time-out for what it is expected to do now: take bytes, or answer. */
  watchUpstream(upstream: Upstream): void {
    const client = upstream.client;
    if (client === null || upstream.phase === UpstreamPhase.TUNNEL) return;
    const expected = upstream.receiving && (client.requestDone || upstream.out.head !== NONE);
    this.wheel.set(upstream.handle, expected ? this.transport.nowMs() + this.options.timeouts.serverMs : Infinity);
  }

  /** Sets the client's time-out after a wait: for the rest of its body, or none. */
  rearmClient(client: Client): void {
    const nowMs = this.transport.nowMs();
    client.rateMs = nowMs; // the wait was not the client's
    client.rateBytes = client.bytesIn;
    this.wheel.set(client.handle, client.requestDone ? Infinity : nowMs + this.options.timeouts.clientMs);
  }

  /** Connection objects that nobody uses. */
  get freeConnections(): { readonly clients: readonly Client[]; readonly upstreams: readonly Upstream[] } {
    return { clients: this.#freeClients, upstreams: this.#freeUpstreams };
  }

  /** A connection object for a new connection to a server. */
  newUpstream(): Upstream {
    return this.#freeUpstreams.pop() ?? new Upstream(this.plan.servers[0]!);
  }

  storeUpstream(upstream: Upstream): void {
    this.#store(this.upstreams, upstream.handle, upstream);
  }

  /** Closes every connection at once (the end of a drain that took too long, or of a test). */
  closeAll(): void {
    closeHeld(this, true);
    for (const client of this.clients) if (client) dropClient(this, client, true);
  }

  /** Whether the peer of a new connection is one that passes on others' connections. */
  #speaksForOthers(listener: number, handle: number): boolean {
    const proxies = this.listeners.proxiesOf(listener);
    return proxies !== null && proxies.has(sourceOf(this.transport.peerAddress(handle)));
  }

  /** Buffers have become short: at once, before the same turn brings more. */
  #receiveLess(): void {
    const most = this.buffers.receiveMost(1);
    if (most < this.#receiveMost) this.#receiveAtMost(most);
  }

  /** There is room again, and so much that it stays when more comes. */
  #receiveMore(): void {
    const most = this.buffers.receiveMost(2);
    if (most > this.#receiveMost) this.#receiveAtMost(most);
  }

  #receiveAtMost(bytes: number): void {
    this.#receiveMost = bytes;
    this.transport.receiveAtMost(bytes === Infinity ? 0 : bytes);
  }

  #store<T>(table: (T | null)[], handle: number, connection: T): void {
    while (table.length <= handle) table.push(null);
    table[handle] = connection;
  }

  #clientGone(client: Client): void {
    const frontend = client.frontend;
    client.out.clear(this.ranges, this.buffers);
    releaseConnection(this, client);
    resetClient(client);
    this.#openClients--;
    this.counters[frontend.counter + FrontendCounter.currentConnections]! -= 1;
    const open = Atomics.sub(this.words, frontend.word, 1) - 1;
    this.#freeClients.push(client);
    if (!this.crowd.isEmpty) admitHeld(this, frontend.index);
    if (!this.listeners.anyPaused || open >= frontend.maxConnections || this.draining) return;
    // Whom another worker holds has come before those in the backlog. Should it hang, the next tick does not wait for it.
    if (this.crowd.isEmpty && heldElsewhere(this, frontend)) this.options.wakeOthers();
    else this.#resume(frontend);
  }

  #resume(frontend: FrontendPlan): void {
    if (this.crowd.first(frontend.index) !== undefined) return;
    if (Atomics.load(this.words, frontend.word) < frontend.maxConnections) this.listeners.resume(frontend.index);
  }

  /** Another worker may have closed connections: looks at every frontend. */
  #resumeAll(): void {
    for (const frontend of this.plan.frontends) this.#resume(frontend);
  }

  #drain(): void {
    this.draining = true;
    for (const frontend of this.plan.frontends) this.listeners.pause(frontend.index);
  }
}
