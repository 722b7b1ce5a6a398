// The main thread's side of the data plane: chooses the engine, starts the workers, checks servers, adds up counters,
// writes logs, drains. It touches no request: when this thread is slow, requests are not.
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import type { PairConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { monotonicMs, probeIoUring, signalEventFd } from '@tospann/linux';
import { logRingBytes } from '../core/log-ring.ts';
import { lineBytes } from '../core/flow/waiting-line.ts';
import { SOURCE_TABLE_BYTES, SourceTable } from '../core/limits/source-table.ts';
import { initialWords } from '../core/plan.ts';
import { FrontendCounter, frontendCounter, HeaderWord, layoutFor } from '../core/shared.ts';
import type { SharedLayout } from '../core/shared.ts';
import { capacityFor, SlotTable, type SlotMap } from '../core/slots.ts';
import type { ProxySnapshot } from '../core/snapshot.ts';
import type { PlanInput, WorkerData, WorkerMessage } from '../core/worker-data.ts';
import { Fleet, type KnownAddress, type ServerEvent, type ServerOrder } from './health/fleet.ts';
import type { NameResolver } from './health/name-watch.ts';
import { LogSink } from './log-sink.ts';
import { clearSlots, engineListeners, isSameSink } from './running.ts';
import { PlanRollout } from './plan-rollout.ts';
import { buildSnapshot } from './proxy-snapshot.ts';
import { type MapSet, mapsOf, type RuleFileLine, RuleFiles } from './rule-files.ts';

const LOG_RING_BYTES = 4 << 20;
const DRAIN_POLL_MS = 25;
/** Requests under way, downloads and WebSockets get this long when the process is to end. */
const DEFAULT_DRAIN_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 3000;

/** A listening socket that the caller owns, blocking, and the name of the frontend that it is for. */
export interface ProxyListener {
  readonly frontend: string;
  readonly fd: number;
}

export type ProxyEvent = ServerEvent;

/** How a reload ended. */
export type ProxyReload =
  | { readonly outcome: 'swapped' }
  | { readonly outcome: 'needs-process'; readonly reason: string };

/** Something else that an operator should read. */
export interface ProxyLogLine {
  readonly event: 'worker-lost' | 'access-log-failed' | RuleFileLine['event'];
  readonly msg: string;
}

export interface ProxyOptions {
  readonly config: PairConfig;
  readonly listeners: readonly ProxyListener[];
  /** Starts the bundled worker of this name. */
  readonly startWorker: (name: 'proxy-worker', data: WorkerData) => Worker;
  readonly onEvent: (event: ProxyEvent) => void;
  /** What operators want of servers, from before; servers that are not there are remembered for a later reload. */
  readonly orders?: readonly ServerOrder[];
  /** Addresses of servers by name that a process before this one knew: they hold until the resolver answers. */
  readonly addresses?: readonly KnownAddress[];
  /** Finds addresses of servers that are configured by name. @default /etc/hosts, then DNS */
  readonly resolver?: NameResolver;
  readonly log: (line: ProxyLogLine) => void;
  /**
   * A worker thread has died. What it held cannot be put right from here: the process should end and be started
   * again on the same listening sockets. Also after `ready` was rejected.
   */
  readonly onFatal: (error: Error) => void;
  /** Contents of the error pages that the configuration names, by their names there. @default they are read */
  readonly files?: ReadonlyMap<string, Uint8Array>;
  /** Receive buffers of each worker (and as many send buffers), a power of two. @default 2048 */
  readonly buffers?: number;
}

export interface ProxyService {
  /** Settles when every worker accepts; rejects when one cannot start. */
  readonly ready: Promise<void>;
  snapshot(): ProxySnapshot;
  /**
   * Puts a new configuration in the old one's place without touching a connection: what has the same identity (see
   * slots.ts) keeps its counters, health, weight and connections. One at a time.
   *
   * @param next `listeners` are all sockets of the new configuration. Those that it does not name are used no more
   * when this has settled; closing them is the caller's business.
   * @returns `swapped`; or why only a new process can take it, in words, and then nothing has changed.
   * @throws {TospannError} LB_OPERATION_RELOAD_REFUSED when a worker cannot work it out; then nothing has changed.
   */
  reload(next: Pick<ProxyOptions, 'config' | 'listeners' | 'files'>): Promise<ProxyReload>;
  /** Opens log files by their names again. */
  reopenLogs(): void;
  /**
   * Says whether this node owns no address: then every answer ends its connection, so that a client that keeps one
   * open follows the address to the other node.
   */
  setStandby(on: boolean): void;
  /** Does what an operator wants of a server; false: there is no such server. */
  order(order: ServerOrder): boolean;
  /**
   * Accepts no more; answers say `Connection: close`; settles when the last connection is gone or the limit is over.
   *
   * @returns The number of connections that were still open.
   */
  drain(limitMs?: number): Promise<number>;
  /** Ends everything at once. */
  close(): Promise<void>;
}

/**
 * Starts the data plane.
 *
 * @throws {TospannError} LB_KERNEL_NO_IO_URING when `engine: ring` is asked for and cannot be had.
 */
export function startProxy(options: ProxyOptions): ProxyService {
  return new Service(options);
}

/** Which transport runs, and why, in words. */
export function chooseEngine(wanted: PairConfig['proxy']['engine']): { engine: 'ring' | 'node'; reason: string } {
  if (wanted === 'node') return { engine: 'node', reason: 'proxy.engine is node' };
  const probe = probeIoUring();
  if (probe.usable)
    return { engine: 'ring', reason: wanted === 'ring' ? 'proxy.engine is ring' : 'io_uring is usable' };
  if (wanted === 'ring') throw new TospannError('LB_KERNEL_NO_IO_URING', { detail: probe.reason });
  return { engine: 'node', reason: `io_uring is not usable: ${probe.reason}` };
}

class Service implements ProxyService {
  readonly ready: Promise<void>;
  readonly #options: ProxyOptions;
  readonly #layout: SharedLayout;
  readonly #table: SlotTable;
  readonly #rollout: PlanRollout;
  readonly #sources = new SharedArrayBuffer(SOURCE_TABLE_BYTES);
  readonly #logRings: readonly SharedArrayBuffer[];
  #config: PairConfig;
  #slots: SlotMap;
  readonly #engine: { readonly engine: 'ring' | 'node'; readonly reason: string };
  readonly #words: Int32Array;
  readonly #counters: readonly Float64Array[];
  readonly #workers: Worker[] = [];
  readonly #wakeFds: number[] = [];
  /** The same for the workers among themselves. */
  readonly #wakeWords: SharedArrayBuffer;
  /** Requests that wait for places, of all workers. */
  readonly #line: SharedArrayBuffer;
  readonly #fleet: Fleet;
  readonly #files: RuleFiles;
  #logs: LogSink | undefined;
  #closing = false;

  constructor(options: ProxyOptions) {
    const { config } = options;
    this.#options = options;
    this.#engine = chooseEngine(config.proxy.engine);
    const capacity = capacityFor(config);
    this.#layout = layoutFor(capacity);
    this.#config = config;
    this.#table = new SlotTable(capacity);
    const slots = this.#table.assign(config);
    if (slots === null) throw new RangeError('a capacity below its own configuration');
    this.#slots = slots;
    this.#words = new Int32Array(new SharedArrayBuffer(this.#layout.wordBytes));
    initialWords(config, this.#words, slots);
    const threads = config.proxy.threads === 0 ? availableParallelism() : config.proxy.threads;
    this.#wakeWords = new SharedArrayBuffer(4 * threads);
    this.#line = new SharedArrayBuffer(lineBytes({ ...this.#layout, workers: threads }));
    new Int32Array(this.#wakeWords).fill(-1);
    const indices = Array.from({ length: threads }, (_, i) => i);
    this.#counters = indices.map(() => new Float64Array(new SharedArrayBuffer(this.#layout.counterBytes)));
    const [a = 0, b = 0] = crypto.getRandomValues(new Int32Array(2));
    new SourceTable(new Int32Array(this.#sources)).seed(a, b);
    this.#logRings = indices.map(() => new SharedArrayBuffer(logRingBytes(LOG_RING_BYTES)));
    this.#logs = this.#openLogs(config);
    this.#rollout = new PlanRollout({
      workers: this.#workers,
      words: this.#words,
      wake: () => this.#wakeAll(),
      onSettled: (step) => this.#freeSlots(step),
    });
    this.#files = new RuleFiles({
      log: options.log,
      onMap: (map) => this.#rollout.tell({ type: 'map', map }),
    });
    const maps = this.#files.read(config);
    this.#files.watch(maps);
    const first = this.#planInput(options, { slots, maps });
    this.ready = Promise.all(indices.map((i) => this.#startWorker(i, first))).then(() => undefined);
    this.#fleet = new Fleet({
      words: this.#words,
      wake: () => this.#wakeAll(),
      monotonicMs,
      onEvent: options.onEvent,
      ...(options.orders === undefined ? {} : { orders: options.orders }),
      ...(options.addresses === undefined ? {} : { addresses: options.addresses }),
      ...(options.resolver === undefined ? {} : { resolver: options.resolver }),
    });
    this.#fleet.apply(config, slots);
  }

  async reload(next: Pick<ProxyOptions, 'config' | 'listeners' | 'files'>): Promise<ProxyReload> {
    const before = this.#config;
    const { config } = next;
    const { engine, threads, user } = before.proxy;
    if (config.proxy.engine !== engine) return { outcome: 'needs-process', reason: 'proxy.engine changed' };
    if (config.proxy.threads !== threads) return { outcome: 'needs-process', reason: 'proxy.threads changed' };
    if (config.proxy.user !== user) return { outcome: 'needs-process', reason: 'proxy.user changed' };
    const slots = this.#table.assign(config);
    if (slots === null) {
      return { outcome: 'needs-process', reason: 'there are more frontends, backends or servers than slots for them' };
    }
    let logs: LogSink | undefined;
    try {
      logs = isSameSink(before, config) ? this.#logs : this.#openLogs(config);
    } catch (error) {
      this.#table.retire(before, this.#rollout.step);
      return { outcome: 'needs-process', reason: `the access log cannot be opened by this one: ${String(error)}` };
    }
    const maps = this.#files.read(config);
    const input = this.#planInput(next, { slots, maps });
    try {
      await this.#rollout.roll(input, (step) => this.#take(config, { slots, step, logs, maps }));
    } catch (error) {
      if (this.#config !== before) this.#workerLost(error instanceof Error ? error : new Error(String(error)));
      // What was given a slot for nothing gives it back with the next step.
      else this.#table.retire(before, this.#rollout.step);
      if (logs !== this.#logs) void logs?.close();
      throw error;
    }
    return { outcome: 'swapped' };
  }

  /** All workers can take the new configuration: what the main thread does for it goes over to it too. */
  #take(
    config: PairConfig,
    next: {
      readonly slots: SlotMap;
      readonly step: number;
      readonly logs: LogSink | undefined;
      readonly maps: MapSet;
    },
  ): void {
    this.#config = config;
    this.#slots = next.slots;
    this.#table.retire(config, next.step);
    this.#files.watch(next.maps);
    if (next.logs !== this.#logs) {
      void this.#logs?.close();
      this.#logs = next.logs;
    }
    this.#fleet.apply(config, next.slots);
  }

  /** Nobody refers to what left at this step. */
  #freeSlots(step: number): void {
    clearSlots({ layout: this.#layout, words: this.#words, counters: this.#counters }, this.#table.free(step));
  }

  #openLogs(config: PairConfig): LogSink | undefined {
    const { access, privacy } = config.log;
    if (!access.enabled) return undefined;
    return new LogSink(this.#logRings, {
      file: access.file,
      retentionDays: privacy.retentionDays,
      onError: ({ message }) =>
        this.#options.log({ event: 'access-log-failed', msg: `Cannot write the access log: ${message}` }),
    });
  }

  #planInput(
    from: Pick<ProxyOptions, 'config' | 'listeners' | 'files'>,
    { slots, maps }: { readonly slots: SlotMap; readonly maps: MapSet },
  ): PlanInput {
    const { config, listeners } = from;
    return {
      config,
      place: { capacity: this.#layout, slots },
      files: from.files ?? this.#files.pages(config),
      maps: mapsOf(maps),
      listeners: engineListeners({ config, slots }, listeners),
    };
  }

  snapshot(): ProxySnapshot {
    return buildSnapshot({
      config: this.#config,
      slots: this.#slots,
      layout: this.#layout,
      counters: this.#counters,
      words: this.#words,
      engine: this.#engine,
      health: (slot) => this.#fleet.snapshotOf(slot),
      logLinesDroppedTotal: this.#logs?.droppedTotal ?? 0,
      nowMs: monotonicMs(),
    });
  }

  reopenLogs(): void {
    this.#logs?.reopen();
  }

  setStandby(on: boolean): void {
    if (Atomics.exchange(this.#words, HeaderWord.standby, on ? 1 : 0) !== (on ? 1 : 0)) this.#wakeAll();
  }

  order(order: ServerOrder): boolean {
    return this.#fleet.order(order);
  }

  async drain(limitMs = DEFAULT_DRAIN_LIMIT_MS): Promise<number> {
    Atomics.store(this.#words, HeaderWord.draining, 1);
    this.#wakeAll();
    const endMs = monotonicMs() + limitMs;
    // Workers stop accepting at their next turn; connections accepted until then are counted.
    await pause(2 * DRAIN_POLL_MS);
    while (this.#openConnections() > 0 && monotonicMs() < endMs && !this.#closing) await pause(DRAIN_POLL_MS);
    return this.#openConnections();
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#fleet.close();
    this.#files.close();
    Atomics.store(this.#words, HeaderWord.stopping, 1);
    this.#wakeAll();
    const exits = this.#workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    await Promise.race([Promise.all(exits), pause(STOP_LIMIT_MS)]);
    await this.#logs?.close();
  }

  #startWorker(worker: number, input: PlanInput): Promise<void> {
    const thread = this.#options.startWorker('proxy-worker', {
      ...input,
      name: 'proxy-worker',
      worker,
      engine: this.#engine.engine,
      sources: this.#sources,
      wakeFds: this.#wakeWords,
      line: this.#line,
      words: this.#words.buffer as SharedArrayBuffer, // made from one in the constructor
      counters: this.#counters[worker]!.buffer as SharedArrayBuffer, // likewise
      fleet: this.#counters.map((counters) => counters.buffer as SharedArrayBuffer),
      logRing: this.#logRings[worker]!,
      buffers: this.#options.buffers ?? 2048,
    });
    this.#workers.push(thread);
    return new Promise((resolve, reject) => {
      thread.on('message', (message: WorkerMessage) => {
        if (message.type !== 'ready') {
          this.#rollout.hear(worker, message);
          return;
        }
        this.#wakeFds[worker] = message.wakeFd;
        resolve();
      });
      const lost = (error: Error): void => {
        reject(error);
        this.#workerLost(error);
      };
      thread.on('error', (error) => lost(error instanceof Error ? error : new Error(String(error))));
      thread.on('exit', (code) => {
        lost(new TospannError('LB_INTERNAL', { detail: `proxy worker ${worker} ended with ${code}` }));
      });
    });
  }

  #workerLost(error: Error): void {
    if (this.#closing) return;
    this.#closing = true; // told once
    this.#options.log({ event: 'worker-lost', msg: error.stack ?? error.message });
    this.#options.onFatal(error);
  }

  #openConnections(): number {
    let open = 0;
    for (const counters of this.#counters) {
      for (let f = 0; f < this.#layout.frontends; f++) {
        open += counters[frontendCounter(f) + FrontendCounter.currentConnections]!;
      }
    }
    return open;
  }

  #wakeAll(): void {
    for (const fd of this.#wakeFds) if (fd !== undefined && fd >= 0) signalEventFd(fd);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
