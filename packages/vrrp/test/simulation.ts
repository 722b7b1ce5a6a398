// Two machines on a seeded network that loses, delays, doubles, reorders and cuts adverts, with a peer link, a model of
// the kernel's address lease, agents that crash, hang and restart, and virtual machines that pause. The invariants are in
// simulation-checks.ts, the chaos in simulation-history.ts. Deterministic: one seed, one history. No sockets, no clock.
import { initialState, nextTickUs, step } from '../src/core/machine.ts';
import type { Ability, Effect, MachineConfig, MachineEvent, PeerElection } from '../src/core/state.ts';
import { handoverLimitUs, leaseSeconds } from '../src/core/timers.ts';
import { Checks, leaseLateUs } from './simulation-checks.ts';
import type { Coverage } from './simulation-coverage.ts';
import { JobList, seededRandom } from './simulation-heap.ts';
import type { Mutation } from './simulation-mutations.ts';
import { linkEvent, SimulatedNode, wordOfNode } from './simulation-node.ts';

export { seededRandom } from './simulation-heap.ts';
const second = 1_000_000;
/** The receive buffer of an agent that hangs. */
const rxQueuePackets = 85;
const sources = ['10.99.0.2', '10.99.0.3'] as const;

export interface World {
  readonly configs: readonly [MachineConfig, MachineConfig];
  readonly addresses: number;
  /** The nodes have a peer link. */
  readonly peerLink: boolean;
  /** The agent says four words in an advert interval; two are enough for the rules. */
  readonly wordsPerInterval: 2 | 4;
}

export interface SimulationOptions {
  readonly keepLog?: boolean;
  readonly coverage?: Coverage;
  readonly mutation?: Mutation;
}

export class Simulation {
  readonly violations: string[] = [];
  readonly log: string[] = [];
  readonly nodes: readonly [SimulatedNode, SimulatedNode];
  readonly random: () => number;
  readonly world: World;
  readonly maxDelayUs: number;
  readonly checks: Checks;
  nowUs = 1_000_000;
  events = 0;
  lossRatio = 0;
  duplicateRatio = 0;
  /** Adverts of the node with this index reach nobody. */
  readonly cut = [false, false];
  linkCut = false;
  /** From then on no fault that was planned happens any more. */
  healed = false;
  /** When something was last done to a node or to the network, and to the network alone. */
  changedUs = -Infinity;
  networkChangedUs = -Infinity;
  strangersSeen = false;
  keysDiffered = false;
  /** Whose announcement the client heard last; -1 for none. */
  clientArp = -1;
  readonly #jobs = new JobList();
  readonly #options: SimulationOptions;
  readonly #wordArrivalUs = [0, 0];

  constructor(seed: number, world: World, options: SimulationOptions = {}) {
    this.random = seededRandom(seed);
    this.world = world;
    this.#options = options;
    const [first, second_] = world.configs;
    this.maxDelayUs = Math.min(5_000, Math.min(first.intervalUs, second_.intervalUs) / 4);
    this.nodes = [new SimulatedNode(0, first), new SimulatedNode(1, second_)];
    this.checks = new Checks(this);
  }

  at(atUs: number, run: () => void): void {
    this.#jobs.add(Math.max(atUs, this.nowUs), run);
  }

  runUntil(untilUs: number): void {
    for (let job = this.#jobs.take(untilUs); job !== undefined; job = this.#jobs.take(untilUs)) {
      this.nowUs = job.atUs;
      this.events++;
      job.run();
    }
    this.nowUs = untilUs;
  }

