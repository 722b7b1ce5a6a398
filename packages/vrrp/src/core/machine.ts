// The election of one address: (state, event, configuration) -> new state and effects. Not the sockets, not the
// clock, not the validation of packets. RFC 9568 section 6.4 with the rules of docs/life-of-a-failover.md: make before
// break, lease, freeze guard, last resort. Pure; io/agent-loop.ts runs the effects in order.
import { silentGarp, startBurst } from './garp.ts';
import { countLacked, countSeen, onAbility, onLink } from './machine-ability.ts';
import { onAdvert } from './machine-advert.ts';
import {
  advertise,
  announceAgain,
  announceDue,
  becomeMaster,
  dropInherited,
  enterFault,
  listens,
  notice,
  ownsByRight,
  reassert,
  settle,
  takeover,
  type Draft,
} from './machine-actions.ts';
import { interrupted, newStream } from './patience.ts';
import { defers, onContender, stillRefused } from './machine-contender.ts';
import { onClose, onHandover, onMaintenance, tickHandover } from './machine-handover.ts';
import { forgetDeafness, holds, onPeer } from './machine-peer.ts';
import type { Effect, MachineConfig, MachineEvent, MachineState, Step } from './state.ts';
import { downUs, leaseUs, ownTiming, skewUs } from './timers.ts';

/** After the kernel refused the address or the adverts, the node stays out of the election this long. */
const holdOffUs = 5_000_000;

const noneCounted: MachineState['counters'] = {
  transitions: 0,
  sent: 0,
  sendFailures: 0,
  received: 0,
  announcements: 0,
  restored: 0,
  foreignRemoved: 0,
  freezes: 0,
  late: 0,
};

/** The state before anything is known: `init`, link and ability unknown; `term` is that of an earlier life. */
export function initialState(config: MachineConfig, nowUs: number, term = 0): MachineState {
  return {
    vrrp: 'init',
    sinceUs: nowUs,
    reason: 'waiting for the proxy',
    ability: 'unknown',
    abilityReason: '',
    seen: { ability: 'unknown', reason: '' },
    seenDueUs: Infinity,
    lacks: '',
    lacked: '',
    lackedDueUs: Infinity,
    linkUp: false,
    linkReason: 'not looked at yet',
    awakeUs: nowUs,
    linkDownSinceUs: Infinity,
    holdOffUntilUs: -Infinity,
    stopped: false,
    inheritedUs: -Infinity,
    advertDueUs: Infinity,
    lastAdvertUs: -Infinity,
    downDueUs: Infinity,
    preemptDueUs: Infinity,
    activeIntervalUs: config.intervalUs,
    leaseDueUs: Infinity,
    sendFailingSinceUs: Infinity,
    resignedUs: -Infinity,
    awaitsLastWord: false,
    handover: undefined,
    hold: false,
    garp: silentGarp,
    peer: undefined,
    stream: newStream,
    owner: '',
    addressesDiffer: false,
    word: undefined,
    maintenance: false,
    maintenanceReason: '',
    peerTerm: 0,
    heldSinceUs: Infinity,
    deafness: 0,
    unanswered: 0,
    lowerHeardUs: -Infinity,
    unheardSaid: false,
    rogueSaidUs: -Infinity,
    contender: undefined,
    refusedUs: -Infinity,
    refusedReason: '',
    refused: false,
    refusalDueUs: Infinity,
    deferred: false,
    term,
    counters: noneCounted,
  };
}

/** The monotonic µs at which the machine wants its next `tick`; Infinity when it waits for events alone. */
export function nextTickUs(config: MachineConfig, state: MachineState): number {
  const linkFaultUs = state.linkDownSinceUs + config.intervalUs;
  const holdOffUs = state.vrrp === 'fault' && Number.isFinite(state.holdOffUntilUs) ? state.holdOffUntilUs : Infinity;
  const handover = state.handover;
  return Math.min(
    state.advertDueUs,
    state.downDueUs,
    state.preemptDueUs,
    state.garp.dueUs,
    linkFaultUs,
    state.seenDueUs,
    state.lackedDueUs,
    listens(state) || state.refused ? state.awakeUs + state.activeIntervalUs : Infinity,
    state.refused ? state.refusalDueUs : Infinity,
    holdOffUs,
    state.inheritedUs === -Infinity ? Infinity : state.inheritedUs + leaseUs(config),
    handover === undefined ? Infinity : Math.min(handover.deadlineUs, handover.repeatUs),
  );
}

