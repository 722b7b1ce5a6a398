// The contract of the admin API as zod schemas: what a node says about itself and about the pair. Pure data, also
// for the browser; no code of the data plane is imported here. Readers strip unknown keys, so that two versions of
// the product can talk during an upgrade. Counters start at 0 with their process and only grow.
import { z } from 'zod';

/** Plain data that nobody may change: all properties and elements read-only, all the way down. */
export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

const count = z.number().nonnegative();
const byClass = z.tuple([count, count, count, count, count]);
const byReason = z.record(z.string(), count);

/** A server's health: `starting` until its first check has ended. */
export const serverState = z.enum(['starting', 'up', 'down', 'unchecked']);
export type ServerState = Frozen<z.infer<typeof serverState>>;

/** What is wanted of a server: drain takes no new sessions, maint nothing at all. */
export const adminState = z.enum(['ready', 'drain', 'maint']);
export type AdminState = Frozen<z.infer<typeof adminState>>;

/** Both in one word: maint hides all others, down hides drain. */
export const serverStatusWord = z.enum([...serverState.options, 'drain', 'maint']);
export type ServerStatusWord = Frozen<z.infer<typeof serverStatusWord>>;

/** One server of a backend. `sinceMs` is on the monotonic clock of its node (`NodeStatus.monotonicMs` is now). */
export const serverStatus = z.object({
  name: z.string(),
  address: z.string(),
  port: z.number().int().min(0).max(65_535),
  state: serverState,
  sinceMs: z.number(),
  lastCheck: z.string(),
  weight: count,
  /** Absent from a node of an older version; so are the next ones. */
  status: serverStatusWord.optional(),
  admin: adminState.optional(),
  /** What balancing uses now: times the agent's percentage, 0 in drain and maint. */
  effectiveWeight: count.optional(),
  /** live: it could take new requests (healthy, ready, with a weight). takesTraffic: balancing chooses it now. */
  live: z.boolean().optional(),
  takesTraffic: z.boolean().optional(),
  idleBecause: z.string().optional(),
  /** HAProxy's short form of `lastCheck`: `L7OK`. */
  checkStatus: z.string().optional(),
  /** Operator, agent and resolver in words. */
  checkDetail: z.string().optional(),
  /** For a server that is configured by name. stale: the last good address is kept while the resolver fails. */
  hostName: z.string().optional(),
  resolution: z.enum(['fresh', 'stale', 'unresolved']).optional(),
  currentSessions: count,
  queued: count.optional(),
  requestsTotal: count,
  responsesTotal: byClass,
  connectErrorsTotal: count,
  responseErrorsTotal: count,
  retriesTotal: count,
  redispatchesTotal: count,
  checkFailuresTotal: count,
  bytesInTotal: count,
  bytesOutTotal: count,
  /** Sums over the requests that it has answered, ms: in a queue, connecting, until the answer's head, in all. */
  queueMsTotal: count.optional(),
  connectMsTotal: count.optional(),
  responseMsTotal: count.optional(),
  totalMsTotal: count.optional(),
  /** How many these were, by the time until the answer's head: one count for each `latencyBoundsMs`, then the rest. */
  responseTimeCounts: z.array(count).optional(),
});
export type ServerStatus = Frozen<z.infer<typeof serverStatus>>;

export const backendStatus = z.object({ name: z.string(), queued: count.optional(), servers: z.array(serverStatus) });
export type BackendStatus = Frozen<z.infer<typeof backendStatus>>;

/** One frontend; `responsesTotal` counts answers to clients by class, index 0 is 1xx, 4 is 5xx. */
export const frontendStatus = z.object({
  name: z.string(),
  binds: z.array(z.string()),
  currentConnections: count,
  connectionsTotal: count,
  requestsTotal: count,
  responsesTotal: byClass,
  refusedTotal: byReason,
  bytesInTotal: count,
  bytesOutTotal: count,
  /** Answers that were compressed, and the bytes of their bodies before and after. */
  compressedAnswersTotal: count.optional(),
  compressedBytesInTotal: count.optional(),
  compressedBytesOutTotal: count.optional(),
});
export type FrontendStatus = Frozen<z.infer<typeof frontendStatus>>;

