// What the peer link makes visible: from the facts of both nodes to findings that name the likely cause, and from
// findings that come and go to alarms with one start and one end. Pure.
import type { ErrorCode, ErrorParams } from '@tospann/errors';
import type { ArpSeen } from './peer-message.ts';
import type { PeerWord } from './peer-word.ts';
import type { VrrpState } from '../snapshot.ts';

/** Why there is no link. */
export interface LinkFailure {
  readonly kind: 'other-key' | 'name' | 'protocol' | 'refused' | 'no-answer' | 'closes' | 'listen' | 'other';
  readonly detail: string;
}

/** What is known of the link; times are monotonic ms. */
export interface LinkFacts {
  readonly connected: boolean;
  /** Connected, and words come. */
  readonly speaking: boolean;
  /** Since when it is connected or not. */
  readonly sinceMs: number;
  /** -1 before the first. */
  readonly lastWordAtMs: number;
  readonly roundTripMs: number;
  readonly clockAheadMs: number;
  readonly failure: LinkFailure | undefined;
  readonly peerVersion: string;
  readonly connectionsTotal: number;
  /** Connections from addresses that are not the peer's. */
  readonly strangersTotal: number;
}

/** One election of this node. */
export interface OwnElection {
  readonly name: string;
  readonly vips: readonly string[];
  /** As in the peer's word. */
  readonly speaks: readonly string[];
  readonly intervalMs: number;
  readonly missedAdverts: number;
  readonly state: VrrpState;
  readonly stateForMs: number;
  /** Age of the peer's last valid advert; -1: none was heard. */
  readonly advertAgeMs: number;
  /** Packets that were dropped, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** VIPs whose gratuitous ARP the peer ought to see: IPv4, on an interface that both have on one segment. */
  readonly announced: readonly string[];
}

export interface PeerFacts {
  readonly own: {
    readonly node: string;
    readonly address: string;
    readonly configHash: string;
    readonly version: string;
    readonly elections: readonly OwnElection[];
  };
  readonly peer: { readonly name: string; readonly address: string };
  readonly link: LinkFacts;
  /** The last word, if the link speaks. */
  readonly word: PeerWord | undefined;
  readonly arp: Readonly<Record<string, ArpSeen>> | undefined;
}

/** Something that is wrong now. `key` tells findings of one code apart. */
export interface PeerFinding {
  readonly key: string;
  readonly code: ErrorCode;
  readonly params: ErrorParams;
  /** It must stand for so long before anybody is told. */
  readonly afterMs: number;
}

/** Beyond this the wall clocks of a pair with NTP are not apart. */
const clockApartMs = 2000;
/** A reload reaches the nodes one after the other, an upgrade takes longer; a new dial has failed by then, and says why. */
const settleMs = { config: 5000, version: 30_000, clock: 2000, link: 4000, path: 1000, arp: 10_000 };

/** All that is wrong now between this node and its peer. */
export function findPeerProblems(facts: PeerFacts): readonly PeerFinding[] {
  return [
    ...linkFindings(facts),
    ...wordFindings(facts),
    ...facts.own.elections.flatMap((own) => pathFindings(own, facts)),
  ];
}

function linkFindings({ own, peer, link }: PeerFacts): readonly PeerFinding[] {
  const { failure } = link;
  if (link.connected) return [];
  const about = { peer: peer.name, node: own.node, detail: failure?.detail ?? 'it is not there yet' };
  if (failure?.kind === 'other-key') return [finding('LB_VRRP_PEER_KEY', { params: about, afterMs: 0 })];
  if (failure?.kind === 'name') return [finding('LB_VRRP_PEER_NAME', { params: about, afterMs: 0 })];
  if (failure?.kind === 'protocol') return [finding('LB_VRRP_PEER_PROTOCOL', { params: about, afterMs: 0 })];
  // Without adverts the peer is dead or stopped: that is the election's to say, not the link's.
  const heard = own.elections.some(
    (election) => election.advertAgeMs >= 0 && election.advertAgeMs < silenceMs(election),
  );
  return heard ? [finding('LB_VRRP_PEER_LINK', { params: about, afterMs: settleMs.link })] : [];
}

function wordFindings({ own, peer, link, word }: PeerFacts): readonly PeerFinding[] {
  if (word === undefined) return [];
  const found: PeerFinding[] = [];
  if (word.configHash !== own.configHash) {
    const hashes = { own: own.configHash.slice(0, 12), theirs: word.configHash.slice(0, 12) };
    const params = { peer: peer.name, node: own.node, ...hashes, detail: differences(own.elections, word) };
    found.push(finding('LB_VRRP_PEER_CONFIG', { params, afterMs: settleMs.config }));
  }
  if (word.version !== own.version) {
    const params = { peer: peer.name, node: own.node, theirs: word.version, own: own.version };
    found.push(finding('LB_VRRP_PEER_VERSION', { params, afterMs: settleMs.version }));
  }
  const apartMs = Math.abs(link.clockAheadMs);
  if (apartMs > clockApartMs + Math.max(0, link.roundTripMs)) {
    const direction = link.clockAheadMs > 0 ? 'ahead of' : 'behind';
    const params = { peer: peer.name, node: own.node, difference: duration(apartMs), direction };
    found.push(finding('LB_VRRP_PEER_CLOCK', { params, afterMs: settleMs.clock }));
  }
  return found;
}

