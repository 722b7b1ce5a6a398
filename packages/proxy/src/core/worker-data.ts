// What the main thread and a worker tell each other. Everything else goes through shared memory.
import type { PairConfig } from '@tospann/config';
import type { PlanPlace } from './plan.ts';

/** A listening socket and the frontend (its slot) that it belongs to. */
export interface WorkerListener {
  readonly fd: number;
  readonly frontend: number;
}

/** Given to a worker when it starts. */
export interface WorkerData {
  readonly name: 'proxy-worker';
  readonly worker: number;
  readonly engine: 'ring' | 'node';
  readonly config: PairConfig;
  readonly place: PlanPlace;
  readonly listeners: readonly WorkerListener[];
  /** Words for all workers (`SharedLayout.wordBytes`). */
  readonly words: SharedArrayBuffer;
  /** One word for each worker: the descriptor that wakes it, or -1. */
  readonly wakeFds: SharedArrayBuffer;
  /** Counters of this worker (`SharedLayout.counterBytes`). */
  readonly counters: SharedArrayBuffer;
  /** Log lines of this worker; null when the access log is off. */
  readonly logRing: SharedArrayBuffer | null;
  /** Receive buffers, and as many send buffers; a power of two. */
  readonly buffers: number;
}

/** What a worker says: `ready` once it accepts, `stopped` when its loop has ended. */
export type WorkerMessage =
  | { readonly type: 'ready'; readonly wakeFd: number }
  | { readonly type: 'stopped'; readonly figures: Readonly<Record<string, number>> };
