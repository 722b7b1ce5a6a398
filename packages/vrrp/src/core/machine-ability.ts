// What a change of this node's own ability, link or parts means to the election. A fault of its own proxy counts at once. What
// both nodes find out about, one later than the other (servers, routers, disks), counts at once where it keeps an
// address, and only after `lastsUs` where it moves one. Own faults count against the other node only while that one may be
// better: a last node never steps down to nobody. Pure.
import {
  advertise,
  announceAgain,
  becomeMaster,
  notice,
  ownsByRight,
  reassert,
  settle,
  takeover,
  type Draft,
} from './machine-actions.ts';
import { askOther } from './machine-handover.ts';
import type { Ability, MachineEvent } from './state.ts';
import { downUs, ownTiming } from './timers.ts';

/** How good an owner a node with this ability is. */
const worth: Readonly<Record<Ability, number>> = {
  unknown: 0,
  'cannot-serve': 0,
  'no-live-server': 1,
  impaired: 2,
  serves: 3,
};

export function onAbility(draft: Draft, event: Extract<MachineEvent, { type: 'ability' }>): void {
  const { state, nowUs, config } = draft;
  const { ability, reason } = event;
  state.seen = { ability, reason };
  const waits = moves(draft, ability) && config.lastsUs > 0;
  if (!waits) return countSeen(draft);
  // From the first sign on: what goes on getting worse or better does not begin anew.
  state.seenDueUs = Math.min(state.seenDueUs, nowUs + config.lastsUs);
}

/** An owner that is worse off now, or another node that is better off: the address would move by it. */
function moves({ state }: Draft, ability: Ability): boolean {
  if (worth[state.ability] === 0 || worth[ability] === 0) return false;
  return state.vrrp === 'master' ? worth[ability] < worth[state.ability] : worth[ability] > worth[state.ability];
}

/** What was told last counts from now on. */
export function countSeen(draft: Draft): void {
  const { state, nowUs } = draft;
  const before = state.ability;
  const { ability, reason } = state.seen;
  state.seenDueUs = Infinity;
  state.ability = ability;
  state.abilityReason = reason;
  if (ability === before) return;
  if (ability !== 'serves') state.preemptDueUs = Infinity;
  if (state.vrrp === 'master') return asMaster(draft);
  if (state.vrrp === 'backup' && ownsByRight(draft)) return becomeMaster(draft, takeover.addressOwner);
  if (state.vrrp === 'backup' && ability !== 'cannot-serve') {
    const leftUs = downUs(ownTiming(draft.config, state, state.activeIntervalUs));
    state.downDueUs = Math.min(state.downDueUs, nowUs + leftUs);
    return;
  }
  settle(draft);
}

/** The new priority is told at once; a peer that serves takes over from a last resort, and the other way round. */
function asMaster(draft: Draft): void {
  const { state } = draft;
  if (state.handover !== undefined) return;
  if (state.ability === 'cannot-serve') askOther(draft);
  else advertise(draft);
}

export function onLink(draft: Draft, event: Extract<MachineEvent, { type: 'link' }>): void {
  const { state, nowUs } = draft;
  const before = state.linkUp;
  state.linkUp = event.up;
  state.linkReason = event.reason;
  noteLacked(draft, event.lacks);
  if (state.vrrp !== 'master') return settle(draft);
  if (!event.up) {
    state.linkDownSinceUs = Math.min(state.linkDownSinceUs, nowUs);
    return;
  }
  state.linkDownSinceUs = Infinity;
  if (before) return;
  reassert(draft);
  announceAgain(draft);
}

/** A short flap costs no ownership. */
function noteLacked(draft: Draft, lacks: string): void {
  const { state, nowUs, config } = draft;
  state.lacked = lacks;
  const worse = lacks !== '' && state.lacks === '';
  if (state.vrrp !== 'master' || !worse) return countLacked(draft);
  state.lackedDueUs = Math.min(state.lackedDueUs, nowUs + config.intervalUs);
}

export function countLacked(draft: Draft): void {
  const { state } = draft;
  const before = state.lacks;
  state.lackedDueUs = Infinity;
  state.lacks = state.lacked;
  if (state.lacks === before) return;
  if (state.lacks !== '') state.preemptDueUs = Infinity;
  if (state.lacks === '') notice(draft, 'partly-ended', 'all of the election can be served again');
  else notice(draft, 'partly', `not served here: ${state.lacks}`);
  if (state.vrrp === 'master' && state.handover === undefined && (before === '') !== (state.lacks === ''))
    advertise(draft);
}
