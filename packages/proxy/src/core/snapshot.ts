// The snapshot: what the data plane tells others about itself, as plain data. Counters start at 0 with the
// process and only grow; rates are the reader's business.

/** A server's health: `starting` until its first check has ended (it takes traffic meanwhile). */
export type ServerState = 'starting' | 'up' | 'down' | 'unchecked';

/** What is wanted of a server: drain takes no new sessions, maint nothing at all. The stricter of operator and agent. */
export type AdminState = 'ready' | 'drain' | 'maint';

/** State and administrative state in one word: maint hides all others, down hides drain. */
export type ServerStatusWord = ServerState | 'drain' | 'maint';

/** What checks, agent, resolver and operator make of a server. */
export interface ServerHealthSnapshot {
  /** The address that connections go to; the configured name while it has none. */
  readonly address: string;
  readonly state: ServerState;
  readonly status: ServerStatusWord;
  readonly admin: AdminState;
  /** As configured, or as the operator said. */
  readonly weight: number;
  /** What balancing uses now: times the agent's percentage, 0 in drain and maint. */
  readonly effectiveWeight: number;
  /** Monotonic ms of the last change of `status` (CLOCK_MONOTONIC, comparable on one machine). */
  readonly sinceMs: number;
  /** What the last check saw, in words: `HTTP 200 in 3 ms`, `connection refused`. Empty before the first. */
  readonly lastCheck: string;
  /** The same in HAProxy's short form: `L7OK`, `L4CON`. */
  readonly checkStatus: string;
  /** Operator, agent and resolver in words; empty when the checks say it all. */
  readonly checkDetail: string;
  readonly checkFailuresTotal: number;
  /** For a server that is configured by name. stale: the last good address is kept while the resolver fails. */
  readonly hostName?: string;
  readonly resolution?: 'fresh' | 'stale' | 'unresolved';
}

/** How a server stands towards new requests. */
export interface ServerTaking {
  /** It could take them: healthy, ready, with a weight. */
  readonly live: boolean;
  /** It takes them now: backups wait for their turn, and below the panic threshold health is not believed. */
  readonly takesTraffic: boolean;
  /** Why it takes none, in words; empty: it does. */
  readonly idleBecause: string;
}

export interface ServerSnapshot extends ServerHealthSnapshot, ServerTaking {
  readonly name: string;
  readonly port: number;
  readonly currentSessions: number;
  readonly requestsTotal: number;
  /** Answers by class: index 0 is 1xx, 4 is 5xx. */
  readonly responsesTotal: readonly [number, number, number, number, number];
  readonly connectErrorsTotal: number;
  readonly responseErrorsTotal: number;
  readonly retriesTotal: number;
  readonly redispatchesTotal: number;
  readonly bytesInTotal: number;
  readonly bytesOutTotal: number;
  /** Sums over the requests that it has answered, ms: in a queue, connecting, until the answer's head, in all. */
  readonly queueMsTotal: number;
  readonly connectMsTotal: number;
  readonly responseMsTotal: number;
  readonly totalMsTotal: number;
  /** How many these were, by the time until the answer's head: counts for each of `latencyBoundsMs`, then the rest. */
  readonly responseTimeCounts: readonly number[];
  /** Requests that wait for this server now, because of its limit and their session. */
  readonly queued?: number;
}

export interface BackendSnapshot {
  readonly name: string;
  /** Requests that wait now for any server of the backend. */
  readonly queued?: number;
  readonly servers: readonly ServerSnapshot[];
}

/** Why a full frontend does not answer; `live`: its default backend has a server that takes requests. */
export interface FullFrontend {
  readonly maxConnections: number;
  readonly live: boolean;
}

export interface FrontendSnapshot {
  readonly name: string;
  readonly binds: readonly string[];
  readonly currentConnections: number;
  /** It has all the connections that it may have, and its workers run: who comes now waits in the kernel. Absent: it has not. */
  readonly full?: FullFrontend;
  readonly connectionsTotal: number;
  readonly requestsTotal: number;
  readonly responsesTotal: readonly [number, number, number, number, number];
  /** Requests refused by the parser or a limit, by reason (the catalogue's code). */
  readonly refusedTotal: Readonly<Record<string, number>>;
  readonly bytesInTotal: number;
  readonly bytesOutTotal: number;
  /** Answers that were compressed, and the bytes of their bodies before and after. */
  readonly compressedAnswersTotal?: number;
  readonly compressedBytesInTotal?: number;
  readonly compressedBytesOutTotal?: number;
}

export interface ProxySnapshot {
  readonly engine: 'ring' | 'node';
  /** Why this engine runs, in words. */
  readonly engineReason: string;
  readonly threads: number;
  readonly frontends: readonly FrontendSnapshot[];
  readonly backends: readonly BackendSnapshot[];
  /** Request durations (head received to answer sent), counts for each bound in `latencyBoundsMs`, then the rest. */
  readonly latencyBoundsMs: readonly number[];
  readonly latencyCounts: readonly number[];
  readonly logLinesDroppedTotal: number;
}
