// The elections of the pair from keepalived's instances and sync groups: what all addresses of one election share comes
// from its first instance, and what the others said differently is named.
import type { ConfigProblem } from '../problem.ts';
import { makeVips } from './keepalived-addresses.ts';
import { decideAuth, type AuthDecision } from './keepalived-auth.ts';
import type { Instance } from './keepalived-instance.ts';
import {
  agree,
  electionsOf,
  pairInstances,
  type Agreed,
  type Election,
  type Pair,
  type Work,
} from './keepalived-pairs.ts';
import { answerPreference, preferenceOf, type Preference } from './keepalived-preference.ts';
import { answerTimes, timesOf, type Times } from './keepalived-times.ts';
import type { KeepalivedFile } from './keepalived.ts';
import type { FlowValue, PairDraft, VipDraft } from './pair-draft.ts';
import { contradiction } from './contradiction.ts';
import type { ImportReport } from './report.ts';

/** What became of the instances: for those who follow or tell about them. */
export interface MadeElection {
  readonly election: Election;
  readonly preferred?: string;
  /** The first VIP of each pair that has one. */
  readonly vipOf: ReadonlyMap<Pair, string>;
}

/** Adds the elections; contradictions between the two files are returned. */
export function makeElections(
  files: readonly KeepalivedFile[],
  draft: PairDraft,
  report: ImportReport,
): { readonly made: readonly MadeElection[]; readonly problems: readonly ConfigProblem[] } {
  const work: Work = { draft, report, files, names: new Set(), addresses: new Set(), routers: new Map() };
  const nodes = draft.nodes.map((node) => node.name);
  const results = electionsOf(pairInstances(files, nodes), work).map((election) => makeElection(election, work));
  return { made: results.map(({ made }) => made), problems: results.flatMap(({ problems }) => problems) };
}

/** What one VRRP router says, before its election decides. */
interface PairFacts {
  readonly pair: Pair;
  readonly routerId: Agreed;
  readonly times: Times;
  readonly preference: Preference;
  readonly auth: AuthDecision;
  readonly vips: readonly VipDraft[];
}

function makeElection(
  election: Election,
  work: Work,
): { readonly made: MadeElection; readonly problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const facts = election.pairs.flatMap((pair): PairFacts[] => {
    const read = readPair(pair, { ...work, election: election.name }, problems);
    if (read.vips.length > 0) return [read];
    for (const { instance } of pair.members) refuseInstance(instance, pair, work.report);
    return [];
  });
  const [first] = facts;
  const vipOf = new Map(facts.map(({ pair, vips }) => [pair, vips[0]?.name ?? '']));
  const { preferred } = first?.preference ?? {};
  const made = { election, ...(preferred === undefined ? {} : { preferred }), vipOf };
  if (first === undefined) return { made, problems };
  const isTwo = first.times.isVersionTwo && canBeTwo(facts);
  const vips = facts.flatMap((fact) => fact.vips).map((vip) => withoutSix(vip, isTwo));
  const transport = transportOf(vips, work.draft);
  const wasUnicast = facts.every(({ pair }) => pair.members.every(({ instance }) => instance.peers.length > 0));
  const settings = settingsOf(first, { isTwo, transport });
  const remarks = remarksOf({ transport, wasUnicast, preferred }, work.draft);
  work.draft.elections.push({ name: election.name, vips, settings, remarks });
  for (const fact of facts) {
    answerHeaders(fact.pair, { transport, wasUnicast }, work.report);
    answerRouterId(fact, work.report);
    answerTimes(fact.times, { pair: fact.pair, first: first.times, of: first.pair, isTwo }, work.report);
    answerPreference(fact.preference, { pair: fact.pair, first: first.preference, of: first.pair }, work.report);
    const [own, decided] = [fact, first].map(({ auth }) => JSON.stringify(auth.written(isTwo)));
    if (own === decided) fact.auth.answer(isTwo);
    else fact.auth.answerOther(first.pair.name);
    problems.push(...missingMember(fact.pair, work));
  }
  return { made, problems };
}

function readPair(pair: Pair, work: Work & { readonly election: string }, problems: ConfigProblem[]): PairFacts {
  const question = { key: 'routerId', what: 'the virtual_router_id', of: routerIdOf };
  const routerId = agree(pair, work.report, question);
  const { vips, problems: ofAddresses } = makeVips(pair, routerId, work);
  const times = timesOf(pair, work.report);
  const auth = decideAuth(pair, work.report);
  problems.push(...routerId.problems, ...ofAddresses, ...times.problems, ...auth.problems);
  return { pair, routerId, times, auth, vips, preference: preferenceOf(pair) };
}

function routerIdOf({ instance }: Pair['members'][number]): Instance['routerId'] {
  return instance.routerId;
}

function isSix({ address }: VipDraft): boolean {
  return address.includes(':');
}

/** Version 2 has no IPv6: it needs an IPv4 address that its adverts can list. */
function canBeTwo(facts: readonly PairFacts[]): boolean {
  return facts.some(({ vips }) => vips.some((vip) => vip.routerId !== undefined && !isSix(vip)));
}

