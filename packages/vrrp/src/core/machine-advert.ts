// What a valid advert does to the machine, by state. Whether a packet is a valid advert was decided before
// (receive.ts). RFC 9568 section 6.4.2 and 6.4.3; differences are marked. Pure.
import { startBurst } from './garp.ts';
import {
  advertise,
  announceDue,
  becomeMaster,
  dropInherited,
  giveWay,
  listens,
  notice,
  ownsByRight,
  reassert,
  settle,
  takeover,
  type Draft,
} from './machine-actions.ts';
import { noteAdvert } from './patience.ts';
import type { MachineEvent } from './state.ts';
import { endHandover, overtaken } from './machine-handover.ts';
import { countUnanswered, endHold, preemptAfterUs, unfit, yieldUnheard } from './machine-peer.ts';
import {
  downUs,
  effectivePriority,
  impairedPriority,
  isWell,
  lastResortPriority,
  ownerPriority,
  ownTiming,
  silenceUs,
  skewUs,
} from './timers.ts';

const rogueAgainUs = 60_000_000;

type AdvertEvent = Extract<MachineEvent, { type: 'advert' }>;

export function onAdvert(draft: Draft, event: AdvertEvent): void {
  const { state } = draft;
  notePeer(draft, event);
  // Somebody else owns the address by now.
  if (event.priority > 0) dropInherited(draft);
  switch (state.vrrp) {
    case 'master':
      return state.handover === undefined ? asMaster(draft, event) : asLeaving(draft, event);
    case 'backup':
      return asBackup(draft, event);
    case 'init':
    case 'fault':
      state.owner = event.priority === 0 ? '' : event.source;
      // A valid advert: the keys are the same again, and it counts.
      if (state.refused) settle(draft);
      if (draft.state.vrrp === 'backup') asBackup(draft, event);
      else if (listens(draft.state)) asLastResort(draft, event);
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
  endHold(draft);
  if (event.priority === 0) return onResigned(draft, event);
  state.owner = event.source;
  adoptInterval(draft, event);
  state.stream = noteAdvert(state.stream, nowUs, state.activeIntervalUs);
  state.downDueUs = nowUs + silenceUs(config, state);
  if (event.priority >= own) {
    state.preemptDueUs = Infinity;
    return;
  }
  // A last resort is replaced at once by a node with a live server, an impaired one by one that is well.
  if (event.priority <= lastResortPriority) return becomeMaster(draft, takeover.lastResort);
  if (event.priority <= impairedPriority) return becomeMaster(draft, takeover.impaired);
  if (ownsByRight(draft)) return becomeMaster(draft, takeover.addressOwner);
  // RFC 9568 pre-empts by default; here only the preferred node does, and after a delay.
  if (!config.preferred || state.hold || !isWell(state)) return;
  if (state.preemptDueUs === Infinity) state.preemptDueUs = nowUs + preemptAfterUs(draft);
}

/** In fault because it cannot serve: whoever is heard is better. One that hands over may go on: nothing is taken before its time. */
function asLastResort(draft: Draft, event: AdvertEvent): void {
  const { state, config, nowUs } = draft;
  endHold(draft);
  if (event.priority === 0) return;
  adoptInterval(draft, event);
  state.stream = noteAdvert(state.stream, nowUs, state.activeIntervalUs);
  state.downDueUs = nowUs + silenceUs(config, state);
}

/** RFC 9568 section 6.4.2; in version 2 both nodes have the same one, and other adverts were dropped. */
function adoptInterval({ state, config }: Draft, event: AdvertEvent): void {
  state.activeIntervalUs = config.version === 2 ? config.intervalUs : event.intervalUs;
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
  const frozen = nowUs - state.advertDueUs > downUs(ownTiming(config, state));
  if (event.priority === ownerPriority && config.priority === ownerPriority) sayRogue(draft, event);
  if (frozen) state.counters = { ...state.counters, freezes: state.counters.freezes + 1 };
  if (isMute(draft, event)) return yieldUnheard(draft);
  if (mustYield(draft, event, frozen))
    return yieldTo(draft, event, frozen ? 'frozen, the other node has taken over' : 'an advert of higher rank');
  if (state.awaitsLastWord) {
    state.awaitsLastWord = false;
    notice(draft, 'old-owner-drains', 'the old owner lets its connections run to their end');
  }
  if (!frozen) return answer(draft, event);
  reassert(draft);
  state.garp = startBurst(state.garp, nowUs);
  announceDue(draft);
}

/** This node's adverts do not leave, and somebody else is heard to own: the one that can be heard stays. */
function isMute(draft: Draft, event: AdvertEvent): boolean {
  const { state, config } = draft;
  if (state.sendFailingSinceUs === Infinity || event.priority === 0 || overtaken(draft)) return false;
  return effectivePriority(config, state) !== ownerPriority && !unfit(draft, event.priority);
}

function mustYield(draft: Draft, event: AdvertEvent, frozen: boolean): boolean {
  const own = effectivePriority(draft.config, draft.state);
  if (event.priority === 0) return false;
  // The address owner yields to nobody of lower rank, however long it was away.
  if (frozen && event.priority > impairedPriority && own !== ownerPriority) return true;
  return (event.priority > own || (event.priority === own && event.wins)) && !overtaken(draft);
}

/** Lower rank or resigning. RFC 9568: answer at once; the answer moves the loser, the announcement moves the segment. */
function answer(draft: Draft, event: AdvertEvent): void {
  const { state, config, nowUs } = draft;
  if (event.priority !== 0 && !overtaken(draft) && countUnanswered(draft, event.priority)) return;
  const earliestUs = state.lastAdvertUs + Math.floor(config.intervalUs / 4);
  if (nowUs >= earliestUs) advertise(draft);
  else state.advertDueUs = Math.min(state.advertDueUs, earliestUs);
  state.garp = startBurst(state.garp, nowUs);
  announceDue(draft);
}

function yieldTo(draft: Draft, event: AdvertEvent, reason: string): void {
  const { state, config, nowUs } = draft;
  // A frozen one says it with a priority 0: what made it yield may be old, and its author gone again.
  const frozen = nowUs - state.advertDueUs > downUs(ownTiming(config, state));
  adoptInterval(draft, event);
  giveWay(draft, event.source, { priority: frozen ? 0 : effectivePriority(config, state), reason });
}

/** Two nodes call themselves the address owner: the tie rule decides, and it is told once a minute. */
function sayRogue(draft: Draft, event: AdvertEvent): void {
  if (draft.nowUs - draft.state.rogueSaidUs < rogueAgainUs) return;
  draft.state.rogueSaidUs = draft.nowUs;
  notice(draft, 'rogue-owner', `${event.source} also advertises priority 255, that of the address owner`);
}

/** A planned release is under way: the peer's first advert ends it. */
function asLeaving(draft: Draft, event: AdvertEvent): void {
  const { state } = draft;
  if (state.handover?.force === false && (event.priority === 0 || unfit(draft, event.priority)))
    return endHandover(draft, { taken: false, detail: whyUnfit(event.priority) });
  if (event.priority === 0 || (state.handover !== undefined && event.nowUs < state.handover.doubtUntilUs)) return;
  adoptInterval(draft, event);
  endHandover(draft, { taken: true, detail: 'the other node has taken over' });
}

function whyUnfit(priority: number): string {
  if (priority === 0) return 'the other node resigned';
  return priority <= lastResortPriority ? 'the other node has no live server' : 'the other node is impaired';
}
