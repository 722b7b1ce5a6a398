// What the main thread and a worker tell each other. Everything else goes through shared memory.
import type { PairConfig } from '@tospann/config';
import type { PlanPlace } from './plan.ts';
import type { NamedMap } from './rules/map-table.ts';
import type { EngineListener } from './listeners.ts';

/** What a worker works its plan out from. */
export interface PlanInput {
  readonly config: PairConfig;
  readonly place: PlanPlace;
  /** Contents of the files that the configuration names, by their names there; the main thread has read them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Contents of the maps. */
  readonly maps: readonly NamedMap[];
  readonly listeners: readonly EngineListener[];
}

/** Given to a worker when it starts. */
export interface WorkerData extends PlanInput {
  readonly name: 'proxy-worker';
  readonly worker: number;
  readonly engine: 'ring' | 'node';
  /** Words for all workers (`SharedLayout.wordBytes`). */
  readonly words: SharedArrayBuffer;
  /** What sources have done lately, for limits (SOURCE_TABLE_BYTES). */
  readonly sources: SharedArrayBuffer;
  /** One word for each worker: the descriptor that wakes it, or -1. */
  readonly wakeFds: SharedArrayBuffer;
  /** The line of waiting requests (`lineBytes`), for all workers. */
  readonly line: SharedArrayBuffer;
  /** Counters of this worker (`SharedLayout.counterBytes`). */
  readonly counters: SharedArrayBuffer;
  /** Those of all workers. */
  readonly fleet: readonly SharedArrayBuffer[];
  /** Log lines of this worker. */
  readonly logRing: SharedArrayBuffer;
  /** Receive buffers, and as many send buffers; a power of two. */
  readonly buffers: number;
}

/**
 * What a worker is told. A plan comes in two steps, so that all workers take it or none: `prepare` works it out beside the
 * one that serves, `commit` puts it in its place, `abandon` throws it away. Steps are numbers that grow.
 */
export type WorkerControl =
  | { readonly type: 'prepare'; readonly step: number; readonly input: PlanInput }
  | { readonly type: 'commit' | 'abandon'; readonly step: number }
  /** A map's file has changed. */
  | { readonly type: 'map'; readonly map: NamedMap };

/** What a worker says: `ready` once it accepts, `stopped` when its loop has ended; `settled` when no connection refers
 * any more to what the plan of that step has left out. */
export type WorkerMessage =
  | { readonly type: 'ready'; readonly wakeFd: number }
  | { readonly type: 'stopped'; readonly figures: Readonly<Record<string, number>> }
  | { readonly type: 'prepared' | 'committed' | 'settled'; readonly step: number }
  | { readonly type: 'refused'; readonly step: number; readonly detail: string };
