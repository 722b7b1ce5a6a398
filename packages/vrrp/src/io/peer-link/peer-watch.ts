// The second path as the agent's main thread has it: gives the loop's words to the peer link and the peer's words to the
// loop, compares what both nodes say and see, raises and ends alarms (core/peer/peer-findings.ts). Side effects: those of
// peer-link.ts and arp-watch.ts.
import { TospannError } from '@tospann/errors';
import { monotonicMs } from '@tospann/linux';
import { findPeerProblems, type OwnElection, PeerAlarms, type PeerFacts } from '../../core/peer/peer-findings.ts';
import type { PeerSaying } from '../../core/peer/peer-message.ts';
import type { HeardWords } from '../../core/peer/peer-word.ts';
import { addressesOf, spokenBy, type AgentPlan } from '../../core/plan.ts';
import type { PeerLinkSnapshot } from '../../core/snapshot.ts';
import { ArpWatch } from './arp-watch.ts';
import type { LoopMessage, TimedSnapshot, VrrpEvent } from '../messages.ts';
import { PeerLink } from './peer-link.ts';
import { PeerKey } from './peer-tls.ts';

/** How often both sides are compared, ms. */
const lookEveryMs = 250;
/** Words come four times in the shortest advert interval, within these bounds, ms; as the loop sends them. */
const periodMs = { least: 20, most: 250 };
/** A link that comes and goes is logged no more often, ms. */
const logEveryMs = 10_000;

export interface PeerWatchOptions {
  readonly plan: AgentPlan;
  readonly cluster: string;
  /** TCP port on both nodes' own addresses. */
  readonly port: number;
  readonly clusterKey: Uint8Array;
  readonly version: string;
  /** To the loop; undefined: nothing is heard any more. */
  readonly tellPeer: (heard: HeardWords | undefined) => void;
  readonly emit: (event: Exclude<VrrpEvent, { readonly event: 'vrrp-state' }>) => void;
}

export class PeerWatch {
  readonly #options: PeerWatchOptions;
  readonly #peer: { readonly name: string; readonly address: string };
  readonly #link: PeerLink;
  readonly #arp: ArpWatch;
  readonly #alarms = new PeerAlarms();
  readonly #timer: NodeJS.Timeout;
  /** A word that took longer is no sign of life, ms. */
  readonly #freshMs: number;
  #configHash: string;
  #maintenance = false;
  #heard: PeerSaying | undefined;
  #snapshot: TimedSnapshot | undefined;
  #logged = { connected: false, atMs: -Infinity };

