// Dispatch: which server gets a request, over which connection. Session cookie first, then turns; per-server limits
// with queues; pooled connections; retries and redispatch. A request is sent a second time only if connecting failed,
// or if the connection died before the first byte of an answer and the request is idempotent without a body
// (RFC 9110 section 9.2.2): killing a server fails no GET, and no POST is ever executed twice.
// At most twice in a row: after a pooled connection, and after a new one.
import { answerLocally } from './answers.ts';
import { NONE } from './buffers.ts';
import { endEncoding } from './compress/encode.ts';
import { CookieState, UpstreamPhase, Wait, type Client, type Upstream } from './connection.ts';
import type { Engine } from './engine.ts';
import { FRESH_IDLE_MS, IDLE_UPSTREAM_MS, MAX_IDLE_PER_SERVER, RETRY_PAUSE_MS } from './engine-options.ts';
import { choose, isStrict, ownerOf } from './balance/choose.ts';
import { enqueue, followWaiting, release, serveAll, someoneWaits } from './flow/queue.ts';
import { endRest, mayKeepHead } from './flow/resting.ts';
import { RetryCause, retryAnswer } from './flow/retry.ts';
import type { ServerPlan } from './plan.ts';
import { pump, setReceiving, isFull } from './sending.ts';
import { ServerCounter } from './shared.ts';
import { Errno, isOwnLack, type Endpoint } from './transport.ts';
import { rebind } from './replace.ts';
import { resetExchange } from './reset.ts';
import { upstreamLost } from './response.ts';
import { beginStream } from './tcp/stream.ts';
import { announceClient } from './proxy-protocol/announce.ts';
import { dropClient } from './client.ts';
import { followAddress } from './health/endpoint.ts';
import { noteAnswerFault, noteConnected, noteConnectionFault } from './health/faults.ts';

/** Gives the request to a server, puts it into a queue, or answers 503. */
export function assign(engine: Engine, client: Client): void {
  if (client.backend!.retired) rebind(engine, client);
  const backend = client.backend!;
  const { balance } = backend;
  let server = client.wanted;
  if (server !== null && !engine.mayTakeSession(server)) server = null;
  if (server === null && balance.members.length === 0) {
    client.endCause = 83;
    client.endPhase = 67;
    answerLocally(engine, client, 503);
    return;
  }
  if (server === null && client.keyed && isStrict(backend)) server = ownerOf(backend, client);
  if (server !== null) {
    if (engine.take(server)) sendTo(engine, client, server, server.counted);
    else enqueue(engine, client, server);
    return;
  }
  const chosen = balance.limited && someoneWaits(engine, backend) ? null : choose(engine, backend, client);
  if (chosen !== null) sendTo(engine, client, chosen, chosen.counted);
  else enqueue(engine, client, null);
}

/** Sends the request over a pooled connection, or connects. `counted`: a place at the server is reserved. */
// oxlint-disable-next-line max-params -- long: hot path, an options object would be allocated
export function sendTo(engine: Engine, client: Client, server: ServerPlan, counted: boolean): void {
  const counters = engine.counters;
  client.holdsSlot = counted;
  client.server = server;
  client.wait = Wait.CONNECT;
  if (client.assignedMs === 0) client.assignedMs = engine.transport.nowMs();
  counters[server.counter + ServerCounter.currentSessions]! += 1;
  const idle = findIdle(engine, client, server);
  if (idle !== null) {
    engine.pools[server.index]!.remove(idle);
    counters[server.counter + ServerCounter.idle]! -= 1;
    idle.client = client;
    client.upstream = idle;
    client.connectedMs = engine.transport.nowMs();
    attach(engine, client, idle);
    return;
  }
  const upstream = engine.newUpstream();
  const handle = engine.transport.connect(server.endpoint);
  upstream.handle = handle;
  upstream.out.handle = handle;
  upstream.server = server;
  upstream.endpoint = server.endpoint;
  upstream.client = client;
  upstream.phase = UpstreamPhase.CONNECTING;
  client.upstream = upstream;
  engine.storeUpstream(upstream);
  engine.wheel.set(handle, engine.transport.nowMs() + engine.options.timeouts.connectMs);
}

