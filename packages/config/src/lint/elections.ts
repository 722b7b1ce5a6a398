// Checks of elections: VIPs that move together must agree, every election needs an advert that can be sent, and what
// the versions of VRRP cannot do is said before it is tried.
import type { Draft, DraftVip } from '../draft.ts';
import type { Raw } from '../document.ts';
import { isRawMap } from '../document.ts';
import { electionNames, type ElectionName } from '../elections.ts';
import type { Finding, Path } from '../problem.ts';
import { readDuration } from '../units.ts';
import { suggestName } from './cluster.ts';
import { errorAt } from './finding.ts';

/** Keys of a VIP that belong to its election. */
const electionKeys = [
  'advertInterval',
  'missedAdverts',
  'preferred',
  'owner',
  'preemptDelay',
  'transport',
  'version',
  'checksum',
  'auth',
  'announce',
] as const;
type ElectionKey = (typeof electionKeys)[number];

/** The interval field of VRRPv3 has 12 bits of centiseconds, that of VRRPv2 has 8 bits of seconds. */
const longestV3Ms = 40_950;
const secondMs = 1000;

/** Problems of groups, and of VIPs that form one election. */
export function lintElections(draft: Draft): Finding[] {
  const names = electionNames(
    draft.vips.map(({ name }) => name),
    draft.groups,
  );
  const elections = names.map((election) => ({ ...election, members: membersOf(election, draft) }));
  return [
    ...groupNames(draft),
    ...elections.flatMap(({ members }) => [...agreement(members), ...versions(members), ...auth(members)]),
    ...elections.flatMap((election) => routers(election, draft)),
    ...routerIds(elections),
    ...owners(draft),
  ];
}

interface Election extends ElectionName {
  readonly members: readonly DraftVip[];
}

function membersOf({ vips }: ElectionName, draft: Draft): readonly DraftVip[] {
  return vips.flatMap((name) => draft.vips.filter((vip) => vip.name === name));
}

/** The first member that says something about a key. */
function said(
  members: readonly DraftVip[],
  key: ElectionKey,
): { readonly path: Path; readonly value: Raw } | undefined {
  const member = members.find((vip) => vip.raw[key] !== undefined);
  return member && { path: [...member.path, key], value: member.raw[key] ?? null };
}

function groupNames(draft: Draft): Finding[] {
  if (draft.groups === undefined) return [];
  const known = draft.vips.map(({ name }) => name);
  const seen = new Map<string, string>();
  const findings = Object.entries(draft.groups).flatMap(([group, { vips }]) =>
    vips.flatMap((vip, index) => {
      const path = ['groups', group, 'vips', index];
      if (!known.includes(vip))
        return [errorAt(path, 'LB_CONFIG_UNKNOWN_VIP', { name: vip, suggestion: suggestName(vip, known) })];
      const other = seen.get(vip);
      seen.set(vip, group);
      return other === undefined ? [] : [errorAt(path, 'LB_CONFIG_VIP_IN_TWO_GROUPS', { vip, other })];
    }),
  );
  const left = draft.vips.filter(({ name }) => !seen.has(name));
  return [...findings, ...left.map(({ name, path }) => errorAt(path, 'LB_CONFIG_VIP_WITHOUT_GROUP', { vip: name }))];
}

function agreement(members: readonly DraftVip[]): Finding[] {
  return electionKeys.flatMap((key) => {
    const [first, ...others] = members.filter((vip) => vip.raw[key] !== undefined);
    if (first === undefined) return [];
    const value = JSON.stringify(first.raw[key]);
    const other = others.find((vip) => JSON.stringify(vip.raw[key]) !== value);
    if (other === undefined) return [];
    const params = {
      key,
      vip: other.name,
      other: first.name,
      value: showRaw(other.raw[key]),
      otherValue: showRaw(first.raw[key]),
    };
    return [errorAt([...other.path, key], 'LB_CONFIG_ELECTION_DIFFERS', params)];
  });
}

function showRaw(raw: Raw | undefined): string {
  return typeof raw === 'string' ? raw : JSON.stringify(raw);
}

