// From the file's shape, after the schema has read it, to the model: names become list entries, derived values are
// worked out, the hash is taken. Pure but for the hash function.
import { canonicalHash } from './canonical.ts';
import { buildBackend } from './build/backend.ts';
import { buildFrontend } from './build/frontend.ts';
import { buildHttp } from './build/http.ts';
import { buildElections } from './build/elections.ts';
import { buildEvents, buildFailover, buildTuner } from './build/failover.ts';
import { entries, present } from './build/shape.ts';
import type { NodeConfig } from './model-failover.ts';
import type { AdminConfig, LogConfig, MapConfig, PairConfig } from './model.ts';
import type { ConfigFile } from './schema.ts';

/** Makes the model of a file that has passed the schema and the lint. */
export function buildModel(file: ConfigFile): PairConfig {
  const nodes = entries(file.cluster.nodes, (name, node): NodeConfig => ({ name, ...present(node) }));
  const model: Omit<PairConfig, 'hash'> = {
    version: 1,
    cluster: { name: file.cluster.name, nodes },
    ...buildElections(file, nodes),
    failover: buildFailover(file.failover),
    events: buildEvents(file.events),
    tuner: buildTuner(file.tuner),
    frontends: entries(file.frontends, (name, frontend) => buildFrontend(name, frontend, file.http.errorPages)),
    backends: entries(file.backends, (name, backend) => buildBackend(name, backend, file.timeouts.check)),
    timeouts: {
      httpRequestMs: file.timeouts.httpRequest,
      queueMs: file.timeouts.queue,
      connectMs: file.timeouts.connect,
      clientMs: file.timeouts.client,
      serverMs: file.timeouts.server,
      httpKeepAliveMs: file.timeouts.httpKeepAlive,
      checkMs: file.timeouts.check,
      tunnelMs: file.timeouts.tunnel,
    },
    http: buildHttp(file.http),
    ...(file.maps === undefined ? {} : { maps: buildMaps(file.maps) }),
    log: buildLog(file.log),
    admin: buildAdmin(file.admin),
    proxy: {
      engine: file.proxy.engine,
      threads: file.proxy.threads === 'auto' ? 0 : file.proxy.threads,
      user: file.proxy.user,
    },
  };
  return { ...model, hash: canonicalHash(model) };
}

function buildLog(log: ConfigFile['log']): LogConfig {
  const { file, ...access } = log.access;
  return { access: file === undefined ? access : { ...access, file }, privacy: log.privacy };
}

function buildMaps(maps: NonNullable<ConfigFile['maps']>): MapConfig[] {
  return entries(maps, (name, map) => ({ name, ...map }));
}

function buildAdmin(admin: ConfigFile['admin']): AdminConfig {
  if (admin.stats === undefined) return { binds: admin.bind };
  const { bind, path, auth } = admin.stats;
  return { binds: admin.bind, stats: { binds: bind, path, ...(auth === undefined ? {} : { auth }) } };
}
