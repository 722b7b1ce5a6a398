// From what came over the peer link to the event that one election takes. Not the link. Pure.
import { parseAddress } from '../core/ipv4.ts';
import type { PeerWord } from '../core/peer-word.ts';
import type { AgentPlan } from '../core/plan.ts';
import type { MachineEvent } from '../core/state.ts';

/** @param words What the other node said; undefined: the link is lost. */
export function peerEvent(
  words: PeerWord | undefined,
  place: { readonly election: string; readonly plan: AgentPlan; readonly nowUs: number },
): MachineEvent {
  const { plan, nowUs } = place;
  const word = words?.elections[place.election];
  const peer = plan.peers[0];
  if (words === undefined || word === undefined || peer === undefined) return { type: 'peer', nowUs, word: undefined };
  const { state, priority, ability, heardAgeMs, term } = word;
  const heardAgeUs = heardAgeMs < 0 ? -1 : Math.round(heardAgeMs * 1000);
  const wins = parseAddress(peer.address) > parseAddress(plan.address);
  return {
    type: 'peer',
    nowUs,
    word: { state, priority, ability, heardAgeUs, term, wins, maintenance: words.maintenance },
  };
}
