// The moves of the state machine: become master, back up, fault, resign, end a hand-over. Each edits a draft that
// belongs to one `step`; nothing here decides when. Pure.
import { isBurstOver, startBurst, stopGarp, takeDue } from './garp.ts';
import { interrupted } from './patience.ts';
import type { VrrpState } from './snapshot.ts';
import type { Effect, Evidence, HandoverPurpose, MachineConfig, MachineState, NoticeKind } from './state.ts';
import { effectivePriority, isWell, leaseRenewUs, ownerPriority, silenceUs, warmRestartUs } from './timers.ts';

/** `MachineState.owner` when this node is it. */
export const self = 'self';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Reasons of a take-over from another owner. */
export const takeover = {
  resigned: 'the owner resigned',
  lastResort: 'the owner has no live server',
  impaired: 'the owner is impaired, this node is not',
  preferred: 'preferred node, able to serve',
  addressOwner: 'the address owner, able to serve',
  stoodDown: 'the owner says that it is not master any more',
} as const;

/** That owner lives; unless it is in fault it says one last word and drains. */
const livingReasons: ReadonlySet<string> = new Set([
  takeover.resigned,
  takeover.lastResort,
  takeover.impaired,
  takeover.preferred,
  takeover.addressOwner,
]);

/** The state that one step is making. */
export interface Draft {
  readonly state: Writable<MachineState>;
  readonly effects: Effect[];
  readonly config: MachineConfig;
  readonly nowUs: number;
  /** How much later than planned this step runs. */
  readonly lateUs: number;
}

/** Moves to another state; the same state again only changes nothing. */
export function transition(draft: Draft, to: VrrpState, reason: string): void {
  const { state } = draft;
  const from = state.vrrp;
  if (from === to) {
    state.reason = reason;
    return;
  }
  state.vrrp = to;
  state.sinceUs = draft.nowUs;
  state.reason = reason;
  state.counters = { ...state.counters, transitions: state.counters.transitions + 1 };
  draft.effects.push({ type: 'changed', from, to, reason, evidence: evidenceOf(draft) });
}

/** What this node knew when it decided. */
function evidenceOf({ state, nowUs, lateUs }: Draft): Evidence {
  const { peer, word } = state;
  return {
    term: state.term,
    ability: state.ability,
    lateMs: lateUs / 1000,
    ...(peer === undefined ? {} : { lastAdvertMs: (nowUs - peer.heardUs) / 1000, peerPriority: peer.priority }),
    ...(word === undefined
      ? {}
      : { peerState: word.state, peerAbility: word.ability, peerWordMs: (nowUs - word.saidUs) / 1000 }),
  };
}

export function notice(draft: Draft, what: NoticeKind, detail: string): void {
  draft.effects.push({ type: 'notice', what, detail });
}

/** Sends an advert now and plans the next one interval later; renews the lease when it is due. */
export function advertise(draft: Draft): void {
  const { state, config, nowUs } = draft;
  const lease = state.leaseDueUs <= nowUs;
  if (lease) state.leaseDueUs = nowUs + leaseRenewUs(config);
  draft.effects.push({ type: 'advertise', priority: effectivePriority(config, state), lease });
  state.lastAdvertUs = nowUs;
  state.advertDueUs = nowUs + config.intervalUs;
}

/** Says that this node is there and, if that could be said, has the address with a full lease again. */
export function reassert(draft: Draft): void {
  const { state, nowUs } = draft;
  state.leaseDueUs = nowUs;
  if (state.handover === undefined) return advertise(draft);
  draft.effects.push({ type: 'advertise', priority: 0, lease: true });
}

/**
 * Takes the address. It is owned before the advert leaves: a previous owner that is still there releases it when
 * it hears the advert, and for a moment two nodes answer rather than none.
 */
export function becomeMaster(draft: Draft, reason: string): void {
  const { state, config, nowUs } = draft;
  takeSeen(draft);
  state.stream = interrupted(state.stream);
  state.downDueUs = Infinity;
  state.preemptDueUs = Infinity;
  state.hold = false;
  state.heldSinceUs = Infinity;
  state.unanswered = 0;
  state.inheritedUs = -Infinity;
  state.owner = self;
  state.term = Math.max(state.term, state.peerTerm) + 1;
  state.activeIntervalUs = config.intervalUs;
  draft.effects.push({ type: 'own' });
  state.leaseDueUs = nowUs + leaseRenewUs(config);
  advertise(draft);
  state.sendFailingSinceUs = Infinity;
  state.awaitsLastWord = livingReasons.has(reason);
  transition(draft, 'master', reason);
  state.garp = startBurst(state.garp, nowUs);
  announceDue(draft);
}

