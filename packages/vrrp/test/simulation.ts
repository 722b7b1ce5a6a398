// Two machines on a seeded network that loses, delays, doubles, reorders and corrupts, with a model of the kernel's
// address lease, processes that crash, hang and restart, and virtual machines that pause. A history is chaos, then a
// healed network; the invariants are checked all along. Deterministic: one seed, one history. No sockets, no clock.
import { encodeAdvert } from '../src/core/advert.ts';
import { compareIp } from '../src/core/ip.ts';
import { initialState, nextTickUs, step } from '../src/core/machine.ts';
import { AdvertReceiver } from '../src/core/receive.ts';
import type { Ability, Effect, MachineConfig, MachineEvent, MachineState } from '../src/core/state.ts';
import { defaultPreemptDelayUs, leaseSeconds, warmRestartUs } from '../src/core/timers.ts';
import { ipPacket } from './packets.ts';

/** Uniform numbers in [0, 1) from a 32-bit seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface HistoryResult {
  readonly violations: readonly string[];
  readonly transitions: number;
  readonly events: number;
  readonly log: readonly string[];
}

interface Job {
  readonly atUs: number;
  readonly order: number;
  readonly run: () => void;
}

const vip = Uint8Array.of(10, 99, 0, 100);
const addresses = [Uint8Array.of(10, 99, 0, 2), Uint8Array.of(10, 99, 0, 3)] as const;
/** The kernel's lease timer was measured up to 0.35 s late. */
const leaseLateUs = 350_000;
const rxQueuePackets = 85;

class SimulatedNode {
  state: MachineState | undefined;
  kernelUntilUs = -1;
  /** Bumped whenever the kernel's lease changes: an older expiry job does nothing. */
  leaseVersion = 0;
  lastSentUs = -Infinity;
  /** When the lease was set last: what a restarted agent reads from the kernel. */
  renewedUs = -Infinity;
  frozen: 'no' | 'stopped' | 'paused' = 'no';
  clockLostUs = 0;
  linkUp = true;
  ability: Ability = 'serves';
  readonly queue: Uint8Array[] = [];
  addressNews: boolean | undefined;
  tickVersion = 0;
  /** Ends the freeze that is under way. */
  thaw: () => void = () => {};
  readonly index: number;
  readonly config: MachineConfig;

  constructor(index: number, config: MachineConfig) {
    this.index = index;
    this.config = config;
  }
}

export class Simulation {
  readonly violations: string[] = [];
  readonly log: string[] = [];
  readonly nodes: readonly [SimulatedNode, SimulatedNode];
  readonly random: () => number;
  readonly intervalUs: number;
  readonly maxDelayUs: number;
  nowUs = 1_000_000;
  events = 0;
  lossRatio = 0;
  duplicateRatio = 0;
  corruptRatio = 0;
  readonly cut = [false, false];
  /** From then on no fault that was planned happens any more. */
  healed = false;
  /** Whose announcement the client heard last; -1 for none. */
  clientArp = -1;
  readonly #heap: Job[] = [];
  #order = 0;
  readonly #keepLog: boolean;

