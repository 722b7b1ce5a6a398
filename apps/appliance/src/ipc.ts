// The words that the supervisor and its children say to each other over their IPC channels. Plain JSON.
// Each child gets exactly one `start` first; everything that it reports goes to the supervisor, which passes on
// what others need: children never talk to each other.
import type { PairConfig } from '@tospann/config';
import type { EventDraft, HostStatus, Operation, OperationReport, ServerChangeReport } from '@tospann/api';
import type { KnownAddress, ProxySnapshot, ServerOrder } from '@tospann/proxy';
import type { Ability, Condition, MoverResult, VrrpSnapshot, VrrpState } from '@tospann/vrrp';

/** The children of the supervisor, in the order in which they are started and the reverse of the stop order. */
export const roles = ['proxy', 'vrrp', 'admin'] as const;
export type Role = (typeof roles)[number];

/** A listening socket that the supervisor opened; `fd` is its number in the child. */
export interface InheritedListener {
  readonly frontend: string;
  readonly address: string;
  readonly port: number;
  readonly fd: number;
}

/** What the supervisor knows of one child. */
export interface ChildInfo {
  readonly role: Role;
  readonly state: 'starting' | 'running' | 'draining' | 'waiting' | 'silent';
  readonly pid: number;
  readonly restartsTotal: number;
  /** Monotonic ms of the last start. */
  readonly sinceMs: number;
  readonly lastExit: string;
}

export interface StartMessage {
  readonly type: 'start';
  readonly config: PairConfig;
  readonly node: string;
  readonly runDir: string;
  readonly stateDir: string;
  readonly listeners: readonly InheritedListener[];
  /** What operators want of servers, for the proxy. */
  readonly orders: readonly ServerOrder[];
  /** Addresses of servers by name that the proxy before knew. */
  readonly addresses: readonly KnownAddress[];
}

export type ToChild =
  | StartMessage
  | { readonly type: 'drain'; readonly limitMs: number }
  | { readonly type: 'stop' }
  | { readonly type: 'new-config'; readonly config: PairConfig }
  | { readonly type: 'reopen-logs' }
  /** The supervisor is about to replace its program: go on without it until its successor says what follows. Off: it stays. */
  | { readonly type: 'outlive'; readonly on?: boolean }
  | { readonly type: 'standby'; readonly on: boolean }
  | MoveMessage
  | { readonly type: 'failover-answer'; readonly id: number; readonly answer: FailoverAnswer }
  | ReloadMessage
  | { readonly type: 'operation-answer'; readonly id: number; readonly report: OperationReport }
  | { readonly type: 'server-order'; readonly id: number; readonly order: ServerOrder }
  | { readonly type: 'server-answer'; readonly id: number; readonly answer: ServerAnswer }
  /** To the admin child: keep it, and say so with `id`. */
  | { readonly type: 'keep-event'; readonly id: number; readonly event: EventDraft }
  /** To the failover agent, for its hooks: what others have seen. */
  | { readonly type: 'event'; readonly event: EventDraft }
  /** To the failover agent: frontends that have all the connections that they may have; none: there are none any more. */
  | { readonly type: 'full-frontends'; readonly frontends: readonly NamedFullFrontend[] }
  | { readonly type: 'node-state'; readonly state: NodeState };

/** A frontend whose places are taken (`FullFrontend` of the data plane). */
export interface NamedFullFrontend {
  readonly name: string;
  readonly maxConnections: number;
  readonly live: boolean;
}

/** All that `admin` shows of this node; pushed by the supervisor once a second and at each change. */
export interface NodeState {
  readonly startedMs: number;
  readonly configHash: string;
  readonly children: readonly ChildInfo[];
  readonly proxy?: ProxySnapshot;
  readonly vrrp?: VrrpSnapshot;
  readonly movers?: readonly MoverResult[];
  readonly able?: AbleState;
  readonly limits?: HostStatus;
  readonly configuration?: ConfigurationState;
  /** Said by the admin child itself: the supervisor has not told anything for some seconds. */
  readonly supervisorIsSilent?: boolean;
}

/** The configuration file beside what runs. */
export interface ConfigurationState {
  /** What is on disk is not what runs. */
  readonly differs: boolean;
  /** Why what is on disk cannot be used; empty: it can. */
  readonly broken: string;
  readonly runningHash: string;
  /** Empty when it is broken. */
  readonly diskHash: string;
  /** ISO 8601 in UTC: since when it is so. */
  readonly since: string;
}

