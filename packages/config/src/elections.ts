// The elections of a pair and the failover settings, with the defaults of a model that does not name them. Pure.
import type { FailoverConfig, GroupConfig, VipConfig } from './model-failover.ts';
import type { PairConfig } from './model.ts';

/** Adverts that must be missed before an owner counts as dead: RFC 9568 section 6.1. */
const rfcMissedAdverts = 3;

/** What a file without a `failover` section means. */
export const FAILOVER_DEFAULTS: FailoverConfig = {
  requireServers: [],
  scripts: [],
  peerPort: 9444,
  holdMs: 30_000,
  drainMs: 120_000,
};

/** An election before it is built: its name and its VIPs. */
export interface ElectionName {
  readonly name: string;
  readonly vips: readonly string[];
}

/** Which VIPs move together: as the groups say, or all of them. */
export function electionNames(
  vips: readonly string[],
  groups: Readonly<Record<string, { readonly vips: readonly string[] }>> | undefined,
): readonly ElectionName[] {
  if (groups !== undefined) return Object.entries(groups).map(([name, group]) => ({ name, vips: group.vips }));
  const [first] = vips;
  if (first === undefined) return [];
  return [{ name: vips.length === 1 ? first : 'all', vips }];
}

/** All elections; a VIP that no group names is one of its own. */
export function groupsOf(config: Pick<PairConfig, 'vips' | 'groups'>): readonly GroupConfig[] {
  return config.groups ?? config.vips.map(groupOfOne);
}

/** The failover settings. */
export function failoverOf(config: Pick<PairConfig, 'failover'>): FailoverConfig {
  return config.failover ?? FAILOVER_DEFAULTS;
}

function groupOfOne(vip: VipConfig): GroupConfig {
  return {
    name: vip.name,
    vips: [vip.name],
    routers: [{ routerId: vip.routerId, family: vip.address.includes(':') ? 6 : 4, vips: [vip.name] }],
    version: 3,
    advertIntervalMs: vip.advertIntervalMs,
    missedAdverts: rfcMissedAdverts,
    ...(vip.preferred === undefined ? {} : { preferred: vip.preferred }),
    priorities: vip.priorities,
    transport: vip.transport,
    checksum: 'auto',
    auth: { type: 'none' },
    announce: { type: 'vrrp' },
  };
}