/** The data plane of one node. `latencyCounts` has one more entry than `latencyBoundsMs`: the rest. */
export const proxyStatus = z.object({
  engine: z.enum(['ring', 'node']),
  engineReason: z.string(),
  threads: count,
  frontends: z.array(frontendStatus),
  backends: z.array(backendStatus),
  latencyBoundsMs: z.array(z.number()),
  latencyCounts: z.array(count),
  logLinesDroppedTotal: count,
});
export type ProxyStatus = Frozen<z.infer<typeof proxyStatus>>;

export const vipState = z.enum(['init', 'backup', 'master', 'fault']);
export type VipState = Frozen<z.infer<typeof vipState>>;

/** One floating address as this node sees it. `owner` is a node's name, or empty when nobody is known to own it. */
export const vipStatus = z.object({
  name: z.string(),
  address: z.string(),
  routerId: z.number().int(),
  state: vipState,
  sinceMs: z.number(),
  reason: z.string(),
  priority: count,
  transitionsTotal: count,
  owner: z.string(),
  adverts: z.object({ sentTotal: count, receivedTotal: count, droppedTotal: byReason }),
  /** Age of the last valid advert of the peer in ms; -1 when none was heard. */
  lastAdvertAgeMs: z.number(),
  peerPriority: z.number(),
  checksumDialect: z.enum(['pseudo-header', 'message-only']),
  /** While this node owns it: from the take-over to the first real answer, in ms, once that is known. */
  firstAnswerMs: count.optional(),
  /** Take-overs of the election, counted over both nodes: the fencing token of hooks. */
  term: count.optional(),
  /** Monotonic ms of this node at which it takes the address back as the preferred one; absent: it is not about to. */
  takesBackAtMs: z.number().optional(),
});
export type VipStatus = Frozen<z.infer<typeof vipStatus>>;

export const conditionState = z.enum(['waiting', 'ok', 'warning', 'impaired', 'no-server', 'failed']);
export type ConditionState = Frozen<z.infer<typeof conditionState>>;

/** One condition under which a node may own addresses. `impaired` gives way to a better node only, `warning` never. */
export const conditionStatus = z.object({
  /** `frontend main`, `script disk`, `gateway`. */
  name: z.string(),
  state: conditionState,
  sinceMs: z.number(),
  sentence: z.string(),
  /** The end of what a script printed. */
  output: z.string().optional(),
});
export type ConditionStatus = Frozen<z.infer<typeof conditionStatus>>;

/** `since` is ISO 8601 in UTC; empty when it is not known. */
export const maintenanceStatus = z.object({ since: z.string(), reason: z.string() });
export type MaintenanceStatus = Frozen<z.infer<typeof maintenanceStatus>>;
/** How the last move of an address outside its machine went (`announce: hook`). */
export const moverStatus = z.object({
  vip: z.string(),
  outcome: z.enum(['calling', 'waiting', 'done', 'failed', 'cancelled']),
  /** The fencing token of the call. */
  term: count,
  attempts: count,
  /** Why it failed last; empty: it did not. */
  detail: z.string(),
  /** Monotonic ms of the take-over, and how long after it this came about. */
  sinceMs: z.number(),
  durationMs: count,
});
export type MoverStatus = Frozen<z.infer<typeof moverStatus>>;

/** The second path to the other node: what both say to each other beside the adverts. */
export const peerLinkStatus = z.object({
  /** The other node's name. */
  peer: z.string(),
  connected: z.boolean(),
  /** Connected, and words come. */
  speaking: z.boolean(),
  /** Monotonic ms of this node: since when it is connected or not. */
  sinceMs: z.number(),
  /** -1: none came yet. */
  lastWordAgeMs: z.number(),
  /** There and back, ms; -1: not known yet. */
  roundTripMs: z.number(),
  /** How far the peer's wall clock is ahead of this node's, ms. */
  clockAheadMs: z.number(),
  /** Why it is not connected; empty when it is. */
  detail: z.string(),
  peerVersion: z.string(),
  connectionsTotal: count,
  /** Connections from addresses that are not the peer's, closed at once. */
  strangersTotal: count,
  /** What is wrong between the nodes now, in sentences. */
  problems: z.array(z.string()),
});
export type PeerLinkStatus = Frozen<z.infer<typeof peerLinkStatus>>;

