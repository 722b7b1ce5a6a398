// What a valid advert does to the machine, by state. Whether a packet is a valid advert was decided before
// (receive.ts). RFC 9568 section 6.4.2 and 6.4.3; differences are marked. Pure.
import { startBurst } from './garp.ts';
import {
  advertise,
  announceDue,
  becomeMaster,
  dropInherited,
  endHandover,
  enterBackup,
  notice,
  reassert,
  release,
  takeover,
  type Draft,
} from './machine-actions.ts';
import type { MachineEvent } from './state.ts';
import { downUs, effectivePriority, lastResortPriority, ownTiming, skewUs } from './timers.ts';

type AdvertEvent = Extract<MachineEvent, { type: 'advert' }>;

export function onAdvert(draft: Draft, event: AdvertEvent): void {
  const { state } = draft;
  notePeer(draft, event);
  switch (state.vrrp) {
    case 'master':
      return state.handover === undefined ? asMaster(draft, event) : asLeaving(draft, event);
    case 'backup':
      return asBackup(draft, event);
    case 'init':
    case 'fault':
      // Somebody else owns the address by now.
      if (event.priority > 0) dropInherited(draft);
      state.owner = event.priority === 0 ? '' : event.source;
      return;
  }
}

/** What an advert says about the peer, whatever the state. */
function notePeer(draft: Draft, event: AdvertEvent): void {
  const { state } = draft;
  state.peer = { source: event.source, priority: event.priority, heardUs: event.nowUs };
  state.counters = { ...state.counters, received: state.counters.received + 1 };
  const differ = event.addressesDiffer;
  if (differ !== state.addressesDiffer) {
    state.addressesDiffer = differ;
    // An advert with another address list still counts in the election: rejecting it would make two masters.
    if (differ) notice(draft, 'config-drift', 'the peer advertises other addresses for this router id');
  }
}

function asBackup(draft: Draft, event: AdvertEvent): void {
  const { state, config, nowUs } = draft;
  const own = effectivePriority(config, state);
  if (event.priority === 0) return onResigned(draft, event);
  state.owner = event.source;
  state.activeIntervalUs = event.intervalUs;
  state.downDueUs = nowUs + downUs(ownTiming(config, state, event.intervalUs));
  if (event.priority >= own) {
    state.preemptDueUs = Infinity;
    return;
  }
  // A last resort is replaced at once by a node with a live server.
  if (event.priority <= lastResortPriority) return becomeMaster(draft, takeover.lastResort);
  // RFC 9568 pre-empts by default; here only the preferred node does, and after a delay.
  if (!config.preferred || state.hold || state.ability !== 'serves') return;
  if (state.preemptDueUs === Infinity) state.preemptDueUs = nowUs + config.preemptDelayUs;
}

function onResigned(draft: Draft, event: AdvertEvent): void {
  const { state, config, nowUs } = draft;
  if (state.owner !== '' && state.owner !== event.source) return;
  state.owner = '';
  state.preemptDueUs = Infinity;
  const own = effectivePriority(config, state);
  // With one peer nobody else can want the address: the skew would be an outage for nothing.
  if (config.peers === 1 && own > lastResortPriority) {
    state.resignedUs = nowUs;
    return becomeMaster(draft, takeover.resigned);
  }
  state.downDueUs = nowUs + skewUs(ownTiming(config, state, state.activeIntervalUs));
}

function asMaster(draft: Draft, event: AdvertEvent): void {
  const { state, config, nowUs } = draft;
  const own = effectivePriority(config, state);
  const frozen = nowUs - state.advertDueUs > downUs(ownTiming(config, state));
  // Duplicated or reordered by the network: what a peer said just before its priority 0 does not count after it.
  const overtaken = nowUs - state.resignedUs < config.intervalUs;
  const higher = event.priority > own || (event.priority === own && event.wins);
  const outranked = higher && !overtaken;
  if (event.priority !== 0 && (outranked || (frozen && event.priority > lastResortPriority))) {
    if (frozen) state.counters = { ...state.counters, freezes: state.counters.freezes + 1 };
    return yieldTo(draft, event, frozen ? 'frozen, the other node has taken over' : 'an advert of higher rank');
  }
  if (state.awaitsLastWord) {
    state.awaitsLastWord = false;
    notice(draft, 'old-owner-drains', 'the old owner lets its connections run to their end');
  }
  // Lower rank or resigning. RFC 9568: answer at once; the answer moves the loser, the announcement moves the segment.
  if (frozen) {
    state.counters = { ...state.counters, freezes: state.counters.freezes + 1 };
    reassert(draft);
    state.garp = startBurst(state.garp, nowUs);
    return announceDue(draft);
  }
  const earliestUs = state.lastAdvertUs + Math.floor(config.intervalUs / 4);
  if (nowUs >= earliestUs) advertise(draft);
  else state.advertDueUs = Math.min(state.advertDueUs, earliestUs);
  state.garp = startBurst(state.garp, nowUs);
  announceDue(draft);
}

function yieldTo(draft: Draft, event: AdvertEvent, reason: string): void {
  const { state, config } = draft;
  // The winner is alive: connections under way here may run to their end.
  release(draft, true);
  // One last advert after the release: the winner hears a lower one and announces the address once more.
  draft.effects.push({ type: 'advertise', priority: effectivePriority(config, state), lease: false });
  state.owner = event.source;
  state.activeIntervalUs = event.intervalUs;
  enterBackup(draft, reason);
}

/** A planned release is under way: the peer's first advert ends it. */
function asLeaving(draft: Draft, event: AdvertEvent): void {
  const { state } = draft;
  const purpose = state.handover?.purpose;
  const unfit = event.priority === 0 || (event.priority <= lastResortPriority && state.ability === 'serves');
  if (purpose === 'failover' && unfit) {
    const detail = event.priority === 0 ? 'the other node resigned' : 'the other node has no live server';
    return endHandover(draft, { taken: false, detail });
  }
  if (event.priority === 0) return;
  state.activeIntervalUs = event.intervalUs;
  endHandover(draft, { taken: true, detail: 'the other node has taken over' });
  if (purpose === 'failover') state.owner = event.source;
}
