// Shared memory between the workers and the main thread: what servers may be used (main writes, workers read), counts
// that all workers must agree on (Atomics), and each worker's counters (one writer, no Atomics). Layout only. Everything
// of a frontend, backend or server is found by its slot (slots.ts), which stays with it over reloads.
import { capacityFor, type Capacity, type Traffic } from './slots.ts';

/** Words of one server in `words`. */
export const ServerWord = {
  /** 1: takes requests. 0: down; pooled connections are closed. */
  usable: 0,
  /** Weight now, 0..256. */
  weight: 1,
  /** Requests under way at this server, over all workers; kept only where a limit or the balancing asks. */
  inUse: 2,
  /** Requests that wait for this server, over all workers. */
  waiting: 3,
  /** What the operator wants, `ServerAdmin`; whoever changes it counts `HeaderWord.generation` up. */
  admin: 4,
  /** Most requests under way now, 0: no limit. The configuration's maxConnections, or what an agent says. */
  limit: 5,
  /** Faults in a row that requests met, over all workers; kept only for a server that is observed. */
  faults: 6,
  /** 1: there were errorLimit of them; the main thread reacts and sets it back. */
  tripped: 7,
  /** The address of a server that is configured by name: 0 none yet, 4 or 6; and its one or four words. */
  addressFamily: 8,
  address: 9,
  /** Counted up before and after each change of the address: odd while it is being written. */
  addressTurn: 13,
  /** When its slow start began, monotonic ms modulo 2^32; 0: none is under way. Written by the workers. */
  rampStart: 14,
} as const;
export const SERVER_WORDS = 15;

/** Values of `ServerWord.admin`. drain: no new sessions, those whose cookie means the server stay. maint: nothing. */
export const ServerAdmin = { READY: 0, DRAIN: 1, MAINT: 2 } as const;

/** Words of one backend in `words`. */
export const BackendWord = {
  /** Next place in the order of turns. */
  turn: 0,
  /** Requests that wait for any server of the backend, over all workers. */
  anyWaiting: 1,
  /** All requests that wait in the backend, for any server or for one. */
  queued: 2,
  /** Requests under way at its servers that are counted there. */
  inUse: 3,
} as const;
export const BACKEND_WORDS = 4;

/** Words of one frontend in `words`. */
export const FrontendWord = {
  /** Open connections, over all workers. */
  connections: 0,
  /** Accepted connections that wait for a place, over all workers. */
  held: 1,
} as const;
export const FRONTEND_WORDS = 2;

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
  /** Counts the messages that the main thread has sent to the workers. */
  messages: 4,
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
  compressedAnswers: 10,
  /** Bytes of bodies before and after compression. */
  compressedBytesIn: 11,
  compressedBytesOut: 12,
} as const;
export const FRONTEND_COUNTERS = 13;

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
  /** Sums over requests that a server has answered, ms: in a queue, connecting, until the answer's head, in all. */
  queueMs: 14,
  connectMs: 15,
  responseMs: 16,
  totalMs: 17,
  /** How many requests that was, by the time until the answer's head: one for each latency bound, then the rest. */
  responseTimes: 18,
} as const;

/** Upper bounds of the latency histogram in ms; one more count is for the rest. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000,
];
export const LATENCY_COUNTS = LATENCY_BOUNDS_MS.length + 1;
export const SERVER_COUNTERS = ServerCounter.responseTimes + LATENCY_COUNTS;

/** How many different reasons for refusing a request have a counter. */
export const REFUSAL_SLOTS = 64;

/** Where everything lies: by slot, with room for more; made alike in the main thread and in every worker. */
export interface SharedLayout extends Capacity {
  /** First words of the backends and of the frontends in `words`. */
  readonly backendWords: number;
  readonly frontendWords: number;
  readonly wordBytes: number;
  readonly frontendBase: number;
  readonly serverBase: number;
  readonly latencyBase: number;
  readonly refusalBase: number;
  /** The counter that a worker sets to its monotonic ms at each tick: it runs. */
  readonly beat: number;
  readonly counterBytes: number;
}

/** Computes the layout for a first configuration and those that may follow it; see `capacityFor`. */
export function sharedLayout(config: Traffic): SharedLayout {
  return layoutFor(capacityFor(config));
}

/** Computes the layout for so many slots. */
export function layoutFor({ frontends, backends, servers }: Capacity): SharedLayout {
  const backendWords = HEADER_WORDS + servers * SERVER_WORDS;
  const frontendWords = backendWords + backends * BACKEND_WORDS;
  const serverBase = frontends * FRONTEND_COUNTERS;
  const latencyBase = serverBase + servers * SERVER_COUNTERS;
  const refusalBase = latencyBase + LATENCY_COUNTS;
  const beat = refusalBase + frontends * REFUSAL_SLOTS;
  return {
    frontends,
    backends,
    servers,
    backendWords,
    frontendWords,
    wordBytes: 4 * (frontendWords + frontends * FRONTEND_WORDS),
    frontendBase: 0,
    serverBase,
    latencyBase,
    refusalBase,
    beat,
    counterBytes: 8 * (beat + 1),
  };
}

/** First word of a server. */
export function serverWord(server: number): number {
  return HEADER_WORDS + server * SERVER_WORDS;
}

/** First word of a backend. */
export function backendWord(layout: SharedLayout, backend: number): number {
  return layout.backendWords + backend * BACKEND_WORDS;
}

/** First word of a frontend. */
export function frontendWord(layout: SharedLayout, frontend: number): number {
  return layout.frontendWords + frontend * FRONTEND_WORDS;
}

/** First counter of a frontend. */
export function frontendCounter(frontend: number): number {
  return frontend * FRONTEND_COUNTERS;
}

/** First counter of a server. */
export function serverCounter(layout: SharedLayout, server: number): number {
  return layout.serverBase + server * SERVER_COUNTERS;
}
