// Shared memory between the workers and the main thread: what servers may be used (main writes, workers read), counts
// that all workers must agree on (Atomics), and each worker's counters (one writer, no Atomics). Layout only.
import type { PairConfig } from '@tospann/config';

/** Words of one server in `words`. */
export const ServerWord = {
  /** 1: takes requests. 0: down; pooled connections are closed. */
  usable: 0,
  /** Weight now, 0..256. */
  weight: 1,
  /** Requests under way at this server, over all workers; kept only for a server with a limit. */
  inUse: 2,
  /** Next place in the backend's turn; kept on the backend's first server. */
  turn: 3,
  /** Requests that wait for this server, over all workers. */
  waiting: 4,
  /** Requests that wait for any server of the backend, over all workers; kept on its first server. */
  anyWaiting: 5,
  /** What the operator wants, `ServerAdmin`; whoever changes it counts `HeaderWord.generation` up. */
  admin: 6,
  /** Most requests under way now, 0: no limit. The configuration's maxConnections, or what an agent says. */
  limit: 7,
} as const;
export const SERVER_WORDS = 8;

/** Values of `ServerWord.admin`. drain: no new sessions, those whose cookie means the server stay. maint: nothing. */
export const ServerAdmin = { READY: 0, DRAIN: 1, MAINT: 2 } as const;

/** Words at the start of `words`. */
export const HeaderWord = {
  /** Counts every change of a server's `usable` or `weight`. */
  generation: 0,
  /** 1: accept no more, close connections as they become idle. */
  draining: 1,
  /** 1: end the worker at once. */
  stopping: 2,
  /** 1: this node owns no address; every answer says `Connection: close`, so that clients go where the address is. */
  standby: 3,
} as const;
export const HEADER_WORDS = 8;

/** Counters of one frontend. */
export const FrontendCounter = {
  connectionsTotal: 0,
  currentConnections: 1,
  requestsTotal: 2,
  /** Five: 1xx to 5xx. */
  responses: 3,
  bytesIn: 8,
  bytesOut: 9,
} as const;
export const FRONTEND_COUNTERS = 10;

/** Counters of one server. */
export const ServerCounter = {
  currentSessions: 0,
  requestsTotal: 1,
  responses: 2,
  connectErrors: 7,
  responseErrors: 8,
  retries: 9,
  redispatches: 10,
  bytesIn: 11,
  bytesOut: 12,
  /** Pooled idle connections now. */
  idle: 13,
} as const;
export const SERVER_COUNTERS = 14;

/** Upper bounds of the latency histogram in ms; one more count is for the rest. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000,
];

/** How many different reasons for refusing a request have a counter. */
export const REFUSAL_SLOTS = 64;

/** Where everything lies; made alike in the main thread and in every worker from the same configuration. */
export interface SharedLayout {
  readonly frontends: number;
  readonly servers: number;
  /** First word of the frontends' connection counts in `words`. */
  readonly frontendWords: number;
  readonly wordBytes: number;
  readonly frontendBase: number;
  readonly serverBase: number;
  readonly latencyBase: number;
  readonly refusalBase: number;
  readonly counterBytes: number;
}

/** Computes the layout for a configuration. */
export function sharedLayout(config: Pick<PairConfig, 'frontends' | 'backends'>): SharedLayout {
  const frontends = config.frontends.length;
  const servers = config.backends.reduce((sum, backend) => sum + backend.servers.length, 0);
  const frontendWords = HEADER_WORDS + servers * SERVER_WORDS;
  const serverBase = frontends * FRONTEND_COUNTERS;
  const latencyBase = serverBase + servers * SERVER_COUNTERS;
  const refusalBase = latencyBase + LATENCY_BOUNDS_MS.length + 1;
  return {
    frontends,
    servers,
    frontendWords,
    wordBytes: 4 * (frontendWords + frontends),
    frontendBase: 0,
    serverBase,
    latencyBase,
    refusalBase,
    counterBytes: 8 * (refusalBase + frontends * REFUSAL_SLOTS),
  };
}

/** First word of a server. */
export function serverWord(server: number): number {
  return HEADER_WORDS + server * SERVER_WORDS;
}

/** First counter of a frontend. */
export function frontendCounter(frontend: number): number {
  return frontend * FRONTEND_COUNTERS;
}

/** First counter of a server. */
export function serverCounter(layout: SharedLayout, server: number): number {
  return layout.serverBase + server * SERVER_COUNTERS;
}
