// Somebody sends adverts for our router id that are not valid: a stranger, or the peer under another key. They are
// evidence and touch no timer; when a timer has run out by itself, they are heard as witnesses. Pure.
import { enterFault, notice, type Draft } from './machine-actions.ts';
import { freshUs } from './machine-peer.ts';
import type { MachineEvent } from './state.ts';
import { downUs, ownTiming } from './timers.ts';

const secondUs = 1_000_000;
/** The same one is told once a minute, others not more often than every five seconds. */
const sameAgainUs = 60 * secondUs;
const anotherUs = 5 * secondUs;

/** What the peer's refused adverts mean, by the reason why they were dropped; for the operator. */
const peerFault: Readonly<Record<string, string>> = {
  interval: 'the other node has another advertInterval (VRRP version 2)',
  version: 'the other node speaks another version of VRRP',
  'auth-missing': 'the other node does not sign its adverts',
  'auth-type': 'the other node has another kind of authentication',
};
const otherKey = 'the other node has another key';

export function onContender(draft: Draft, event: Extract<MachineEvent, { type: 'contender' }>): void {
  const { state, nowUs } = draft;
  const { source, reason, fromPeer } = event;
  const last = state.contender;
  if (fromPeer) {
    state.refusedUs = nowUs;
    state.refusedReason = reason;
  }
  const same = last?.source === source && last.reason === reason;
  const told = last !== undefined && nowUs - last.saidUs < (same ? sameAgainUs : anotherUs);
  state.contender = { source, reason, seenUs: nowUs, saidUs: told ? last.saidUs : nowUs };
  if (told) return;
  const who = fromPeer ? `the other node (${source})` : source;
  notice(draft, 'contender', `${who} sends adverts for our router id that are not valid: ${reason}`);
}

/**
 * The peer's own address sent adverts under another key in the last down interval. They may be forged, so an owner never
 * cares; but a node that is none does not take the address while somebody there goes on advertising it. A fresh word
 * over the peer link, which is authenticated, outweighs them.
 */
export function peerHasOtherKey(draft: Draft): boolean {
  const { state, config, nowUs } = draft;
  if (nowUs - state.refusedUs >= downUs(config)) return false;
  const { word } = state;
  return word === undefined || word.state === 'master' || nowUs - word.saidUs > freshUs(state);
}

/**
 * The down timer of a backup has run out: does a contender stand against taking the address?
 *
 * @returns Whether the node waits.
 */
export function defers(draft: Draft): boolean {
  const { state, config, nowUs } = draft;
  if (peerHasOtherKey(draft)) {
    enterFault(draft, peerFault[state.refusedReason] ?? otherKey);
    state.refused = true;
    state.refusalDueUs = state.refusedUs + downUs(config);
    return true;
  }
  if (config.transport !== 'multicast' || state.deferred || state.contender === undefined) return false;
  const waitUs = downUs(ownTiming(config, state, state.activeIntervalUs));
  if (nowUs - state.contender.seenUs > waitUs) return false;
  // Once: a stranger must not keep the addresses from being served.
  state.deferred = true;
  state.downDueUs = nowUs + waitUs;
  notice(draft, 'contender', `waiting once more: ${state.contender.source} uses our router id`);
  return true;
}

/**
 * In fault because of the other key, and it is time to look again: is it still heard?
 *
 * @returns Whether the fault goes on.
 */
export function stillRefused(draft: Draft): boolean {
  const { state, config } = draft;
  if (!peerHasOtherKey(draft)) return false;
  state.refusalDueUs = Math.max(draft.nowUs + 1, state.refusedUs + downUs(config));
  return true;
}
