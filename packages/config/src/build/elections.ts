// From VIPs and groups as they are written to elections: who moves together, what is advertised, with which settings.
// That settings of one group do not contradict each other has been checked (lint/elections.ts). Pure.
import type {
  AdvertAuthConfig,
  AnnounceConfig,
  GroupConfig,
  NodeConfig,
  VipConfig,
  VirtualRouterConfig,
} from '../model-failover.ts';
import { electionNames } from '../elections.ts';
import type { ConfigFile } from '../schema.ts';
import { PRIORITY } from '../schema/cluster.ts';
import { buildCall } from './failover.ts';
import { present } from './shape.ts';

type VipFile = ConfigFile['vips'][string];
type Member = readonly [name: string, vip: VipFile];

const defaultIntervalMs = 1000;
/** RFC 9568 section 6.1. */
const defaultMissedAdverts = 3;

/** All VIPs and elections of a file. */
export function buildElections(
  file: Pick<ConfigFile, 'vips' | 'groups'>,
  nodes: readonly NodeConfig[],
): { readonly vips: readonly VipConfig[]; readonly groups: readonly GroupConfig[] } {
  const made = electionNames(Object.keys(file.vips), file.groups).map(({ name, vips }) => {
    const members = vips.flatMap((vip): Member[] => {
      const found = file.vips[vip];
      return found === undefined ? [] : [[vip, found]];
    });
    const group = buildGroup(name, members, nodes);
    return { group, vips: members.map((member) => buildVip(member, group, nodes)) };
  });
  const order = Object.keys(file.vips);
  return {
    groups: made.map(({ group }) => group),
    vips: made
      .flatMap(({ vips }) => vips)
      .toSorted((one, other) => order.indexOf(one.name) - order.indexOf(other.name)),
  };
}

function buildGroup(name: string, members: readonly Member[], nodes: readonly NodeConfig[]): GroupConfig {
  const said = <K extends keyof VipFile>(key: K): VipFile[K] | undefined =>
    members.map(([, vip]) => vip[key]).find((value) => value !== undefined);
  const preferred = said('preferred');
  const owner = said('owner');
  const priority = (node: string): number => {
    if (node === owner) return PRIORITY.owner;
    return node === preferred ? PRIORITY.preferred : PRIORITY.other;
  };
  return {
    name,
    vips: members.map(([vip]) => vip),
    routers: routersOf(members),
    version: said('version') === 2 ? 2 : 3,
    advertIntervalMs: said('advertInterval') ?? defaultIntervalMs,
    missedAdverts: said('missedAdverts') ?? defaultMissedAdverts,
    ...present({ preferred, owner, preemptDelayMs: said('preemptDelay') }),
    priorities: Object.fromEntries(nodes.map((node) => [node.name, priority(node.name)])),
    transport: said('transport') ?? 'unicast',
    checksum: said('checksum') ?? 'auto',
    auth: buildAuth(said('auth')),
    announce: buildAnnounce(said('announce')),
  };
}

/** One router for each router id and family, in the order of the VIPs. */
function routersOf(members: readonly Member[]): readonly VirtualRouterConfig[] {
  const routers = new Map<string, { routerId: number; family: 4 | 6; vips: string[] }>();
  for (const [name, { routerId, address }] of members) {
    if (routerId === undefined) continue;
    const family = familyOf(address.address);
    const key = `${routerId}/${family}`;
    const router = routers.get(key) ?? { routerId, family, vips: [] };
    router.vips.push(name);
    routers.set(key, router);
  }
  return [...routers.values()];
}

function buildVip([name, vip]: Member, group: GroupConfig, nodes: readonly NodeConfig[]): VipConfig {
  const interfaces = interfacesOf(vip.interface, nodes);
  return {
    name,
    address: vip.address.address,
    prefixLength: vip.address.prefixLength,
    routerId: vip.routerId ?? group.routers[0]?.routerId ?? 0,
    advertIntervalMs: group.advertIntervalMs,
    ...present({ preferred: group.preferred }),
    transport: group.transport,
    priorities: group.priorities,
    ...present({ interfaces }),
  };
}

/** Only where it is another than the node's own. */
function interfacesOf(
  written: VipFile['interface'],
  nodes: readonly NodeConfig[],
): Readonly<Record<string, string>> | undefined {
  if (written === undefined) return undefined;
  const wanted = nodes.flatMap((node): (readonly [string, string])[] => {
    const name = typeof written === 'string' ? written : written[node.name];
    return name === undefined || name === node.interface ? [] : [[node.name, name]];
  });
  return wanted.length === 0 ? undefined : Object.fromEntries(wanted);
}

function buildAuth(auth: VipFile['auth']): AdvertAuthConfig {
  if (auth === undefined || auth === 'none') return { type: 'none' };
  if (auth === 'cluster') return { type: 'hmac', keys: [{ id: 1 }], mode: 'enforce' };
  if (auth.type === 'none') return { type: 'none' };
  if (auth.type === 'password') return { type: 'password', password: auth.password ?? '' };
  const keys = (auth.keys ?? [{ id: 1 }]).map((key) => present(key));
  return { type: 'hmac', keys, mode: auth.mode };
}

function buildAnnounce(announce: VipFile['announce']): AnnounceConfig {
  if (announce === undefined || announce === 'vrrp') return { type: 'vrrp' };
  if (announce === 'none') return { type: 'none' };
  const { retries, retryInterval, ...call } = announce.hook;
  return { type: 'hook', call: buildCall(call), retries, retryIntervalMs: retryInterval };
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}
