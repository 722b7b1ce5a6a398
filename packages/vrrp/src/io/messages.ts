// What the agent's main thread and its loop tell each other: plain data for structured clone. No behaviour.
import type { ErrorCode, ErrorParams } from '@tospann/errors';
import type { AgentPlan } from '../core/plan.ts';
import type { ElectionWord, HeardWords } from '../core/peer/peer-word.ts';
import type { VipSnapshot, VrrpSnapshot, VrrpState } from '../core/snapshot.ts';
import type { Ability, Evidence, NoticeKind } from '../core/state.ts';
import type { UnsignedNotice } from '../core/advert/unsigned-watch.ts';
import type { SequenceMark } from './adverts/advert-clock.ts';
import type { AdvertKeys } from './adverts/advert-proof.ts';

/** workerData of the loop. `wakeFd` is the eventfd that the main thread writes after each command. */
export interface LoopData {
  readonly plan: AgentPlan;
  readonly wakeFd: number;
  /** Keep connections of a planned hand-over alive (handover/connection-guard.ts). */
  readonly guard: boolean;
  /** What settings of interfaces were before an earlier life of this node raised them, by path. */
  readonly keptSettings: ReadonlyMap<string, string>;
  /** The term of each election in an earlier life of this node, by its name. */
  readonly terms: Readonly<Record<string, number>>;
  readonly advertKeys: AdvertKeys;
  /** Signed adverts carry no time before this one: ms since 1970. */
  readonly sequenceFloorMs: number;
  /** What an earlier life of this node heard last of each sender of signed adverts. */
  readonly keptSequences: readonly SequenceMark[];
}

export type LoopCommand =
  | { readonly type: 'ability'; readonly ability: Exclude<Ability, 'unknown'>; readonly reason: string }
  | { readonly type: 'failover'; readonly id: number }
  /** Another host announces these VIPs: announce those that are owned, once. */
  | { readonly type: 'defend'; readonly vips: readonly string[] }
  /** What came over the peer link; undefined: the link is lost. */
  | { readonly type: 'peer'; readonly heard: HeardWords | undefined }
  /** Answered like a failover when it is switched on and something is owned; `force`: release though nobody takes it. */
  | {
      readonly type: 'maintenance';
      readonly id: number;
      readonly on: boolean;
      readonly reason: string;
      readonly force: boolean;
    }
  | { readonly type: 'stop' }
  | { readonly type: 'close' };

/** A change of an address's state; `monotonicMs` is CLOCK_MONOTONIC. */
export interface VrrpStateEvent {
  readonly event: 'vrrp-state';
  readonly vip: string;
  /** The election; all its VIPs change together, each with an event of its own. */
  readonly group: string;
  readonly from: VrrpState;
  readonly to: VrrpState;
  readonly reason: string;
  readonly evidence: Evidence;
  readonly monotonicMs: number;
}

/** Something that the agent noticed and dealt with. */
export interface VrrpNotice {
  readonly event: 'vrrp-notice';
  readonly vip: string;
  readonly what:
    | NoticeKind
    | UnsignedNotice['what']
    | 'stale-address'
    | 'guard'
    | 'guard-restored'
    | 'dialect'
    | 'peer-link'
    | 'peer-link-stands'
    | 'peer-problem-ended'
    | 'conflict-ended';
  readonly detail: string;
  readonly monotonicMs: number;
}

/** Something outside is wrong and the agent waits for it; `code` is of the error catalogue. */
export interface VrrpProblem {
  readonly event: 'vrrp-problem';
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly monotonicMs: number;
}

/** What the loop tells the outside. */
export type VrrpEvent = VrrpStateEvent | VrrpNotice | VrrpProblem;

/** A notice or problem as a log line: `msg` is the sentence. */
export type VrrpLogLine = (VrrpNotice | VrrpProblem) & { readonly msg: string };

/** How the planned hand-over of one address ended. */
export interface HandoverResult {
  readonly vip: string;
  readonly group: string;
  readonly taken: boolean;
  readonly detail: string;
  /** From the priority 0 until the new owner's first advert was heard, or until the limit. */
  readonly durationMs: number;
  /** When the priority 0 was sent, CLOCK_MONOTONIC. */
  readonly startedAtMs: number;
}

/** A typed error as it crosses the thread. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly params: ErrorParams;
}

/** A snapshot with times instead of ages, so that it may be read later than it was made. */
export interface TimedSnapshot extends Omit<VrrpSnapshot, 'vips'> {
  readonly vips: readonly (Omit<VipSnapshot, 'lastAdvertAgeMs'> & { readonly lastAdvertAtMs: number })[];
}

export type LoopMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly error: PlainError }
  | { readonly type: 'event'; readonly event: VrrpEvent }
  | { readonly type: 'snapshot'; readonly snapshot: TimedSnapshot }
  /** What this node has to say over the peer link: at each change and four times an advert interval. */
  | {
      readonly type: 'word';
      readonly elections: Readonly<Record<string, ElectionWord>>;
      readonly atMs: number;
      /** Where the sequence of its signed adverts stands. */
      readonly sequence: bigint | undefined;
    }
  /** The highest sequence of each sender of signed adverts: to be kept over a restart. */
  | { readonly type: 'sequences'; readonly marks: readonly SequenceMark[] }
  /** Somebody changed a rule of nftables: the guard may be gone. */
  | { readonly type: 'rules-changed' }
  | { readonly type: 'failover-ended'; readonly id: number; readonly results: readonly HandoverResult[] }
  | { readonly type: 'failover-refused'; readonly id: number; readonly error: PlainError }
  | { readonly type: 'stopped' };
