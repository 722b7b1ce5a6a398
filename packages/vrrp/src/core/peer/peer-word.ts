// The peer word: what a node says about itself over the peer link, four times in an advert interval and at once at each
// change. Plain data; not the link (io/peer-link), not what the election makes of it (core/machine-peer.ts). Pure.
import type { VrrpState } from '../snapshot.ts';
import type { Ability } from '../state.ts';

/** One election as its node sees it. */
export interface ElectionWord {
  readonly state: VrrpState;
  /** The priority that this node stands with now, 1..255. */
  readonly priority: number;
  readonly ability: Ability;
  /** Why the state is what it is, in words. */
  readonly reason: string;
  /** Age of the last valid advert that this node heard of the receiver, in ms; -1: it heard none. */
  readonly heardAgeMs: number;
  /** Grows at each take-over: the fencing token. */
  readonly term: number;
  /** Names of the VIPs. */
  readonly vips: readonly string[];
  /** What both nodes must have alike to hear each other (plan.ts), in words; absent from an older version. */
  readonly speaks?: readonly string[];
}

/** All that a node says at once. */
export interface PeerWord {
  readonly node: string;
  readonly configHash: string;
  /** Wall clock of the sender in ms since 1970. */
  readonly wallMs: number;
  /** The sender's product version. */
  readonly version: string;
  readonly maintenance: boolean;
  /**
   * Where the sequence of its signed adverts stands, 16 hexadecimal digits: none from now on is below it. Absent: it signs
   * none, or its version does not say so.
   */
  readonly advertSequence?: string;
  /** By election name. */
  readonly elections: Readonly<Record<string, ElectionWord>>;
}

/** A word of the other node as it was heard here. */
export interface HeardWords {
  readonly words: PeerWord;
  /** When it was said at the latest, on our monotonic clock, ms. */
  readonly saidMs: number;
}
