// The plan: what the agent's loop needs to know, as plain data that crosses a thread, and the way from the pair's
// configuration to it. Not the election. Pure.
import type { PairConfig, VipConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { parseAddress } from './ipv4.ts';
import type { MachineConfig } from './state.ts';
import { defaultPreemptDelayUs } from './timers.ts';

export interface PlannedVip {
  readonly name: string;
  readonly address: string;
  readonly machine: MachineConfig;
}

export interface AgentPlan {
  readonly node: string;
  readonly interface: string;
  readonly address: string;
  readonly peers: readonly { readonly name: string; readonly address: string }[];
  readonly vips: readonly PlannedVip[];
  /** How long connections of the old owner are kept alive after a planned hand-over. */
  readonly drainSeconds: number;
}

/**
 * Makes the plan of one node.
 *
 * @throws {TospannError} LB_VRRP_NODE_UNKNOWN: `node` is not in `cluster.nodes`.
 */
export function planAgent(config: PairConfig, node: string): AgentPlan {
  const own = config.cluster.nodes.find((candidate) => candidate.name === node);
  if (own === undefined) {
    const nodes = config.cluster.nodes.map(({ name }) => `"${name}"`).join(', ');
    throw new TospannError('LB_VRRP_NODE_UNKNOWN', { node, nodes });
  }
  const peers = config.cluster.nodes.filter((candidate) => candidate.name !== node);
  return {
    node,
    interface: own.interface,
    address: own.address,
    peers: peers.map(({ name, address }) => ({ name, address })),
    drainSeconds: drainSeconds(config),
    vips: config.vips.map((vip) => ({
      name: vip.name,
      address: vip.address,
      machine: machineConfig(vip, { node, address: own.address, peers: peers.map(({ address }) => address) }),
    })),
  };
}

/** Idle connections shall end by their own time-out first; two minutes are enough for a guard to stand. */
function drainSeconds({ timeouts }: PairConfig): number {
  const idleSeconds = Math.ceil(timeouts.httpKeepAliveMs / 1000);
  return Math.min(Math.max(idleSeconds + 5, 15), 120);
}

/** Fair when a configuration names no priority for a node: the default of RFC 9568. */
const defaultPriority = 100;

function machineConfig(
  vip: VipConfig,
  place: { readonly node: string; readonly address: string; readonly peers: readonly string[] },
): MachineConfig {
  const priority = vip.priorities[place.node] ?? defaultPriority;
  const intervalUs = vip.advertIntervalMs * 1000;
  return {
    address: parseAddress(vip.address),
    routerId: vip.routerId,
    priority,
    intervalUs,
    preferred: vip.preferred === place.node,
    preemptDelayUs: defaultPreemptDelayUs(priority, intervalUs),
    ownAddress: parseAddress(place.address),
    peers: place.peers.map(parseAddress),
    transport: vip.transport,
  };
}