  constructor(seed: number, keepLog = false) {
    this.random = seededRandom(seed);
    this.#keepLog = keepLog;
    this.intervalUs = this.pick([10_000, 100_000, 100_000, 1_000_000, 1_000_000]);
    this.maxDelayUs = Math.min(5_000, this.intervalUs / 4);
    const preferred = this.pick([-1, -1, 0, 1]);
    const make = (index: 0 | 1): SimulatedNode => {
      const priority = preferred === -1 ? this.pick([100, 100, 100, 120]) : preferred === index ? 150 : 100;
      return new SimulatedNode(index, {
        priority,
        intervalUs: this.intervalUs,
        missedAdverts: 3,
        version: 3,
        preferred: preferred === index,
        preemptDelayUs: defaultPreemptDelayUs({ priority, intervalUs: this.intervalUs, missedAdverts: 3, version: 3 }),
        peers: 1,
        transport: 'unicast',
        holdUs: 30_000_000,
      });
    };
    this.nodes = [make(0), make(1)];
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.random() * choices.length)] as T; // the index is inside by construction
  }

  at(atUs: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ atUs: Math.max(atUs, this.nowUs), order: this.#order++, run });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!earlier(heap[child], heap[parent])) break;
      swap(heap, child, parent);
      child = parent;
    }
  }

  runUntil(untilUs: number): void {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.atUs > untilUs) break;
      this.#removeFirst();
      this.nowUs = first.atUs;
      this.events++;
      first.run();
      this.#checkLease();
    }
    this.nowUs = untilUs;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      let least = earlier(heap[left], heap[parent]) ? left : parent;
      if (earlier(heap[left + 1], heap[least])) least = left + 1;
      if (least === parent) return;
      swap(heap, parent, least);
      parent = least;
    }
  }

  note(text: string): void {
    if (this.#keepLog) this.log.push(`${(this.nowUs / 1000).toFixed(3)} ${text}`);
  }

  violate(text: string): void {
    this.violations.push(`${(this.nowUs / 1000).toFixed(3)} ms: ${text}`);
  }

  /** The kernel of this node answers for the address now. */
  answers(node: SimulatedNode): boolean {
    return node.kernelUntilUs > this.nowUs && node.frozen !== 'paused' && node.linkUp;
  }

  boot(node: SimulatedNode, readyAfterUs = 200_000): void {
    this.note(`n${node.index} boot`);
    const warm = node.kernelUntilUs > this.nowUs && this.nowUs - node.renewedUs <= warmRestartUs(node.config);
    // The agent removes a stale address at start, and keeps one of its own that is fresh enough.
    if (!warm) this.#setLease(node, -1);
    node.state = initialState(node.config, this.local(node));
    if (warm)
      this.feed(node, {
        type: 'inherited',
        nowUs: this.local(node),
        lastAdvertUs: Math.round(node.renewedUs - node.clockLostUs),
      });
    node.queue.length = 0;
    node.frozen = 'no';
    this.feed(node, { type: 'link', nowUs: this.local(node), up: node.linkUp, reason: 'no carrier' });
    this.at(this.nowUs + readyAfterUs, () => this.#tellAbility(node));
  }

  crash(node: SimulatedNode): void {
    this.note(`n${node.index} crash`);
    node.state = undefined;
    node.tickVersion++;
  }

  setAbility(node: SimulatedNode, ability: Ability): void {
    this.note(`n${node.index} ability ${ability}`);
    node.ability = ability;
    this.#tellAbility(node);
  }

  #tellAbility(node: SimulatedNode): void {
    if (node.frozen !== 'no') return;
    this.feed(node, {
      type: 'ability',
      nowUs: this.local(node),
      ability: node.ability,
      reason: `probe: ${node.ability}`,
    });
    if (node.ability === 'cannot-serve' && node.state !== undefined && this.answers(node))
      this.violate(`n${node.index} answers for the address though it cannot serve`);
  }

  setLink(node: SimulatedNode, up: boolean): void {
    this.note(`n${node.index} link ${up ? 'up' : 'down'}`);
    node.linkUp = up;
    if (node.frozen === 'no') this.feed(node, { type: 'link', nowUs: this.local(node), up, reason: 'no carrier' });
  }

  freeze(
    node: SimulatedNode,
    options: { readonly kind: 'stopped' | 'paused'; readonly clockStops: boolean; readonly forUs: number },
  ): void {
    if (node.state === undefined || node.frozen !== 'no') return;
    this.note(`n${node.index} ${options.kind} for ${options.forUs / 1000} ms`);
    node.frozen = options.kind;
    node.tickVersion++;
    const startedUs = this.nowUs;
    // A paused machine's kernel does not count either: its lease goes on where it stood.
    const leftUs = node.kernelUntilUs - leaseLateUs - this.nowUs;
    if (options.kind === 'paused') node.leaseVersion++;
    node.thaw = () => {
      if (node.frozen !== options.kind) return;
      node.frozen = 'no';
      if (options.kind === 'paused') {
        if (options.clockStops) node.clockLostUs += this.nowUs - startedUs;
        const renewedUs = node.renewedUs + this.nowUs - startedUs;
        if (node.kernelUntilUs > 0) this.#setLease(node, this.nowUs + Math.max(0, leftUs));
        node.renewedUs = renewedUs;
        node.lastSentUs += this.nowUs - startedUs;
      }
      this.#wake(node);
    };
    this.at(this.nowUs + options.forUs, node.thaw);
  }

  /** What the loop does after any wait: all packets, then the kernel's news, then the timers. */
  #wake(node: SimulatedNode): void {
    if (node.state === undefined) return;
    this.note(`n${node.index} wakes`);
    for (const packet of node.queue.splice(0)) this.#receive(node, packet);
    this.feed(node, { type: 'link', nowUs: this.local(node), up: node.linkUp, reason: 'no carrier' });
    if (node.addressNews !== undefined) this.#tellAddress(node);
    this.feed(node, { type: 'tick', nowUs: this.local(node) });
    this.#tellAbility(node);
  }

  removeByHand(node: SimulatedNode): void {
    if (node.kernelUntilUs <= this.nowUs) return;
    this.note(`n${node.index} address removed by hand`);
    this.#setLease(node, -1);
    this.#kernelLost(node);
  }

  command(node: SimulatedNode, type: 'failover' | 'stop'): void {
    if (node.frozen !== 'no' || node.state === undefined) return;
    this.note(`n${node.index} ${type}`);
    this.feed(node, { type, nowUs: this.local(node) });
  }

  local(node: SimulatedNode): number {
    return Math.round(this.nowUs - node.clockLostUs);
  }

  feed(node: SimulatedNode, event: MachineEvent): void {
    if (node.state === undefined) return;
    const result = step(node.state, event, node.config);
    node.state = result.state;
    for (const effect of result.effects) this.#carryOut(node, effect);
    this.#arm(node);
  }

  #arm(node: SimulatedNode): void {
    if (node.state === undefined) return;
    const version = ++node.tickVersion;
    const dueUs = nextTickUs(node.config, node.state);
    if (!Number.isFinite(dueUs)) return;
    // Measured lateness of the loop: usually under 0.3 ms.
    const atUs = Math.max(this.nowUs, dueUs + node.clockLostUs) + this.random() * 300;
    this.at(Math.round(atUs), () => {
      if (node.tickVersion !== version || node.frozen !== 'no') return;
      this.feed(node, { type: 'tick', nowUs: this.local(node) });
    });
  }

  #carryOut(node: SimulatedNode, effect: Effect): void {
    switch (effect.type) {
      case 'own':
        return this.#setLease(node, this.nowUs + leaseSeconds(node.config) * 1_000_000);
      case 'release':
        return this.#setLease(node, -1);
      case 'advertise':
        return this.#send(node, effect);
      case 'announce':
        return this.#announce(node);
      case 'changed':
        return this.note(`n${node.index} ${effect.from} -> ${effect.to}: ${effect.reason}`);
      case 'notice':
        return this.note(`n${node.index} notice ${effect.what}: ${effect.detail}`);
      case 'handover-ended':
        return this.note(`n${node.index} ${effect.purpose} taken=${effect.taken}: ${effect.detail}`);
    }
  }

  #send(node: SimulatedNode, effect: Extract<Effect, { type: 'advertise' }>): void {
    const ok = node.linkUp;
    if (ok) {
      if (effect.priority > 0 || effect.lease) node.lastSentUs = this.nowUs;
      if (effect.lease) this.#setLease(node, this.nowUs + leaseSeconds(node.config) * 1_000_000);
      this.#transmit(node, effect.priority);
    }
    // Fed after the effects of this step, as the loop does.
    this.at(this.nowUs, () => {
      if (node.frozen === 'no')
        this.feed(node, { type: 'sent', nowUs: this.local(node), ok, reason: ok ? '' : 'ENETDOWN' });
    });
  }

  #transmit(node: SimulatedNode, priority: number): void {
    const peer = this.nodes[1 - node.index] as SimulatedNode; // two nodes: the index is 0 or 1
    const source = addresses[node.index] ?? vip;
    const destination = addresses[peer.index] ?? vip;
    const advert = {
      version: 3 as const,
      routerId: 51,
      priority,
      intervalMs: this.intervalUs / 1000,
      addresses: [vip],
    };
    const dialect = 'pseudo-header';
    const packet = ipPacket(encodeAdvert(advert, { source, destination, dialect }), source, destination);
    const copies = this.random() < this.duplicateRatio ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.cut[node.index] || this.random() < this.lossRatio) continue;
      const bytes = packet.slice();
      if (this.random() < this.corruptRatio) {
        const at = 20 + Math.floor(this.random() * (bytes.length - 20));
        bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(this.random() * 8));
      }
      const delayUs = Math.round(20 + this.random() * this.maxDelayUs);
      this.at(this.nowUs + delayUs, () => this.arrive(peer, bytes));
    }
  }

  arrive(node: SimulatedNode, packet: Uint8Array): void {
    if (!node.linkUp || node.state === undefined || node.frozen === 'paused') return;
    if (node.frozen === 'stopped') {
      if (node.queue.length < rxQueuePackets) node.queue.push(packet);
      return;
    }
    this.#receive(node, packet);
    const { state } = node;
    // The loop looks at its timers after the packets of each wake-up.
    if (state !== undefined && nextTickUs(node.config, state) <= this.local(node))
      this.feed(node, { type: 'tick', nowUs: this.local(node) });
  }

  #receive(node: SimulatedNode, packet: Uint8Array): void {
    const ownAddress = addresses[node.index] ?? vip;
    const peers = [addresses[1 - node.index] ?? vip];
    const router = { routerId: 51, family: 4, version: 3, intervalMs: 100, transport: 'unicast' } as const;
    const receiver = new AdvertReceiver([{ ...router, ownAddress, peers, proof: { type: 'none' } }]);
    const received = receiver.receive(packet, 0);
    if (!received.ok) return;
    const { source, priority, intervalMs } = received.advert;
    this.feed(node, {
      type: 'advert',
      nowUs: this.local(node),
      source: source.join('.'),
      wins: compareIp(source, ownAddress) > 0,
      priority,
      intervalUs: intervalMs * 1000,
      addressesDiffer: false,
    });
  }

  #announce(node: SimulatedNode): void {
    if (!node.linkUp || this.cut[node.index] || this.random() < this.lossRatio) return;
    this.at(this.nowUs + Math.round(20 + this.random() * this.maxDelayUs), () => {
      this.clientArp = node.index;
    });
  }

  #setLease(node: SimulatedNode, untilUs: number): void {
    const version = ++node.leaseVersion;
    if (untilUs >= 0) node.renewedUs = this.nowUs;
    node.kernelUntilUs = untilUs < 0 ? -1 : untilUs + leaseLateUs;
    if (untilUs < 0) return;
    this.at(Math.round(untilUs + this.random() * leaseLateUs), () => {
      if (node.leaseVersion !== version) return;
      this.note(`n${node.index} lease ran out`);
      node.kernelUntilUs = -1;
      this.#kernelLost(node);
    });
  }

  #kernelLost(node: SimulatedNode): void {
    node.addressNews = false;
    if (node.frozen === 'no') this.#tellAddress(node);
  }

  #tellAddress(node: SimulatedNode): void {
    node.addressNews = undefined;
    this.feed(node, { type: 'address', nowUs: this.local(node), index: 0, present: node.kernelUntilUs > this.nowUs });
  }

  /** Nobody answers for the address longer than the lease after its last advert that carried it. */
  #checkLease(): void {
    for (const node of this.nodes) {
      const { state } = node;
      if (state?.vrrp === 'master' && node.frozen === 'no' && state.linkUp && state.sendFailingSinceUs === Infinity)
        if (node.kernelUntilUs <= this.nowUs) this.violate(`n${node.index} is master without the address`);
      if (!this.answers(node)) continue;
      const limitUs = leaseSeconds(node.config) * 1_000_000 + leaseLateUs;
      if (this.nowUs - node.lastSentUs > limitUs)
        this.violate(
          `n${node.index} answers ${Math.round((this.nowUs - node.lastSentUs) / 1000)} ms after its last advert`,
        );
    }
  }
}

function earlier(a: Job | undefined, b: Job | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}

function swap(heap: Job[], a: number, b: number): void {
  const first = heap[a] as Job; // both indices are inside: the callers compared them
  heap[a] = heap[b] as Job;
  heap[b] = first;
}