/** An IPv6 address under version 2 moves with the others; no advert lists it. */
function withoutSix(vip: VipDraft, isTwo: boolean): VipDraft {
  if (!isTwo || !isSix(vip) || vip.routerId === undefined) return vip;
  const { routerId: _left, ...rest } = vip;
  return rest;
}

type Transport = 'unicast' | 'multicast';

/** Unicast over IPv6 needs the IPv6 addresses of both nodes. */
function transportOf(vips: readonly VipDraft[], { nodes }: PairDraft): Transport {
  const needsSix = vips.some((vip) => vip.routerId !== undefined && isSix(vip));
  const hasSix = nodes.every((node) => node.address6 !== undefined);
  return needsSix && !hasSix && nodes.length > 1 ? 'multicast' : 'unicast';
}

function settingsOf(
  { times, preference, auth }: PairFacts,
  { isTwo, transport }: { readonly isTwo: boolean; readonly transport: Transport },
): Readonly<Record<string, FlowValue>> {
  const written = auth.written(isTwo);
  const { missedAdverts, preemptDelay } = { ...times, ...preference };
  return {
    advertInterval: isTwo ? times.secondsText : times.intervalText,
    ...(missedAdverts === undefined ? {} : { missedAdverts }),
    ...(isTwo ? { version: 2 } : {}),
    transport,
    ...(written === undefined ? {} : { auth: written }),
    ...(preference.preferred === undefined ? {} : { preferred: preference.preferred }),
    ...(preemptDelay === undefined ? {} : { preemptDelay }),
  };
}

const WAS_MULTICAST =
  'keepalived sent multicast; unicast also works where a network drops it (transport: multicast is the old way).';
const NO_SIX =
  'Unicast needs address6 of both nodes, which the old files do not have: --node-address lb1=10.10.0.11,2001:db8::11.';

function remarksOf(
  about: { readonly transport: Transport; readonly wasUnicast: boolean; readonly preferred: string | undefined },
  { elections }: PairDraft,
): string[] {
  const remark = about.transport === 'multicast' ? NO_SIX : WAS_MULTICAST;
  const isSaid = elections.some(({ remarks }) => remarks.includes(remark));
  return [
    ...((about.transport === 'multicast' || !about.wasUnicast) && !isSaid ? [remark] : []),
    ...(about.preferred === undefined
      ? []
      : [
          `${about.preferred} takes the address back when it can serve, as keepalived does by default; without "preferred" whoever has it keeps it.`,
        ]),
  ];
}

function answerHeaders(
  pair: Pair,
  { transport, wasUnicast }: { readonly transport: Transport; readonly wasUnicast: boolean },
  report: ImportReport,
): void {
  const target = `vips.${pair.name}`;
  for (const { instance } of pair.members) {
    if (transport === 'multicast') {
      const why =
        'a floating address, with multicast adverts: unicast needs the IPv6 addresses of both nodes (address6, or --node-address)';
      report.answer(instance.line, { verdict: wasUnicast ? 'changed' : 'taken', why, target });
    } else if (wasUnicast) {
      report.answer(instance.line, {
        verdict: 'taken',
        why: 'a floating address, with unicast adverts as before',
        target,
      });
    } else {
      const why =
        'a floating address; unicast adverts, because many networks drop multicast (transport: multicast sends as keepalived did)';
      report.answer(instance.line, { verdict: 'changed', why, target });
    }
  }
}

function answerRouterId({ pair, routerId, vips }: PairFacts, report: ImportReport): void {
  const isGiven = vips.some((vip) => vip.routerId?.startsWith('FILL-IN') === true);
  if (isGiven) return;
  for (const { line } of routerId.said) {
    report.answer(line, { verdict: 'taken', why: 'the VRRP router id', target: `vips.${pair.name}.routerId` });
  }
}

/** A router that one of two files lacks: the old pair had an address that nobody took over. */
function missingMember(pair: Pair, { files, report }: Work): ConfigProblem[] {
  const [only, second] = pair.members;
  const without = files.find((file) => file !== only?.file);
  if (only === undefined || second !== undefined || without === undefined) return [];
  const line = without.instances[0]?.line ?? { file: without.file, line: 1, text: '' };
  const about = { what: `vrrp_instance "${pair.name}"`, path: ['vips', pair.name], target: `vips.${pair.name}` };
  return [
    contradiction(report, about, [
      { shown: 'written', line: only.instance.line },
      { shown: 'missing', line },
    ]),
  ];
}

function refuseInstance(instance: Instance, pair: Pair, report: ImportReport): void {
  const target = `vips.${pair.name}`;
  const why = 'none of its addresses could be taken: write virtual_ipaddress, then import again';
  report.answer(instance.line, { verdict: 'refused', why, target });
  const { state, priority, routerId, advertSeconds, noPreempt, missedAdverts, version, preemptDelay } = instance;
  const lines = [state, priority, routerId, advertSeconds, noPreempt, missedAdverts, version, preemptDelay].flatMap(
    (setting) => (setting === undefined ? [] : [setting.line]),
  );
  for (const line of [...lines, ...instance.auth.lines, ...instance.addresses.map((entry) => entry.line)]) {
    report.answer(line, { verdict: 'refused', why: 'its vrrp_instance has no address that could be taken', target });
  }
}
