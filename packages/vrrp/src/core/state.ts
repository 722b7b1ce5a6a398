// The vocabulary of the state machine: configuration, state, events, effects. Not the behaviour (machine.ts).
// All times are monotonic µs as integers; Infinity means "never". Plain data, pure.
import type { GarpSchedule } from './garp.ts';
import type { Stream } from './patience.ts';
import type { VrrpState } from './snapshot.ts';

/** What one machine must know; it knows no addresses. */
export interface MachineConfig {
  /** 1..255, used while this node serves; 255 is the address owner of the RFC. */
  readonly priority: number;
  readonly intervalUs: number;
  /** Adverts that must be missed before the owner counts as dead; 3 in the RFC. */
  readonly missedAdverts: number;
  readonly version: 2 | 3;
  /** This node takes the address back when it can serve, after `preemptDelayUs`. */
  readonly preferred: boolean;
  readonly preemptDelayUs: number;
  /** How many other nodes there are. */
  readonly peers: number;
  readonly transport: 'unicast' | 'multicast';
  /** How long a silent owner is believed at most that the peer link calls healthy. */
  readonly holdUs: number;
  /**
   * How long a difference between the nodes that both may find out about, servers above all, must last before it moves an
   * address: one hears of it later than the other.
   */
  readonly lastsUs: number;
}

/** What a change of state rests on: a flat record for events and hooks. */
export type Evidence = Readonly<Record<string, number | string>>;

/**
 * What the self-probe and the tracked conditions say: a live server answers; it does but the node is worse off than it
 * should be; only our own 503 does; not even that.
 */
export type Ability = 'unknown' | 'serves' | 'impaired' | 'no-live-server' | 'cannot-serve';

/** `fault`: this node cannot serve and the other one may be able to. */
export type HandoverPurpose = 'stop' | 'failover' | 'maintenance' | 'fault';

/** A release under way: priority 0 is sent, the address is still answered for. */
export interface Handover {
  readonly purpose: HandoverPurpose;
  /** Maintenance: the address is released though nobody takes it. */
  readonly force: boolean;
  readonly startedUs: number;
  readonly deadlineUs: number;
  /** When priority 0 is repeated, for the case that it was lost. */
  readonly repeatUs: number;
  /** Until then an advert of the peer may be from before the hand-over: it does not end it. */
  readonly doubtUntilUs: number;
}

export interface PeerView {
  /** The source address of its last advert. */
  readonly source: string;
  readonly priority: number;
  readonly heardUs: number;
}

/** The peer's word about one election (peer-word.ts); its age of our adverts in µs, -1: it heard none. */
export interface PeerElection {
  readonly state: VrrpState;
  readonly priority: number;
  readonly ability: Ability;
  readonly heardAgeUs: number;
  readonly maintenance: boolean;
  readonly term: number;
  /** The peer's address is higher than ours: that decides a tie. */
  readonly wins: boolean;
  /** When it was said at the latest, on our monotonic clock (peer-clock.ts); not later than the event. */
  readonly saidUs: number;
}

/** Somebody who uses our router id without being one of us. */
export interface Contender {
  readonly source: string;
  readonly reason: string;
  readonly seenUs: number;
  readonly saidUs: number;
}

export interface MachineCounters {
  readonly transitions: number;
  readonly sent: number;
  readonly sendFailures: number;
  readonly received: number;
  readonly announcements: number;
  readonly restored: number;
  readonly foreignRemoved: number;
  readonly freezes: number;
  readonly late: number;
}

