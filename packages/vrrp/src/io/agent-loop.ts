// The agent's loop: waits in ppoll, feeds packets, the kernel's news, timers and commands to the state machines in
// this order, and carries out their effects. Packets come first, so that a queued advert decides before a timer that
// ran out during a freeze. Blocks its thread until it is told to stop; owns all side effects of the agent.
import { isTospannError, TospannError } from '@tospann/errors';
import { drainEventFd, monotonicMs, Poller, raiseThread, TimerFd } from '@tospann/linux';
import { initialState, nextTickUs, step } from '../core/machine.ts';
import type { ChecksumDialect } from '../core/advert.ts';
import { parseAddress } from '../core/ipv4.ts';
import type { PeerWord } from '../core/peer-word.ts';
import { addressesOf, type PlannedAddress, type PlannedElection } from '../core/plan.ts';
import { receiveAdvert, type ReceiveFilter } from '../core/receive.ts';
import type { Effect, MachineEvent, MachineState } from '../core/state.ts';
import { leaseSeconds, warmRestartUs } from '../core/timers.ts';
import { advertEvent } from './advert-event.ts';
import { Drain } from './drain.ts';
import { LatenessMeter } from './lateness.ts';
import type { HandoverResult, LoopCommand, LoopData, LoopMessage, VrrpEvent } from './messages.ts';
import { VipNetwork } from './network.ts';
import { plainError } from './plain-error.ts';
import { nodeName, snapshotOf, wordOf } from './snapshot-of.ts';

/** Packets read before timers are looked at: more than the receive buffer holds, so a flood cannot starve them. */
const packetsPerRound = 1024;
const packetBytes = 2048;
/** A picture of the agent for the others: soon after a change, and ten times a second otherwise. */
const snapshotEveryUs = 100_000;
/** The peer is told four times in the shortest advert interval, within these bounds. */
const wordEveryUs = { least: 20_000, most: 250_000 };
const fdIndex = { wake: 0, timer: 1, monitor: 2, unicast: 3, multicast: 4 } as const;

/** The two directions to the main thread. */
export interface LoopPort {
  send(message: LoopMessage): void;
  take(): LoopCommand | undefined;
}

interface IndexedVip {
  readonly index: number;
  readonly address: PlannedAddress;
}

interface Failover {
  readonly id: number;
  readonly waiting: Set<number>;
  readonly results: HandoverResult[];
}

export class AgentLoop {
  readonly #data: LoopData;
  readonly #port: LoopPort;
  readonly #network: VipNetwork;
  /** Absent where planned hand-overs do not keep connections. */
  readonly #drain: Drain | undefined;
  readonly #poller: Poller;
  readonly #timer = new TimerFd();
  readonly #states: MachineState[] = [];
  readonly #elections: readonly PlannedElection[];
  /** All addresses, and of each election the place of its first one in them. */
  readonly #vips: readonly PlannedAddress[];
  readonly #firstVip: readonly number[];
  readonly #filters: readonly ReceiveFilter[];
  readonly #ownAddress: number;
  /** By election: the peer's one is sent back, pseudo-header until it is heard. */
  readonly #dialects: ChecksumDialect[];
  readonly #wordEveryUs: number;
  #wordDueUs = 0;
  /** Drop counters by election; the last one is for packets that belong to none. */
  readonly #drops: Record<string, number>[];
  readonly #packet = new Uint8Array(new ArrayBuffer(packetBytes));
  readonly #lateness = new LatenessMeter();
  readonly #scheduling = raiseThread();
  #problem = '';
  #failover: Failover | undefined;
  #snapshotDueUs = 0;
  /** What the timer was set to last: a flood of packets sets it once. */
  #armedUs = Number.NaN;
  #stopping = false;

