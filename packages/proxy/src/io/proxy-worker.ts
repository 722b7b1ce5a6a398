// The worker thread's entry: makes the transport and the engine from workerData, accepts, and runs until the shared
// `stopping` word is set. On the ring this thread never returns to Node's event loop; it is woken through an eventfd.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { PairConfig } from '@tospann/config';
import { BrotliCompressor, GzipCompressor, signalEventFd } from '@tospann/linux';
import { AccessLog } from '../core/access-log.ts';
import { Coding } from '../core/compress/coding.ts';
import { Engine } from '../core/engine.ts';
import { LogRingWriter } from '../core/log-ring.ts';
import { makePlan, type PlanAssets } from '../core/plan.ts';
import type { PlanSettings } from '../core/replace.ts';
import { MapTable } from '../core/rules/map-table.ts';
import { HeaderWord } from '../core/shared.ts';
import { NetworkList, sourceOf } from '../core/source.ts';
import type { Transport } from '../core/transport.ts';
import type { PlanInput, WorkerData, WorkerMessage } from '../core/worker-data.ts';
import { NodeTransport } from './node-transport.ts';
import { createRingTransport } from './ring-transport.ts';
import { type PreparedPlan, WorkerPlans } from './worker-plans.ts';

/** Entropy that begins this worker's request ids. */
const SEED_BYTES = 10;

/** Runs a worker; returns when the ring has stopped, or at once on the node transport, whose events then run it. */
export function runProxyWorker(data: WorkerData, port: MessagePort): void {
  const tell = (message: WorkerMessage): void => port.postMessage(message);
  if (data.engine === 'node') {
    // Its buffers are a quarter of the ring's; what rests is of the same size.
    const transport = new NodeTransport({ receiveBuffers: data.buffers, sendBuffers: data.buffers * 2 });
    const stop = (): void => {
      transport.stop();
      tell({ type: 'stopped', figures: {} });
    };
    startEngine(data, { transport, stop, port });
    transport.run();
    tell({ type: 'ready', wakeFd: -1 });
    return;
  }
  const ring = createRingTransport({ receiveBuffers: data.buffers, sendBuffers: data.buffers });
  startEngine(data, { transport: ring, stop: () => ring.stop(), port });
  Atomics.store(new Int32Array(data.wakeFds), data.worker, ring.wakeFd);
  tell({ type: 'ready', wakeFd: ring.wakeFd });
  ring.run();
  const figures = { ...ring.stats() };
  ring.dispose();
  tell({ type: 'stopped', figures });
}

interface Around {
  readonly transport: Transport;
  readonly stop: () => void;
  readonly port: MessagePort;
}

function startEngine(data: WorkerData, { transport, stop, port }: Around): void {
  const words = new Int32Array(data.words);
  const logWriter = new LogRingWriter(data.logRing);
  const assets = assetsOf(data);
  const engine = new Engine(transport, makePlan(data.config, data.place, assets), {
    ...settingsOf(data.config, logWriter),
    makeCompressor: (coding, level) =>
      coding === Coding.GZIP
        ? new GzipCompressor(transport.memory, level)
        : new BrotliCompressor(transport.memory, level),
    sources: new Int32Array(data.sources),
    wallOffsetMs: () => Date.now() - transport.nowMs(),
    words,
    counters: new Float64Array(data.counters),
    fleet: data.fleet.map((counters) => new Float64Array(counters)),
    wakeOthers: () => wakeOthers(data),
    requestIdSeed: Buffer.from(crypto.getRandomValues(new Uint8Array(SEED_BYTES))).toString('hex'),
    line: { memory: data.line, worker: data.worker, workers: data.wakeFds.byteLength / 4 },
    random: () => Math.random(),
    onTick: () => {
      if (Atomics.load(words, HeaderWord.stopping) === 1) stop();
      else plans.poll(transport.nowMs());
    },
  });
  const plans = new WorkerPlans({
    engine,
    words,
    port,
    build: (input) => prepare(input, logWriter),
    maps: assets.maps,
  });
  for (const { fd, frontend, proxies, port } of data.listeners) engine.listen(fd, frontend, { proxies, port });
}

/** What the plan takes from files. Maps are new objects: what their match is may have changed. */
function assetsOf({ files, maps }: PlanInput): PlanAssets {
  const sources = maps.map(({ name, match, data }) => [name, { name, table: new MapTable(data, match) }] as const);
  return { files, maps: new Map(sources) };
}

function prepare(input: PlanInput, logWriter: LogRingWriter): PreparedPlan {
  const assets = assetsOf(input);
  return {
    replacement: {
      plan: makePlan(input.config, input.place, assets),
      settings: settingsOf(input.config, logWriter),
      listeners: input.listeners,
    },
    maps: assets.maps,
  };
}

/** The engine's options that come from the configuration. */
function settingsOf(config: PairConfig, logWriter: LogRingWriter): PlanSettings {
  const { access, privacy } = config.log;
  return {
    timeouts: config.timeouts,
    http: config.http,
    addsForwardedFor: forwardedForRule(config),
    clientAddressInLog: privacy.clientAddress,
    ignoreEmpty: access.ignoreEmpty,
    log: access.enabled ? new AccessLog(logWriter, access.format) : null,
  };
}

/** Workers on the node transport have no such descriptor: they look at their next tick. */
function wakeOthers(data: WorkerData): void {
  const fds = new Int32Array(data.wakeFds);
  for (let worker = 0; worker < fds.length; worker++) {
    const fd = Atomics.load(fds, worker);
    if (worker !== data.worker && fd >= 0) signalEventFd(fd);
  }
}

/** Whether a client's address gets X-Forwarded-For, by the configuration's exceptions. */
function forwardedForRule(config: PairConfig): (address: string) => boolean {
  const forwardedFor = config.http.forwardedFor;
  if (forwardedFor === undefined) return () => false;
  const excepted = new NetworkList(forwardedFor.exceptFrom);
  return (address) => address !== '' && !excepted.has(sourceOf(address));
}

/** Whether workerData is that of a proxy worker (several worker kinds may share one bundle). */
function isWorkerData(value: unknown): value is WorkerData {
  return typeof value === 'object' && value !== null && 'name' in value && value.name === 'proxy-worker';
}

if (parentPort !== null && isWorkerData(workerData)) {
  runProxyWorker(workerData, parentPort);
}
