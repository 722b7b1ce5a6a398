// Is a packet a valid advert for one of our addresses? The checks that need the configuration, after those of the
// codec: router id, own source, peer list, transport. Only what passes all of them may reach the state machine, so
// nothing else can touch a timer. Pure; the caller counts the reasons.
import { decodeAdvert, type DropReason, type ReceivedAdvert } from './advert.ts';
import { vrrpGroup } from './ipv4.ts';

/** What one address accepts; addresses are unsigned numbers. */
export interface ReceiveFilter {
  readonly routerId: number;
  readonly ownAddress: number;
  readonly peers: readonly number[];
  readonly transport: 'unicast' | 'multicast';
}

/** `index` is the place of the matching filter; -1 when the packet could not be given to one. */
export type Received =
  | { readonly ok: true; readonly index: number; readonly advert: ReceivedAdvert }
  | { readonly ok: false; readonly index: number; readonly reason: DropReason };

/**
 * Decodes and judges one packet of a raw socket.
 *
 * @param packet From the IP header on; borrowed, not kept.
 * @returns The advert and whose it is, or the first reason against it. Never throws.
 * @see RFC 9568 section 7.1
 */
export function receiveAdvert(packet: Uint8Array, filters: readonly ReceiveFilter[]): Received {
  const decoded = decodeAdvert(packet);
  if (!decoded.ok) return { ok: false, index: claimedIndex(packet, filters), reason: decoded.reason };
  const { advert } = decoded;
  const index = filters.findIndex((filter) => filter.routerId === advert.routerId);
  const filter = filters[index];
  if (filter === undefined) return { ok: false, index: -1, reason: 'router-id' };
  const reason = objection(advert, filter);
  return reason === undefined ? { ok: true, index, advert } : { ok: false, index, reason };
}

function objection(advert: ReceivedAdvert, filter: ReceiveFilter): DropReason | undefined {
  if (advert.source === filter.ownAddress) return 'own-source';
  // The peer list is checked for multicast too: a stranger who uses our router id is a configuration fault.
  if (!filter.peers.includes(advert.source)) return 'unknown-source';
  const wanted = filter.transport === 'multicast' ? vrrpGroup : filter.ownAddress;
  return advert.destination === wanted ? undefined : 'transport';
}

/** The filter that a bad packet claims to be for, so that its drop is counted there; -1 for none. */
function claimedIndex(packet: Uint8Array, filters: readonly ReceiveFilter[]): number {
  const routerId = packet[((packet[0] ?? 0) & 15) * 4 + 1];
  return filters.findIndex((filter) => filter.routerId === routerId);
}
