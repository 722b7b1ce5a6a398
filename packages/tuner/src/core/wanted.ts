// From the configuration of the pair to what the kernel should be good for. Pure.
import { tunerOf, type PairConfig } from '@tospann/config';
import type { Wanted } from './model.ts';
import type { NotrackFlows } from './notrack.ts';

/** Share of new client connections that need a new one to a server, where server connections are kept. */
const NEW_UPSTREAM_SHARE = 0.1;

/** What a machine without a configuration is judged by. */
export const USUAL_WISHES: Wanted = {
  profile: 'balanced',
  connections: 10_000,
  connectionRate: 1000,
  upstreamRate: 100,
  upstreams: 2,
  ports: [],
  vips: 1,
  overrides: {},
};

/** What a node of this pair needs. */
export function wantedOf(config: PairConfig): Wanted {
  const { frontends, backends, http } = config;
  const tuner = tunerOf(config);
  const connections = tuner.connections ?? sum(frontends.map(({ maxConnections }) => maxConnections));
  // Connections that live for 10 s: with all places taken, so many come a second.
  const connectionRate = tuner.connectionRate ?? Math.max(100, Math.ceil(connections / 10));
  const ports = portsOf(config);
  const closes = http.serverClose || frontends.some(({ mode }) => mode === 'tcp');
  const servers = backends.flatMap((backend) => backend.servers.map(({ address, port }) => `${address} ${port}`));
  return {
    profile: tuner.profile,
    connections,
    connectionRate,
    upstreamRate: Math.ceil(connectionRate * (closes ? 1 : NEW_UPSTREAM_SHARE)),
    upstreams: new Set(servers).size,
    ports,
    vips: config.vips.length,
    overrides: tuner.overrides,
  };
}

function portsOf({ frontends, admin, failover }: PairConfig): readonly number[] {
  const binds = [...frontends.flatMap((frontend) => frontend.binds), ...admin.binds, ...(admin.stats?.binds ?? [])];
  const peerPort = failover?.peerPort ?? 0;
  const ports = [...binds.map(({ port }) => port), ...(peerPort > 0 ? [peerPort] : [])];
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** Connections of this pair that need no tracking. Servers that are known by name only are left tracked. */
export function notrackFlowsOf(config: PairConfig): NotrackFlows {
  const nodes = config.cluster.nodes.flatMap(({ address, address6 }) => [
    address,
    ...(address6 === undefined ? [] : [address6]),
  ]);
  return {
    addresses: [...config.vips.map(({ address }) => address), ...nodes],
    ports: config.frontends.flatMap(({ binds }) => binds.map(({ port }) => port)),
    servers: config.backends.flatMap(({ servers }) =>
      servers.flatMap(({ address, port, isName }) => (isName === true ? [] : [{ address, port }])),
    ),
    vrrp: config.vips.length > 0,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
