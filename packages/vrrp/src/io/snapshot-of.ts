// From the machines' states to the snapshot that others read. No side effects.
import type { ChecksumDialect } from '../core/advert.ts';
import { formatAddress, parseAddress } from '../core/ipv4.ts';
import type { AgentPlan, PlannedVip } from '../core/plan.ts';
import type { MachineCounters, MachineState } from '../core/state.ts';
import { effectivePriority } from '../core/timers.ts';
import type { TimedSnapshot } from './messages.ts';

interface Parts {
  readonly plan: AgentPlan;
  readonly states: readonly MachineState[];
  /** By VIP, and one more for packets that belong to none. */
  readonly drops: readonly Readonly<Record<string, number>>[];
  readonly scheduling: string;
  readonly latenessMaxMs: number;
  readonly latenessLastMinuteMs: number;
}

/** The snapshot of a whole agent, with the time of the last advert instead of its age. */
export function snapshotOf(parts: Parts): TimedSnapshot {
  const { plan, states, drops } = parts;
  const total = (field: keyof MachineCounters): number => states.reduce((sum, state) => sum + state.counters[field], 0);
  return {
    vips: plan.vips.flatMap((vip, index) => {
      const state = states[index];
      return state === undefined ? [] : [vipSnapshot(vip, { plan, state, drops: drops[index] ?? {} })];
    }),
    scheduling: parts.scheduling,
    latenessMaxMs: parts.latenessMaxMs,
    latenessLastMinuteMs: parts.latenessLastMinuteMs,
    gratuitousArpTotal: 2 * total('announcements'),
    addressRestoredTotal: total('restored'),
    freezesTotal: total('freezes'),
    strayPacketsTotal: { ...drops[plan.vips.length] },
  };
}

/** The name of the node with this address; its text for a stranger, empty for 0. */
export function nodeName(plan: AgentPlan, address: number): string {
  if (address === 0) return '';
  if (parseAddress(plan.address) === address) return plan.node;
  return plan.peers.find((peer) => parseAddress(peer.address) === address)?.name ?? formatAddress(address);
}

function vipSnapshot(
  vip: PlannedVip,
  view: { readonly plan: AgentPlan; readonly state: MachineState; readonly drops: Readonly<Record<string, number>> },
): TimedSnapshot['vips'][number] {
  const { state } = view;
  return {
    name: vip.name,
    address: vip.address,
    routerId: vip.machine.routerId,
    state: state.vrrp,
    sinceMs: state.sinceUs / 1000,
    reason: state.reason,
    priority: effectivePriority(vip.machine, state),
    transitionsTotal: state.counters.transitions,
    owner: nodeName(view.plan, state.owner),
    adverts: {
      sentTotal: state.counters.sent,
      receivedTotal: state.counters.received,
      droppedTotal: { ...view.drops },
    },
    lastAdvertAtMs: state.peer === undefined ? -1 : state.peer.heardUs / 1000,
    peerPriority: state.peer?.priority ?? 0,
    checksumDialect: shownDialect(state.dialect),
  };
}

function shownDialect(dialect: ChecksumDialect): 'pseudo-header' | 'message-only' {
  return dialect === 'message-only' ? 'message-only' : 'pseudo-header';
}