export interface MachineState {
  readonly vrrp: VrrpState;
  readonly sinceUs: number;
  readonly reason: string;
  /** As it counts in the election. */
  readonly ability: Ability;
  readonly abilityReason: string;
  /** What was told last: where it would move an address it counts only from `seenDueUs` on (machine-ability.ts). */
  readonly seen: { readonly ability: Ability; readonly reason: string };
  readonly seenDueUs: number;
  /** What of the election this node cannot serve though its link is up: an address, a family. Empty: nothing. */
  readonly lacks: string;
  /** The same as told last; of an owner it counts only from `lackedDueUs` on, as for a link that is down. */
  readonly lacked: string;
  readonly lackedDueUs: number;
  readonly linkUp: boolean;
  readonly linkReason: string;
  /** While the node is master and its link is down: when that began. A short flap costs no ownership. */
  readonly linkDownSinceUs: number;
  /** Fault until then: after the kernel refused the address or the adverts. */
  readonly holdOffUntilUs: number;
  readonly stopped: boolean;
  /** When this machine was fed last, by anything but a contender. */
  readonly awakeUs: number;
  /** The address of an earlier life of this agent is still held by a node that is not master: its last advert then. -Infinity: it is not. */
  readonly inheritedUs: number;
  readonly advertDueUs: number;
  readonly lastAdvertUs: number;
  readonly downDueUs: number;
  readonly preemptDueUs: number;
  /** The interval that counts for the down timer: the master's own (RFC 9568 Active_Adver_Interval). */
  readonly activeIntervalUs: number;
  readonly leaseDueUs: number;
  readonly sendFailingSinceUs: number;
  /** When the peer's priority 0 made this node master: an older advert of that peer may still be on its way. */
  readonly resignedUs: number;
  /** Took over from an owner that lives: its next advert, sent after it released, says that it drains. */
  readonly awaitsLastWord: boolean;
  readonly handover: Handover | undefined;
  /** After a planned hand-over: do not take the address back by preference. */
  readonly hold: boolean;
  readonly garp: GarpSchedule;
  readonly peer: PeerView | undefined;
  /** How the owner's adverts come here (patience.ts). */
  readonly stream: Stream;
  /** The owner as far as this node knows: the source of its adverts, `self`, or empty for nobody. */
  readonly owner: string;
  readonly addressesDiffer: boolean;
  /** What the peer said last over the peer link; undefined: nothing, or the link is lost. */
  readonly word: PeerElection | undefined;
  /** The highest term that the peer ever told. */
  readonly peerTerm: number;
  /** Backup that hears no adverts and believes the peer's word instead: since when. Infinity: it hears adverts. */
  readonly heldSinceUs: number;
  /** How often this node found itself unheard, or waited for nothing, without a sign that it is heard again. */
  readonly deafness: number;
  /** The unheard master: adverts of lower rank that came though ours had been sent, and when the last one came. */
  readonly unanswered: number;
  readonly lowerHeardUs: number;
  /** The notice `unheard` or `rogue-owner` was given; until it is over or a minute has passed. */
  readonly unheardSaid: boolean;
  readonly rogueSaidUs: number;
  /** The last contender: who, and when it was told. */
  readonly contender: Contender | undefined;
  /** When the peer's own address last sent an advert under another key. */
  readonly refusedUs: number;
  /** Why it was dropped (receive.ts). */
  readonly refusedReason: string;
  /** In fault because of it, and when to look whether it still does. */
  readonly refused: boolean;
  readonly refusalDueUs: number;
  /** Has waited once for a contender in multicast mode; it does so never again. */
  readonly deferred: boolean;
  /** In maintenance: this node owns nothing until it is over. */
  readonly maintenance: boolean;
  readonly maintenanceReason: string;
  /** Counts take-overs over both nodes: the fencing token. */
  readonly term: number;
  readonly counters: MachineCounters;
}