  /** Never throws: whatever is wrong is "no peer link". */
  constructor(options: PeerWatchOptions, peer: { readonly name: string; readonly address: string }) {
    const { plan, cluster, version, port, clusterKey } = options;
    this.#options = options;
    this.#peer = peer;
    this.#configHash = plan.configHash;
    this.#arp = new ArpWatch(addressesOf(plan).filter(({ name }) => announced(plan).has(name)));
    const fastestMs = Math.min(...plan.elections.map(({ machine }) => machine.intervalUs / 1000));
    const period = Math.min(Math.max(fastestMs / 4, periodMs.least), periodMs.most);
    this.#freshMs = Math.min(2 * period, Math.max(fastestMs, periodMs.least));
    this.#link = new PeerLink({
      node: plan.node,
      address: plan.address,
      cluster,
      version,
      port,
      peer,
      key: new PeerKey(clusterKey),
      periodMs: period,
      onWord: (saying, saidAtMs) => this.#onWord(saying, saidAtMs),
      onSilence: () => this.#onSilence(),
      monotonicMs,
      wallMs: Date.now,
    });
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
  }

  /** What the loop has said at `atMs`; it goes out at once, and is no younger than that. */
  say({ elections, atMs, sequence }: Omit<Extract<LoopMessage, { type: 'word' }>, 'type'>): void {
    const { plan, version } = this.#options;
    const arp = this.#arp.seen();
    const about = { node: plan.node, configHash: this.#configHash, wallMs: Date.now(), version };
    const signs = sequence === undefined ? {} : { advertSequence: sequence.toString(16).padStart(16, '0') };
    const word = { ...about, ...signs, maintenance: this.#maintenance, elections };
    this.#link.say({ word, ...(arp === undefined ? {} : { arp }) }, atMs);
  }

  /** The loop's last picture: how the elections stand here. */
  see(snapshot: TimedSnapshot): void {
    this.#snapshot = snapshot;
  }

  setConfigHash(hash: string): void {
    this.#configHash = hash;
  }

  setMaintenance(on: boolean): void {
    this.#maintenance = on;
  }

  snapshot(): PeerLinkSnapshot {
    const { lastWordAtMs, failure, ...facts } = this.#link.facts();
    const problems = this.#alarms.standing.map(({ code, params }) => new TospannError(code, params).message);
    return {
      peer: this.#peer.name,
      ...facts,
      lastWordAgeMs: lastWordAtMs < 0 ? -1 : Math.max(0, monotonicMs() - lastWordAtMs),
      detail: failure?.detail ?? '',
      problems,
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#arp.close();
    await this.#link.close();
  }

  #onWord(saying: PeerSaying, saidAtMs: number): void {
    this.#heard = saying;
    // A word that waited somewhere, here or on the way, says nothing about now; the next ones come in time again.
    if (monotonicMs() - saidAtMs <= this.#freshMs) this.#options.tellPeer({ words: saying.word, saidMs: saidAtMs });
  }

  #onSilence(): void {
    this.#heard = undefined;
    this.#options.tellPeer(undefined);
  }

  #look(): void {
    this.#arp.look();
    const nowMs = monotonicMs();
    const { started, ended } = this.#alarms.note(findPeerProblems(this.#facts(nowMs)), nowMs);
    for (const { code, params } of started) {
      const { message, hint } = new TospannError(code, params);
      this.#options.emit({ event: 'vrrp-problem', code, message, hint, monotonicMs: nowMs });
    }
    for (const { finding, stoodMs } of ended) {
      const seconds = (stoodMs / 1000).toFixed(1);
      this.#notice('peer-problem-ended', `${finding.code} has ended after ${seconds} s`);
    }
    this.#logLink(nowMs);
  }

  #logLink(nowMs: number): void {
    const { connected, failure } = this.#link.facts();
    if (connected === this.#logged.connected || nowMs - this.#logged.atMs < logEveryMs) return;
    this.#logged = { connected, atMs: nowMs };
    const state = connected ? 'stands' : `is down: ${failure?.detail ?? 'it has ended'}`;
    this.#notice(connected ? 'peer-link-stands' : 'peer-link', `the peer link to "${this.#peer.name}" ${state}`);
  }

  #notice(what: 'peer-link' | 'peer-link-stands' | 'peer-problem-ended', detail: string): void {
    this.#options.emit({ event: 'vrrp-notice', vip: '', what, detail, monotonicMs: monotonicMs() });
  }

  #facts(nowMs: number): PeerFacts {
    const { plan, version } = this.#options;
    const link = this.#link.facts();
    return {
      own: {
        node: plan.node,
        address: plan.address,
        configHash: this.#configHash,
        version,
        elections: this.#elections(nowMs),
      },
      peer: this.#peer,
      link,
      word: link.speaking ? this.#heard?.word : undefined,
      arp: link.speaking ? this.#heard?.arp : undefined,
    };
  }

  #elections(nowMs: number): readonly OwnElection[] {
    const told = announced(this.#options.plan);
    return this.#options.plan.elections.flatMap((election) => {
      const { name, addresses, machine } = election;
      const first = this.#snapshot?.vips.find(({ group }) => group === name);
      if (first === undefined) return [];
      return [
        {
          name,
          vips: addresses.map((address) => address.name),
          speaks: spokenBy(election),
          intervalMs: machine.intervalUs / 1000,
          missedAdverts: machine.missedAdverts,
          state: first.state,
          stateForMs: nowMs - first.sinceMs,
          advertAgeMs: first.lastAdvertAtMs < 0 ? -1 : Math.max(0, nowMs - first.lastAdvertAtMs),
          drops: first.adverts.droppedTotal,
          announced: addresses.flatMap((address) => (told.has(address.name) ? [address.name] : [])),
        },
      ];
    });
  }
}

/** VIPs of which the owner sends gratuitous ARP. */
function announced(plan: AgentPlan): ReadonlySet<string> {
  const elections = plan.elections.filter(({ announce }) => announce.type === 'vrrp');
  return new Set(addressesOf({ elections }).flatMap(({ name, family }) => (family === 4 ? [name] : [])));
}
