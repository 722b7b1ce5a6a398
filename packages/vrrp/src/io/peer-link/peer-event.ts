// From what came over the peer link to the event that one election takes. Not the link. Pure.
import { parseIp } from '@tospann/linux';
import { compareIp } from '../../core/advert/ip.ts';
import type { HeardWords } from '../../core/peer/peer-word.ts';
import type { AgentPlan } from '../../core/plan.ts';
import type { MachineEvent } from '../../core/state.ts';

/** @param heard What the other node said; undefined: the link is lost. */
export function peerEvent(
  heard: HeardWords | undefined,
  place: { readonly election: string; readonly plan: AgentPlan; readonly nowUs: number },
): MachineEvent {
  const { plan, nowUs } = place;
  const words = heard?.words;
  const word = words?.elections[place.election];
  const peer = plan.peers[0];
  if (heard === undefined || words === undefined || word === undefined || peer === undefined)
    return { type: 'peer', nowUs, word: undefined };
  const { state, priority, ability, heardAgeMs, term } = word;
  const heardAgeUs = heardAgeMs < 0 ? -1 : Math.round(heardAgeMs * 1000);
  const wins = compareIp(parseIp(peer.address), parseIp(plan.address)) > 0;
  return {
    type: 'peer',
    nowUs,
    word: {
      state,
      priority,
      ability,
      heardAgeUs,
      term,
      wins,
      maintenance: words.maintenance,
      saidUs: Math.min(nowUs, Math.round(heard.saidMs * 1000)),
    },
  };
}
