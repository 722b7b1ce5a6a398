// From the machines' states to the snapshot that others read. No side effects.
import type { ChecksumDialect } from '../core/advert/advert.ts';
import { self } from '../core/machine-actions.ts';
import type { ElectionWord } from '../core/peer/peer-word.ts';
import { spokenBy, type AgentPlan, type PlannedAddress, type PlannedElection } from '../core/plan.ts';
import type { MachineCounters, MachineState } from '../core/state.ts';
import { effectivePriority } from '../core/timers.ts';
import type { StreamKey } from './adverts/advert-stream.ts';
import type { LatenessFigures } from './meters/lateness.ts';
import type { TimedSnapshot } from './messages.ts';

interface Parts {
  readonly plan: AgentPlan;
  readonly states: readonly MachineState[];
  /** By election, and one more for packets that belong to none. */
  readonly drops: readonly Readonly<Record<string, number>>[];
  /** The checksum that the adverts of a router have now. */
  readonly dialectOf: (key: StreamKey) => ChecksumDialect;
  /** Now, monotonic ms. */
  readonly takenMs: number;
  readonly scheduling: string;
  readonly latenessMaxMs: number;
  readonly latenessLastMinuteMs: number;
  readonly advertLateness: LatenessFigures;
  readonly latenessRecentMs: number;
  readonly linkProblem: string;
  readonly linkDown: boolean;
  /** Frames of gratuitous ARP and neighbour advertisements. */
  readonly announcedTotal: number;
}

/** The snapshot of a whole agent, with the time of the last advert instead of its age. */
export function snapshotOf(parts: Parts): TimedSnapshot {
  const { plan, states, drops } = parts;
  const total = (field: keyof MachineCounters): number => states.reduce((sum, state) => sum + state.counters[field], 0);
  return {
    vips: plan.elections.flatMap((election, index) => {
      const state = states[index];
      if (state === undefined) return [];
      const dialectOf = (router: number): ChecksumDialect => parts.dialectOf({ election: index, router });
      const view = { plan, election, state, drops: drops[index] ?? {}, dialectOf };
      return election.addresses.map((address) => vipSnapshot(address, view));
    }),
    takenMs: parts.takenMs,
    scheduling: parts.scheduling,
    latenessMaxMs: parts.latenessMaxMs,
    latenessLastMinuteMs: parts.latenessLastMinuteMs,
    advertLateness: parts.advertLateness,
    latenessRecentMs: parts.latenessRecentMs,
    linkProblem: parts.linkProblem,
    linkDown: parts.linkDown,
    gratuitousArpTotal: parts.announcedTotal,
    addressRestoredTotal: total('restored'),
    freezesTotal: total('freezes'),
    strayPacketsTotal: { ...drops[plan.elections.length] },
  };
}

/** The name of an owner: of this node, of a peer with this address, a stranger's address, empty for nobody. */
export function nodeName(plan: AgentPlan, owner: string): string {
  if (owner === self) return plan.node;
  const known = plan.peers.find(({ address, address6 }) => address === owner || address6 === owner);
  // A link-local source is in no configuration; of two nodes it can only be the other one's.
  const only = plan.peers.length === 1 && /^fe[89ab]/.test(owner) ? plan.peers[0] : undefined;
  return (known ?? only)?.name ?? owner;
}

/** What this node says about its elections over the peer link. */
export function wordOf(plan: AgentPlan, states: readonly MachineState[], nowUs: number): Record<string, ElectionWord> {
  const words: Record<string, ElectionWord> = {};
  const spoken = plan.elections.map(spokenBy);
  plan.elections.forEach(({ name, machine, addresses }, index) => {
    const state = states[index];
    if (state === undefined) return;
    words[name] = {
      state: state.vrrp,
      priority: effectivePriority(machine, state),
      ability: state.ability,
      reason: state.reason,
      heardAgeMs: state.peer === undefined ? -1 : Math.max(0, (nowUs - state.peer.heardUs) / 1000),
      term: state.term,
      vips: addresses.map((address) => address.name),
      speaks: spoken[index] ?? [],
    };
  });
  return words;
}

interface View {
  readonly plan: AgentPlan;
  readonly election: PlannedElection;
  readonly state: MachineState;
  readonly drops: Readonly<Record<string, number>>;
  readonly dialectOf: (router: number) => ChecksumDialect;
}

function vipSnapshot(vip: PlannedAddress, view: View): TimedSnapshot['vips'][number] {
  const { election, state } = view;
  const { routers } = election;
  const carrier = Math.max(
    0,
    routers.findIndex(({ addresses }) => addresses.includes(vip.address)),
  );
  return {
    name: vip.name,
    group: election.name,
    address: vip.address,
    routerId: routers[carrier]?.routerId ?? 0,
    state: state.vrrp,
    sinceMs: state.sinceUs / 1000,
    reason: state.reason,
    priority: effectivePriority(election.machine, state),
    transitionsTotal: state.counters.transitions,
    owner: nodeName(view.plan, state.owner),
    adverts: {
      sentTotal: state.counters.sent,
      receivedTotal: state.counters.received,
      droppedTotal: { ...view.drops },
    },
    lastAdvertAtMs: state.peer === undefined ? -1 : state.peer.heardUs / 1000,
    peerPriority: state.peer?.priority ?? 0,
    term: state.term,
    ...(state.preemptDueUs === Infinity ? {} : { takesBackAtMs: state.preemptDueUs / 1000 }),
    checksumDialect: shownDialect(view.dialectOf(carrier)),
  };
}

function shownDialect(dialect: ChecksumDialect): 'pseudo-header' | 'message-only' {
  return dialect === 'message-only' ? 'message-only' : 'pseudo-header';
}
