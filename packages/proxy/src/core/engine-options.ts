// What an engine is given: memory that it shares with others, limits, and the two things that it may not do itself
// (tell the time of day, compare addresses).
import type { HttpConfig, LogConfig, TimeoutsConfig } from '@tospann/config';
import type { MakeCompressor } from './compress/compressors.ts';
import type { AccessLog } from './access-log.ts';

export interface EngineOptions {
  readonly timeouts: TimeoutsConfig;
  readonly http: Pick<HttpConfig, 'serverClose' | 'retries' | 'redispatch' | 'retryOn' | 'retryBudgetPercent'>;
  /** Whether X-Forwarded-For is added for a client with this address. Asked once a connection. */
  readonly addsForwardedFor: (address: string) => boolean;
  readonly clientAddressInLog: LogConfig['privacy']['clientAddress'];
  readonly ignoreEmpty: boolean;
  /** Absent access log: null. */
  readonly log: AccessLog | null;
  /** Makes a compressor that works on the transport's memory; absent: nothing is compressed. */
  readonly makeCompressor?: MakeCompressor;
  /** Milliseconds to add to the transport's monotonic time to get ms since 1970. Asked about once a second. */
  readonly wallOffsetMs: () => number;
  /** State shared by all workers, by `SharedLayout`. */
  readonly words: Int32Array;
  /** What sources have done lately, shared by all workers (SOURCE_TABLE_BYTES); absent: sources are not limited. */
  readonly sources?: Int32Array;
  /** This worker's counters, by `SharedLayout`. */
  readonly counters: Float64Array;
  /** Those of all workers, for what a log line says of the whole node. @default this worker's alone */
  readonly fleet?: readonly Float64Array[];
  /** Wakes the other workers: requests of theirs that waited have been given places. */
  readonly wakeOthers: () => void;
  /** The line of waiting requests that all workers share (`lineBytes`), and which one this is. @default one of its own */
  readonly line?: { readonly memory: SharedArrayBuffer; readonly worker: number; readonly workers: number };
  /** Random numbers in [0, 1) for balance random2. @default a fixed sequence */
  readonly random?: () => number;
  /** Begins each request id: letters and digits, different for each node, worker and start; at most 40. @default '' */
  readonly requestIdSeed?: string;
  /** Called at the end of every tick, and when another thread has woken the transport. */
  readonly onTick: () => void;
}

/** Ranges and bytes that one direction of a connection may hold before its source is stopped. 128 KiB keep a 1 Gbit/s
 * path of 1 ms full, and with what comes late stay below the 256 kB that a slow reader may cost. */
export const MAX_HELD_RANGES = 4;
export const MAX_HELD_BYTES = 131_072;
/** A longer head is refused (431), also where buffers are larger: the same on every transport. */
export const MAX_HEAD_BYTES = 16_384;
/** Room for the fields of a head; a frontend's limit is at most this. */
export const MAX_FIELDS = 512;
/** Idle connections kept for each server on each worker. */
export const MAX_IDLE_PER_SERVER = 256;
/** Idle connections are closed after this: below the 5 s after which Apache and Node close them, which would race. */
export const IDLE_UPSTREAM_MS = 4000;
/** A request that cannot be repeated takes no pooled connection that has been idle for longer: its server might be
 * closing it at this moment. No usual server closes idle connections within a second. */
export const FRESH_IDLE_MS = 1000;
/** How long and how much is read after the last answer, so that closing does not destroy it (RFC 9112 section 9.6). */
export const LINGER_MS = 2000;
export const LINGER_BYTES = 1 << 20;
/** A body under this rate over a whole client time-out is a slow-body attack: 408. */
export const MIN_BODY_BYTES_PER_S = 64;
/** More interim answers (1xx) than this to one request are a fault of the server. */
export const MAX_INTERIM_ANSWERS = 32;
/** Requests that rules hold (tarpit) on one worker; further ones are answered at once. */
export const MAX_TARPITTED = 1000;
/** Pause before the n-th further attempt at the same server is n times this. */
export const RETRY_PAUSE_MS = 100;
