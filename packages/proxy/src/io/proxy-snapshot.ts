// Adds the workers' counters up into the snapshot that everybody else sees.
import type { BackendConfig, PairConfig, ServerConfig } from '@tospann/config';
import { FAULT_COUNT, faultCode } from '@tospann/http';
import {
  BackendWord,
  backendWord,
  FRONTEND_COUNTERS,
  FrontendCounter,
  frontendCounter,
  FrontendWord,
  frontendWord,
  LATENCY_BOUNDS_MS,
  LATENCY_COUNTS,
  REFUSAL_SLOTS,
  SERVER_COUNTERS,
  serverCounter,
  ServerCounter,
  serverWord,
  ServerWord,
  type SharedLayout,
} from '../core/shared.ts';
import { takingOf } from '../core/balance/taking.ts';
import type { SlotMap } from '../core/slots.ts';
import type {
  BackendSnapshot,
  FrontendSnapshot,
  FullFrontend,
  ProxySnapshot,
  ServerHealthSnapshot,
  ServerSnapshot,
  ServerTaking,
} from '../core/snapshot.ts';

export interface SnapshotSource {
  readonly config: PairConfig;
  readonly slots: SlotMap;
  readonly layout: SharedLayout;
  readonly counters: readonly Float64Array[];
  readonly words: Int32Array;
  readonly engine: { readonly engine: 'ring' | 'node'; readonly reason: string };
  /** Health of the server in a slot. */
  readonly health: (slot: number) => ServerHealthSnapshot;
  readonly logLinesDroppedTotal: number;
  readonly nowMs: number;
}

/** Workers tick twenty times a second; one that has not for so long hangs or is not let run, ms. */
const STILL_MS = 1000;

/** Reads all counters; cheap enough for once a second. */
export function buildSnapshot(source: SnapshotSource): ProxySnapshot {
  const { config, layout } = source;
  const latency = sum(source.counters, layout.latencyBase, LATENCY_COUNTS);
  const backends = config.backends.map((backend, b): BackendSnapshot => {
    const slots = source.slots.servers[b]!;
    return {
      name: backend.name,
      queued: source.words[backendWord(layout, source.slots.backends[b]!) + BackendWord.anyWaiting]!,
      servers: servers(source, backend, slots),
    };
  });
  return {
    engine: source.engine.engine,
    engineReason: source.engine.reason,
    threads: source.counters.length,
    frontends: config.frontends.map((_, i) => frontend(source, i, backends)),
    backends,
    latencyBoundsMs: LATENCY_BOUNDS_MS,
    latencyCounts: latency,
    logLinesDroppedTotal: source.logLinesDroppedTotal,
  };
}

function frontend(source: SnapshotSource, index: number, backends: readonly BackendSnapshot[]): FrontendSnapshot {
  const config = source.config.frontends[index]!;
  const slot = source.slots.frontends[index]!;
  const c = sum(source.counters, frontendCounter(slot), FRONTEND_COUNTERS);
  const refusals = sum(source.counters, source.layout.refusalBase + slot * REFUSAL_SLOTS, FAULT_COUNT);
  const refusedTotal: Record<string, number> = {};
  refusals.forEach((count, fault) => {
    if (count > 0) refusedTotal[faultCode(fault)] = count;
  });
  return {
    name: config.name,
    binds: config.binds.map(({ address, port }) =>
      address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    ),
    currentConnections: c[FrontendCounter.currentConnections]!,
    ...fullOf(source, index, backends),
    connectionsTotal: c[FrontendCounter.connectionsTotal]!,
    requestsTotal: c[FrontendCounter.requestsTotal]!,
    responsesTotal: five(c, FrontendCounter.responses),
    refusedTotal,
    bytesInTotal: c[FrontendCounter.bytesIn]!,
    bytesOutTotal: c[FrontendCounter.bytesOut]!,
    ...(config.compression === undefined
      ? {}
      : {
          compressedAnswersTotal: c[FrontendCounter.compressedAnswers]!,
          compressedBytesInTotal: c[FrontendCounter.compressedBytesIn]!,
          compressedBytesOutTotal: c[FrontendCounter.compressedBytesOut]!,
        }),
  };
}

/** A worker that hangs may be why connections pile up: then the frontend is not called full. */
function fullOf(
  source: SnapshotSource,
  index: number,
  backends: readonly BackendSnapshot[],
): { readonly full?: FullFrontend } {
  const { words, layout, config, slots } = source;
  const { maxConnections, defaultBackend } = config.frontends[index]!;
  const open = words[frontendWord(layout, slots.frontends[index]!) + FrontendWord.connections]!;
  const running = source.counters.every((counters) => source.nowMs - counters[layout.beat]! <= STILL_MS);
  if (open < maxConnections || !running) return {};
  const servers = backends.find(({ name }) => name === defaultBackend)?.servers ?? [];
  return { full: { maxConnections, live: servers.some(({ takesTraffic }) => takesTraffic) } };
}

function servers(source: SnapshotSource, backend: BackendConfig, slots: readonly number[]): readonly ServerSnapshot[] {
  const health = slots.map((slot) => source.health(slot));
  const candidates = backend.servers.map(({ backup = false }, i) => ({ backup, health: health[i]! }));
  const taking = takingOf(candidates, backend.panicPercent ?? 0);
  return backend.servers.map((config, i) => ({ ...server(source, config, slots[i]!), ...health[i]!, ...taking[i]! }));
}

type CountedServer = Omit<ServerSnapshot, keyof ServerHealthSnapshot | keyof ServerTaking>;

function server(source: SnapshotSource, config: ServerConfig, slot: number): CountedServer {
  const c = sum(source.counters, serverCounter(source.layout, slot), SERVER_COUNTERS);
  return {
    name: config.name,
    port: config.port,
    currentSessions: c[ServerCounter.currentSessions]!,
    requestsTotal: c[ServerCounter.requestsTotal]!,
    responsesTotal: five(c, ServerCounter.responses),
    connectErrorsTotal: c[ServerCounter.connectErrors]!,
    responseErrorsTotal: c[ServerCounter.responseErrors]!,
    retriesTotal: c[ServerCounter.retries]!,
    redispatchesTotal: c[ServerCounter.redispatches]!,
    bytesInTotal: c[ServerCounter.bytesIn]!,
    bytesOutTotal: c[ServerCounter.bytesOut]!,
    queued: source.words[serverWord(slot) + ServerWord.waiting]!,
    queueMsTotal: c[ServerCounter.queueMs]!,
    connectMsTotal: c[ServerCounter.connectMs]!,
    responseMsTotal: c[ServerCounter.responseMs]!,
    totalMsTotal: c[ServerCounter.totalMs]!,
    responseTimeCounts: c.slice(ServerCounter.responseTimes, ServerCounter.responseTimes + LATENCY_COUNTS),
  };
}

function five(counters: readonly number[], from: number): [number, number, number, number, number] {
  return [counters[from]!, counters[from + 1]!, counters[from + 2]!, counters[from + 3]!, counters[from + 4]!];
}

function sum(all: readonly Float64Array[], from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => all.reduce((total, counters) => total + counters[from + i]!, 0));
}
