// One node of the simulation: the real machine, a model of the kernel's lease on its addresses, the agent's process and
// the virtual machine around it. It knows its own world only; the network is simulation.ts. Deterministic.
import type { ElectionWord } from '../src/core/peer/peer-word.ts';
import type { Ability, MachineConfig, MachineEvent, MachineState } from '../src/core/state.ts';
import { effectivePriority } from '../src/core/timers.ts';

/** A job of the event list. */
export interface Job {
  readonly atUs: number;
  readonly order: number;
  readonly run: () => void;
}

/** `stopped`: its processes hang, the kernel goes on. `paused`: the whole virtual machine stands still. */
export type Freeze = 'no' | 'stopped' | 'paused';

export class SimulatedNode {
  readonly index: 0 | 1;
  config: MachineConfig;
  /** Undefined: the agent is not running. */
  state: MachineState | undefined;
  /** When the kernel removes the addresses at the latest; -1: it has none. */
  kernelUntilUs = -1;
  leaseVersion = 0;
  /** Addresses that somebody removed, or added to a node that is no owner: one bit each. */
  missing = 0;
  foreign = 0;
  lastSentUs = -Infinity;
  ownedUs = -Infinity;
  /** By its own clock: after a refusal of its kernel it may wait so long before it tries again. */
  waitsUntilUs = -Infinity;
  /** When a hand-over of this node ended without a taker: what it said before may still be on its way. */
  keptUs = -Infinity;
  /** Wakes up after a freeze: what it finds is not judged before it has looked at everything. */
  waking = false;
  thawedUs = -Infinity;
  /** The same, after a pause in which its clock stood still. */
  timelessUs = -Infinity;
  wordDue = false;
  renewedUs = -Infinity;
  frozen: Freeze = 'no';
  /** The machine is without power: its kernel answers nothing. */
  dead = false;
  clockLostUs = 0;
  interfaceUp = true;
  sendFails = false;
  kernelRefuses = false;
  /** When it last refused while packets were lost. */
  refusedUs = -Infinity;
  /** Signs with another key than the other node. */
  otherKey = false;
  ability: Ability = 'serves';
  /** A part of the election that it cannot serve though its link is up. */
  lacks = '';
  maintenance = false;
  /** Maintenance was asked for by force. */
  forced = false;
  /** What survives a restart. */
  term = 0;
  termSinceUs = -Infinity;
  /** Since when it could own: its agent awake and able. Infinity: it could not. */
  ableSinceUs = Infinity;
  masterSinceUs = Infinity;
  readonly inbox: (() => void)[] = [];
  addressNews = false;
  tickVersion = 0;
  wordAt = 0;
  thaw: () => void = () => {};

  constructor(index: 0 | 1, config: MachineConfig) {
    this.index = index;
    this.config = config;
  }

  /** It would take the address by plan. */
  get isWellBackup(): boolean {
    return this.awake && this.state?.vrrp === 'backup' && this.state.ability === 'serves' && this.state.lacks === '';
  }

  /** When adverts came that had a missing one before them, the last two of them, and when the last advert came. */
  gapsUs: readonly [number, number] = [-Infinity, -Infinity];
  heardUs = -Infinity;

  /** Since when the path to this node may count as one that loses adverts: the first of its last two gaps. */
  get lossySinceUs(): number {
    return this.gapsUs[0];
  }

  /** An advert arrives: of two such gaps of late a backup may make that the path loses adverts. */
  noteArrival(nowUs: number, intervalUs: number): void {
    if (nowUs - this.heardUs >= 1.4 * intervalUs) this.gapsUs = [this.gapsUs[1], nowUs];
    this.heardUs = nowUs;
  }

  get awake(): boolean {
    return this.state !== undefined && this.frozen === 'no' && !this.dead;
  }
}

/** What the loop tells the peer about the only election. */
export function wordOfNode(node: SimulatedNode, localUs: number): ElectionWord | undefined {
  const { state } = node;
  if (state === undefined || state.stopped) return undefined;
  return {
    state: state.vrrp,
    priority: effectivePriority(node.config, state),
    ability: state.ability,
    reason: state.reason,
    heardAgeMs: state.peer === undefined ? -1 : Math.max(0, (localUs - state.peer.heardUs) / 1000),
    term: state.term,
    vips: [],
  };
}

/** What the loop tells of the node's link. */
export function linkEvent({ interfaceUp, lacks }: SimulatedNode, nowUs: number): MachineEvent {
  return { type: 'link', nowUs, up: interfaceUp, reason: 'no carrier', lacks };
}

type Namer<T extends MachineEvent['type']> = (event: Extract<MachineEvent, { type: T }>) => string;

const peerNames = { init: 'peer init', backup: 'peer backup', master: 'peer master', fault: 'peer fault' } as const;

const namers: { readonly [T in MachineEvent['type']]?: Namer<T> } = {
  advert: ({ priority }) => (priority === 0 ? 'advert 0' : 'advert'),
  peer: ({ word }) => (word === undefined ? 'peer lost' : peerNames[word.state]),
  ability: ({ ability }) => `ability ${ability}`,
  link: ({ up, lacks }) => (up ? (lacks === '' ? 'link up' : 'link lacks') : 'link down'),
  address: ({ present }) => (present ? 'address foreign' : 'address gone'),
  sent: ({ ok }) => (ok ? 'sent' : 'send failed'),
  contender: ({ fromPeer }) => (fromPeer ? 'contender peer' : 'contender stranger'),
  maintenance: ({ on }) => (on ? 'maintenance on' : 'maintenance off'),
};

/** The name under which an event is counted: by what it means, where its type alone does not say it. */
export function eventName(event: MachineEvent): string {
  // The table has each namer under the type of its event.
  const namer = namers[event.type] as ((event: MachineEvent) => string) | undefined;
  return namer?.(event) ?? event.type;
}
