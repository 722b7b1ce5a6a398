// The canonical form of a model and its hash: equal for two files that mean the same, however they are written.
// Order of nodes, VIPs, elections, frontends, ACLs, backends, maps, scripts and hooks has no meaning and is taken away;
// order of rules, binds and servers, and of the VIPs in an advert, stays.
import { createHash } from 'node:crypto';
import type { PairConfig } from './model.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** JSON with sorted keys and without the hash. */
export function canonicalJson(model: Omit<PairConfig, 'hash'>): string {
  const plain = {
    version: model.version,
    cluster: { name: model.cluster.name, nodes: byName(model.cluster.nodes) },
    vips: byName(model.vips),
    ...(model.groups === undefined ? {} : { groups: byName(model.groups) }),
    ...(model.failover === undefined
      ? {}
      : { failover: { ...model.failover, scripts: byName(model.failover.scripts) } }),
    ...(model.events === undefined ? {} : { events: { ...model.events, hooks: byName(model.events.hooks) } }),
    ...(model.tuner === undefined ? {} : { tuner: model.tuner }),
    frontends: byName(model.frontends).map((frontend) => ({ ...frontend, acls: byName(frontend.acls) })),
    backends: byName(model.backends),
    timeouts: model.timeouts,
    http: model.http,
    ...(model.maps === undefined ? {} : { maps: byName(model.maps) }),
    log: model.log,
    admin: model.admin,
    proxy: model.proxy,
  };
  return JSON.stringify(sortKeys(plain as unknown as Json)); // the model is plain data by its definition
}

/** SHA-256 of the canonical form, 64 hex digits. */
export function canonicalHash(model: Omit<PairConfig, 'hash'>): string {
  return createHash('sha256').update(canonicalJson(model)).digest('hex');
}

function byName<T extends { readonly name: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map((item) => sortKeys(item as Json));
  if (typeof value !== 'object' || value === null) return value;
  const map = value as { readonly [key: string]: Json };
  return Object.fromEntries(
    Object.keys(map)
      .sort()
      .map((key) => [key, sortKeys(map[key] ?? null)]),
  );
}