/** The failover agent of one node. */
export const vrrpStatus = z.object({
  vips: z.array(vipStatus),
  /** Absent: there is no peer link (one node, failover.peerPort 0). */
  peerLink: peerLinkStatus.optional(),
  /** How old these words are, ms; the election's loop says them ten times a second. Absent from an older version. */
  ageMs: count.optional(),
  scheduling: z.string(),
  latenessMaxMs: z.number(),
  latenessLastMinuteMs: z.number(),
  /** How late this node's adverts left in the last minute; `count` 0: none was planned. */
  advertLateness: z
    .object({ p50Ms: z.number(), p99Ms: z.number(), p999Ms: z.number(), maxMs: z.number(), count })
    .optional(),
  addressProblems: z.array(z.string()).optional(), // another host announces one; in sentences
  gratuitousArpTotal: count,
  addressRestoredTotal: count,
  freezesTotal: count,
  /** The sum of the conditions; absent from a node of an older version, as are the next ones. */
  ability: z.enum(['unknown', 'serves', 'impaired', 'no-live-server', 'cannot-serve']).optional(),
  abilityReason: z.string().optional(),
  conditions: z.array(conditionStatus).optional(),
  /** Absent: the node is not in maintenance. */
  maintenance: maintenanceStatus.optional(),
  /** What a planned move cannot promise here, a sentence each. */
  notPromised: z.array(z.string()).optional(),
  movers: z.array(moverStatus).optional(),
});
export type VrrpStatus = Frozen<z.infer<typeof vrrpStatus>>;

/** A child process of the supervisor. `ready` means that it does its work; `detail` says why when it does not. */
export const childStatus = z.object({
  name: z.string(),
  state: z.enum(['starting', 'ready', 'draining', 'down']),
  /** 0 when there is no process. */
  pid: z.number().int(),
  restartsTotal: count,
  /** Monotonic ms of the last change of `state`. */
  sinceMs: z.number(),
  detail: z.string().default(''),
});
export type ChildStatus = Frozen<z.infer<typeof childStatus>>;

/** Live figures of the machine; a figure that the kernel does not offer is absent. */
export const hostStatus = z.object({
  conntrackEntries: count.optional(),
  conntrackLimit: count.optional(),
  /** 0..1 over the last seconds. */
  cpuStealRatio: count.optional(),
  /** 0..1 over the last seconds, all processors. */
  cpuBusyRatio: count.optional(),
  /** At the present rate; absent while the table does not grow. */
  conntrackFullInSeconds: count.optional(),
  conntrackDroppedTotal: count.optional(),
  conntrackInsertFailedTotal: count.optional(),
  /** Who has most entries, of a sample; shares 0..1. */
  conntrackSources: z.array(z.object({ source: z.string(), share: count })).optional(),
  listenOverflowsTotal: count.optional(),
  timeWaitOverflowsTotal: count.optional(),
  softnetDroppedTotal: count.optional(),
  /** The destination with most local ports in use; absent while there are plenty. */
  localPorts: z.object({ destination: z.string(), used: count, usable: count }).optional(),
  /** Limits of the kernel that hurt users, or soon will. */
  alarms: z
    .array(
      z.object({ name: z.string(), severity: z.enum(['warning', 'alarm']), sinceMs: z.number(), text: z.string() }),
    )
    .optional(),
});
export type HostStatus = Frozen<z.infer<typeof hostStatus>>;

/** info: for the record. warning: a person should look today. alarm: a person should look now. */
export const eventSeverity = z.enum(['info', 'warning', 'alarm']);
export type EventSeverity = Frozen<z.infer<typeof eventSeverity>>;

/** What happened, as its source tells it: without a place in the order of its node. */
export const eventDraft = z.object({
  /** Wall clock, ms since 1970. */
  timeMs: z.number(),
  monotonicMs: z.number(),
  /** Its kind: `vrrp-state`, `server-state`, `child`; see docs/events.md. Newer versions may have more. */
  event: z.string(),
  severity: eventSeverity,
  vip: z.string().optional(),
  group: z.string().optional(),
  /** The sentence that an operator needs. */
  text: z.string(),
  /** What it rests on, flat: names and units in the keys. */
  evidence: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});
export type EventDraft = Frozen<z.infer<typeof eventDraft>>;

