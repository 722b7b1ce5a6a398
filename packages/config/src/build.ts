// From the file's shape, after the schema has read it, to the model: names become list entries, derived values are
// worked out, the hash is taken. Pure but for the hash function.
import { canonicalHash } from './canonical.ts';
import type {
  AclConfig,
  BackendConfig,
  CheckConfig,
  FrontendConfig,
  HttpConfig,
  LogConfig,
  NodeConfig,
  PairConfig,
  ServerConfig,
  VipConfig,
} from './model.ts';
import type { ConfigFile } from './schema.ts';
import { PRIORITY } from './schema/cluster.ts';

/** Makes the model of a file that has passed the schema and the lint. */
export function buildModel(file: ConfigFile): PairConfig {
  const nodes = entries(file.cluster.nodes, (name, node): NodeConfig => ({ name, ...node }));
  const model: Omit<PairConfig, 'hash'> = {
    version: 1,
    cluster: { name: file.cluster.name, nodes },
    vips: entries(file.vips, (name, vip) => buildVip(name, vip, nodes)),
    frontends: entries(file.frontends, buildFrontend),
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
    log: buildLog(file.log),
    admin: { binds: file.admin.bind },
    proxy: {
      engine: file.proxy.engine,
      threads: file.proxy.threads === 'auto' ? 0 : file.proxy.threads,
      user: file.proxy.user,
    },
  };
  return { ...model, hash: canonicalHash(model) };
}

function entries<T, R>(map: Readonly<Record<string, T>>, make: (name: string, value: T) => R): R[] {
  return Object.entries(map).map(([name, value]) => make(name, value));
}

function buildVip(name: string, vip: ConfigFile['vips'][string], nodes: readonly NodeConfig[]): VipConfig {
  const priorities = Object.fromEntries(
    nodes.map((node) => [node.name, node.name === vip.preferred ? PRIORITY.preferred : PRIORITY.other]),
  );
  return {
    name,
    address: vip.address.address,
    prefixLength: vip.address.prefixLength,
    routerId: vip.routerId,
    advertIntervalMs: vip.advertInterval,
    ...(vip.preferred === undefined ? {} : { preferred: vip.preferred }),
    transport: vip.transport,
    priorities,
  };
}

function buildFrontend(name: string, frontend: ConfigFile['frontends'][string]): FrontendConfig {
  return {
    name,
    binds: frontend.bind,
    mode: frontend.mode,
    maxConnections: frontend.maxConnections,
    acls: entries(frontend.acls, (aclName, acl): AclConfig => ({
      name: aclName,
      pathExact: acl.pathExact ?? [],
      pathPrefix: acl.pathPrefix ?? [],
      pathSuffix: acl.pathSuffix ?? [],
      ignoreCase: acl.ignoreCase,
    })),
    rules: frontend.rules.map((rule) => ({ if: { acl: rule.if }, action: { type: 'use', backend: rule.use } })),
    defaultBackend: frontend.defaultBackend,
  };
}

function buildBackend(name: string, backend: ConfigFile['backends'][string], checkTimeoutMs: number): BackendConfig {
  return {
    name,
    balance: backend.balance,
    ...(backend.cookie === undefined ? {} : { cookie: backend.cookie }),
    ...(backend.check === undefined ? {} : { check: buildCheck(backend.check, checkTimeoutMs) }),
    servers: entries(backend.servers, (serverName, server): ServerConfig => ({
      name: serverName,
      address: server.address.address,
      port: server.address.port,
      ...(server.cookie === undefined ? {} : { cookie: server.cookie }),
      weight: server.weight,
      ...(server.maxConnections === undefined ? {} : { maxConnections: server.maxConnections }),
    })),
  };
}

function buildCheck(check: NonNullable<ConfigFile['backends'][string]['check']>, checkTimeoutMs: number): CheckConfig {
  return {
    type: check.type,
    method: check.method,
    path: check.path,
    ...(check.host === undefined ? {} : { host: check.host }),
    intervalMs: check.interval,
    fastIntervalMs: check.fastInterval ?? check.interval,
    timeoutMs: check.timeout ?? checkTimeoutMs,
    rise: check.rise,
    fall: check.fall,
  };
}

function buildHttp(http: ConfigFile['http']): HttpConfig {
  const { forwardedFor, ...rest } = http;
  return forwardedFor === undefined ? rest : { forwardedFor, ...rest };
}

function buildLog(log: ConfigFile['log']): LogConfig {
  const { file, ...access } = log.access;
  return { access: file === undefined ? access : { ...access, file }, privacy: log.privacy };
}
