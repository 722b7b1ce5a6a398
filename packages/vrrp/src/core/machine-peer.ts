// The second path: what the peer's word over the peer link means to the election. A backup that hears no adverts believes
// a fresh word for a while; a word "not master any more" is as good as a priority 0; a master learns that nobody hears
// it and yields. A word alone never makes an owner of a node that was not next in line. Not the link itself. Pure.
import {
  announceAgain,
  becomeMaster,
  dropInherited,
  giveWay,
  notice,
  renewTerm,
  takeover,
  type Draft,
} from './machine-actions.ts';
import { endHandover } from './machine-handover.ts';
import type { MachineEvent, MachineState, PeerElection } from './state.ts';
import {
  defaultPreemptDelayUs,
  downUs,
  effectivePriority,
  impairedPriority,
  lastResortPriority,
  ownerPriority,
  ownTiming,
  skewUs,
  unheardUs,
} from './timers.ts';

/** Words come at most every 20 ms, also where adverts come every 10 ms. */
const leastFreshUs = 25_000;

/** A word is fresh for an advert interval. */
export function freshUs(state: MachineState): number {
  return Math.max(state.activeIntervalUs, leastFreshUs);
}

/** Waiting doubles with each failure up to 64 times. */
const deafnessMost = 6;

export function onPeer(draft: Draft, event: Extract<MachineEvent, { type: 'peer' }>): void {
  const { state, nowUs } = draft;
  const { word } = event;
  if (word !== undefined) state.peerTerm = Math.max(state.peerTerm, word.term);
  // It waited somewhere, most likely because this node hung: it tells how things were.
  if (word !== undefined && nowUs - word.saidUs > freshUs(state)) return;
  const before = state.word;
  state.word = word;
  if (word === undefined) return;
  if (word.state === 'master') dropInherited(draft);
  if (state.vrrp === 'backup' && before?.state === 'master' && standsDown(word)) return onStoodDown(draft);
  if (state.vrrp !== 'master') return;
  asMaster(draft, word);
  if (word.state !== 'master') staysOwner(draft, before, word);
}

/**
 * The peer is no owner. If it was not heard for a while, or has just said that it is owner no more, clients may have been
 * told to go there, and the advert that would say so reaches nobody on a path that is whole in one direction only.
 */
function staysOwner(draft: Draft, before: PeerElection | undefined, word: PeerElection): void {
  const { state } = draft;
  if (before === undefined || before.state === 'master') announceAgain(draft);
  const wasOwner = word.term > state.term;
  if (wasOwner && state.vrrp === 'master' && state.handover === undefined)
    renewTerm(draft, 'the other node was owner meanwhile');
}

/**
 * An agent that is just starting has not stood down: it may go on as owner in a moment (warm restart), and at an upgrade the
 * one before it owns the address all the time.
 */
function standsDown(word: PeerElection): boolean {
  return word.state !== 'master' && !(word.state === 'init' && word.ability === 'unknown');
}

/** The owner says that it is none any more: its priority 0 was lost, or is on its way. */
function onStoodDown(draft: Draft): void {
  const { state, config, nowUs } = draft;
  if (config.peers !== 1) return;
  state.owner = '';
  if (effectivePriority(config, state) > lastResortPriority) {
    // Its last adverts may still be on their way.
    state.resignedUs = nowUs;
    return becomeMaster(draft, takeover.stoodDown);
  }
  state.downDueUs = Math.min(state.downDueUs, nowUs + skewUs(ownTiming(config, state, state.activeIntervalUs)));
}

function asMaster(draft: Draft, word: PeerElection): void {
  const { state, config, nowUs } = draft;
  if (state.handover !== undefined) {
    if (word.state === 'master' && word.term > state.term && !unfit(draft, word.priority))
      endHandover(draft, { taken: true, detail: 'the other node says that it has taken over' });
    return;
  }
  const limitUs = unheardUs(config);
  if (nowUs - state.sinceUs <= limitUs) return;
  const heard = word.heardAgeUs >= 0 && word.heardAgeUs <= limitUs;
  if (heard) {
    state.deafness = 0;
    state.unheardSaid = false;
    return;
  }
  // Who has just begun, or has no link, has heard nothing yet: that says nothing about the path.
  if (word.state === 'init' || word.state === 'fault') return;
  if (word.heardAgeUs >= 0 || word.state === 'master') sayUnheard(draft);
  if (word.state === 'master' && losesDeafly(draft, word)) yieldUnheard(draft);
}

/** Both own, and the peer does not hear us: the one that is heard stays, of two unheard ones the later owner. */
function losesDeafly(draft: Draft, word: PeerElection): boolean {
  const { state, config, nowUs } = draft;
  const own = effectivePriority(config, state);
  if (own === ownerPriority || unfit(draft, word.priority)) return false;
  const peerHeard = state.peer !== undefined && nowUs - state.peer.heardUs <= unheardUs(config);
  if (peerHeard) return true;
  if (word.term !== state.term) return word.term > state.term;
  return word.priority !== own ? word.priority > own : word.wins;
}

