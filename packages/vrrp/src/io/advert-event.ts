// From a valid advert as the codec gives it to the event that the election takes. Not the validation (receive.ts). Pure.
import type { ReceivedAdvert } from '../core/advert.ts';
import { formatAddress } from '../core/ipv4.ts';
import type { PlannedElection } from '../core/plan.ts';
import type { MachineEvent } from '../core/state.ts';

/** What the election must know of an advert that was found valid. */
export function advertEvent(
  advert: ReceivedAdvert,
  election: PlannedElection | undefined,
  at: { readonly ownAddress: number; readonly nowUs: number },
): MachineEvent {
  const listed = advert.addresses.map(formatAddress);
  const ours = election?.routers[0]?.addresses ?? [];
  return {
    type: 'advert',
    nowUs: at.nowUs,
    source: formatAddress(advert.source),
    wins: advert.source > at.ownAddress,
    priority: advert.priority,
    intervalUs: advert.intervalMs * 1000,
    addressesDiffer: listed.length !== ours.length || listed.some((address) => !ours.includes(address)),
  };
}