  note(text: string): void {
    if (this.#options.keepLog === true) this.log.push(`${(this.nowUs / 1000).toFixed(3)} ${text}`);
  }

  violate(text: string): void {
    this.note(`VIOLATION ${text}`);
    this.violations.push(`${(this.nowUs / 1000).toFixed(3)} ms: ${text}`);
  }

  other(node: SimulatedNode): SimulatedNode {
    return this.nodes[node.index === 0 ? 1 : 0];
  }

  /** The kernel of this node answers for every address now. */
  answers(node: SimulatedNode): boolean {
    return node.kernelUntilUs > this.nowUs && node.frozen !== 'paused' && !node.dead && node.interfaceUp;
  }

  /** Adverts of this node reach the other one, were it to send. */
  reaches(node: SimulatedNode): boolean {
    return !this.cut[node.index] && !node.sendFails && node.interfaceUp && this.other(node).interfaceUp;
  }

  keysDiffer(): boolean {
    return this.nodes[0].otherKey !== this.nodes[1].otherKey;
  }

  wordsFlow(): boolean {
    const talk = this.nodes.every((node) => node.awake && node.state?.stopped === false);
    return this.world.peerLink && !this.linkCut && talk;
  }

  /** Nothing has been done to anybody for long enough that each knows the other's last word. */
  wordsFlowed(): boolean {
    const termSinceUs = Math.max(this.nodes[0].termSinceUs, this.nodes[1].termSinceUs);
    const longUs = 2 * Math.max(...this.nodes.map(({ config }) => config.intervalUs)) + 300_000;
    return this.wordsFlow() && this.lossRatio === 0 && this.nowUs - Math.max(termSinceUs, this.changedUs) > longUs;
  }

  /** Something is done to a node; `network`: to what is between them. */
  disturb(network = false): void {
    this.changedUs = this.nowUs;
    if (network) this.networkChangedUs = this.nowUs;
    this.checks.disturbed();
  }

  local(node: SimulatedNode): number {
    return Math.round(this.nowUs - node.clockLostUs);
  }

  /** One event and what follows from it at once, as the agent's loop does it. */
  feed(node: SimulatedNode, event: MachineEvent): void {
    const pending = this.#step(node, event);
    for (let next = pending?.shift(); next !== undefined; next = pending?.shift())
      pending?.push(...(this.#step(node, next) ?? []));
    this.#updateAble(node);
    if (node.wordDue) this.sendWord(node);
    this.checks.afterEvent(node);
    this.#arm(node);
  }

  /** @returns What follows from it at once, if anything does. */
  #step(node: SimulatedNode, event: MachineEvent): MachineEvent[] | undefined {
    const { state } = node;
    if (state === undefined) return undefined;
    this.#options.coverage?.event(state.vrrp, event);
    const run = this.#options.mutation?.step ?? step;
    const result = run(state, event, node.config);
    node.state = result.state;
    if (event.type === 'contender' && nextTickUs(node.config, state) !== nextTickUs(node.config, result.state))
      this.violate(`n${node.index}: an advert that is not valid touched a timer`);
    let pending: MachineEvent[] | undefined;
    let refused = false;
    for (const effect of result.effects) {
      // A node that could not take the address does not say that it has it.
      if (refused && (effect.type === 'advertise' || effect.type === 'announce')) continue;
      const outcome = this.#carryOut(node, effect);
      if (outcome === undefined) continue;
      refused ||= outcome.type === 'own-failed';
      (pending ??= []).push(outcome);
    }
    return pending;
  }

  /** Whether this node could own, and since when. */
  #updateAble(node: SimulatedNode): void {
    const { state } = node;
    const able =
      state !== undefined &&
      node.awake &&
      !state.stopped &&
      state.ability !== 'unknown' &&
      !node.maintenance &&
      node.interfaceUp &&
      !node.kernelRefuses &&
      node.waitsUntilUs <= this.local(node);
    if (able === (node.ableSinceUs !== Infinity)) return;
    node.ableSinceUs = able ? this.nowUs : Infinity;
    this.checks.refresh();
  }

  #arm(node: SimulatedNode): void {
    if (node.state === undefined) return;
    const version = ++node.tickVersion;
    const dueUs = nextTickUs(node.config, node.state);
    if (!Number.isFinite(dueUs)) return;
    // Measured lateness of the loop: usually under 0.3 ms.
    const atUs = Math.max(this.nowUs, dueUs + node.clockLostUs) + this.random() * 300;
    this.at(Math.round(atUs), () => {
      if (node.tickVersion === version && node.awake) this.tick(node);
    });
  }

  tick(node: SimulatedNode): void {
    this.feed(node, { type: 'tick', nowUs: this.local(node) });
  }

