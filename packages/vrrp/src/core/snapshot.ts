// The snapshot: what the failover agent tells others about itself, as plain data.

export type VrrpState = 'init' | 'backup' | 'master' | 'fault';

export interface VipSnapshot {
  /** The election that decides about it. */
  readonly group: string;
  readonly name: string;
  readonly address: string;
  readonly routerId: number;
  readonly state: VrrpState;
  /** Monotonic ms of the last change of `state`. */
  readonly sinceMs: number;
  /** Why the last change came, in words. */
  readonly reason: string;
  readonly priority: number;
  readonly transitionsTotal: number;
  /** The node that owns the address as far as this node knows: its own name, the peer's, or empty. */
  readonly owner: string;
  readonly adverts: {
    readonly sentTotal: number;
    readonly receivedTotal: number;
    readonly droppedTotal: Readonly<Record<string, number>>;
  };
  /** Age of the last valid advert of the peer in ms; -1 when none was heard. */
  readonly lastAdvertAgeMs: number;
  readonly peerPriority: number;
  readonly checksumDialect: 'pseudo-header' | 'message-only';
  /** Take-overs of the election, counted over both nodes: the fencing token of hooks. */
  readonly term: number;
  /** Monotonic ms at which this node takes the address back as the preferred one; absent: it is not about to. */
  readonly takesBackAtMs?: number;
}

/** The second path to the other node, as this node sees it. */
export interface PeerLinkSnapshot {
  /** The other node's name. */
  readonly peer: string;
  readonly connected: boolean;
  /** Connected, and words come. */
  readonly speaking: boolean;
  /** Monotonic ms: since when it is connected or not. */
  readonly sinceMs: number;
  /** -1: none came yet. */
  readonly lastWordAgeMs: number;
  /** There and back, ms; -1: not known yet. */
  readonly roundTripMs: number;
  /** How far the peer's wall clock is ahead of this node's, ms; 0 before the first word. */
  readonly clockAheadMs: number;
  /** Why it is not connected; empty when it is. */
  readonly detail: string;
  readonly peerVersion: string;
  readonly connectionsTotal: number;
  /** Connections from addresses that are not the peer's, closed at once. */
  readonly strangersTotal: number;
  /** What is wrong between the nodes now, in sentences. */
  readonly problems: readonly string[];
}

export interface VrrpSnapshot {
  /** When the loop drew this picture, monotonic ms: it draws ten a second, and one that hangs draws none. */
  readonly takenMs: number;
  readonly vips: readonly VipSnapshot[];
  /** Absent: there is no peer link (one node, failover.peerPort 0). */
  readonly peerLink?: PeerLinkSnapshot;
  /** `SCHED_RR 50`, `nice -20` or `normal`: what the kernel allowed. */
  readonly scheduling: string;
  /** Lateness of the loop in ms: largest since start, and of the last minute. */
  readonly latenessMaxMs: number;
  readonly latenessLastMinuteMs: number;
  /** How late this node's adverts left in the last minute, ms; `count` 0: none was planned. */
  readonly advertLateness?: {
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly p999Ms: number;
    readonly maxMs: number;
    readonly count: number;
  };
  /** Since the snapshot before. */
  readonly latenessRecentMs: number;
  /** What is wrong with the addresses beside the election: another host announces one; in sentences. */
  readonly addressProblems?: readonly string[];
  /** Why interface or own address cannot be used, or what of an election cannot be served; empty: all can. */
  readonly linkProblem: string;
  /** It is a whole election that it concerns, not a part of one. */
  readonly linkDown?: boolean;
  readonly gratuitousArpTotal: number;
  readonly addressRestoredTotal: number;
  readonly freezesTotal: number;
  /** VRRP packets that belong to none of the addresses, by reason. */
  readonly strayPacketsTotal?: Readonly<Record<string, number>>;
}
