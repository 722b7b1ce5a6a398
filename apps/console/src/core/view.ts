// From the pair's status to what the page shows: nodes, addresses, servers. Pure; all ages in ms at the moment of the
// status, all rates from windows of statuses. A peer that does not answer keeps its last figures, marked as old.
import type { FrontendStatus, NodeStatus, PairStatus, ServerStatus, VipStatus } from '@tospann/api/contract';
import { notReady, ownersOf, vipsOf, type Owner } from '@tospann/api/pure';
import { bucketsSince, quantileOf, rateOf, type Window } from './rates.ts';

/** The last seconds of each node by name. */
export type Windows = ReadonlyMap<string, Window>;

/** How a node stands: `owner` serves an address, `ready` could, `out` was taken out, `fault` could not, `gone` does not answer. */
export type NodeRole = 'owner' | 'ready' | 'out' | 'fault' | 'gone';

export interface NodeView {
  readonly name: string;
  readonly isSelf: boolean;
  readonly role: NodeRole;
  /** What the role rests on: the addresses it holds, or what it lacks. */
  readonly why: string;
  /** Age of these figures; -1 when there never were any. */
  readonly ageMs: number;
  readonly status: NodeStatus | undefined;
  readonly inSync: boolean | undefined;
  readonly requestRate: number | undefined;
  readonly errorRate: number | undefined;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

export interface VipView {
  readonly name: string;
  readonly address: string;
  readonly owners: readonly string[];
  /** How long the owner has it, by the owner's own word; undefined while it does not answer. */
  readonly ownedForMs: number | undefined;
  readonly reason: string;
  /** The owner's last advert as the other node heard it. */
  readonly heartbeat: { readonly ageMs: number; readonly heardBy: string } | undefined;
  readonly transitions: number;
  /** What each node that answers says of itself. */
  readonly states: readonly { readonly node: string; readonly vip: VipStatus; readonly sinceAgeMs: number }[];
}

export interface ServerView {
  readonly key: string;
  readonly server: ServerStatus;
  /** Age of the state on the node whose view this is. */
  readonly stateAgeMs: number;
  /** Another node that sees another state. */
  readonly disagreement: { readonly node: string; readonly state: string; readonly lastCheck: string } | undefined;
  readonly sessions: number;
  readonly requestRate: number | undefined;
  readonly requestsTotal: number;
  readonly errorRate: number | undefined;
  readonly responses5xx: number;
  readonly connectErrors: number;
  readonly responseErrors: number;
  readonly retries: number;
  readonly redispatches: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface BackendView {
  readonly name: string;
  readonly servers: readonly ServerView[];
}

export interface FrontendView {
  readonly name: string;
  readonly binds: readonly string[];
  readonly connections: number;
  readonly requestRate: number | undefined;
  readonly requestsTotal: number;
  readonly responses: readonly number[];
  readonly refused: readonly (readonly [reason: string, count: number])[];
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** The nodes whose word counts now, this one first. */
export function believed(pair: PairStatus): readonly NodeStatus[] {
  const peer = pair.peer?.reachable ? pair.peer.status : undefined;
  return peer === undefined ? [pair.self] : [pair.self, peer];
}

/** Both nodes, in the order of their names: the same on each node's page. */
export function nodeViews(pair: PairStatus, windows: Windows): readonly NodeView[] {
  const { self, peer } = pair;
  const owners = ownersOf(believed(pair));
  const inSync = peer?.status === undefined ? undefined : self.configHash === peer.status.configHash;
  const views = [
    nodeView({ name: self.node, isSelf: true, isGone: false, ageMs: 0, status: self, inSync }, owners, windows),
  ];
  if (peer !== undefined) {
    const { name, status, reachable, lastSeenAgeMs: ageMs } = peer;
    const view = nodeView({ name, isSelf: false, isGone: !reachable, ageMs, status, inSync }, owners, windows);
    views.push(reachable ? view : { ...view, why: peer.error ?? 'no answer' });
  }
  return views.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

interface NodeParts extends Pick<NodeView, 'name' | 'isSelf' | 'ageMs' | 'status' | 'inSync'> {
  readonly isGone: boolean;
}

function nodeView({ isGone, ...parts }: NodeParts, owners: readonly Owner[], windows: Windows): NodeView {
  const window = isGone ? [] : (windows.get(parts.name) ?? []);
  return {
    ...parts,
    ...(isGone ? { role: 'gone', why: 'no answer' } : standingOf(parts.name, owners, parts.status)),
    requestRate: rateOf(window, requestsOf),
    errorRate: rateOf(window, errorsOf),
    ...latencyOf(window),
  };
}

function standingOf(
  name: string,
  owners: readonly Owner[],
  status: NodeStatus | undefined,
): Pick<NodeView, 'role' | 'why'> {
  const held = owners.filter((owner) => owner.nodes.includes(name)).map((owner) => owner.vip);
  if (held.length > 0) return { role: 'owner', why: `holds ${held.join(', ')}` };
  if (owners.length === 0 && status?.proxy !== undefined) return { role: 'owner', why: 'no floating address' };
  const maintenance = status?.vrrp?.maintenance;
  if (maintenance !== undefined) {
    return { role: 'out', why: maintenance.reason === '' ? 'takes nothing until told to' : maintenance.reason };
  }
  const lacks = status === undefined ? 'no figures yet' : notReady(status);
  return lacks === undefined ? { role: 'ready', why: 'takes over when it must' } : { role: 'fault', why: lacks };
}

function requestsOf(status: NodeStatus): number | undefined {
  return status.proxy?.frontends.reduce((sum, frontend) => sum + frontend.requestsTotal, 0);
}

function errorsOf(status: NodeStatus): number | undefined {
  return status.proxy?.frontends.reduce((sum, frontend) => sum + frontend.responsesTotal[4], 0);
}

function latencyOf(window: Window): { readonly p50Ms: number | undefined; readonly p99Ms: number | undefined } {
  const now = window.at(-1)?.proxy;
  if (now === undefined) return { p50Ms: undefined, p99Ms: undefined };
  const counts = bucketsSince(window.length > 1 ? window[0]?.proxy?.latencyCounts : undefined, now.latencyCounts);
  return {
    p50Ms: quantileOf(now.latencyBoundsMs, counts, 0.5),
    p99Ms: quantileOf(now.latencyBoundsMs, counts, 0.99),
  };
}

/** The floating addresses. */
export function vipViews(pair: PairStatus): readonly VipView[] {
  const nodes = believed(pair);
  return ownersOf(nodes).map(({ vip: name, nodes: owners }) => {
    const states = nodes.flatMap((node) =>
      vipsOf(node)
        .filter((vip) => vip.name === name)
        .map((vip) => ({ node: node.node, vip, sinceAgeMs: Math.max(0, node.monotonicMs - vip.sinceMs) })),
    );
    const listener = states.find(({ vip }) => vip.state === 'backup' && vip.lastAdvertAgeMs >= 0);
    const owner = states.find((state) => state.node === owners[0] && state.vip.state === 'master');
    return {
      name,
      address: states[0]?.vip.address ?? '',
      owners,
      ownedForMs: owners.length === 1 ? owner?.sinceAgeMs : undefined,
      heartbeat: listener && { ageMs: listener.vip.lastAdvertAgeMs, heardBy: listener.node },
      transitions: Math.max(0, ...states.map(({ vip }) => vip.transitionsTotal)),
      reason: owner?.vip.reason ?? states[0]?.vip.reason ?? '',
      states: [...states].sort((a, b) => a.node.localeCompare(b.node, 'en', { numeric: true })),
    };
  });
}

/** The node whose health checks decide now: an owner of an address, else the first that serves. */
function decider(nodes: readonly NodeStatus[]): NodeStatus | undefined {
  const serving = nodes.filter((node) => node.proxy !== undefined);
  const owners = new Set(ownersOf(nodes).flatMap((owner) => owner.nodes));
  return serving.find((node) => owners.has(node.node)) ?? serving[0];
}

/** Servers by backend: the state as the deciding node sees it, the figures of both nodes together. */
export function backendViews(pair: PairStatus, windows: Windows): readonly BackendView[] {
  const nodes = believed(pair);
  const first = decider(nodes);
  const rest = nodes.filter((node) => node !== first);
  return (first?.proxy?.backends ?? []).map((backend) => ({
    name: backend.name,
    servers: backend.servers.map((server) => {
      const find = (node: NodeStatus): ServerStatus | undefined =>
        node.proxy?.backends
          .find(({ name }) => name === backend.name)
          ?.servers.find(({ name }) => name === server.name);
      const same = [server, ...rest.flatMap((node) => find(node) ?? [])];
      const sum = (pick: (one: ServerStatus) => number): number => same.reduce((total, one) => total + pick(one), 0);
      const rate = (pick: (one: ServerStatus) => number): number | undefined =>
        addUp(nodes.map((node) => rateOf(windows.get(node.node) ?? [], (status) => mapOf(find(status), pick))));
      return {
        key: `${backend.name}-${server.name}`,
        server,
        stateAgeMs: first === undefined ? -1 : Math.max(0, first.monotonicMs - server.sinceMs),
        disagreement: disagreementOf(server, rest, find),
        sessions: sum((one) => one.currentSessions),
        requestRate: rate((one) => one.requestsTotal),
        requestsTotal: sum((one) => one.requestsTotal),
        errorRate: rate((one) => one.responsesTotal[4] + one.connectErrorsTotal + one.responseErrorsTotal),
        responses5xx: sum((one) => one.responsesTotal[4]),
        connectErrors: sum((one) => one.connectErrorsTotal),
        responseErrors: sum((one) => one.responseErrorsTotal),
        retries: sum((one) => one.retriesTotal),
        redispatches: sum((one) => one.redispatchesTotal),
        bytesIn: sum((one) => one.bytesInTotal),
        bytesOut: sum((one) => one.bytesOutTotal),
      };
    }),
  }));
}

function disagreementOf(
  server: ServerStatus,
  rest: readonly NodeStatus[],
  find: (node: NodeStatus) => ServerStatus | undefined,
): ServerView['disagreement'] {
  for (const node of rest) {
    const other = find(node);
    if (other !== undefined && other.state !== server.state) {
      return { node: node.node, state: other.state, lastCheck: other.lastCheck };
    }
  }
  return undefined;
}

/** Frontends, both nodes together. */
export function frontendViews(pair: PairStatus, windows: Windows): readonly FrontendView[] {
  const nodes = believed(pair);
  const names = new Set(nodes.flatMap((node) => node.proxy?.frontends.map((frontend) => frontend.name) ?? []));
  return [...names].map((name) => {
    const find = (node: NodeStatus): FrontendStatus | undefined =>
      node.proxy?.frontends.find((one) => one.name === name);
    const same = nodes.flatMap((node) => find(node) ?? []);
    const sum = (pick: (one: FrontendStatus) => number): number => same.reduce((total, one) => total + pick(one), 0);
    const refused = new Map<string, number>();
    for (const one of same) {
      for (const [reason, count] of Object.entries(one.refusedTotal))
        refused.set(reason, (refused.get(reason) ?? 0) + count);
    }
    return {
      name,
      binds: same[0]?.binds ?? [],
      connections: sum((one) => one.currentConnections),
      requestRate: addUp(
        nodes.map((node) =>
          rateOf(windows.get(node.node) ?? [], (status) => mapOf(find(status), (one) => one.requestsTotal)),
        ),
      ),
      requestsTotal: sum((one) => one.requestsTotal),
      responses: [0, 1, 2, 3, 4].map((i) => sum((one) => one.responsesTotal[i] ?? 0)),
      refused: [...refused].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]),
      bytesIn: sum((one) => one.bytesInTotal),
      bytesOut: sum((one) => one.bytesOutTotal),
    };
  });
}

function mapOf<T>(value: T | undefined, pick: (value: T) => number): number | undefined {
  return value === undefined ? undefined : pick(value);
}

function addUp(rates: readonly (number | undefined)[]): number | undefined {
  const known = rates.filter((rate) => rate !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, rate) => sum + rate, 0);
}