export type MachineEvent =
  | { readonly type: 'tick'; readonly nowUs: number }
  | {
      /** A fully valid advert (receive.ts); nothing less may come here. */
      readonly type: 'advert';
      readonly nowUs: number;
      readonly source: string;
      /** Its source address is higher than ours: that decides a tie. */
      readonly wins: boolean;
      readonly priority: number;
      readonly intervalUs: number;
      /** It lists other addresses than we would. */
      readonly addressesDiffer: boolean;
    }
  /** The peer's word about this election; undefined: the link is lost. */
  | { readonly type: 'peer'; readonly nowUs: number; readonly word: PeerElection | undefined }
  /** An advert that claims our router id but is not valid (another key, unknown source): evidence, never a timer. */
  | {
      readonly type: 'contender';
      readonly nowUs: number;
      readonly source: string;
      /** It came from the configured peer's own address and only its authentication failed. */
      readonly fromPeer: boolean;
      readonly reason: string;
    }
  | {
      readonly type: 'maintenance';
      readonly nowUs: number;
      readonly on: boolean;
      readonly reason: string;
      /** Release even if nobody takes it. */
      readonly force: boolean;
    }
  /** What became of the last `advertise` effect. */
  | { readonly type: 'sent'; readonly nowUs: number; readonly ok: boolean; readonly reason: string }
  | { readonly type: 'ability'; readonly nowUs: number; readonly ability: Ability; readonly reason: string }
  | {
      readonly type: 'link';
      readonly nowUs: number;
      readonly up: boolean;
      readonly reason: string;
      /** Its link is up, but this part of the election cannot be served here. Empty: all can. */
      readonly lacks: string;
    }
  /** The kernel has (`present`) or has no longer one address on an interface of this node; `index` in the election. */
  | {
      readonly type: 'address';
      readonly nowUs: number;
      readonly index: number;
      readonly present: boolean;
      /** How many of the election are missing, `index` the first of them. @default 1 */
      readonly count?: number;
    }
  /** At start: this node has the address with the lease of an agent that sent its last advert at `lastAdvertUs`. */
  | { readonly type: 'inherited'; readonly nowUs: number; readonly lastAdvertUs: number }
  | { readonly type: 'own-failed'; readonly nowUs: number; readonly reason: string }
  | { readonly type: 'failover'; readonly nowUs: number }
  /** Planned end: make before break. */
  | { readonly type: 'stop'; readonly nowUs: number }
  /** End at once: priority 0 and release. */
  | { readonly type: 'close'; readonly nowUs: number };

export type Effect =
  /** Send one advert; `lease`: and renew the lease on the address, whether or not it could leave. */
  | { readonly type: 'advertise'; readonly priority: number; readonly lease: boolean }
  /** Add the address with a full lease; idempotent. */
  | { readonly type: 'own' }
  /** Remove the address; `drain`: a peer has it, so connections under way here may run on silently for a while. */
  | { readonly type: 'release'; readonly drain: boolean }
  /** Send one gratuitous ARP in each form. */
  | { readonly type: 'announce' }
  /** Tell the link that the node whose adverts come from `owner` has the addresses: this one has just given way to it. */
  | { readonly type: 'point'; readonly owner: string }
  | {
      readonly type: 'changed';
      readonly from: VrrpState;
      readonly to: VrrpState;
      readonly reason: string;
      readonly evidence: Evidence;
    }
  /** `address`: the one that it is about, by its index in the election. */
  | { readonly type: 'notice'; readonly what: NoticeKind; readonly detail: string; readonly address?: number }
  | {
      readonly type: 'handover-ended';
      readonly purpose: HandoverPurpose;
      readonly taken: boolean;
      readonly detail: string;
      readonly durationUs: number;
    };

/** What is worth a log line though no state changed. */
export type NoticeKind =
  | 'freeze'
  | 'old-owner-drains'
  | 'address-restored'
  | 'foreign-address'
  | 'config-drift'
  | 'path-broken'
  | 'path-whole'
  | 'unheard'
  | 'contender'
  | 'rogue-owner'
  | 'send-failed'
  | 'send-restored'
  | 'no-substitute'
  | 'partly'
  | 'partly-ended';

export interface Step {
  readonly state: MachineState;
  readonly effects: readonly Effect[];
}
