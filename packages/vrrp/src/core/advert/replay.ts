// Sequences of signed adverts, at both ends. A sequence is 64 bits as keepalived 2.4 sends it: UTC seconds, 1/65536 s, a
// counter. Not the MAC (auth-hmac.ts): only sequences of authentic adverts may come here. Pure; time is handed in.
//
// keepalived's default drops whatever is more than some seconds away from the receiver's own clock: two nodes whose
// clocks differ then both own the address. So here the sender's clock does not matter while its sequence grows: a sequence
// higher than the last one is accepted, whatever the time is. A lower one is a replay, or a sender that was started again
// after its clock was set back; it is accepted only if the last one lies in the future of our clock and this one does
// not: the clock was wrong and is right now. The other half is the sender's (`nextSequence`): it never goes back in one
// life, and begins a new life above the `floor` that it has kept on disk.
//
// The first one of a life of the receiver is the one that a recording could be: nothing was heard yet that it would have to
// exceed. So the last ones are kept over a restart with the time when they were heard, and the first one after it has to
// be as much further as time has passed. Of a sender that was never heard it must be of now by our clock. Better than both
// is what the sender itself says over the peer link, which nobody can record: `vouch`.
import { sameIp, type IpBytes } from './ip.ts';

/** A sequence that lies further from our clock than this is of another time; as keepalived's least window. */
const windowSeconds = 5n;
/** How far a sequence may lag behind the time that has passed since an earlier one: what an advert and a word may take, s. */
const slackSeconds = 2n;
/** Senders that are remembered for a router; a multicast segment has few that know the key. */
const mostSenders = 4;

/** The clocks of the receiver in the moment when an advert is judged. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly utcMs: number;
  /** CLOCK_MONOTONIC: it goes on over a restart of the process. */
  readonly monotonicMs: number;
}

/** The highest sequence of a sender, and when it was heard. */
export interface HeardSequence {
  readonly source: IpBytes;
  readonly sequence: bigint;
  /** Undefined: before the machine was started, which begins another monotonic clock. */
  readonly heardMs: number | undefined;
  readonly heardUtcMs: number;
}

/** What the sender said of itself over the peer link: none of its adverts from `saidMs` on is below this one. */
export interface Vouched {
  readonly sequence: bigint;
  /** Monotonic. */
  readonly saidMs: number;
}

/** `replayed`: not above the last one. `stale`: the first one of its sender in this life of the receiver, and too old for it. */
export type SequenceVerdict = 'fresh' | 'replayed' | 'stale';

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

interface Sender extends HeardSequence {
  /** Known from an earlier life only: the next one must have grown with time. */
  readonly isOld: boolean;
}

/** The highest sequences heard, by sender. Bounded; the sender not heard for longest is forgotten. */
export class ReplayWindow {
  #senders: Sender[];
  #vouched: Vouched | undefined;

  /** @param kept What an earlier life of this node has heard. */
  constructor(kept: readonly HeardSequence[] = []) {
    this.#senders = kept.slice(-mostSenders).map((heard) => ({ ...heard, isOld: true }));
  }

  /** What is to be kept over a restart. */
  get heard(): readonly HeardSequence[] {
    return this.#senders;
  }

  /** Takes the sequence of an authentic advert; `fresh`: it counts. */
  accept(source: IpBytes, sequence: bigint, now: Moment): SequenceVerdict {
    const last = this.#senders.find((sender) => sameIp(sender.source, source));
    const verdict = last === undefined ? this.#first(sequence, now) : next(last, sequence, now);
    if (verdict !== 'fresh') return verdict;
    const heard = { source, sequence, heardMs: now.monotonicMs, heardUtcMs: now.utcMs, isOld: false };
    this.#senders = [...this.#senders.filter((sender) => sender !== last), heard].slice(-mostSenders);
    return 'fresh';
  }

  /**
   * The sender has said over the peer link where its sequence stands: what is older is not from now, and what was heard
   * above it is of a life before its clock was set back.
   */
  vouch(vouched: Vouched): void {
    this.#vouched = vouched;
    const floor = BigInt.asUintN(64, vouched.sequence - (slackSeconds << 32n));
    const most = vouched.sequence + (slackSeconds << 32n);
    this.#senders = this.#senders.map((sender) => {
      const keeps = isAfter(sender.sequence, floor) && !isAfter(sender.sequence, most);
      if (keeps) return sender.isOld ? { ...sender, isOld: false } : sender;
      return { ...sender, sequence: floor, heardMs: vouched.saidMs, isOld: false };
    });
  }

  /** The sender was never heard. */
  #first(sequence: bigint, now: Moment): SequenceVerdict {
    const vouched = this.#vouched;
    const least =
      vouched === undefined
        ? sequenceAt(now.utcMs) - (windowSeconds << 32n)
        : grown(vouched.sequence, now.monotonicMs - vouched.saidMs);
    return isAfter(sequence, least) ? 'fresh' : 'stale';
  }
}

function next(last: Sender, sequence: bigint, now: Moment): SequenceVerdict {
  if (isCorrected(last.sequence, sequence, now.utcMs)) return 'fresh';
  if (!isAfter(sequence, last.sequence)) return 'replayed';
  if (!last.isOld) return 'fresh';
  const passedMs = last.heardMs === undefined ? now.utcMs - last.heardUtcMs : now.monotonicMs - last.heardMs;
  return isAfter(sequence, grown(last.sequence, passedMs)) ? 'fresh' : 'stale';
}

/** The least that a sequence has become after this time. A clock that was set back says nothing. */
function grown(sequence: bigint, passedMs: number): bigint {
  return sequence + sequenceAt(passedMs) - (slackSeconds << 32n);
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