/** What the vrrp child knows beside the election. */
export interface AbleState {
  readonly ability: Ability;
  readonly reason: string;
  readonly conditions: readonly Condition[];
  /** `since` is ISO 8601 in UTC. */
  readonly maintenance?: { readonly since: string; readonly reason: string };
  /** What a planned hand-over cannot promise, a sentence each. */
  readonly notPromised: readonly string[];
  /** By VIP that this node owns: ms from the take-over to the first real answer. */
  readonly firstAnswersMs: Readonly<Record<string, number>>;
}

/** Maintenance on or off; `force`: release the addresses though nobody takes them. */
export interface MaintenanceOrder {
  readonly on: boolean;
  readonly reason: string;
  readonly force: boolean;
}

/** Give the addresses away; with `maintenance` as the beginning or end of it. Answered by `failover-answer`. */
export interface MoveMessage {
  readonly type: 'failover';
  readonly id: number;
  readonly maintenance?: MaintenanceOrder;
}

/** How a planned failover ended: `refused` is a pre-check that said no (exit 6 on the command line). */
export type FailoverAnswer =
  | {
      readonly outcome: 'done';
      /** Names of what moved; none when this node owned nothing. */
      readonly vips: readonly string[];
      /** From priority 0 until the other node was heard as owner. */
      readonly durationMs: number;
      readonly detail: string;
      /** When priority 0 was sent, CLOCK_MONOTONIC in ms; 0: nothing moved. */
      readonly startedAtMs: number;
      /** Established connections of clients at that moment. */
      readonly connections: number;
    }
  | { readonly outcome: 'refused'; readonly code: string; readonly message: string; readonly hint: string };

/** A listening socket by what it is bound to. */
export type ListenerName = Omit<InheritedListener, 'fd'>;

/** To the proxy child: serve this from now on. Sockets that it does not have yet have been sent to it before. */
export interface ReloadMessage {
  readonly type: 'reload';
  readonly id: number;
  readonly config: PairConfig;
  /** All sockets that it is to accept on; it closes others. */
  readonly listeners: readonly ListenerName[];
  /** Those that wait in its descriptor channel, in order. */
  readonly sent: readonly ListenerName[];
}

/** How the proxy child took a new configuration. */
export type ReloadAnswer =
  | { readonly outcome: 'swapped' }
  /** Only another process can take it. */
  | { readonly outcome: 'needs-process'; readonly reason: string }
  /** It cannot be served; the old one is served on. */
  | { readonly outcome: 'refused'; readonly detail: string };

/** How an order about a server ended. */
export type ServerAnswer =
  | { readonly outcome: 'done'; readonly report: ServerChangeReport }
  | { readonly outcome: 'unknown-server' }
  | { readonly outcome: 'no-proxy' }
  | { readonly outcome: 'not-kept'; readonly detail: string };

/** What a child says to others than the supervisor's end of its channel. */
export type ChildReport = Exclude<FromChild, { readonly type: 'alive' }>;

export type FromChild =
  /** Once a second, from the loop that does the work. */
  | { readonly type: 'alive' }
  | { readonly type: 'ready' }
  | { readonly type: 'fatal'; readonly code: string; readonly message: string; readonly hint: string }
  | { readonly type: 'proxy-snapshot'; readonly snapshot: ProxySnapshot }
  | { readonly type: 'vrrp-state'; readonly vip: string; readonly state: VrrpState }
  | { readonly type: 'vrrp-snapshot'; readonly snapshot: VrrpSnapshot; readonly able: AbleState }
  /** The kernel's limits, once a second. */
  | { readonly type: 'limits'; readonly limits: HostStatus }
  /** What happened, as the child's operator should read it. */
  | { readonly type: 'event'; readonly event: EventDraft }
  /** How the last moves outside this machine went. */
  | { readonly type: 'movers'; readonly results: readonly MoverResult[] }
  /** The admin child has kept all events up to this one. */
  | { readonly type: 'events-kept'; readonly id: number }
  | MoveMessage
  | { readonly type: 'failover-answer'; readonly id: number; readonly answer: FailoverAnswer }
  | { readonly type: 'reload-answer'; readonly id: number; readonly answer: ReloadAnswer }
  | { readonly type: 'operation'; readonly id: number; readonly operation: Operation; readonly force?: boolean }
  | { readonly type: 'server-order'; readonly id: number; readonly order: ServerOrder }
  /** Why the other node could not take over now; empty: it could. */
  | { readonly type: 'spare'; readonly problem: string }
  | { readonly type: 'server-answer'; readonly id: number; readonly answer: ServerAnswer };
