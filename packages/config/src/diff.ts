// Which parts of the model differ between two configurations, so that a reload knows what it must touch.
import { failoverOf, groupsOf } from './elections.ts';
import type { PairConfig } from './model.ts';

/** A part of the configuration that one piece of the product owns. */
export type ConfigPart =
  | 'cluster'
  | 'vips'
  | 'groups'
  | 'failover.link'
  | 'failover'
  | 'events'
  | 'tuner'
  | 'frontends.binds'
  | 'traffic'
  | 'log'
  | 'admin'
  | 'proxy';

/** Parts that the failover agent takes at its start only: a reload refuses them. */
export const RESTART_PARTS: readonly ConfigPart[] = ['cluster', 'vips', 'groups', 'failover.link'];

/**
 * Compares two configurations by meaning.
 *
 * @returns The parts that differ, in a fixed order; empty when both mean the same.
 * `cluster`, `vips`, `groups`, `failover.link` (the peer link and what the elections take of it): the failover agent must
 * be started anew. `failover` (conditions), `events`: the running agent takes them. `tuner`: nothing acts until
 * `tospann tune`. `frontends.binds`: listening sockets change.
 * `traffic` (frontends' rules and limits, backends, timeouts, http, maps), `log`, `proxy`: the proxy child is replaced
 * on the same sockets. `admin`: the console listens anew.
 */
export function diffConfigs(before: PairConfig, after: PairConfig): ConfigPart[] {
  const parts: readonly (readonly [ConfigPart, (config: PairConfig) => unknown])[] = [
    ['cluster', (config) => [config.cluster.name, byName(config.cluster.nodes)]],
    ['vips', (config) => byName(config.vips)],
    ['groups', (config) => byName(groupsOf(config))],
    ['failover.link', (config) => [failoverOf(config).peerPort, failoverOf(config).holdMs, failoverOf(config).drainMs]],
    ['failover', conditionsOf],
    ['events', (config) => config.events],
    ['tuner', (config) => config.tuner],
    ['frontends.binds', (config) => byName(config.frontends).map(({ name, binds }) => [name, binds])],
    ['traffic', trafficOf],
    ['log', (config) => config.log],
    ['admin', (config) => config.admin],
    ['proxy', (config) => config.proxy],
  ];
  return parts.filter(([, of]) => canonical(of(before)) !== canonical(of(after))).map(([part]) => part);
}

function conditionsOf(config: PairConfig): unknown {
  const { requireServers, gateway, scripts, steal, lateness } = failoverOf(config);
  return [requireServers, gateway, byName(scripts), steal, lateness];
}

function trafficOf(config: PairConfig): unknown {
  const frontends = byName(config.frontends).map(({ binds: _binds, ...rest }) => ({
    ...rest,
    acls: byName(rest.acls),
  }));
  return [frontends, byName(config.backends), config.timeouts, config.http, byName(config.maps ?? [])];
}

function byName<T extends { readonly name: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