/**
 * The idle connection that was used last, if the request may go over it. One on which something has come is closed: nobody
 * has asked, so it must not become the answer to this request. A place that somebody has waited for is often that of a
 * connection whose answer has just ended, so there the kernel is asked.
 */
function findIdle(engine: Engine, client: Client, server: ServerPlan): Upstream | null {
  const pool = engine.pools[server.index]!;
  for (let idle = pool.top; idle !== null && mayReuse(engine, client, idle); idle = pool.top) {
    const justFreed = server.counted && idle.idleSinceMs === engine.transport.nowMs();
    if (engine.transport.isSilent(idle.handle, justFreed)) return idle;
    closeUpstream(engine, idle, true);
  }
  return null;
}

/** Whether the request may go over this idle connection. */
function mayReuse(engine: Engine, client: Client, idle: Upstream): boolean {
  if (client.freshOnly) return false;
  return client.repeatable || engine.transport.nowMs() - idle.idleSinceMs < FRESH_IDLE_MS;
}

/** The connection is there: what has come of the request goes out. */
function attach(engine: Engine, client: Client, upstream: Upstream): void {
  const { ranges, buffers } = engine;
  client.wait = Wait.ANSWER;
  upstream.phase = UpstreamPhase.HEAD;
  resetExchange(upstream);
  const mayRepeat = client.repeatable && (!client.repeated || engine.retry !== null);
  const head = client.request.head;
  if (mayRepeat && client.repeatOffset === NONE && mayKeepHead(engine, ranges.offset[head]!)) {
    client.repeatOffset = ranges.offset[head]!;
    client.repeatLength = ranges.length[head]!;
    buffers.hold(client.repeatOffset);
  }
  upstream.out.takeAll(ranges, client.request);
  endRest(engine, client);
  if (!client.probe) engine.counters[upstream.server.counter + ServerCounter.requestsTotal]! += 1;
  pump(engine, upstream.out);
  engine.watchUpstream(upstream);
  if (!client.requestDone && !client.receiving && !isFull(engine, upstream.out)) {
    setReceiving(engine, client, true);
    engine.rearmClient(client);
  }
}

/** The end of an attempt to connect. */
export function upstreamConnected(engine: Engine, upstream: Upstream, errno: number): void {
  const client = upstream.client;
  if (upstream.phase !== UpstreamPhase.CONNECTING || client === null) return;
  if (errno !== 0) {
    connectFailed(engine, client, upstream, errno);
    return;
  }
  client.connectedMs = engine.transport.nowMs();
  setReceiving(engine, upstream, true);
  if (upstream.server.sendProxy !== null && !announceClient(engine, client, upstream)) dropClient(engine, client, true);
  else if (client.frontend.tcp) {
    noteConnected(engine, upstream.server);
    beginStream(engine, client, upstream);
  } else attach(engine, client, upstream);
}

// oxlint-disable-next-line max-params -- long: no object for a failure
function connectFailed(engine: Engine, client: Client, upstream: Upstream, errno: number): void {
  const { http } = engine.options;
  const server = upstream.server;
  const timedOut = errno === Errno.ETIMEDOUT;
  const isLocal = isOwnLack(errno);
  if (!isLocal) {
    engine.counters[server.counter + ServerCounter.connectErrors]! += 1;
    noteConnectionFault(engine, server);
  }
  detach(engine, client, upstream);
  closeUpstream(engine, upstream, true);
  freePlace(engine, client, server);
  if (client.retries >= http.retries) {
    client.endCause = isLocal ? 82 : timedOut ? 115 : 83;
    client.endPhase = 67;
    answerLocally(engine, client, 503);
    return;
  }
  client.retries++;
  engine.counters[server.counter + ServerCounter.retries]! += 1;
  const mayLeave = http.redispatch && (client.wanted === null || client.retries === http.retries);
  if (mayLeave && engine.hasOther(client.backend!, server)) {
    client.avoid = server;
    leave(engine, client, server);
    assign(engine, client);
    return;
  }
  if (timedOut) {
    assign(engine, client); // it has waited long enough
    return;
  }
  client.wait = Wait.RETRY;
  engine.wheel.set(client.handle, engine.transport.nowMs() + RETRY_PAUSE_MS * client.retries);
}