/**
 * Decides what one event means.
 *
 * @returns The new state, and effects that must be carried out in their order before the next event.
 * @see RFC 9568 section 6.4
 */
export function step(state: MachineState, event: MachineEvent, config: MachineConfig): Step {
  const effects: Effect[] = [];
  const lateUs = event.type === 'tick' ? Math.max(0, event.nowUs - nextTickUs(config, state)) : 0;
  const draft: Draft = { state: { ...state }, effects, config, nowUs: event.nowUs, lateUs };
  if (!state.stopped) {
    if (event.type !== 'contender') notePresence(draft);
    apply(draft, event);
  }
  return { state: draft.state, effects };
}

/**
 * A backup, or a node that looks out for the other key, that stood still has heard nothing because it was not there: it
 * listens once more before it takes over. It is awake at least once an interval, so a gap in which it may have missed all
 * adverts but one shows.
 */
function notePresence(draft: Draft): void {
  const { state, config, nowUs } = draft;
  const gapUs = nowUs - state.awakeUs;
  state.awakeUs = nowUs;
  const refused = state.vrrp === 'fault' && state.refused;
  if (gapUs > 1.25 * state.activeIntervalUs) state.stream = interrupted(state.stream);
  if (!listens(state) && !refused) return;
  if (gapUs <= missable(draft) * state.activeIntervalUs) return;
  state.counters = { ...state.counters, freezes: state.counters.freezes + 1 };
  // The owner's next advert, half an interval late.
  const listenUs = 1.5 * state.activeIntervalUs + skewUs(ownTiming(config, state, state.activeIntervalUs));
  if (refused) state.refusalDueUs = Math.max(state.refusalDueUs, nowUs + listenUs);
  else state.downDueUs = Math.max(state.downDueUs, nowUs + listenUs);
  notice(draft, 'freeze', `the loop stood still for ${ms(gapUs)} as ${state.vrrp}`);
}

/** How many intervals a backup may stand still and still know that nothing is heard. */
function missable({ state, config, nowUs }: Draft): number {
  // On a hold it waits for one word, not for several adverts.
  if (state.heldSinceUs !== Infinity) return 1.25;
  const most = Math.max(1.25, config.missedAdverts - 1);
  // The timer ended meanwhile: what was missed before and what may have come since do not add up to silence.
  return listens(state) && state.downDueUs <= nowUs ? Math.min(1.5, most) : most;
}

function apply(draft: Draft, event: MachineEvent): void {
  switch (event.type) {
    case 'tick':
      return onTick(draft);
    case 'advert':
      return onAdvert(draft, event);
    case 'sent':
      return onSent(draft, event);
    case 'ability':
      return onAbility(draft, event);
    case 'link':
      return onLink(draft, event);
    case 'address':
      return onAddress(draft, event);
    case 'inherited':
      draft.state.inheritedUs = event.lastAdvertUs;
      return;
    case 'own-failed':
      return onKernelRefused(draft, event.reason);
    case 'peer':
      return onPeer(draft, event);
    case 'contender':
      return onContender(draft, event);
    case 'maintenance':
      return onMaintenance(draft, event);
    case 'failover':
      return onHandover(draft, 'failover');
    case 'stop':
      return onHandover(draft, 'stop');
    case 'close':
      return onClose(draft);
  }
}

function onTick(draft: Draft): void {
  const { state, nowUs, config } = draft;
  if (state.holdOffUntilUs <= nowUs) state.holdOffUntilUs = -Infinity;
  if (state.linkDownSinceUs + config.intervalUs <= nowUs) enterFault(draft, state.linkReason);
  if (state.inheritedUs + leaseUs(config) <= nowUs) dropInherited(draft);
  if (state.seenDueUs <= nowUs) countSeen(draft);
  if (state.lackedDueUs <= nowUs) countLacked(draft);
  if (state.vrrp === 'fault') tickFault(draft);
  if (listens(state)) tickListening(draft);
  else if (state.vrrp === 'master') tickMaster(draft);
  announceDue(draft);
}