/**
 * Gives way to an owner that may not know of it: it never heard this node, or not its last advert. Clients that were told
 * to come here are told where the owner is, before the address goes: they need not wait until it announces itself.
 */
export function giveWay(
  draft: Draft,
  owner: string,
  last: { readonly priority: number; readonly reason: string },
): void {
  const { state, nowUs } = draft;
  if (owner !== '') draft.effects.push({ type: 'point', owner });
  const garp = takeDue(startBurst(state.garp, nowUs), nowUs).schedule;
  // The winner is alive: connections under way here may run to their end.
  release(draft, true);
  // One last advert after the release: the winner hears a lower one and announces the address once more.
  draft.effects.push({ type: 'advertise', priority: last.priority, lease: false });
  state.owner = owner;
  enterBackup(draft, last.reason);
  state.garp = garp;
}

/** As an owner, or as none any more, this node counts as what it is. */
function takeSeen({ state }: Draft): void {
  if (state.seenDueUs !== Infinity) {
    state.ability = state.seen.ability;
    state.abilityReason = state.seen.reason;
    state.seenDueUs = Infinity;
  }
  if (state.lackedDueUs === Infinity) return;
  state.lacks = state.lacked;
  state.lackedDueUs = Infinity;
}

/** It would take over: as a backup, or in fault because it cannot serve, which is better than nobody. */
export function listens({ vrrp, downDueUs }: Pick<MachineState, 'vrrp' | 'downDueUs'>): boolean {
  return vrrp === 'backup' || (vrrp === 'fault' && downDueUs !== Infinity);
}

/**
 * This owner stays, but another one was it after this one had taken the address: what moves the address outside has given it to
 * that node, and an order of this one with the old token would be refused. It is told anew, with a new one.
 */
export function renewTerm(draft: Draft, reason: string): void {
  const { state } = draft;
  state.term = Math.max(state.term, state.peerTerm) + 1;
  state.reason = reason;
  draft.effects.push({ type: 'changed', from: 'master', to: 'master', reason, evidence: evidenceOf(draft) });
}

/** Sends the gratuitous ARP that is due: a master for itself, a backup for the owner that it gave way to. */
export function announceDue(draft: Draft): void {
  const { state } = draft;
  const points = state.vrrp === 'backup' && state.owner !== '' && state.owner !== self;
  if (state.vrrp !== 'master' && (!points || isBurstOver(state.garp))) {
    state.garp = stopGarp(state.garp);
    return;
  }
  const due = takeDue(state.garp, draft.nowUs);
  state.garp = due.schedule;
  if (!due.send) return;
  if (points) {
    draft.effects.push({ type: 'point', owner: state.owner });
    return;
  }
  state.counters = { ...state.counters, announcements: state.counters.announcements + 1 };
  draft.effects.push({ type: 'announce' });
}

/** A new burst of the owner; not during a hand-over, when the announcements are the new owner's. */
export function announceAgain(draft: Draft): void {
  if (draft.state.vrrp !== 'master' || draft.state.handover !== undefined) return;
  draft.state.garp = startBurst(draft.state.garp, draft.nowUs);
  announceDue(draft);
}

/** Gives the address up and forgets the master's timers. */
export function release(draft: Draft, drain = false): void {
  const { state } = draft;
  draft.effects.push({ type: 'release', drain });
  state.advertDueUs = Infinity;
  state.leaseDueUs = Infinity;
  state.sendFailingSinceUs = Infinity;
  state.linkDownSinceUs = Infinity;
  state.garp = stopGarp(state.garp);
  state.owner = '';
}

/** Priority 0 once, and the address goes: no waiting, this node cannot serve. */
export function resign(draft: Draft): void {
  draft.effects.push({ type: 'advertise', priority: 0, lease: false });
  release(draft);
}

/** Listens; a node that cannot serve does so in fault. */
export function enterBackup(draft: Draft, reason: string): void {
  takeSeen(draft);
  if (draft.state.ability === 'cannot-serve') return enterLastResort(draft);
  listen(draft);
  transition(draft, 'backup', reason);
}

