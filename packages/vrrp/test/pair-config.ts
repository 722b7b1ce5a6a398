// A whole pair configuration from the few things that matter to the agent's tests.
import type { GroupConfig, PairConfig } from '@tospann/config';

export interface PairShape {
  readonly nodes: Readonly<Record<string, string>>;
  /** The nodes' own IPv6 addresses. */
  readonly nodes6?: Readonly<Record<string, string>>;
  readonly interface?: string;
  readonly vips?: Readonly<Record<string, VipShape>>;
  /** Elections by name; without them each VIP is one of its own. */
  readonly groups?: Readonly<Record<string, GroupShape>>;
  readonly guard?: boolean;
  /** Port of the one frontend that the guard protects. */
  readonly port?: number;
}

export interface VipShape {
  readonly address: string;
  readonly routerId?: number;
  readonly advertIntervalMs?: number;
  readonly preferred?: string;
  readonly transport?: 'unicast' | 'multicast';
  readonly priorities?: Readonly<Record<string, number>>;
  /** Where both nodes have it, if not on the interface of the pair. */
  readonly interface?: string;
}

/** What of an election matters to a test. */
export type GroupShape = Pick<GroupConfig, 'vips' | 'routers'> & Partial<GroupConfig>;

/** Fills everything else with the product's defaults; the proxy's part is empty. */
export function pairConfig(shape: PairShape): PairConfig {
  const names = Object.keys(shape.nodes);
  const timeouts = { httpRequestMs: 10_000, queueMs: 60_000, connectMs: 10_000, clientMs: 60_000, serverMs: 60_000 };
  return {
    version: 1,
    cluster: {
      name: 'test',
      nodes: names.map((name) => ({
        name,
        address: shape.nodes[name] ?? '',
        interface: shape.interface ?? 'eth0',
        ...optional('address6', shape.nodes6?.[name]),
      })),
    },
    vips: Object.entries(shape.vips ?? {}).map(([name, vip]) => ({
      name,
      address: vip.address,
      prefixLength: vip.address.includes(':') ? 64 : 24,
      routerId: vip.routerId ?? 51,
      advertIntervalMs: vip.advertIntervalMs ?? 100,
      ...optional('preferred', vip.preferred),
      transport: vip.transport ?? 'unicast',
      priorities: vip.priorities ?? Object.fromEntries(names.map((node) => [node, node === vip.preferred ? 150 : 100])),
      ...optional(
        'interfaces',
        vip.interface === undefined ? undefined : Object.fromEntries(names.map((node) => [node, vip.interface ?? ''])),
      ),
    })),
    ...optional(
      'groups',
      shape.groups === undefined
        ? undefined
        : Object.entries(shape.groups).map(([name, group]) => groupConfig(name, group, names)),
    ),
    frontends: shape.port === undefined ? [] : [frontend(shape.port)],
    backends: [],
    timeouts: { ...timeouts, httpKeepAliveMs: 10_000, checkMs: 10_000, tunnelMs: 3_600_000 },
    http: { serverClose: false, retries: 3, redispatch: true },
    log: {
      access: { enabled: false, format: 'json', ignoreEmpty: true },
      privacy: { clientAddress: 'truncate', retentionDays: 14 },
    },
    admin: { binds: [] },
    proxy: { engine: 'auto', threads: 1, user: 'nobody' },
    hash: '',
  };
}

function groupConfig(name: string, shape: GroupShape, nodes: readonly string[]): GroupConfig {
  return {
    name,
    version: 3,
    advertIntervalMs: 100,
    missedAdverts: 3,
    transport: 'unicast',
    checksum: 'auto',
    auth: { type: 'none' },
    announce: { type: 'vrrp' },
    priorities: Object.fromEntries(nodes.map((node) => [node, node === shape.preferred ? 150 : 100])),
    ...shape,
  };
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });
}

function frontend(port: number): PairConfig['frontends'][number] {
  const binds = [{ address: '0.0.0.0', port }];
  return { name: 'main', binds, mode: 'http', maxConnections: 100, acls: [], rules: [], defaultBackend: 'app' };
}
