// The elections of a pair, the failover and the tuner's settings, with the defaults of a model that does not name them. Pure.
import { buildFailover, buildTuner } from './build/failover.ts';
import type { FailoverConfig, GroupConfig, TunerConfig, VipConfig } from './model-failover.ts';
import type { PairConfig } from './model.ts';
import { failoverSchema, tunerSchema } from './schema/failover.ts';

/** Adverts that must be missed before an owner counts as dead: RFC 9568 section 6.1. */
const rfcMissedAdverts = 3;

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

/** The failover settings; of a model without them those of a file without the section. */
export function failoverOf(config: Pick<PairConfig, 'failover'>): FailoverConfig {
  return config.failover ?? buildFailover(failoverSchema.parse({}));
}

/** The tuner's settings, likewise. */
export function tunerOf(config: Pick<PairConfig, 'tuner'>): TunerConfig {
  return config.tuner ?? buildTuner(tunerSchema.parse({}));
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