function tickFault(draft: Draft): void {
  const { state, config, nowUs } = draft;
  const refused = state.refused;
  if (refused && (state.refusalDueUs > nowUs || stillRefused(draft))) return;
  settle(draft);
  // It has listened for a down interval and heard neither a valid advert nor one under another key.
  if (refused && state.vrrp === 'backup') state.downDueUs = nowUs + skewUs(ownTiming(config, state));
}

/** A backup, or a node in fault that would rather serve badly than leave the address to nobody. */
function tickListening(draft: Draft): void {
  const { state, nowUs } = draft;
  if (state.downDueUs <= nowUs) {
    if (holds(draft) || defers(draft)) return;
    return becomeMaster(draft, state.peer === undefined ? 'no advert heard' : 'the owner fell silent');
  }
  if (state.preemptDueUs <= nowUs) becomeMaster(draft, ownsByRight(draft) ? takeover.addressOwner : takeover.preferred);
}

function tickMaster(draft: Draft): void {
  const { state, nowUs, config } = draft;
  if (state.handover !== undefined) return tickHandover(draft);
  const lateUs = nowUs - state.advertDueUs;
  if (lateUs < 0) return;
  state.awaitsLastWord = false;
  forgetDeafness(draft);
  if (lateUs > downUs(ownTiming(config, state))) {
    // The queue was drained before this tick and no advert decided: say that we are here, then answer for the address.
    state.counters = { ...state.counters, freezes: state.counters.freezes + 1 };
    notice(draft, 'freeze', `the loop was ${ms(lateUs)} late as master; nobody had taken the address`);
    reassert(draft);
    state.garp = startBurst(state.garp, nowUs);
    return;
  }
  if (lateUs > config.intervalUs) {
    state.counters = { ...state.counters, late: state.counters.late + 1 };
    state.garp = startBurst(state.garp, nowUs);
    return advertise(draft);
  }
  const plannedUs = state.advertDueUs;
  advertise(draft);
  state.advertDueUs = plannedUs + config.intervalUs;
}

function onSent(draft: Draft, event: { readonly ok: boolean; readonly reason: string }): void {
  const { state, nowUs } = draft;
  if (event.ok) {
    if (state.sendFailingSinceUs !== Infinity) {
      const lastedUs = nowUs - state.sendFailingSinceUs;
      notice(draft, 'send-restored', `adverts can be sent again after ${ms(lastedUs)}`);
    }
    state.sendFailingSinceUs = Infinity;
    state.counters = { ...state.counters, sent: state.counters.sent + 1 };
    return;
  }
  state.counters = { ...state.counters, sendFailures: state.counters.sendFailures + 1 };
  if (state.sendFailingSinceUs !== Infinity) return;
  // The other node, if it lives, will take over; then its advert or its word ends this one's time (machine-advert.ts,
  // machine-peer.ts). If it does not live, this node is the last one.
  state.sendFailingSinceUs = nowUs;
  notice(draft, 'send-failed', event.reason);
}

function onAddress(draft: Draft, { index, present, count = 1 }: Extract<MachineEvent, { type: 'address' }>): void {
  const { state, nowUs, config } = draft;
  if (state.vrrp !== 'master') {
    if (!present || state.inheritedUs !== -Infinity) return;
    state.counters = { ...state.counters, foreignRemoved: state.counters.foreignRemoved + 1 };
    const detail = 'this node had the address without owning it';
    draft.effects.push({ type: 'notice', what: 'foreign-address', detail, address: index });
    draft.effects.push({ type: 'release', drain: false });
    return;
  }
  const frozen = nowUs - state.advertDueUs > downUs(ownTiming(config, state));
  // Frozen: the queue decides first (tick). Link down: the lease is meant to run out.
  if (present || frozen || !state.linkUp) return;
  state.counters = { ...state.counters, restored: state.counters.restored + count };
  reassert(draft);
  const detail =
    count === 1 ? 'somebody removed the address; it is back' : `somebody removed ${count} addresses; they are back`;
  draft.effects.push({ type: 'notice', what: 'address-restored', detail, address: index });
  announceAgain(draft);
}

function onKernelRefused(draft: Draft, reason: string): void {
  draft.state.holdOffUntilUs = draft.nowUs + holdOffUs;
  enterFault(draft, reason);
}

function ms(us: number): string {
  return `${Math.round(us / 1000)} ms`;
}
