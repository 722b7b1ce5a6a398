// A whole pair configuration from the few things that matter to the agent's tests.
import type { PairConfig } from '@tospann/config';

export interface PairShape {
  readonly nodes: Readonly<Record<string, string>>;
  readonly interface?: string;
  readonly vips?: Readonly<Record<string, VipShape>>;
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
}

/** Fills everything else with the product's defaults; the proxy's part is empty. */
export function pairConfig(shape: PairShape): PairConfig {
  const names = Object.keys(shape.nodes);
  const timeouts = { httpRequestMs: 10_000, queueMs: 60_000, connectMs: 10_000, clientMs: 60_000, serverMs: 60_000 };
  return {
    version: 1,
    cluster: {
      name: 'test',
      nodes: names.map((name) => ({ name, address: shape.nodes[name] ?? '', interface: shape.interface ?? 'eth0' })),
    },
    vips: Object.entries(shape.vips ?? {}).map(([name, vip]) => ({
      name,
      address: vip.address,
      prefixLength: 24,
      routerId: vip.routerId ?? 51,
      advertIntervalMs: vip.advertIntervalMs ?? 100,
      ...(vip.preferred === undefined ? {} : { preferred: vip.preferred }),
      transport: vip.transport ?? 'unicast',
      priorities: vip.priorities ?? Object.fromEntries(names.map((node) => [node, node === vip.preferred ? 150 : 100])),
    })),
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

function frontend(port: number): PairConfig['frontends'][number] {
  const binds = [{ address: '0.0.0.0', port }];
  return { name: 'main', binds, mode: 'http', maxConnections: 100, acls: [], rules: [], defaultBackend: 'app' };
}