/** One event of a node; `seq` grows by one with each and goes on over restarts. */
export const nodeEvent = z.object({ seq: z.number().int(), node: z.string(), ...eventDraft.shape });
export type NodeEvent = Frozen<z.infer<typeof nodeEvent>>;

/** In the stream, where events are missing: these numbers, both included, are not held any more. */
export const eventGap = z.object({
  event: z.literal('gap'),
  node: z.string(),
  from: z.number().int(),
  to: z.number().int(),
});
export type EventGap = Frozen<z.infer<typeof eventGap>>;
export type EventLine = NodeEvent | EventGap;

/** Everything that one node says about itself. `proxy` and `vrrp` are absent while their child does not answer. */
export const nodeStatus = z.object({
  node: z.string(),
  cluster: z.string(),
  version: z.string(),
  /** SHA-256 of the configuration model, hex: equal on two nodes that mean the same. */
  configHash: z.string(),
  /** Names of all nodes of the configuration; absent from a node of an older version. */
  nodes: z.array(z.string()).optional(),
  uptimeMs: count,
  /** Wall clock, ms since 1970: for people. */
  timeMs: z.number(),
  /** Monotonic clock: the base of every `sinceMs` of this node. */
  monotonicMs: z.number(),
  children: z.array(childStatus),
  proxy: proxyStatus.optional(),
  vrrp: vrrpStatus.optional(),
  host: hostStatus.optional(),
  /** How the configuration file on disk stands to what runs; absent: nothing is known of it. */
  configuration: z
    .object({
      differs: z.boolean(),
      /** Why the next start could not use it; empty: it could. */
      broken: z.string(),
      /** ISO 8601 in UTC: since when it is so. */
      since: z.string(),
    })
    .optional(),
  /** Sentences that an operator should read, for instance why an engine was not taken. */
  notices: z.array(z.string()).default([]),
  /** The last few events, oldest first and without their evidence; all are at GET /api/v1/events. */
  events: z.array(nodeEvent).optional(),
});
export type NodeStatus = Frozen<z.infer<typeof nodeStatus>>;

/** What this node knows about its peer. `status` is the last one heard: old when `reachable` is false. */
export const peerStatus = z.object({
  name: z.string(),
  address: z.string(),
  reachable: z.boolean(),
  /** Age of the last authenticated answer in ms; -1 when there was none. */
  lastSeenAgeMs: z.number(),
  /** Why it is not reachable, in words. */
  error: z.string().optional(),
  status: nodeStatus.optional(),
});
export type PeerStatus = Frozen<z.infer<typeof peerStatus>>;

/** `down`: clients are hurt. `degraded`: they are served, but something needs a person. */
export const verdict = z.object({ level: z.enum(['ok', 'degraded', 'down']), sentence: z.string() });
export type Verdict = Frozen<z.infer<typeof verdict>>;

/** The pair as one node sees it; `peer` is absent when the cluster has one node. */
export const pairStatus = z.object({ self: nodeStatus, peer: peerStatus.optional(), verdict });
export type PairStatus = Frozen<z.infer<typeof pairStatus>>;

/** One second of a node's counters for the charts; `requests` and `errors` (5xx answers) only grow while it runs. */
export const historySample = z.object({
  node: z.string(),
  timeMs: z.number(),
  monotonicMs: z.number(),
  requests: count,
  errors: count,
});
export type HistorySample = Frozen<z.infer<typeof historySample>>;

/** What the live stream carries: the past once after the connection, then the pair once a second. */
export const liveMessage = z.discriminatedUnion('topic', [
  z.object({ topic: z.literal('history'), seq: z.number().int(), data: z.array(historySample) }),
  z.object({ topic: z.literal('pair'), seq: z.number().int(), data: pairStatus }),
]);
export type LiveMessage = Frozen<z.infer<typeof liveMessage>>;

/** `to` absent: to the other node. */
export const failoverRequest = z.strictObject({
  to: z.string().min(1).max(64).optional(),
  /** Against the checks that may be overruled. */
  force: z.boolean().optional(),
  /** Only say what would happen. */
  dryRun: z.boolean().optional(),
});
export type FailoverRequest = Frozen<z.infer<typeof failoverRequest>>;

