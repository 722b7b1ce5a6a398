// Sequences of signed adverts, at both ends. A sequence is 64 bits as keepalived 2.4 sends it: UTC seconds, 1/65536 s, a
// counter. Not the MAC (auth-hmac.ts): only sequences of authentic adverts may come here. Pure; time is handed in.
//
// keepalived's default drops whatever is more than some seconds away from the receiver's own clock: two nodes whose
// clocks differ then both own the address. So here the sender's clock never matters while its sequence grows: a sequence
// higher than the last one is accepted, whatever the time is. A lower one is a replay, or a sender that was started again
// after its clock was set back; it is accepted only if the last one lies in the future of our clock and this one does
// not: the clock was wrong and is right now. The other half is the sender's (`nextSequence`): it never goes back in one
// life, and begins a new life above the `floor` that it has kept on disk.
import { sameIp, type IpBytes } from './ip.ts';

/** A sequence that lies further from our clock than this is of another time; as keepalived's least window. */
const windowSeconds = 5n;
/** Senders that are remembered for a router; a multicast segment has few that know the key. */
const mostSenders = 4;

/** The sequence of a time. @param utcMs Milliseconds since 1970; may have a fraction. */
export function sequenceAt(utcMs: number): bigint {
  const ticks = BigInt(Math.max(0, Math.floor((utcMs * 65_536) / 1000)));
  return BigInt.asUintN(64, ticks << 16n);
}

/** The next sequence of a sender: its clock, but always more than the last one. */
export function nextSequence(last: bigint, utcMs: number): bigint {
  const now = sequenceAt(utcMs);
  // Plain, not serial: the sender's first one has nothing to be after.
  return now > last ? now : BigInt.asUintN(64, last + 1n);
}

/** The highest sequences heard, by sender. Bounded; the sender not heard for longest is forgotten. */
export class ReplayWindow {
  readonly #senders: { readonly source: IpBytes; sequence: bigint }[] = [];

  /** Takes the sequence of an authentic advert. @returns False: a replay, drop it. */
  accept(source: IpBytes, sequence: bigint, utcMs: number): boolean {
    const index = this.#senders.findIndex((sender) => sameIp(sender.source, source));
    const last = this.#senders[index];
    if (last !== undefined && !isAfter(sequence, last.sequence) && !isCorrected(last.sequence, sequence, utcMs))
      return false;
    if (last !== undefined) this.#senders.splice(index, 1);
    this.#senders.push({ source, sequence });
    if (this.#senders.length > mostSenders) this.#senders.shift();
    return true;
  }
}

/** The last one is from the future, this one is from now: a clock that ran ahead was set right. */
function isCorrected(last: bigint, sequence: bigint, utcMs: number): boolean {
  const now = sequenceAt(utcMs);
  const distance = BigInt.asIntN(64, sequence - now) >> 32n;
  return isAfter(last, now + (windowSeconds << 32n)) && distance <= windowSeconds && distance >= -windowSeconds;
}

/** Serial number arithmetic (RFC 1982), so that a wrap of the seconds in 2106 is no replay. */
function isAfter(a: bigint, b: bigint): boolean {
  return BigInt.asIntN(64, a - b) > 0n;
}