function routers({ name, members }: Election, draft: Draft): Finding[] {
  const [first] = members;
  if (first === undefined) return [];
  const advertised = members.filter((vip) => vip.raw['routerId'] !== undefined);
  if (advertised.length === 0) return [errorAt(first.path, 'LB_CONFIG_NO_ROUTER_ID', { group: name, vip: first.name })];
  if (said(members, 'transport')?.value === 'multicast') return [];
  const without = draft.nodes.find((node) => node.address !== undefined && node.address6 === undefined);
  if (without === undefined || draft.nodes.length < 2) return [];
  return advertised
    .filter((vip) => vip.address?.value.includes(':') === true)
    .map((vip) =>
      errorAt(vip.address?.path ?? [], 'LB_CONFIG_NEEDS_ADDRESS6', {
        vip: vip.name,
        node: without.name,
        address: vip.address?.value ?? '',
      }),
    );
}

/** A router id may stand in one election of a family only: two would answer each other. */
function routerIds(elections: readonly Election[]): Finding[] {
  const taken = new Map<string, { readonly election: string; readonly vip: string }>();
  return elections.flatMap(({ name, members }) =>
    members.flatMap((vip) => {
      if (vip.routerId === undefined || vip.address === undefined) return [];
      const key = `${vip.routerId.value}/${vip.address.value.includes(':') ? 6 : 4}`;
      const before = taken.get(key);
      if (before === undefined) taken.set(key, { election: name, vip: vip.name });
      if (before === undefined || before.election === name) return [];
      const params = { routerId: vip.routerId.value, other: before.vip };
      return [errorAt(vip.routerId.path, 'LB_CONFIG_DUPLICATE_ROUTER_ID', params)];
    }),
  );
}

function versions(members: readonly DraftVip[]): Finding[] {
  const interval = said(members, 'advertInterval');
  const reading = typeof interval?.value === 'string' ? readDuration(interval.value) : undefined;
  const intervalMs = reading?.ok === true ? reading.value : secondMs;
  const path = interval?.path ?? [];
  if (said(members, 'version')?.value !== 2) {
    if (intervalMs <= longestV3Ms) return [];
    const advice = 'Use at most 40s950ms, or version: 2.';
    return [errorAt(path, 'LB_CONFIG_VRRP_VERSION', { version: 3, what: `an advertInterval above 40s950ms`, advice })];
  }
  const findings: Finding[] = [];
  if (intervalMs % secondMs !== 0) {
    const advice = 'Use whole seconds, or version: 3 on both nodes.';
    findings.push(
      errorAt(path, 'LB_CONFIG_VRRP_VERSION', { version: 2, what: 'an advertInterval with parts of a second', advice }),
    );
  }
  for (const vip of members) {
    if (vip.address?.value.includes(':') !== true || vip.routerId === undefined) continue;
    const advice = 'Leave its routerId out, so that another VIP of the group carries it, or use version: 3.';
    findings.push(errorAt(vip.address.path, 'LB_CONFIG_VRRP_VERSION', { version: 2, what: 'an IPv6 address', advice }));
  }
  return findings;
}

function auth(members: readonly DraftVip[]): Finding[] {
  const written = said(members, 'auth');
  if (written === undefined || written.value === 'none') return [];
  const { path, value } = written;
  const version = said(members, 'version')?.value ?? 3;
  const type = isRawMap(value) ? value['type'] : value;
  const at = (what: string, advice: string): Finding =>
    errorAt(path, 'LB_CONFIG_VRRP_VERSION', { version: Number(version), what, advice });
  if (type === 'password') {
    if (version !== 2) return [at('a password', 'VRRPv3 has none: use auth: cluster, or version: 2 for an old peer.')];
    if (!isRawMap(value) || value['password'] === undefined)
      return [errorAt(path, 'LB_CONFIG_MISSING_KEY', { key: 'password', example: 'password: k@l!ve1' })];
  }
  if ((type === 'hmac' || type === 'cluster') && version === 2)
    return [at('signed adverts', 'Use version: 3, or { type: password } for an old peer.')];
  return [];
}

function owners(draft: Draft): Finding[] {
  const names = draft.nodes.map((node) => node.name);
  return draft.vips.flatMap((vip) => {
    const owner = vip.raw['owner'];
    const named = isRawMap(vip.raw['interface']) ? Object.keys(vip.raw['interface']) : [];
    const candidates: { readonly name: string; readonly path: Path }[] = [
      ...(typeof owner === 'string' ? [{ name: owner, path: [...vip.path, 'owner'] }] : []),
      ...named.map((name) => ({ name, path: [...vip.path, 'interface', name] })),
    ];
    return candidates
      .filter(({ name }) => !names.includes(name))
      .map(({ name, path }) => errorAt(path, 'LB_CONFIG_UNKNOWN_NODE', { name, suggestion: suggestName(name, names) }));
  });
}
