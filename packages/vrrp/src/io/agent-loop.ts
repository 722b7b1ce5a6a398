// The agent's loop: waits in ppoll, feeds packets, the kernel's news, timers and commands to the state machines in
// this order, and carries out their effects. Packets come first, so that a queued advert decides before a timer that
// ran out during a freeze. Blocks its thread until it is told to stop; owns all side effects of the agent.
import { TospannError } from '@tospann/errors';
import {
  type AddressRecord,
  drainEventFd,
  monotonicMs,
  Poller,
  raiseThread,
  openRulesMonitor,
  type RulesMonitor,
  TimerFd,
} from '@tospann/linux';
import { FloodBrake } from '../core/advert/flood-brake.ts';
import { initialState, nextTickUs, step } from '../core/machine.ts';
import type { HeardWords } from '../core/peer/peer-word.ts';
import { addressesOf, type PlannedAddress, type PlannedElection } from '../core/plan.ts';
import type { Effect, MachineEvent, MachineState } from '../core/state.ts';
import { leaseSeconds } from '../core/timers.ts';
import { AddressActs } from './address-acts.ts';
import { AdvertIntake } from './adverts/advert-intake.ts';
import { slots } from './adverts/advert-ports.ts';
import { AdvertProofs } from './adverts/advert-proof.ts';
import { Drain } from './handover/drain.ts';
import { HandOvers } from './handover/hand-overs.ts';
import { LatenessMeter } from './meters/lateness.ts';
import { LinkNews } from './link-news.ts';
import type { LoopCommand, LoopData, LoopMessage, VrrpEvent, VrrpNotice } from './messages.ts';
import { VipNetwork } from './network.ts';
import { peerEvent } from './peer-link/peer-event.ts';
import { nodeName, snapshotOf, wordOf } from './snapshot-of.ts';

/** A picture of the agent for the others: soon after a change, and ten times a second otherwise. */
const snapshotEveryUs = 100_000;
/** What signed adverts were heard is told the main thread, which keeps it (adverts/advert-clock.ts). */
const sequencesEveryUs = 5_000_000;
/** The peer is told four times in the shortest advert interval, within these bounds. */
const wordEveryUs = { least: 20_000, most: 250_000 };
/** Places in the poll set; the receiving sockets follow, one for each slot. */
const fdIndex = { wake: 0, timer: 1, monitor: 2, rules: 3, firstSlot: 4 } as const;

/** The two directions to the main thread. */
export interface LoopPort {
  send(message: LoopMessage): void;
  take(): LoopCommand | undefined;
}

export class AgentLoop {
  readonly #data: LoopData;
  readonly #port: LoopPort;
  readonly #network: VipNetwork;
  readonly #proofs: AdvertProofs;
  /** Absent where planned hand-overs do not keep connections. */
  readonly #drain: Drain | undefined;
  /** Where the guard stands: it is gone when somebody flushes the rules. */
  readonly #rules: RulesMonitor | undefined;
  readonly #poller: Poller;
  readonly #timer = new TimerFd();
  readonly #states: MachineState[] = [];
  readonly #elections: readonly PlannedElection[];
  readonly #vips: readonly PlannedAddress[];
  readonly #acts: AddressActs;
  readonly #intake: AdvertIntake;
  readonly #handOvers: HandOvers;
  readonly #wordEveryUs: number;
  #wordDueUs = nowUs();
  readonly #lateness = new LatenessMeter();
  /** Of the adverts that an election plans, from their time to their leaving. */
  readonly #advertLateness = new LatenessMeter();
  readonly #scheduling = raiseThread();
  readonly #links = new LinkNews((problem) => this.#emit(problem));
  #snapshotDueUs = 0;
  #marksSent = 0;
  #marksDueUs = 0;
  /** What the timer was set to last: a flood of packets sets it once. */
  #armedUs = Number.NaN;
  #stopping = false;
  readonly #brake: FloodBrake;
  /** Until then packets wait (flood-brake.ts). */
  #restUntilUs = -Infinity;