/** A peer with this priority would be a worse owner than this node. */
export function unfit(draft: Draft, priority: number): boolean {
  return priority <= impairedPriority && priority < effectivePriority(draft.config, draft.state);
}

/**
 * An advert of lower rank came to the master. One or two are a race; more of them, though ours were sent in between,
 * mean that the peer does not hear this node.
 *
 * @returns Whether this node has yielded.
 */
export function countUnanswered(draft: Draft, priority: number): boolean {
  const { state, config, nowUs } = draft;
  const sinceUs = nowUs - state.lowerHeardUs;
  const sentBetween = state.lastAdvertUs >= state.lowerHeardUs;
  if (sinceUs < state.activeIntervalUs / 2 && sentBetween) return false;
  if (!sentBetween) return false;
  state.unanswered = sinceUs > 3 * Math.max(state.activeIntervalUs, config.intervalUs) ? 1 : state.unanswered + 1;
  state.lowerHeardUs = nowUs;
  if (state.unanswered <= Math.max(3, config.missedAdverts)) return false;
  sayUnheard(draft);
  if (effectivePriority(config, state) === ownerPriority || unfit(draft, priority)) return false;
  yieldUnheard(draft);
  return true;
}

function sayUnheard(draft: Draft): void {
  if (draft.state.unheardSaid) return;
  draft.state.unheardSaid = true;
  notice(draft, 'unheard', 'the other node does not hear the adverts of this one');
}

export function yieldUnheard(draft: Draft): void {
  const { state, config } = draft;
  state.deafness = Math.min(state.deafness + 1, deafnessMost);
  const reason = 'the other node does not hear this one and has taken over';
  giveWay(draft, state.peer?.source ?? '', { priority: effectivePriority(config, state), reason });
}

/** Forgets that it was not heard, when there is a sign that it is: a long rule without another owner. */
export function forgetDeafness(draft: Draft): void {
  const { state, config, nowUs } = draft;
  if (state.deafness === 0 || state.word !== undefined) return;
  const longUs = 10 * downUs(config);
  if (nowUs - state.sinceUs > longUs && nowUs - state.lowerHeardUs > longUs) state.deafness = 0;
}

/** How long a preferred node waits before it takes the address back: longer each time that it was not heard. */
export function preemptAfterUs(draft: Draft): number {
  const { config, state } = draft;
  if (state.deafness === 0) return config.preemptDelayUs;
  return Math.max(config.preemptDelayUs, defaultPreemptDelayUs(config)) * 2 ** state.deafness;
}

/**
 * The down timer of a backup has run out. Does a fresh word say that the owner is well?
 *
 * @returns Whether the node goes on waiting: until the next interval is over, and not for ever.
 */
export function holds(draft: Draft): boolean {
  const { state, config, nowUs } = draft;
  if (!ownerIsWell(draft)) return false;
  const limitUs = config.holdUs * 2 ** state.deafness;
  if (state.heldSinceUs === Infinity) {
    if (limitUs === 0) return false;
    state.heldSinceUs = nowUs;
    notice(draft, 'path-broken', 'no advert is heard, but the peer link says that the owner is well');
  }
  const untilUs = state.heldSinceUs + limitUs;
  if (nowUs >= untilUs) {
    state.deafness = Math.min(state.deafness + 1, deafnessMost);
    return false;
  }
  state.downDueUs = Math.min(nowUs + state.activeIntervalUs, untilUs);
  return true;
}

/** A crashed node says nothing: what was said earlier than an interval before the timer ended does not count. */
function ownerIsWell(draft: Draft): boolean {
  const { word, downDueUs } = draft.state;
  if (word === undefined || word.saidUs <= downDueUs - freshUs(draft.state)) return false;
  return word.state === 'master' && word.ability !== 'cannot-serve' && !unfit(draft, word.priority);
}

/** An advert was heard: the first path is whole again. */
export function endHold(draft: Draft): void {
  if (draft.state.heldSinceUs === Infinity) return;
  draft.state.heldSinceUs = Infinity;
  notice(draft, 'path-whole', 'adverts of the other node are heard again');
}

/** Why the peer would not take the address, by its word; empty when it would, or when it said nothing of late. */
export function peerRefuses({ state, nowUs }: Draft): string {
  const { word } = state;
  if (word === undefined || nowUs - word.saidUs > 2 * freshUs(state)) return '';
  if (word.maintenance) return 'the other node is in maintenance';
  if (word.ability === 'cannot-serve') return 'the other node cannot serve';
  if (word.state === 'init' || word.state === 'fault') return `the other node is in state ${word.state}`;
  return word.ability === 'no-live-server' && state.ability === 'serves' ? 'the other node has no live server' : '';
}
