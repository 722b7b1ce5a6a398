// The vocabulary of the state machine: configuration, state, events, effects. Not the behaviour (machine.ts).
// All times are monotonic µs as integers; Infinity means "never". Plain data, pure.
import type { ChecksumDialect } from './advert.ts';
import type { GarpSchedule } from './garp.ts';
import type { VrrpState } from './snapshot.ts';

/** What one machine must know; addresses are unsigned numbers. */
export interface MachineConfig {
  readonly address: number;
  readonly routerId: number;
  /** 1..254, used while this node can serve; without a live server it is `lastResortPriority`. */
  readonly priority: number;
  readonly intervalUs: number;
  /** This node takes the address back when it can serve, after `preemptDelayUs`. */
  readonly preferred: boolean;
  readonly preemptDelayUs: number;
  readonly ownAddress: number;
  readonly peers: readonly number[];
  readonly transport: 'unicast' | 'multicast';
}

/** What the self-probe says: a live server answers, only our own 503 does, or not even that. */
export type Ability = 'unknown' | 'serves' | 'no-live-server' | 'cannot-serve';

/** A release under way: priority 0 is sent, the address is still answered for. */
export interface Handover {
  readonly purpose: 'stop' | 'failover';
  readonly startedUs: number;
  readonly deadlineUs: number;
  /** When priority 0 is repeated, for the case that it was lost. */
  readonly repeatUs: number;
}

export interface PeerView {
  readonly address: number;
  readonly priority: number;
  readonly heardUs: number;
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
  readonly ability: Ability;
  readonly abilityReason: string;
  readonly linkUp: boolean;
  readonly linkReason: string;
  /** While the node is master and its link is down: when that began. A short flap costs no ownership. */
  readonly linkDownSinceUs: number;
  /** Fault until then: after the kernel refused the address or the adverts. */
  readonly holdOffUntilUs: number;
  readonly stopped: boolean;
  /** Until then, in init: the address of an earlier life of this agent is still held. -Infinity: it is not. */
  readonly inheritedUntilUs: number;
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
  /** The owner as far as this node knows: an address, 0 for nobody. */
  readonly owner: number;
  readonly dialect: ChecksumDialect;
  readonly addressesDiffer: boolean;
  readonly counters: MachineCounters;
}

export type MachineEvent =
  | { readonly type: 'tick'; readonly nowUs: number }
  | {
      /** A fully valid advert (receive.ts); nothing less may come here. */
      readonly type: 'advert';
      readonly nowUs: number;
      readonly source: number;
      readonly priority: number;
      readonly intervalUs: number;
      readonly dialect: ChecksumDialect;
      readonly addresses: readonly number[];
    }
  /** What became of the last `advertise` effect. */
  | { readonly type: 'sent'; readonly nowUs: number; readonly ok: boolean; readonly reason: string }
  | { readonly type: 'ability'; readonly nowUs: number; readonly ability: Ability; readonly reason: string }
  | { readonly type: 'link'; readonly nowUs: number; readonly up: boolean; readonly reason: string }
  /** The kernel has (`present`) or has no longer the address on an interface of this node. */
  | { readonly type: 'address'; readonly nowUs: number; readonly present: boolean }
  /** At start: this node has the address with the lease of an agent that sent its last advert at `lastAdvertUs`. */
  | { readonly type: 'inherited'; readonly nowUs: number; readonly lastAdvertUs: number }
  | { readonly type: 'own-failed'; readonly nowUs: number; readonly reason: string }
  | { readonly type: 'failover'; readonly nowUs: number }
  /** Planned end: make before break. */
  | { readonly type: 'stop'; readonly nowUs: number }
  /** End at once: priority 0 and release. */
  | { readonly type: 'close'; readonly nowUs: number };

export type Effect =
  /** Send one advert; `lease`: and only if it left, renew the lease on the address. */
  | { readonly type: 'advertise'; readonly priority: number; readonly lease: boolean }
  /** Add the address with a full lease; idempotent. */
  | { readonly type: 'own' }
  /** Remove the address; `drain`: a peer has it, so connections under way here may run on silently for a while. */
  | { readonly type: 'release'; readonly drain: boolean }
  /** Send one gratuitous ARP in each form. */
  | { readonly type: 'announce' }
  | { readonly type: 'changed'; readonly from: VrrpState; readonly to: VrrpState; readonly reason: string }
  | { readonly type: 'notice'; readonly what: NoticeKind; readonly detail: string }
  | {
      readonly type: 'handover-ended';
      readonly purpose: 'stop' | 'failover';
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
  | 'dialect'
  | 'send-failed';

export interface Step {
  readonly state: MachineState;
  readonly effects: readonly Effect[];
}