  /** @throws {TospannError} LB_KERNEL_NO_CAPABILITY, LB_KERNEL_CALL. */
  constructor(data: LoopData, port: LoopPort) {
    this.#data = data;
    this.#port = port;
    const proofs = new AdvertProofs(data.advertKeys, data.sequenceFloorMs);
    this.#proofs = proofs;
    this.#network = new VipNetwork(data.plan, proofs);
    this.#drain = data.guard ? new Drain(data.plan, this.#network, data.keptSettings) : undefined;
    const { elections } = data.plan;
    this.#elections = elections;
    this.#vips = addressesOf(data.plan);
    this.#acts = new AddressActs({
      plan: data.plan,
      network: this.#network,
      links: this.#links,
      drain: this.#drain,
      emit: (event) => this.#emit(event),
      nowUs,
    });
    this.#intake = new AdvertIntake(
      data.plan,
      { ports: this.#network.ports, streams: this.#network.streams, proofs, kept: data.keptSequences },
      {
        onEvent: (index, event) => this.#feed(index, event),
        onDialect: (index, detail) => this.#noteAll(index, { what: 'dialect', detail }),
        onUnsigned: (index, notice) => this.#noteAll(index, notice),
      },
    );
    this.#handOvers = new HandOvers((message) => port.send(message));
    const shortestUs = Math.min(Infinity, ...elections.map(({ machine }) => machine.intervalUs));
    this.#brake = new FloodBrake(shortestUs);
    this.#wordEveryUs = Math.min(Math.max(shortestUs / 4, wordEveryUs.least), wordEveryUs.most);
    this.#rules = data.guard ? openRulesMonitor() : undefined;
    const rulesFd = this.#rules?.fd ?? -1;
    this.#poller = new Poller([data.wakeFd, this.#timer.fd, this.#network.monitorFd, rulesFd, ...slots.map(() => -1)]);
  }

  /** Runs until it is stopped or closed; then every address is released. */
  run(): void {
    const startUs = nowUs();
    const leasedSinceMs = this.#elections.flatMap(({ addresses, machine }) =>
      addresses.map(() => startUs / 1000 - leaseSeconds(machine) * 1000),
    );
    const stock = this.#network.takeStock(leasedSinceMs);
    for (const { name, machine } of this.#elections)
      this.#states.push(initialState(machine, startUs, this.#data.terms[name]));
    this.#inherit(stock.kept, startUs);
    for (const address of stock.removed)
      this.#emit({
        event: 'vrrp-notice',
        vip: '',
        what: 'stale-address',
        detail: `removed ${address}`,
        monotonicMs: monotonicMs(),
      });
    this.#refreshLinks();
    this.#sendSnapshot(startUs);
    this.#port.send({ type: 'ready' });
    try {
      while (!this.#ended()) this.#round();
    } finally {
      this.#releaseAll();
      this.#sendSnapshot(nowUs());
      // The last word: this node is the owner no more.
      this.#sendWord(nowUs());
      this.#network.close();
      this.#rules?.close();
      this.#drain?.leave();
      this.#port.send({ type: 'stopped' });
    }
  }

  /** An election goes on with what it had when all its addresses were kept; else those that were go. */
  #inherit(kept: ReadonlyMap<number, number>, startUs: number): void {
    this.#elections.forEach(({ addresses }, index) => {
      const renewedMs = this.#acts.vipsOf(index).map((vip) => kept.get(vip.index) ?? -1);
      const lastAdvertUs = Math.floor(Math.min(...renewedMs) * 1000);
      if (lastAdvertUs >= 0) this.#feed(index, { type: 'inherited', nowUs: startUs, lastAdvertUs });
      else for (const address of addresses) this.#network.release(address);
    });
  }

  #round(): void {
    const dueUs = this.#dueUs();
    const resting = this.#restUntilUs > nowUs();
    this.#listen(!resting);
    this.#arm(resting ? Math.min(dueUs, this.#restUntilUs) : dueUs);
    this.#poller.wait(-1);
    const wokenUs = nowUs();
    this.#lateness.note(wokenUs, dueUs);
    if (this.#poller.readable(fdIndex.timer)) {
      this.#timer.drain();
      this.#armedUs = Number.NaN;
    }
    const woken = this.#poller.readable(fdIndex.wake) && drainEventFd(this.#data.wakeFd);
    // A timer that is due may not decide before everything that has come by now was read; nor after a rest, whatever ended it.
    this.#readPackets(resting || wokenUs >= dueUs);
    if (this.#poller.readable(fdIndex.monitor)) this.#readNews();
    if (this.#poller.readable(fdIndex.rules) && this.#rules?.read() === true)
      this.#port.send({ type: 'rules-changed' });
    for (const index of this.#states.keys()) this.#tick(index);
    if (woken) this.#readCommands();
    const now = nowUs();
    this.#drain?.expire(now);
    if (now >= this.#wordDueUs) this.#sendWord(now);
    if (now >= this.#snapshotDueUs) this.#sendSnapshot(now);
  }

  /** @param all Also of sockets that did not wake the loop. */
  #readPackets(all: boolean): void {
    for (const slot of slots.keys())
      if (all || this.#poller.readable(fdIndex.firstSlot + slot)) this.#intake.read(slot, nowUs);
    this.#restUntilUs = this.#brake.note(this.#intake.takeDropped(), nowUs());
  }

  /** Whether packets wake the loop. */
  #listen(on: boolean): void {
    for (const slot of slots.keys())
      this.#poller.replace(fdIndex.firstSlot + slot, on ? this.#network.ports.fd(slot) : -1);
  }

  #arm(dueUs: number): void {
    if (dueUs === this.#armedUs) return;
    this.#armedUs = dueUs;
    this.#timer.setAt(Number.isFinite(dueUs) ? dueUs / 1000 : -1);
  }

  #dueUs(): number {
    let due = Math.min(this.#drain?.dueUs ?? Infinity, this.#wordDueUs);
    this.#states.forEach((state, index) => {
      const election = this.#elections[index];
      if (election !== undefined && !state.stopped) due = Math.min(due, nextTickUs(election.machine, state));
    });
    return due;
  }

  #noteAll(index: number, notice: Pick<VrrpNotice, 'what' | 'detail'>): void {
    for (const { name: vip } of this.#elections[index]?.addresses ?? [])
      this.#emit({ event: 'vrrp-notice', vip, ...notice, monotonicMs: monotonicMs() });
  }

  #readNews(): void {
    const news = this.#network.readNews();
    if (news.link) this.#refreshLinks();
    // One list for all of them: a renewal of many addresses is news of each.
    const records = news.vips.size === 0 ? [] : this.#network.records();
    const missing = new Map<number, number[]>();
    for (const index of news.vips) this.#lookAt(index, { records, missing });
    // All that an owner misses is put back at once.
    for (const [election, [index = 0, ...more]] of missing)
      this.#feed(election, { type: 'address', nowUs: nowUs(), index, present: false, count: 1 + more.length });
  }

  /** @param vipIndex The address's place among all of the plan. */
  #lookAt(
    vipIndex: number,
    { records, missing }: { readonly records: readonly AddressRecord[]; readonly missing: Map<number, number[]> },
  ): void {
    const vip = this.#vips[vipIndex];
    const { election, place: index } = this.#acts.electionOf(vipIndex);
    const state = this.#states[election];
    if (vip === undefined || state === undefined) return;
    const view = this.#network.look(vip, records);
    if (state.vrrp === 'master') {
      if (!view.ours) missing.set(election, [...(missing.get(election) ?? []), index]);
      return;
    }
    if (!view.ours && view.others.length === 0) return;
    this.#network.removeOthers(view.others);
    this.#feed(election, { type: 'address', nowUs: nowUs(), index, present: true });
  }

  #refreshLinks(): void {
    this.#links.refresh(this.#network, (index) => this.#states[index]?.vrrp === 'master');
    this.#intake.refresh();
    this.#drain?.prepare();
    for (const index of this.#states.keys()) this.#feed(index, this.#links.event(index, nowUs()));
  }

  #tick(index: number): void {
    const election = this.#elections[index];
    const state = this.#states[index];
    if (election === undefined || state === undefined || state.stopped) return;
    const now = nowUs();
    if (nextTickUs(election.machine, state) > now) return;
    this.#feed(index, { type: 'tick', nowUs: now });
    if (state.advertDueUs <= now) this.#advertLateness.note(nowUs(), state.advertDueUs);
  }

  #readCommands(): void {
    for (let command = this.#port.take(); command !== undefined; command = this.#port.take()) {
      // The peer hears of a change of ability or maintenance at once.
      if (command.type !== 'peer') this.#wordDueUs = 0;
      switch (command.type) {
        case 'ability':
          this.#feedAll({ type: 'ability', nowUs: nowUs(), ability: command.ability, reason: command.reason });
          break;
        case 'peer':
          this.#feedPeer(command.heard);
          break;
        case 'defend':
          this.#defend(command.vips);
          break;
        case 'maintenance':
          this.#startMaintenance(command);
          break;
        case 'failover':
          this.#startFailover(command.id);
          break;
        case 'stop':
          this.#stopping = true;
          this.#feedAll({ type: 'stop', nowUs: nowUs() });
          break;
        case 'close':
          this.#stopping = true;
          this.#feedAll({ type: 'close', nowUs: nowUs() });
          break;
      }
    }
  }

  #feedPeer(heard: HeardWords | undefined): void {
    const at = nowUs();
    const { advertSequence } = heard?.words ?? {};
    if (heard !== undefined && advertSequence !== undefined)
      this.#intake.vouch({ sequence: BigInt(`0x${advertSequence}`), saidMs: heard.saidMs });
    for (const [index, { name }] of this.#elections.entries()) {
      this.#feed(index, peerEvent(heard, { election: name, plan: this.#data.plan, nowUs: at }));
    }
  }

  /** During a hand-over the announcements are the new owner's. */
  #defend(names: readonly string[]): void {
    for (const [index, state] of this.#states.entries()) {
      if (state.vrrp !== 'master' || state.handover !== undefined) continue;
      for (const vip of this.#acts.vipsOf(index))
        if (names.includes(vip.address.name)) this.#network.announce(vip.index);
    }
  }

  #startMaintenance(command: Extract<LoopCommand, { type: 'maintenance' }>): void {
    const { id, on, reason, force } = command;
    const waiting = on ? this.#owned() : [];
    if (this.#handOvers.busy && waiting.length > 0)
      return this.#handOvers.refuse(id, new TospannError('LB_VRRP_BUSY', { detail: 'one is under way' }));
    if (waiting.length > 0) this.#handOvers.begin(id, waiting);
    this.#feedAll({ type: 'maintenance', nowUs: nowUs(), on, reason, force });
    if (waiting.length === 0) this.#handOvers.begin(id, []);
  }

  #owned(): number[] {
    return [...this.#states.keys()].filter((index) => this.#states[index]?.vrrp === 'master');
  }

  #startFailover(id: number): void {
    const owned = this.#owned();
    const refusal = this.#refusal(owned);
    if (refusal !== undefined) return this.#handOvers.refuse(id, refusal);
    this.#handOvers.begin(id, owned);
    for (const index of owned) this.#feed(index, { type: 'failover', nowUs: nowUs() });
  }

  #refusal(owned: readonly number[]): TospannError | undefined {
    const { node, peers } = this.#data.plan;
    if (this.#handOvers.busy) return new TospannError('LB_VRRP_BUSY', { detail: 'one is under way' });
    if (this.#stopping) return new TospannError('LB_VRRP_BUSY', { detail: 'the node is stopping' });
    if (owned.length === 0) {
      const heard = this.#states.find((state) => state.owner !== '')?.owner;
      const owner = heard === undefined ? 'nobody' : nodeName(this.#data.plan, heard);
      return new TospannError('LB_VRRP_NOT_OWNER', { node, owner });
    }
    const vip = this.#elections[owned[0] ?? 0]?.addresses[0]?.name ?? '';
    if (peers.length === 0)
      return new TospannError('LB_VRRP_HANDOVER_NOT_TAKEN', { vip, detail: 'the cluster has no other node' });
    return undefined;
  }

  #feedAll(event: MachineEvent): void {
    for (const index of this.#states.keys()) this.#feed(index, event);
  }

  /** One event and everything that follows from it at once. */
  #feed(index: number, event: MachineEvent): void {
    const election = this.#elections[index];
    if (election === undefined) return;
    const pending: MachineEvent[] = [event];
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const state = this.#states[index];
      if (state === undefined) return;
      const result = step(state, next, election.machine);
      this.#states[index] = result.state;
      let refused = false;
      for (const effect of result.effects) {
        // A node that could not take the addresses does not say that it has them.
        if (refused && (effect.type === 'advertise' || effect.type === 'announce')) continue;
        const outcomes = this.#carryOut(index, effect);
        refused ||= outcomes.some(({ type }) => type === 'own-failed');
        pending.push(...outcomes);
      }
    }
  }

  /** @returns What follows from it at once. */
  #carryOut(index: number, effect: Effect): readonly MachineEvent[] {
    switch (effect.type) {
      case 'advertise':
        return this.#advertise(index, effect);
      case 'own':
        return this.#acts.own(index);
      case 'release':
        this.#acts.release(index, effect.drain);
        return [];
      case 'announce':
        this.#acts.announce(index);
        return [];
      case 'point':
        this.#acts.pointTo(index, effect.owner);
        return [];
      case 'changed':
      case 'notice':
        if (this.#isUntrue(index, effect)) return [];
        this.#emitFor(index, effect);
        this.#snapshotDueUs = 0;
        this.#wordDueUs = 0;
        return [];
      case 'handover-ended':
        this.#handOvers.ended(index, effect, this.#acts.namesOf(index));
        return [];
      default:
        return [];
    }
  }

  /** An address that the kernel did not take is not back. */
  #isUntrue(index: number, effect: Extract<Effect, { type: 'changed' | 'notice' }>): boolean {
    if (effect.type === 'changed' || effect.what !== 'address-restored') return false;
    return !this.#acts.has(index, effect.address ?? 0);
  }

  /** Only a loop that is at its advert renews the lease, whether or not the advert could leave: it may be the last one. */
  #advertise(index: number, effect: Extract<Effect, { type: 'advertise' }>): readonly MachineEvent[] {
    const reason = this.#network.streams.send(index, effect.priority);
    const sent = { type: 'sent', nowUs: nowUs(), ok: reason === '', reason } as const;
    return [...(effect.lease ? this.#acts.own(index) : []), sent];
  }

  #ended(): boolean {
    return this.#stopping && this.#states.every((state) => state.stopped);
  }

  #releaseAll(): void {
    for (const vip of this.#vips) this.#network.release(vip);
  }

  #emit(event: VrrpEvent): void {
    this.#port.send({ type: 'event', event });
  }

  /** One event for each VIP of the election, or for the one that a notice is about. */
  #emitFor(index: number, effect: Extract<Effect, { type: 'changed' | 'notice' }>): void {
    const at = monotonicMs();
    const group = this.#elections[index]?.name ?? '';
    this.#acts.vipsOf(index).forEach(({ address }, place) => {
      const vip = address.name;
      if (effect.type === 'changed') {
        const { from, to, reason, evidence } = effect;
        this.#emit({ event: 'vrrp-state', vip, group, from, to, reason, evidence, monotonicMs: at });
      } else if (effect.address === undefined || effect.address === place)
        this.#emit({ event: 'vrrp-notice', vip, what: effect.what, detail: effect.detail, monotonicMs: at });
    });
  }

  #sendWord(now: number): void {
    this.#wordDueUs = this.#data.plan.peers.length === 0 ? Infinity : now + this.#wordEveryUs;
    const elections = wordOf(this.#data.plan, this.#states, now);
    this.#port.send({ type: 'word', elections, atMs: now / 1000, sequence: this.#proofs.sequence });
  }

  #sendSnapshot(now: number): void {
    this.#snapshotDueUs = now + snapshotEveryUs;
    const snapshot = snapshotOf({
      plan: this.#data.plan,
      states: this.#states,
      drops: this.#intake.drops,
      dialectOf: (key) => this.#network.streams.dialect(key),
      takenMs: now / 1000,
      scheduling: this.#scheduling.detail,
      latenessMaxMs: this.#lateness.maxMs,
      latenessLastMinuteMs: this.#lateness.lastMinuteMs(now),
      advertLateness: this.#advertLateness.figures(now),
      latenessRecentMs: this.#lateness.takeRecentMs(),
      linkProblem: this.#links.problem,
      linkDown: this.#links.isDown,
      announcedTotal: this.#network.announcedTotal,
    });
    this.#port.send({ type: 'snapshot', snapshot });
    this.#sendSequences(now);
  }

  /** A sender that is new at once, growth now and then. */
  #sendSequences(now: number): void {
    const marks = this.#proofs.sequence === undefined ? [] : this.#intake.marks();
    if (marks.length === this.#marksSent && now < this.#marksDueUs) return;
    this.#marksSent = marks.length;
    this.#marksDueUs = now + sequencesEveryUs;
    this.#port.send({ type: 'sequences', marks });
  }
}

function nowUs(): number {
  return Math.floor(monotonicMs() * 1000);
}