/** What of the addresses is not the same on both; the rest of a configuration is the two files' to compare. */
function differences(elections: readonly OwnElection[], word: PeerWord): string {
  const own = new Set(elections.flatMap(({ vips }) => vips));
  const theirs = new Set(Object.values(word.elections).flatMap(({ vips }) => vips));
  const onlyOwn = [...own].filter((vip) => !theirs.has(vip));
  const onlyTheirs = [...theirs].filter((vip) => !own.has(vip));
  const parts = [
    onlyOwn.length === 0 ? '' : `only here: ${onlyOwn.join(', ')}`,
    onlyTheirs.length === 0 ? '' : `only there: ${onlyTheirs.join(', ')}`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'the addresses are the same' : `addresses ${parts.join('; ')}`;
}

/** Do adverts and gratuitous ARP pass, both ways? */
function pathFindings(election: OwnElection, { own, peer, word, arp }: PeerFacts): readonly PeerFinding[] {
  const theirs =
    word === undefined || !Object.hasOwn(word.elections, election.name) ? undefined : word.elections[election.name];
  if (theirs === undefined || theirs.state === 'fault' || election.state === 'fault') return [];
  const limitMs = silenceMs(election);
  const afterMs = Math.max(settleMs.path, 2 * election.intervalMs);
  const about = { peer: peer.name, node: own.node, election: election.name, from: peer.address, to: own.address };
  const apart = differently(election.speaks, theirs.speaks);
  // Adverts of another kind are thrown away by the kernel uncounted: it looks as if none came.
  if (apart !== undefined)
    return [finding('LB_VRRP_PEER_SPEAKS', { params: { ...about, ...apart }, afterMs, election: election.name })];
  const found: PeerFinding[] = [];
  const silent = (ageMs: number): boolean => ageMs < 0 || ageMs > limitMs;
  if (theirs.state === 'master' && silent(election.advertAgeMs)) {
    const params = { ...about, detail: dropped(election.drops) };
    found.push(finding('LB_VRRP_PEER_UNHEARD', { params, afterMs, election: election.name }));
  }
  if (election.state !== 'master') return found;
  if (election.stateForMs > limitMs && silent(theirs.heardAgeMs)) {
    found.push(finding('LB_VRRP_PEER_DEAF', { params: about, afterMs, election: election.name }));
  }
  const unseen = arp === undefined ? [] : election.announced.filter((vip) => !Object.hasOwn(arp, vip));
  if (unseen.length > 0 && election.stateForMs > settleMs.arp) {
    const params = { ...about, vips: unseen.join(', ') };
    found.push(finding('LB_VRRP_PEER_ARP', { params, afterMs: settleMs.arp, election: election.name }));
  }
  return found;
}

/** What only one of them speaks; undefined: the same, or the other one does not say. */
function differently(
  own: readonly string[],
  theirs: readonly string[] | undefined,
): { readonly ours: string; readonly theirs: string } | undefined {
  if (theirs === undefined) return undefined;
  const ours = own.filter((word) => !theirs.includes(word));
  const others = theirs.filter((word) => !own.includes(word));
  if (ours.length + others.length === 0) return undefined;
  return { ours: ours.join(', ') || 'nothing else', theirs: others.join(', ') || 'nothing else' };
}

function dropped(drops: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(drops).filter(([, count]) => count > 0);
  if (reasons.length === 0) return 'none arrives at all: IP protocol 112 is filtered on the way';
  return `packets were dropped here: ${reasons.map(([reason, count]) => `${count} ${reason}`).join(', ')}`;
}

/** More than one advert more than an owner may miss. */
function silenceMs({ intervalMs, missedAdverts }: OwnElection): number {
  return (missedAdverts + 1) * intervalMs + 100;
}

function finding(
  code: ErrorCode,
  { params, afterMs, election = '' }: { params: ErrorParams; afterMs: number; election?: string },
): PeerFinding {
  return { key: `${code} ${election}`, code, params, afterMs };
}

/** `3.5 s`, `12 min`, `1 h`. */
function duration(ms: number): string {
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

/** An alarm that has ended. */
export interface EndedAlarm {
  readonly finding: PeerFinding;
  readonly stoodMs: number;
}

interface Alarm {
  finding: PeerFinding;
  readonly firstMs: number;
  lastMs: number;
  told: boolean;
}

/** A finding that is gone for so long has ended; one that flaps is one alarm. */
const calmMs = 2000;

/** Keeps findings until they have stood, and tells each start and end once. */
export class PeerAlarms {
  readonly #alarms = new Map<string, Alarm>();

  /** What stands now. */
  get standing(): readonly PeerFinding[] {
    return [...this.#alarms.values()].flatMap((alarm) => (alarm.told ? [alarm.finding] : []));
  }

  /** Takes what is found now; call it a few times a second. */
  note(
    findings: readonly PeerFinding[],
    nowMs: number,
  ): { readonly started: readonly PeerFinding[]; readonly ended: readonly EndedAlarm[] } {
    const started: PeerFinding[] = [];
    const ended: EndedAlarm[] = [];
    for (const finding of findings) {
      const alarm = this.#alarms.get(finding.key) ?? { finding, firstMs: nowMs, lastMs: nowMs, told: false };
      this.#alarms.set(finding.key, alarm);
      alarm.finding = finding;
      alarm.lastMs = nowMs;
      if (alarm.told || nowMs - alarm.firstMs < finding.afterMs) continue;
      alarm.told = true;
      started.push(finding);
    }
    for (const [key, alarm] of this.#alarms) {
      const goneMs = nowMs - alarm.lastMs;
      if (goneMs === 0 || (alarm.told && goneMs < calmMs)) continue;
      this.#alarms.delete(key);
      if (alarm.told) ended.push({ finding: alarm.finding, stoodMs: alarm.lastMs - alarm.firstMs });
    }
    return { started, ended };
  }
}