/** The request turns to another server, also against its session cookie. */
function leave(engine: Engine, client: Client, server: ServerPlan): void {
  if (client.wanted !== null && client.cookieState === CookieState.VALID) client.cookieState = CookieState.DOWN;
  client.wanted = null;
  client.redispatched = true;
  engine.counters[server.counter + ServerCounter.redispatches]! += 1;
}

/**
 * Sends the kept head once more, over a new connection. The caller has made sure that this is allowed.
 *
 * @param leaves It was not the connection that failed: another server is taken if there is one.
 */
// oxlint-disable-next-line max-params -- long: no object for a failure
export function repeat(engine: Engine, client: Client, upstream: Upstream, leaves: boolean): void {
  const server = upstream.server;
  detach(engine, client, upstream);
  closeUpstream(engine, upstream, true);
  freePlace(engine, client, server);
  client.retries++;
  client.freshOnly = true;
  client.avoid = server;
  // A pooled connection may just have been idle for too long, so the session stays where it is. A new one that dies
  // says that its server does.
  if (!upstream.reused) client.repeated = true;
  const atFault = leaves || !upstream.reused;
  if (atFault && engine.options.http.redispatch && engine.hasOther(client.backend!, server)) {
    leave(engine, client, server);
  }
  engine.counters[server.counter + ServerCounter.retries]! += 1;
  // The use that was kept for this goes to the list.
  client.request.push(engine.ranges, client.repeatOffset, client.repeatLength);
  client.repeatOffset = NONE;
  assign(engine, client);
}

/** Parts a request from its connection; `freePlace` follows once that is pooled or closed. */
export function detach(engine: Engine, client: Client, upstream: Upstream): void {
  client.upstream = null;
  upstream.client = null;
  engine.counters[upstream.server.counter + ServerCounter.currentSessions]! -= 1;
}

/** Gives the request's place at a server to the next that waits. */
export function freePlace(engine: Engine, client: Client, server: ServerPlan): void {
  if (!client.holdsSlot) return;
  client.holdsSlot = false;
  release(engine, server);
}

/** Ends the request's work at its server: the connection cannot be used again. */
export function abortUpstream(engine: Engine, client: Client): void {
  engine.dropRepeat(client);
  if (client.encoding !== null) endEncoding(engine, client);
  const upstream = client.upstream;
  if (upstream === null) return;
  detach(engine, client, upstream);
  closeUpstream(engine, upstream, true);
  freePlace(engine, client, upstream.server);
}

/** After a whole answer: keeps the connection for the next request if that is safe. */
export function retireUpstream(engine: Engine, upstream: Upstream, clean: boolean): void {
  if (upstream.server.retired) upstream.server = engine.plan.serverAt[upstream.server.index] ?? upstream.server;
  const server = upstream.server;
  const pool = engine.pools[server.index]!;
  // A connection that began with a PROXY protocol header speaks for one client.
  const reusable = server.sendProxy === null && !server.retired && leadsTo(upstream.endpoint, server.endpoint);
  const over = upstream.unread === 0 && engine.transport.isSilent(upstream.handle, false);
  const safe = clean && upstream.keepAlive && !upstream.ended && reusable && over;
  if (!safe || pool.length >= MAX_IDLE_PER_SERVER || engine.draining || !engine.mayTakeSession(server)) {
    // By RST, unless the server was first: a FIN of ours would hold a local port in TIME_WAIT for a minute.
    closeUpstream(engine, upstream, !upstream.ended);
    return;
  }
  upstream.phase = UpstreamPhase.IDLE;
  upstream.reused = true;
  upstream.idleSinceMs = engine.transport.nowMs();
  pool.push(upstream);
  engine.counters[server.counter + ServerCounter.idle]! += 1;
  setReceiving(engine, upstream, true);
  engine.wheel.set(upstream.handle, upstream.idleSinceMs + IDLE_UPSTREAM_MS);
}

