// Planned moves: failover, stop and maintenance. Make before break: priority 0 is sent, and the address is answered for
// until the peer's first advert (or its word) says that it has it. Not the other side of it (machine-advert.ts). Pure.
import { stopGarp, startBurst } from './garp.ts';
import {
  advertise,
  dropInherited,
  enterBackup,
  enterFault,
  maintenanceText,
  notice,
  release,
  reportHandover,
  resign,
  settle,
  transition,
  type Draft,
} from './machine-actions.ts';
import { peerRefuses } from './machine-peer.ts';
import type { HandoverPurpose, MachineEvent } from './state.ts';
import { handoverLimitUs } from './timers.ts';

/** Begins a failover or a stop; of a node that owns nothing only the stop means something. */
export function onHandover(draft: Draft, purpose: 'stop' | 'failover'): void {
  const { state, config } = draft;
  if (state.vrrp !== 'master') {
    if (purpose === 'stop') stopNow(draft, 'stopped');
    return;
  }
  if (state.handover !== undefined) {
    if (purpose === 'stop') state.handover = { ...state.handover, purpose, force: true };
    else if (state.handover.purpose === 'fault') state.handover = { ...state.handover, purpose };
    return;
  }
  // Nobody is there to take it: a stop ends at once.
  if (purpose === 'stop' && config.peers === 0) return onClose(draft);
  begin(draft, { purpose, force: purpose === 'stop' });
}

export function onMaintenance(draft: Draft, event: Extract<MachineEvent, { type: 'maintenance' }>): void {
  const { state } = draft;
  if (!event.on) {
    const ended = state.maintenance;
    state.maintenance = false;
    if (ended && state.vrrp !== 'master') settle(draft);
    return;
  }
  state.maintenanceReason = event.reason;
  if (state.vrrp !== 'master') {
    state.maintenance = true;
    return enterFault(draft, maintenanceText(draft));
  }
  if (state.handover === undefined) return begin(draft, { purpose: 'maintenance', force: event.force });
  if (state.handover.purpose === 'failover' || state.handover.purpose === 'fault')
    state.handover = { ...state.handover, purpose: 'maintenance', force: event.force };
}

/**
 * This node cannot serve any more. The other one may: it is asked as for a planned move, make before break. Where it is known
 * that it would be no better, or where nobody takes the address, this node stays what it is, with the lowest priority.
 */
export function askOther(draft: Draft): void {
  const refusal = draft.config.peers === 0 ? 'the cluster has no other node' : peerRefuses(draft);
  if (refusal === '') return begin(draft, { purpose: 'fault', force: false });
  advertise(draft);
  notice(draft, 'no-substitute', `this node cannot serve but goes on as owner: ${refusal}`);
}

/** Duplicated or reordered by the network: what a peer said just before its priority 0 does not count after it. */
export function overtaken({ state, config, nowUs }: Draft): boolean {
  return nowUs - state.resignedUs < config.intervalUs;
}

/** Its last advert as owner may still be on its way: it would pass for the one that takes the address. */
function mayBeUnderWay({ state, config, nowUs }: Draft): boolean {
  return state.peer !== undefined && state.peer.priority > 0 && nowUs - state.peer.heardUs < config.intervalUs;
}

function begin(draft: Draft, how: { readonly purpose: HandoverPurpose; readonly force: boolean }): void {
  const { state, config, nowUs } = draft;
  const refusal = how.force || how.purpose === 'fault' ? '' : refusalOf(draft);
  if (refusal !== '')
    return reportHandover(draft, { purpose: how.purpose, startedUs: nowUs, taken: false, detail: refusal });
  state.handover = {
    ...how,
    startedUs: nowUs,
    deadlineUs: nowUs + (config.peers === 0 ? 0 : handoverLimitUs(config)),
    repeatUs: nowUs + config.intervalUs,
    // A stop cannot be refused: it waits for an advert of the new owner that cannot be an old one.
    doubtUntilUs: mayBeUnderWay(draft) || overtaken(draft) ? nowUs + config.intervalUs : nowUs,
  };
  state.advertDueUs = Infinity;
  // From now on the announcements are the new owner's.
  state.garp = stopGarp(state.garp);
  draft.effects.push({ type: 'advertise', priority: 0, lease: true });
}

function refusalOf(draft: Draft): string {
  if (draft.config.peers === 0) return 'the cluster has no other node';
  if (mayBeUnderWay(draft))
    return 'the other node advertised a moment ago, and its adverts may be on their way; try again';
  return peerRefuses(draft);
}

/** The timers of a hand-over: it ends, or priority 0 is said again. */
export function tickHandover(draft: Draft): void {
  const { state, nowUs, config } = draft;
  const handover = state.handover;
  if (handover === undefined) return;
  if (handover.deadlineUs <= nowUs)
    return endHandover(draft, { taken: false, detail: 'no advert of the other node came' });
  if (handover.repeatUs > nowUs) return;
  draft.effects.push({ type: 'advertise', priority: 0, lease: state.leaseDueUs <= nowUs });
  state.handover = { ...handover, repeatUs: nowUs + config.intervalUs };
}

/** Ends a release under way: taken by the peer, or not. */
export function endHandover(draft: Draft, outcome: { readonly taken: boolean; readonly detail: string }): void {
  const { state } = draft;
  const handover = state.handover;
  if (handover === undefined) return;
  state.handover = undefined;
  const { purpose, startedUs, force } = handover;
  if (!outcome.taken && !force) {
    // Nobody took it: an address without an owner would be worse than a refused command.
    reportHandover(draft, { ...outcome, purpose, startedUs });
    if (purpose === 'fault')
      notice(draft, 'no-substitute', `this node cannot serve but goes on as owner: ${outcome.detail}`);
    advertise(draft);
    state.garp = startBurst(state.garp, draft.nowUs);
    return;
  }
  // A proxy that cannot serve has no connections that could run to their end.
  release(draft, outcome.taken && purpose !== 'fault');
  // The last word: the new owner answers a priority 0 with an advert and announces the address again.
  if (purpose !== 'fault') draft.effects.push({ type: 'advertise', priority: 0, lease: false });
  if (outcome.taken) state.owner = state.peer?.source ?? '';
  leave(draft, purpose, outcome.taken);
  reportHandover(draft, { ...outcome, purpose, startedUs });
}

/** The state after the address is gone. */
function leave(draft: Draft, purpose: HandoverPurpose, taken: boolean): void {
  const { state } = draft;
  switch (purpose) {
    case 'failover':
      state.hold = true;
      return enterBackup(draft, 'planned failover');
    case 'fault':
      return enterBackup(draft, 'the other node has taken over');
    case 'maintenance':
      state.maintenance = true;
      return transition(draft, 'fault', maintenanceText(draft));
    case 'stop':
      state.stopped = true;
      return transition(draft, 'init', taken ? 'stopped, the other node has taken over' : 'stopped');
  }
}

/** End at once. */
export function onClose(draft: Draft): void {
  if (draft.state.vrrp === 'master') resign(draft);
  stopNow(draft, 'stopped at once');
}

function stopNow(draft: Draft, reason: string): void {
  const { state } = draft;
  const startedUs = state.handover?.startedUs ?? draft.nowUs;
  dropInherited(draft);
  transition(draft, 'init', reason);
  state.stopped = true;
  state.downDueUs = Infinity;
  state.preemptDueUs = Infinity;
  state.handover = undefined;
  reportHandover(draft, { purpose: 'stop', startedUs, taken: false, detail: reason });
}