  #carryOut(node: SimulatedNode, effect: Effect): MachineEvent | undefined {
    switch (effect.type) {
      case 'own':
        node.ownedUs = this.nowUs;
        return this.#own(node);
      case 'release':
        this.setLease(node, -1);
        return undefined;
      case 'advertise':
        return this.#send(node, effect);
      case 'announce':
      case 'point':
        this.#announce(node, effect.type === 'point' ? this.other(node).index : node.index);
        return undefined;
      case 'changed':
      case 'notice':
      case 'handover-ended':
        this.#report(node, effect);
    }
    return undefined;
  }

  #report(node: SimulatedNode, effect: Extract<Effect, { type: 'changed' | 'notice' | 'handover-ended' }>): void {
    this.#options.coverage?.effect(effect);
    if (effect.type === 'notice' && effect.what === 'no-substitute') node.keptUs = this.nowUs;
    if (effect.type === 'notice') return this.note(`n${node.index} notice ${effect.what}: ${effect.detail}`);
    if (effect.type === 'handover-ended') {
      this.note(`n${node.index} ${effect.purpose} taken=${effect.taken}: ${effect.detail}`);
      if (!effect.taken) node.keptUs = this.nowUs;
      if (effect.purpose === 'maintenance') node.maintenance = effect.taken || node.forced;
      return;
    }
    this.note(`n${node.index} ${effect.from} -> ${effect.to}: ${effect.reason}`);
    node.masterSinceUs = effect.to === 'master' ? this.nowUs : Infinity;
    if (effect.to === 'master') {
      this.checks.term(node);
      this.checks.tookOver(node, effect.reason);
      node.term = node.state?.term ?? 0;
      node.termSinceUs = this.nowUs;
    }
    node.wordDue = true;
  }

  #send(node: SimulatedNode, effect: Extract<Effect, { type: 'advertise' }>): MachineEvent | undefined {
    const ok = node.interfaceUp && !node.sendFails;
    if (ok) {
      if (effect.priority > 0 || effect.lease) node.lastSentUs = this.nowUs;
      this.#transmit(node, effect.priority);
    }
    const refused = effect.lease ? this.#own(node) : undefined;
    return refused ?? { type: 'sent', nowUs: this.local(node), ok, reason: ok ? '' : 'ENETDOWN' };
  }

  #own(node: SimulatedNode): MachineEvent | undefined {
    if (node.kernelRefuses && this.lossRatio > 0) node.refusedUs = this.nowUs;
    if (node.kernelRefuses) node.waitsUntilUs = this.local(node) + 5 * second;
    if (node.kernelRefuses) return { type: 'own-failed', nowUs: this.local(node), reason: 'refused' };
    const times = this.#options.mutation?.leaseTimes ?? 1;
    this.setLease(node, this.nowUs + times * leaseSeconds(node.config) * second);
    return undefined;
  }

  #transmit(node: SimulatedNode, priority: number): void {
    const peer = this.other(node);
    const { intervalUs } = node.config;
    const copies = this.random() < this.duplicateRatio ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.cut[node.index] || this.random() < this.lossRatio) continue;
      const wrongKey = this.keysDiffer();
      const delayUs = Math.round(20 + this.random() * this.maxDelayUs);
      this.at(this.nowUs + delayUs, () => this.arrive(peer, wrongKey ? undefined : { priority, intervalUs }));
    }
  }

  /** An advert comes in; undefined: it is signed with another key. */
  arrive(node: SimulatedNode, advert: { readonly priority: number; readonly intervalUs: number } | undefined): void {
    if (!node.interfaceUp || node.state === undefined || node.dead || node.frozen === 'paused') return;
    if (advert !== undefined) node.noteArrival(this.nowUs, advert.intervalUs);
    if (node.frozen === 'stopped') {
      if (node.inbox.length < rxQueuePackets) node.inbox.push(() => this.#receive(node, advert));
      return;
    }
    this.#receive(node, advert);
    this.#afterPackets(node);
  }

  /** The loop looks at its timers after the packets of each wake-up. */
  #afterPackets(node: SimulatedNode): void {
    if (node.state !== undefined && nextTickUs(node.config, node.state) <= this.local(node)) this.tick(node);
  }

  #receive(node: SimulatedNode, advert: { readonly priority: number; readonly intervalUs: number } | undefined): void {
    const nowUs = this.local(node);
    const source = sources[this.other(node).index];
    const wins = node.index === 0;
    if (advert === undefined) this.feed(node, { type: 'contender', nowUs, source, fromPeer: true, reason: 'auth' });
    else this.feed(node, { type: 'advert', nowUs, source, wins, ...advert, addressesDiffer: false });
  }

  /** A stranger advertises our router id. */
  stranger(node: SimulatedNode): void {
    if (!node.awake || !node.interfaceUp) return;
    this.strangersSeen = true;
    const nowUs = this.local(node);
    this.feed(node, { type: 'contender', nowUs, source: '10.99.0.77', fromPeer: false, reason: 'unknown-source' });
    this.#afterPackets(node);
  }

  /** Says over the peer link how things are; in order, later where the network loses packets. */
  sendWord(node: SimulatedNode): void {
    if (!this.world.peerLink || this.linkCut || !node.awake) return;
    const word = wordOfNode(node, this.local(node));
    node.wordDue = false;
    if (word === undefined) return;
    const peer = this.other(node);
    const lateUs = this.random() < this.lossRatio ? this.random() * 2 * node.config.intervalUs : 0;
    const atUs = Math.max(
      this.#wordArrivalUs[node.index] ?? 0,
      Math.round(this.nowUs + 20 + this.random() * this.maxDelayUs + lateUs),
    );
    this.#wordArrivalUs[node.index] = atUs;
    const { state, priority, ability, heardAgeMs, term } = word;
    const heardAgeUs = heardAgeMs < 0 ? -1 : heardAgeMs * 1000;
    const { maintenance } = node;
    const wins = peer.index === 0;
    const said = { state, priority, ability, heardAgeUs, term, maintenance, wins };
    // What the peer's clock makes of it: a pause that it cannot see makes a word look younger.
    const saidUs = this.local(peer);
    this.at(atUs, () => this.#wordArrives(peer, { ...said, saidUs }));
  }

  #wordArrives(node: SimulatedNode, word: PeerElection | undefined): void {
    if (node.state === undefined || node.dead || (this.linkCut && word !== undefined)) return;
    const tell = (): void => {
      const nowUs = this.local(node);
      const aged = word === undefined ? undefined : { ...word, saidUs: Math.min(nowUs, word.saidUs) };
      this.feed(node, { type: 'peer', nowUs, word: aged });
    };
    if (node.frozen === 'no') return tell();
    if (node.inbox.length < rxQueuePackets) node.inbox.push(tell);
  }

  /** The link is gone as this node sees it. */
  loseLink(node: SimulatedNode, afterUs: number): void {
    if (!this.world.peerLink) return;
    this.at(this.nowUs + afterUs, () => {
      const talks = !this.linkCut && this.other(node).state !== undefined && !this.other(node).dead;
      if (!talks) this.#wordArrives(node, undefined);
    });
  }

  #announce(node: SimulatedNode, owner: number): void {
    if (!node.interfaceUp || this.cut[node.index] || this.random() < this.lossRatio) return;
    this.at(this.nowUs + Math.round(20 + this.random() * this.maxDelayUs), () => {
      this.clientArp = owner;
    });
  }

  setLease(node: SimulatedNode, untilUs: number): void {
    const version = ++node.leaseVersion;
    const had = node.kernelUntilUs > this.nowUs;
    if (untilUs >= 0) node.renewedUs = this.nowUs;
    node.kernelUntilUs = untilUs < 0 ? -1 : untilUs + leaseLateUs;
    node.missing = 0;
    if (had !== untilUs >= 0) this.checks.refresh();
    if (untilUs < 0) return;
    this.at(Math.round(untilUs + this.random() * leaseLateUs), () => {
      if (node.leaseVersion !== version) return;
      this.note(`n${node.index} lease ran out`);
      this.checks.lease(node);
      this.loseAddress(node, (1 << this.world.addresses) - 1);
      node.kernelUntilUs = -1;
      this.checks.refresh();
    });
  }

  /** The kernel has some addresses no longer; the agent is told when it is awake. */
  loseAddress(node: SimulatedNode, mask: number): void {
    node.missing |= mask;
    if (mask === (1 << this.world.addresses) - 1) {
      node.kernelUntilUs = -1;
      this.checks.refresh();
    }
    node.addressNews = true;
    if (node.frozen === 'no' && !node.dead) this.tellAddresses(node);
  }

  tellAddresses(node: SimulatedNode): void {
    node.addressNews = false;
    const gone = node.kernelUntilUs <= this.nowUs;
    const master = node.state?.vrrp === 'master';
    for (let index = 0; index < this.world.addresses; index++) {
      const bit = 1 << index;
      const nowUs = this.local(node);
      if (master && (gone || (node.missing & bit) !== 0) && !this.#options.mutation?.blindToAddresses)
        return this.feed(node, { type: 'address', nowUs, index, present: false });
      if (!master && (node.foreign & bit) !== 0) {
        node.foreign &= ~bit;
        this.feed(node, { type: 'address', nowUs, index, present: true });
      }
    }
    this.checks.afterEvent(node);
  }

  /** The agent starts; it removes a stale address, and keeps one of its own while its lease lasts. */
  boot(node: SimulatedNode, readyAfterUs: number): void {
    this.note(`n${node.index} boot`);
    this.disturb();
    node.dead = false;
    node.inbox.length = 0;
    node.frozen = 'no';
    this.checks.refresh();
    const ageUs = this.nowUs - node.renewedUs;
    const leased = node.kernelUntilUs > this.nowUs && ageUs <= leaseSeconds(node.config) * second;
    if (!leased) this.setLease(node, -1);
    node.state = initialState(node.config, this.local(node), node.term);
    const nowUs = this.local(node);
    if (leased)
      this.feed(node, { type: 'inherited', nowUs, lastAdvertUs: Math.round(node.renewedUs - node.clockLostUs) });
    if (node.maintenance) this.feed(node, { type: 'maintenance', nowUs, on: true, reason: '', force: true });
    this.feed(node, linkEvent(node, nowUs));
    this.at(this.nowUs + readyAfterUs, () => this.tellAbility(node));
    this.#speak(node);
  }

  /** Words as often as this history has them, within the bounds of the agent. */
  #speak(node: SimulatedNode): void {
    if (!this.world.peerLink) return;
    const version = ++node.wordAt;
    const everyUs = Math.max(node.config.intervalUs / this.world.wordsPerInterval, 20_000);
    const speak = (): void => {
      if (node.wordAt !== version || node.state === undefined) return;
      this.sendWord(node);
      this.at(this.nowUs + everyUs, speak);
    };
    speak();
  }

  /** The agent's process ends; `power`: the whole machine, with its kernel. */
  crash(node: SimulatedNode, power = false): void {
    this.note(`n${node.index} ${power ? 'loses power' : 'crash'}`);
    this.disturb();
    node.state = undefined;
    node.masterSinceUs = Infinity;
    node.ableSinceUs = Infinity;
    node.tickVersion++;
    if (power) {
      node.dead = true;
      this.setLease(node, -1);
    }
    this.loseLink(this.other(node), power ? this.random() * 3 * second : this.maxDelayUs);
    this.checks.refresh();
  }

  setAbility(node: SimulatedNode, ability: Ability): void {
    this.note(`n${node.index} ability ${ability}`);
    this.disturb();
    node.ability = ability;
    this.tellAbility(node);
  }

  tellAbility(node: SimulatedNode): void {
    if (!node.awake) return;
    const { ability } = node;
    this.feed(node, { type: 'ability', nowUs: this.local(node), ability, reason: `probe: ${ability}` });
  }

  command(node: SimulatedNode, type: 'failover' | 'stop'): void {
    if (!node.awake) return;
    this.note(`n${node.index} ${type}`);
    this.#expectSeamless(node);
    this.feed(node, { type, nowUs: this.local(node) });
  }

  setMaintenance(node: SimulatedNode, on: boolean, force: boolean): void {
    if (!node.awake || node.state?.handover !== undefined) return;
    this.note(`n${node.index} maintenance ${on ? 'on' : 'off'}${force ? ' by force' : ''}`);
    const owns = node.state?.vrrp === 'master';
    if (on && owns) this.#expectSeamless(node);
    else this.disturb();
    if (!on) node.maintenance = false;
    node.forced = force;
    if (on && !owns) node.maintenance = true;
    this.feed(node, { type: 'maintenance', nowUs: this.local(node), on, reason: '', force });
    this.#updateAble(node);
  }

  /** A move by plan to a node that listens and could own costs nothing. */
  #expectSeamless(node: SimulatedNode): void {
    const other = this.other(node);
    const whole = this.lossRatio === 0 && this.reaches(node) && this.reaches(other) && !this.keysDiffer();
    const taker = other.isWellBackup && !other.kernelRefuses;
    const owner = node.state?.vrrp === 'master' && this.answers(node) && !node.kernelRefuses;
    const long = 2 * this.maxDelayUs + 2_000;
    if (whole && taker && owner && this.nowUs - this.changedUs > long)
      this.checks.planned(node, handoverLimitUs(node.config) + 2 * node.config.intervalUs);
    else this.disturb();
  }
}