/** A server that has moved while it answered: the connection goes to where it was. */
function leadsTo(made: Endpoint, now: Endpoint): boolean {
  return made === now || (made.address === now.address && made.port === now.port);
}

export function closeUpstream(engine: Engine, upstream: Upstream, reset: boolean): void {
  if (upstream.phase === UpstreamPhase.CLOSING || upstream.phase === UpstreamPhase.CLOSED) return;
  if (upstream.phase === UpstreamPhase.IDLE) {
    engine.pools[upstream.server.index]!.remove(upstream);
    engine.counters[upstream.server.counter + ServerCounter.idle]! -= 1;
  }
  upstream.phase = UpstreamPhase.CLOSING;
  engine.wheel.remove(upstream.handle);
  engine.transport.close(upstream.handle, reset);
}

/** A deadline of a server's connection has passed. */
export function upstreamExpired(engine: Engine, upstream: Upstream): void {
  const client = upstream.client;
  if (upstream.phase === UpstreamPhase.IDLE || client === null) {
    closeUpstream(engine, upstream, true);
  } else if (upstream.phase === UpstreamPhase.CONNECTING) {
    connectFailed(engine, client, upstream, Errno.ETIMEDOUT);
  } else if (!client.answering) {
    engine.counters[upstream.server.counter + ServerCounter.responseErrors]! += 1;
    noteAnswerFault(engine, upstream.server);
    if (retryAnswer(engine, client, upstream, RetryCause.TIMEOUT)) return;
    client.endCause = 115;
    client.endPhase = 72;
    answerLocally(engine, client, 504);
  } else {
    client.endCause = 115;
    client.endPhase = 68;
    upstreamLost(engine, client, upstream);
  }
}

/** The server has gone down, and its sessions with it (HAProxy's on-marked-down shutdown-sessions). */
function closeSessions(engine: Engine, server: ServerPlan): void {
  for (const upstream of engine.upstreams) {
    if (upstream === null || upstream.server.index !== server.index) continue;
    const client = upstream.client;
    if (client === null || upstream.phase === UpstreamPhase.CLOSING) continue;
    if (upstream.phase === UpstreamPhase.CONNECTING) {
      connectFailed(engine, client, upstream, Errno.ECONNREFUSED);
    } else if (client.repeatOffset !== NONE && !upstream.touched && !client.answering && client.interims === 0) {
      repeat(engine, client, upstream, true);
    } else {
      client.endCause = 68;
      client.endPhase = client.answering ? 68 : 72;
      if (client.answering || client.frontend.tcp) dropClient(engine, client, true);
      else answerLocally(engine, client, 503);
    }
  }
}

/** Takes the servers' state from the shared words: who takes part anew, no idle connections to servers that are down. */
export function followServers(engine: Engine): void {
  const nowMs = engine.transport.nowMs();
  engine.nextStepMs = Infinity;
  for (const { balance, servers } of engine.plan.backends) {
    balance.follow(servers, engine.words, nowMs);
    if (balance.closesSessions) for (const server of balance.lost) closeSessions(engine, server);
    engine.nextStepMs = Math.min(engine.nextStepMs, balance.nextStepMs);
  }
  for (const server of engine.plan.servers) {
    if (!followAddress(engine.words, server) && engine.mayTakeSession(server)) continue;
    const pool = engine.pools[server.index]!;
    while (pool.top !== null) closeUpstream(engine, pool.top, true);
  }
  if (engine.queued === 0) return;
  followWaiting(engine);
  serveAll(engine);
}