/** What a planned failover did, or with `dryRun` would do. `from` is `to`: it owned all of them already. */
export const failoverReport = z.object({
  from: z.string(),
  to: z.string(),
  dryRun: z.boolean().optional(),
  /** Names of the addresses that moved. */
  vips: z.array(z.string()),
  /** From the request until the other node was heard as owner. */
  durationMs: count,
  detail: z.string(),
  /** From the request to priority 0. */
  detectionMs: count.optional(),
  /** From the other node's take-over to its first real answer; absent: it was not told in time. */
  firstAnswerMs: count.optional(),
  /** Established connections of clients at the moment of the move. */
  connections: count.optional(),
  /** What could not be promised, a sentence each. */
  notPromised: z.array(z.string()).optional(),
});
export type FailoverReport = Frozen<z.infer<typeof failoverReport>>;

/** Maintenance of the node that is asked. */
export const maintenanceRequest = z.strictObject({
  on: z.boolean(),
  reason: z.string().max(500).optional(),
  /** Against the checks that may be overruled, and though nobody takes the addresses. */
  force: z.boolean().optional(),
});
export type MaintenanceRequest = Frozen<z.infer<typeof maintenanceRequest>>;

/** How it ended; `moved` when addresses were given away for it. */
export const maintenanceReport = z.object({
  node: z.string(),
  on: z.boolean(),
  /** False: it was so already. */
  changed: z.boolean(),
  moved: failoverReport.optional(),
});
export type MaintenanceReport = Frozen<z.infer<typeof maintenanceReport>>;

/** What an operator may ask of a node over its control socket. */
export const operation = z.enum(['reload', 'upgrade']);
export type Operation = z.infer<typeof operation>;

/** How it is asked; `force`: also where nothing would change (an upgrade to the program that runs already). */
export const operationRequest = z.strictObject({ force: z.boolean().default(false) });

/** What became of it. `unchanged`: there was nothing to do; `invalid`: the configuration is; `failed`: nothing changed. */
export const operationReport = z.object({
  outcome: z.enum(['done', 'unchanged', 'invalid', 'failed']),
  /** One sentence. */
  summary: z.string(),
  /** What changed, or each problem of the configuration; a line each. */
  lines: z.array(z.string()),
  /** Of what failed; else empty. */
  code: z.string().default(''),
  hint: z.string().default(''),
});
export type OperationReport = Frozen<z.infer<typeof operationReport>>;

const serverWish = {
  state: adminState.optional(),
  weight: z.number().int().min(0).max(256).nullable().optional(),
};

/** What an operator wants of a server; what is absent stays. `weight` null: as configured. */
export const serverChange = z
  .strictObject({
    ...serverWish,
    /** Also when no server of the backend is left that takes traffic. */
    force: z.boolean().optional(),
  })
  .refine((change) => change.state !== undefined || change.weight !== undefined, 'state or weight must be given');
export type ServerChange = Frozen<z.infer<typeof serverChange>>;

/** The same for a named server: between the nodes. */
export const serverOrder = z.strictObject({
  backend: z.string().min(1).max(128),
  server: z.string().min(1).max(128),
  ...serverWish,
});
export type ServerOrder = Frozen<z.infer<typeof serverOrder>>;

/** How a server stands after a change. `peer` says how the other node took it; absent when there is none. */
export const serverChangeReport = z.object({
  backend: z.string(),
  server: z.string(),
  status: serverStatusWord,
  admin: adminState,
  weight: count,
  effectiveWeight: count,
  currentSessions: count,
  peer: z.string().optional(),
});
export type ServerChangeReport = Frozen<z.infer<typeof serverChangeReport>>;

/** All servers of one node. */
export const serverList = z.object({
  node: z.string(),
  servers: z.array(serverStatus.extend({ backend: z.string(), backendQueued: count.optional() })),
});
export type ServerList = Frozen<z.infer<typeof serverList>>;

export const sessionRequest = z.strictObject({ token: z.string().min(1).max(256) });
export type SessionRequest = Frozen<z.infer<typeof sessionRequest>>;

export const sessionStatus = z.object({ authenticated: z.boolean(), node: z.string() });
export type SessionStatus = Frozen<z.infer<typeof sessionStatus>>;

export { problem, type Problem } from './problem.ts';