  /** @throws {TospannError} LB_KERNEL_NO_CAPABILITY, LB_KERNEL_CALL. */
  constructor(data: LoopData, port: LoopPort) {
    this.#data = data;
    this.#port = port;
    this.#network = new VipNetwork(data.plan);
    this.#drain = data.guard ? new Drain(data.plan, this.#network) : undefined;
    const { elections, peers, address } = data.plan;
    this.#elections = elections;
    this.#vips = addressesOf(data.plan);
    this.#firstVip = elections.map((_, index) => addressesOf({ elections: elections.slice(0, index) }).length);
    this.#ownAddress = parseAddress(address);
    this.#filters = elections.map(({ routers, machine }) => ({
      routerId: routers[0]?.routerId ?? 0,
      ownAddress: this.#ownAddress,
      peers: peers.map((peer) => parseAddress(peer.address)),
      transport: machine.transport,
    }));
    this.#dialects = elections.map(() => 'pseudo-header');
    this.#drops = [...elections.map(() => ({})), {}];
    const quarterUs = Math.min(Infinity, ...elections.map(({ machine }) => machine.intervalUs)) / 4;
    this.#wordEveryUs = Math.min(Math.max(quarterUs, wordEveryUs.least), wordEveryUs.most);
    this.#poller = new Poller([data.wakeFd, this.#timer.fd, this.#network.monitorFd, -1, -1]);
  }

  /** Runs until it is stopped or closed; then every address is released. */
  run(): void {
    const startUs = nowUs();
    const warmSinceMs = this.#elections.flatMap(({ addresses, machine }) =>
      addresses.map(() => (startUs - warmRestartUs(machine)) / 1000),
    );
    const stock = this.#network.takeStock(warmSinceMs);
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
    this.#refreshLink();
    this.#sendSnapshot(startUs);
    this.#port.send({ type: 'ready' });
    try {
      while (!this.#ended()) this.#round();
    } finally {
      this.#releaseAll();
      this.#sendSnapshot(nowUs());
      this.#network.close();
      this.#drain?.leave();
      this.#port.send({ type: 'stopped' });
    }
  }

  /** An election goes on warm when all its addresses were kept; else those that were go. */
  #inherit(kept: ReadonlyMap<number, number>, startUs: number): void {
    this.#elections.forEach(({ addresses }, index) => {
      const first = this.#firstVip[index] ?? 0;
      const renewedMs = addresses.map((_, at) => kept.get(first + at) ?? -1);
      const lastAdvertUs = Math.floor(Math.min(...renewedMs) * 1000);
      if (lastAdvertUs >= 0) this.#feed(index, { type: 'inherited', nowUs: startUs, lastAdvertUs });
      else for (const address of addresses) this.#network.release(address);
    });
  }

  #round(): void {
    const dueUs = this.#dueUs();
    this.#arm(dueUs);
    this.#poller.wait(-1);
    const wokenUs = nowUs();
    this.#lateness.note(wokenUs, dueUs);
    if (this.#poller.readable(fdIndex.timer)) {
      this.#timer.drain();
      this.#armedUs = Number.NaN;
    }
    const woken = this.#poller.readable(fdIndex.wake) && drainEventFd(this.#data.wakeFd);
    // A timer that is due may not decide before everything that has come by now was read.
    const all = wokenUs >= dueUs;
    if (all || this.#poller.readable(fdIndex.unicast)) this.#readPackets(this.#network.receiveFd('unicast'));
    if (all || this.#poller.readable(fdIndex.multicast)) this.#readPackets(this.#network.receiveFd('multicast'));
    if (this.#poller.readable(fdIndex.monitor)) this.#readNews();
    for (const index of this.#states.keys()) this.#tick(index);
    if (woken) this.#readCommands();
    const now = nowUs();
    this.#drain?.expire(now);
    if (now >= this.#wordDueUs) this.#sendWord(now);
    if (now >= this.#snapshotDueUs) this.#sendSnapshot(now);
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

  #readPackets(fd: number): void {
    if (fd < 0) return;
    for (let count = 0; count < packetsPerRound; count++) {
      const length = this.#network.receive(fd, this.#packet);
      if (length < 0) return;
      if (length > 0) this.#onPacket(this.#packet.subarray(0, length));
    }
  }

  #onPacket(packet: Uint8Array): void {
    const received = receiveAdvert(packet, this.#filters);
    if (!received.ok) {
      const drops = this.#drops[received.index >= 0 ? received.index : this.#drops.length - 1];
      if (drops !== undefined) drops[received.reason] = (drops[received.reason] ?? 0) + 1;
      return;
    }
    this.#noteDialect(received.index, received.advert.dialect);
    this.#feed(
      received.index,
      advertEvent(received.advert, this.#elections[received.index], { ownAddress: this.#ownAddress, nowUs: nowUs() }),
    );
  }

  #noteDialect(index: number, dialect: ChecksumDialect): void {
    if (this.#dialects[index] === dialect) return;
    this.#dialects[index] = dialect;
    for (const { name: vip } of this.#elections[index]?.addresses ?? [])
      this.#emit({ event: 'vrrp-notice', vip, what: 'dialect', detail: dialect, monotonicMs: monotonicMs() });
  }

  #readNews(): void {
    const news = this.#network.readNews();
    if (news.link) this.#refreshLink();
    for (const index of news.vips) this.#lookAt(index);
  }

  /** @param vipIndex The address's place among all of the plan. */
  #lookAt(vipIndex: number): void {
    const vip = this.#vips[vipIndex];
    const election = this.#firstVip.findLastIndex((first) => first <= vipIndex);
    const state = this.#states[election];
    if (vip === undefined || state === undefined) return;
    const view = this.#network.look(vip);
    const master = state.vrrp === 'master';
    if (master ? view.ours : !view.ours && view.others.length === 0) return;
    if (!master) this.#network.removeOthers(view.others);
    const index = vipIndex - (this.#firstVip[election] ?? 0);
    this.#feed(election, { type: 'address', nowUs: nowUs(), index, present: !master });
  }

  #refreshLink(): void {
    const report = this.#network.refreshLink();
    this.#poller.replace(fdIndex.unicast, this.#network.receiveFd('unicast'));
    this.#poller.replace(fdIndex.multicast, this.#network.receiveFd('multicast'));
    const reason = report.up ? '' : report.error.message;
    if (!report.up && reason !== this.#problem) {
      const { code, message, hint } = report.error;
      this.#emit({ event: 'vrrp-problem', code, message, hint, monotonicMs: monotonicMs() });
    }
    this.#problem = reason;
    if (report.up) this.#drain?.prepare();
    for (const index of this.#states.keys()) this.#feed(index, { type: 'link', nowUs: nowUs(), up: report.up, reason });
  }

  #tick(index: number): void {
    const election = this.#elections[index];
    const state = this.#states[index];
    if (election === undefined || state === undefined || state.stopped) return;
    const now = nowUs();
    if (nextTickUs(election.machine, state) <= now) this.#feed(index, { type: 'tick', nowUs: now });
  }

  #readCommands(): void {
    for (let command = this.#port.take(); command !== undefined; command = this.#port.take()) {
      switch (command.type) {
        case 'ability':
          this.#feedAll({ type: 'ability', nowUs: nowUs(), ability: command.ability, reason: command.reason });
          break;
        case 'peer':
          this.#feedPeer(command.words);
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

  #feedPeer(words: PeerWord | undefined): void {
    const at = nowUs();
    for (const [index, { name }] of this.#elections.entries()) {
      const word = words?.elections[name];
      this.#feed(index, {
        type: 'peer',
        nowUs: at,
        word:
          word === undefined
            ? undefined
            : { ...word, heardAgeUs: Math.max(-1, word.heardAgeMs * 1000), maintenance: words?.maintenance === true },
      });
    }
  }

  #startMaintenance(command: Extract<LoopCommand, { type: 'maintenance' }>): void {
    const { id, on, reason, force } = command;
    const owned = this.#owned();
    const waiting = on ? owned : [];
    if (this.#failover !== undefined && waiting.length > 0) {
      const error = plainError(new TospannError('LB_VRRP_BUSY', { detail: 'one is under way' }));
      return this.#port.send({ type: 'failover-refused', id, error });
    }
    if (waiting.length > 0) this.#failover = { id, waiting: new Set(waiting), results: [] };
    this.#feedAll({ type: 'maintenance', nowUs: nowUs(), on, reason, force });
    if (waiting.length === 0) this.#port.send({ type: 'failover-ended', id, results: [] });
  }

  #owned(): number[] {
    return [...this.#states.keys()].filter((index) => this.#states[index]?.vrrp === 'master');
  }

  #startFailover(id: number): void {
    const owned = this.#owned();
    const refusal = this.#refusal(owned);
    if (refusal !== undefined) return this.#port.send({ type: 'failover-refused', id, error: plainError(refusal) });
    this.#failover = { id, waiting: new Set(owned), results: [] };
    for (const index of owned) this.#feed(index, { type: 'failover', nowUs: nowUs() });
  }

  #refusal(owned: readonly number[]): TospannError | undefined {
    const { node, peers } = this.#data.plan;
    if (this.#failover !== undefined) return new TospannError('LB_VRRP_BUSY', { detail: 'one is under way' });
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
      for (const effect of result.effects) {
        const outcome = this.#carryOut(index, effect);
        if (outcome !== undefined) pending.push(outcome);
      }
    }
  }

  #carryOut(index: number, effect: Effect): MachineEvent | undefined {
    switch (effect.type) {
      case 'advertise':
        return this.#advertise(index, effect);
      case 'own':
        return this.#own(index);
      case 'release':
        this.#vipsOf(index).forEach((vip) => {
          if (effect.drain) this.#beginDrain(vip);
          this.#network.release(vip.address);
        });
        return undefined;
      case 'announce':
        for (const vip of this.#vipsOf(index)) this.#network.announce(vip.index);
        return undefined;
      case 'changed':
      case 'notice':
        this.#emitFor(index, effect);
        this.#snapshotDueUs = 0;
        this.#wordDueUs = 0;
        return undefined;
      case 'handover-ended':
        this.#handoverEnded(index, effect);
        return undefined;
      default:
        return undefined;
    }
  }

  #advertise(index: number, effect: Extract<Effect, { type: 'advertise' }>): MachineEvent | undefined {
    const election = this.#elections[index];
    if (election === undefined) return undefined;
    const dialect = this.#dialects[index] ?? 'pseudo-header';
    const reason = this.#network.sendAdvert(election, { priority: effect.priority, dialect });
    // Only a loop that has just sent its advert renews the lease.
    const refused = reason === '' && effect.lease ? this.#own(index) : undefined;
    return refused ?? { type: 'sent', nowUs: nowUs(), ok: reason === '', reason };
  }

  #own(index: number): MachineEvent | undefined {
    const election = this.#elections[index];
    if (election === undefined) return undefined;
    try {
      for (const vip of this.#vipsOf(index)) {
        this.#network.own(vip.address, leaseSeconds(election.machine));
        this.#drain?.end(vip.index);
      }
      return undefined;
    } catch (error) {
      if (!isTospannError(error)) throw error;
      const { code, message, hint } = error;
      this.#emit({ event: 'vrrp-problem', code, message, hint, monotonicMs: monotonicMs() });
      return { type: 'own-failed', nowUs: nowUs(), reason: message };
    }
  }

  /** Connections under way go on here, while the new owner sends their packets over (connection-guard.ts). */
  #beginDrain(vip: IndexedVip): void {
    const detail = this.#drain?.begin(vip.index, nowUs()) ?? '';
    const { name } = vip.address;
    if (detail !== '')
      this.#emit({ event: 'vrrp-notice', vip: name, what: 'guard', detail, monotonicMs: monotonicMs() });
  }

  #handoverEnded(index: number, effect: Extract<Effect, { type: 'handover-ended' }>): void {
    const failover = this.#failover;
    if (failover === undefined || !failover.waiting.delete(index)) return;
    const { taken, detail, durationUs } = effect;
    const group = this.#elections[index]?.name ?? '';
    const durationMs = durationUs / 1000;
    for (const { address } of this.#vipsOf(index))
      failover.results.push({ vip: address.name, group, taken, detail, durationMs });
    if (failover.waiting.size > 0) return;
    this.#failover = undefined;
    this.#port.send({ type: 'failover-ended', id: failover.id, results: failover.results });
  }

  #ended(): boolean {
    return this.#stopping && this.#states.every((state) => state.stopped);
  }

  #releaseAll(): void {
    for (const vip of this.#vips) this.#network.release(vip);
  }

  /** The addresses of an election with their places among all. */
  #vipsOf(index: number): readonly IndexedVip[] {
    const first = this.#firstVip[index] ?? 0;
    return (this.#elections[index]?.addresses ?? []).map((address, at) => ({ index: first + at, address }));
  }

  #emit(event: VrrpEvent): void {
    this.#port.send({ type: 'event', event });
  }

  /** One event for each VIP of the election, or for the one that a notice is about. */
  #emitFor(index: number, effect: Extract<Effect, { type: 'changed' | 'notice' }>): void {
    const at = monotonicMs();
    const group = this.#elections[index]?.name ?? '';
    this.#vipsOf(index).forEach(({ address }, place) => {
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
    this.#port.send({ type: 'word', elections: wordOf(this.#data.plan, this.#states, now) });
  }

  #sendSnapshot(now: number): void {
    this.#snapshotDueUs = now + snapshotEveryUs;
    const snapshot = snapshotOf({
      plan: this.#data.plan,
      states: this.#states,
      drops: this.#drops,
      dialects: this.#dialects,
      scheduling: this.#scheduling.detail,
      latenessMaxMs: this.#lateness.maxMs,
      latenessLastMinuteMs: this.#lateness.lastMinuteMs(now),
    });
    this.#port.send({ type: 'snapshot', snapshot });
  }
}

function nowUs(): number {
  return Math.floor(monotonicMs() * 1000);
}
