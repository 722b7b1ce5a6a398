// The plan: what the agent's loop needs to know, as plain data that crosses a thread, and the way from the pair's
// configuration to it. Not the election. Pure.
import {
  failoverOf,
  groupsOf,
  type AdvertAuthConfig,
  type AnnounceConfig,
  type GroupConfig,
  type NodeConfig,
  type PairConfig,
} from '@tospann/config';
import { TospannError } from '@tospann/errors';
import type { MachineConfig } from './state.ts';
import { defaultPreemptDelayUs, ownerPriority } from './timers.ts';

/** One floating address; `name` is the VIP's. */
export interface PlannedAddress {
  readonly name: string;
  readonly address: string;
  readonly family: 4 | 6;
  /** Where this node has it while it owns it. */
  readonly interface: string;
  readonly prefixLength: number;
}

/** One advert stream of an election: a VRRP virtual router. */
export interface PlannedRouter {
  readonly routerId: number;
  readonly family: 4 | 6;
  /** What its adverts list, in this order. */
  readonly addresses: readonly string[];
}

/** One state machine with one owner for all its addresses. */
export interface PlannedElection {
  readonly name: string;
  readonly addresses: readonly PlannedAddress[];
  readonly routers: readonly PlannedRouter[];
  readonly machine: MachineConfig;
  readonly version: 2 | 3;
  readonly checksum: GroupConfig['checksum'];
  readonly auth: AdvertAuthConfig;
  readonly announce: AnnounceConfig;
}

/** The other node; `address6` is where its unicast adverts of IPv6 elections go. */
export interface PlannedPeer {
  readonly name: string;
  readonly address: string;
  readonly address6?: string;
}

export interface AgentPlan {
  readonly node: string;
  readonly interface: string;
  readonly address: string;
  readonly address6?: string;
  readonly peers: readonly PlannedPeer[];
  readonly elections: readonly PlannedElection[];
  /** How long connections of the old owner are kept alive after a planned hand-over. */
  readonly drainSeconds: number;
  /** Of the pair's configuration: the other node's should be the same. */
  readonly configHash: string;
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
    ...addressesOfNode(own),
    peers: peers.map((peer) => ({ name: peer.name, ...addressesOfNode(peer) })),
    drainSeconds: Math.max(1, Math.ceil(failoverOf(config).drainMs / 1000)),
    configHash: config.hash,
    elections: groupsOf(config).map((group) => planElection(config, { group, own, peers: peers.length })),
  };
}

/** All addresses of a plan, election by election: the place in this list is what `io` calls a VIP's index. */
export function addressesOf(plan: Pick<AgentPlan, 'elections'>): readonly PlannedAddress[] {
  return plan.elections.flatMap(({ addresses }) => addresses);
}

/** What both nodes must have alike in an election, or neither hears the other: in words that an operator finds in the file. */
export function spokenBy({ routers, version, machine }: Omit<PlannedElection, 'name'>): readonly string[] {
  const ids = routers.map(({ family, routerId }) => `routerId ${routerId} (IPv${family})`);
  const interval = version === 2 ? [`advertInterval ${machine.intervalUs / 1000} ms`] : [];
  return [...ids, `version ${version}`, `transport ${machine.transport}`, ...interval];
}

function addressesOfNode({ address, address6 }: NodeConfig): { readonly address: string; readonly address6?: string } {
  return { address, ...(address6 === undefined ? {} : { address6 }) };
}

interface Place {
  readonly group: GroupConfig;
  readonly own: NodeConfig;
  /** How many other nodes there are. */
  readonly peers: number;
}

function planElection(config: PairConfig, place: Place): PlannedElection {
  const { group, own } = place;
  const addresses = group.vips.flatMap((name) =>
    config.vips
      .filter((vip) => vip.name === name)
      .map((vip) => ({
        name,
        address: vip.address,
        family: familyOf(vip.address),
        interface: vip.interfaces?.[own.name] ?? own.interface,
        prefixLength: vip.prefixLength,
      })),
  );
  const addressOf = (name: string): string[] =>
    addresses.filter((address) => address.name === name).map(({ address }) => address);
  return {
    name: group.name,
    addresses,
    routers: group.routers.map(({ routerId, family, vips }) => ({
      routerId,
      family,
      addresses: vips.flatMap(addressOf),
    })),
    machine: machineConfig(config, place),
    version: group.version,
    checksum: group.checksum,
    auth: group.auth,
    announce: group.announce,
  };
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** Fair when a configuration names no priority for a node: the default of RFC 9568. */
const defaultPriority = 100;

/** Within these bounds, ms: an order of the operator needs a moment to the other node; users do not wait for long. */
const lasts = { least: 1000, most: 5000 };

/** Checks of the same servers run on both nodes; one may begin its round as much as an interval later. */
function lastsMs({ backends }: PairConfig): number {
  const slowest = Math.max(0, ...backends.map(({ check }) => check?.intervalMs ?? 0));
  return Math.min(Math.max(slowest, lasts.least), lasts.most);
}

function machineConfig(config: PairConfig, { group, own, peers }: Place): MachineConfig {
  const priority = group.owner === own.name ? ownerPriority : (group.priorities[own.name] ?? defaultPriority);
  const intervalUs = group.advertIntervalMs * 1000;
  const timing = { priority, intervalUs, missedAdverts: group.missedAdverts, version: group.version };
  return {
    ...timing,
    preferred: group.preferred === own.name,
    preemptDelayUs: group.preemptDelayMs === undefined ? defaultPreemptDelayUs(timing) : group.preemptDelayMs * 1000,
    peers,
    transport: group.transport,
    holdUs: failoverOf(config).holdMs * 1000,
    lastsUs: lastsMs(config) * 1000,
  };
}
