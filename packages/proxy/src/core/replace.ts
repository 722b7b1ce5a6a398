// A reload inside an engine: between two turns of its loop the new plan takes the old one's place. New requests take the
// new plan. Requests under way go on with the objects of the plan they began under; when such a request needs a server
// again (it waits in a queue, or is tried again) it asks its backend as it is now, if that still exists. Idle
// connections of servers that are gone are closed, all others stay. See slots.ts for what makes two servers the same.
import { closeClient } from './client.ts';
import { ClientPhase, type Client } from './connection.ts';
import { assign, closeUpstream, followServers } from './dispatch.ts';
import type { Engine } from './engine.ts';
import { followAddress } from './health/endpoint.ts';
import { leaveQueue, serveAll } from './flow/queue.ts';
import { closeHeld } from './limits/crowd.ts';
import type { EngineOptions } from './engine-options.ts';
import type { EngineListener } from './listeners.ts';
import type { BackendPlan, FrontendPlan, Plan, ServerPlan } from './plan.ts';

/** The options that come from a configuration. */
export type PlanSettings = Pick<
  EngineOptions,
  'timeouts' | 'http' | 'addsForwardedFor' | 'clientAddressInLog' | 'ignoreEmpty' | 'log'
>;

/** What takes the old plan's place. */
export interface Replacement {
  readonly plan: Plan;
  /** Time-outs hold from the next time that one is set. */
  readonly settings: PlanSettings;
  /** All listening sockets; those that the engine knows go on without a pause. */
  readonly listeners: readonly EngineListener[];
}

/** Puts the new plan in its place; not to be called from inside an event. */
export function replacePlan(engine: Engine, { plan, settings, listeners }: Replacement): void {
  const old = engine.plan;
  for (const entry of [...old.frontends, ...old.backends, ...old.servers]) entry.retired = true;
  engine.usePlan(plan, settings);
  engine.names.clear();
  for (const server of plan.servers) followAddress(engine.words, server);
  const nowMs = engine.transport.nowMs();
  for (const { balance, servers } of plan.backends) balance.follow(servers, engine.words, nowMs);
  followPools(engine, plan);
  engine.listeners.replace(plan, listeners, engine.draining);
  // Whose backend is gone still waits for a place at one of its servers.
  engine.leaving = [...engine.leaving, ...old.backends].filter((backend) => isAwaited(engine, backend));
  followQueues(engine);
  followServers(engine);
  closeHeld(engine, false);
  for (const client of engine.clients) if (client !== null) followClient(engine, client);
  if (engine.queued > 0) serveAll(engine);
}

/** The request asks its backend as it is now, if that still exists. */
export function rebind(engine: Engine, client: Client): void {
  const { plan } = engine;
  const backend = client.backend;
  if (backend === null) return;
  const now = plan.backendAt[backend.index];
  if (!now || now === backend) return;
  const server = (before: ServerPlan | null): ServerPlan | null =>
    before === null ? null : (plan.serverAt[before.index] ?? null);
  client.backend = now;
  client.wanted = server(client.wanted);
  client.cookieServer = server(client.cookieServer);
  client.avoid = server(client.avoid);
}

/** Moves a connection on which no request is under way to the frontend as it is now. False: the frontend is gone. */
export function moveClient(engine: Engine, client: Client): boolean {
  client.backend = null;
  client.server = null;
  client.wanted = null;
  client.cookieServer = null;
  client.avoid = null;
  const now = successor(engine, client.frontend);
  if (now === null) return false;
  client.frontend = now;
  client.logged = null; // how the address is logged and passed on may have changed
  return true;
}

/** Whether the connection ends with the answer because its frontend is not there any more. */
export function isGone(engine: Engine, client: Client): boolean {
  return client.frontend.retired && successor(engine, client.frontend) === null;
}

/** The frontend as it is now; null when it is gone, or speaks something else. */
function successor(engine: Engine, frontend: FrontendPlan): FrontendPlan | null {
  const now = engine.plan.frontendAt[frontend.index];
  return now && now.tcp === frontend.tcp ? now : null;
}

/** Whether no connection refers to a slot that the plan does not have. Looks at every connection. */
export function isSettled(engine: Engine): boolean {
  const { plan } = engine;
  for (const client of engine.clients) {
    if (client === null) continue;
    if (plan.frontendAt[client.frontend.index] === null) return false;
    if (client.backend !== null && plan.backendAt[client.backend.index] === null) return false;
    for (const server of [client.server, client.wanted, client.cookieServer, client.avoid]) {
      if (server !== null && plan.serverAt[server.index] === null) return false;
    }
  }
  for (const upstream of engine.upstreams) {
    if (upstream !== null && plan.serverAt[upstream.server.index] === null) return false;
  }
  return true;
}

function followPools(engine: Engine, plan: Plan): void {
  for (const [slot, pool] of engine.pools.entries()) {
    const server = plan.serverAt[slot];
    if (!server || (pool.top !== null && !isSameConnection(pool.top.server, server))) {
      while (pool.top !== null) closeUpstream(engine, pool.top, true);
      continue;
    }
    for (let idle = pool.top; idle !== null; idle = idle.poolNext) idle.server = server;
  }
}

/** Whether a connection that was made for `before` serves `now` too. */
function isSameConnection(before: ServerPlan, now: ServerPlan): boolean {
  return (
    before.endpoint.address === now.endpoint.address &&
    before.endpoint.port === now.endpoint.port &&
    now.sendProxy === null
  );
}

function isAwaited(engine: Engine, backend: BackendPlan): boolean {
  if (engine.plan.backendAt[backend.index]) return false;
  return engine.waiting.some((client) => client?.backend?.index === backend.index);
}

/** Those who wait go on waiting for the same backend; those who wait for a server that is gone choose again. */
function followQueues(engine: Engine): void {
  if (engine.queued === 0) return;
  for (const client of engine.waiting) {
    const backend = client?.backend;
    if (!client || !backend) continue;
    const server = client.waitsFor;
    const gone = server !== null && !engine.plan.serverAt[server.index] && engine.plan.backendAt[backend.index];
    if (gone) leaveQueue(engine, client); // while it is still the old plan's
    rebind(engine, client);
    if (gone) assign(engine, client);
    else if (server !== null) client.waitsFor = engine.plan.serverAt[server.index] ?? server;
  }
}

function followClient(engine: Engine, client: Client): void {
  if (client.phase !== ClientPhase.HEAD) return;
  const begun = client.requests === 0 || (client.partial !== null && client.partial.length > 0);
  // A request that is on its way is answered, as the last one of its connection.
  if (!moveClient(engine, client) && !begun) closeClient(engine, client, false);
}