/** It goes on listening where it did so before: an ability that comes and goes keeps no address from being owned. */
function listen({ state, config, nowUs }: Draft): void {
  const beganUs = listens(state) ? state.downDueUs : Infinity;
  state.downDueUs = Math.min(beganUs, nowUs + silenceUs(config, state));
  state.preemptDueUs = Infinity;
  state.heldSinceUs = Infinity;
  state.refused = false;
}

/**
 * This node cannot serve: it owns nothing as long as anybody else is heard, and takes the address from nobody but nobody.
 */
function enterLastResort(draft: Draft): void {
  const { state } = draft;
  if (state.vrrp === 'fault' && listens(state)) state.reason = state.abilityReason;
  else {
    listen(draft);
    transition(draft, 'fault', state.abilityReason);
  }
}

/** Leaves the election; the address and the timers go. */
export function enterFault(draft: Draft, reason: string): void {
  const { state } = draft;
  if (state.vrrp === 'master') {
    const handover = state.handover;
    state.handover = undefined;
    resign(draft);
    if (handover !== undefined) reportHandover(draft, { ...handover, taken: false, detail: reason });
    state.stopped = handover?.purpose === 'stop';
    state.maintenance ||= handover?.purpose === 'maintenance' && handover.force;
  }
  dropInherited(draft);
  state.downDueUs = Infinity;
  state.preemptDueUs = Infinity;
  state.heldSinceUs = Infinity;
  state.refused = false;
  transition(draft, state.stopped ? 'init' : 'fault', reason);
}

/** Gives up the address of an earlier life. */
export function dropInherited(draft: Draft): void {
  if (draft.state.inheritedUs === -Infinity) return;
  draft.state.inheritedUs = -Infinity;
  draft.effects.push({ type: 'release', drain: false });
}

/**
 * The agent was killed as owner, and nobody else can have taken the address yet. Later than that it stays where it is until
 * somebody is heard to own it, or for as long as its lease: given up before, it would be nobody's until the other node's
 * down timer ends.
 */
function isWarm({ state, config, nowUs }: Draft): boolean {
  const early = nowUs <= state.inheritedUs + warmRestartUs(config);
  return early && state.linkUp;
}

/** Where a node belongs that is not master: fault, init or backup, by what is wrong now. */
export function settle(draft: Draft): void {
  const { state, nowUs } = draft;
  if (state.maintenance) return enterFault(draft, maintenanceText(draft));
  if (state.ability === 'unknown') return;
  if (isWarm(draft)) return becomeMaster(draft, 'warm restart');
  const neverReady = state.vrrp === 'init';
  if (!state.linkUp) return enterFault(draft, state.linkReason);
  if (state.holdOffUntilUs > nowUs) return;
  const able = state.ability !== 'cannot-serve';
  if (state.vrrp === 'backup' && able) return;
  // With nobody configured to hear from there is nothing to wait for.
  if (draft.config.peers === 0 && draft.config.transport === 'unicast') return becomeMaster(draft, 'the only node');
  if (!able) return enterLastResort(draft);
  // RFC 9568: the address owner does not listen first.
  if (ownsByRight(draft)) return becomeMaster(draft, takeover.addressOwner);
  enterBackup(draft, neverReady ? 'the proxy is ready' : 'the fault is over');
}

/** The address owner of the RFC while it serves, unless it was told to hand over. */
export function ownsByRight({ config, state }: Draft): boolean {
  return config.priority === ownerPriority && isWell(state) && !state.hold;
}

interface HandoverReport {
  readonly purpose: HandoverPurpose;
  readonly startedUs: number;
  readonly taken: boolean;
  readonly detail: string;
}

export function reportHandover(draft: Draft, report: HandoverReport): void {
  const { purpose, startedUs, taken, detail } = report;
  // Nobody asked for it.
  if (purpose === 'fault') return;
  draft.effects.push({ type: 'handover-ended', purpose, taken, detail, durationUs: draft.nowUs - startedUs });
}

/** The reason of the fault that maintenance is. */
export function maintenanceText({ state }: Draft): string {
  return state.maintenanceReason === '' ? 'maintenance' : `maintenance: ${state.maintenanceReason}`;
}
