// An engine on the memory transport with a small configuration, for tests: two servers in backend `app` (cookie s1 and
// s2 if asked for), one in `static`. Time is the transport's own; log lines are collected.
import type { LimitsConfig, PairConfig } from '@tospann/config';
import { BrotliCompressor, GzipCompressor } from '@tospann/linux';
import { AccessLog } from '../src/core/access-log.ts';
import { Coding } from '../src/core/compress/coding.ts';
import type { MakeCompressor } from '../src/core/compress/compressors.ts';
import { Engine } from '../src/core/engine.ts';
import { SOURCE_TABLE_BYTES } from '../src/core/limits/source-table.ts';
import { LogRingReader, logRingBytes, LogRingWriter } from '../src/core/log-ring.ts';
import { MemoryTransport, type MemoryPeer, type MemoryTransportOptions } from '../src/core/memory-transport.ts';
import { initialWords, makePlan, type PlanAssets } from '../src/core/plan.ts';
import { HeaderWord, serverWord, ServerWord, sharedLayout } from '../src/core/shared.ts';
import type { Endpoint } from '../src/core/transport.ts';

/** Deviations from the default configuration that tests ask for, by name. */
export type BenchFlag =
  | 'cookie'
  | 'one-server'
  | 'server-close'
  | 'no-forwarded'
  | 'no-redispatch'
  | 'no-retries'
  | 'server-max-1'
  | 'max-2'
  | 'log-haproxy'
  | 'log-combined'
  | 'log-truncated'
  | 'log-off'
  | 'log-empty'
  | 'small-buffers'
  | 'compress'
  | 'limit-body'
  | 'limit-rate'
  | 'limit-head'
  | 'excepted'
  | 'tcp'
  | 'accept-proxy'
  | 'send-proxy-v1'
  | 'send-proxy-v2';

export interface BenchOptions {
  readonly flags?: readonly BenchFlag[];
  readonly transport?: MemoryTransportOptions;
  /** Another worker's words: both then share servers' states and limits. */
  readonly words?: Int32Array;
  /** Another worker's table of sources. */
  readonly sources?: Int32Array;
  readonly limits?: Partial<LimitsConfig>;
  readonly wakeOthers?: () => void;
  /** The line of waiting requests that several workers share. */
  readonly line?: { readonly memory: SharedArrayBuffer; readonly worker: number; readonly workers: number };
  readonly random?: () => number;
  /** Counters of the other workers. */
  readonly others?: readonly Float64Array[];
  /** Files and maps that the configuration names. */
  readonly assets?: PlanAssets;
  /** Changes the configuration further. */
  readonly configure?: (config: PairConfig) => PairConfig;
}

/** Changes backend `app` of a configuration: for `configure`. */
export function app(change: Partial<PairConfig['backends'][number]>): (config: PairConfig) => PairConfig {
  return (config) => ({
    ...config,
    backends: config.backends.map((backend, i) => (i === 0 ? { ...backend, ...change } : backend)),
  });
}

/** The listening socket's number. */
export const LISTENER = 7;
const LOG_BYTES = 1 << 18;

export function benchConfig(flags: readonly BenchFlag[]): PairConfig {
  const has = (flag: BenchFlag): boolean => flags.includes(flag);
  const server = (i: number): PairConfig['backends'][number]['servers'][number] => ({
    name: `web${i}`,
    address: `10.0.0.${i}`,
    port: 80,
    weight: 1,
    ...(has('cookie') ? { cookie: `s${i}` } : {}),
    ...(has('server-max-1') ? { maxConnections: 1 } : {}),
    ...(has('send-proxy-v1') ? { sendProxy: 'v1' } : has('send-proxy-v2') ? { sendProxy: 'v2' } : {}),
  });
  return {
    version: 1,
    cluster: { name: 'test', nodes: [] },
    vips: [],
    frontends: [
      {
        name: 'main',
        binds: has('accept-proxy') ? [{ address: '127.0.0.1', port: 0, acceptProxyFrom: ['0.0.0.0/0'] }] : [],
        mode: has('tcp') ? 'tcp' : 'http',
        maxConnections: has('max-2') ? 2 : 100,
        acls: [
          { name: 'static', pathExact: ['/exact'], pathPrefix: ['/static'], pathSuffix: ['.jpg'], ignoreCase: true },
        ],
        rules: [{ if: { acl: 'static' }, action: { type: 'use', backend: 'static' } }],
        defaultBackend: 'app',
        ...limitsOf(flags),
        ...(has('compress')
          ? {
              compression: {
                algorithms: ['br', 'gzip'],
                types: ['text/*', 'application/json'],
                minBytes: 16,
                level: 1,
              },
            }
          : {}),
      },
    ],
    backends: [
      {
        name: 'app',
        balance: 'roundrobin',
        servers: has('one-server') ? [server(1)] : [server(1), server(2)],
        ...(has('cookie') ? { cookie: { name: 'SERVERID', insert: true, indirect: true, nocache: true } } : {}),
      },
      {
        name: 'static',
        balance: 'roundrobin',
        servers: [{ name: 'files', address: '10.0.0.9', port: 80, weight: 1 }],
      },
    ],
    timeouts: {
      httpRequestMs: 1000,
      queueMs: 2000,
      connectMs: 1500,
      clientMs: 3000,
      serverMs: 4000,
      httpKeepAliveMs: 5000,
      checkMs: 1000,
      tunnelMs: 20_000,
    },
    http: {
      ...(has('no-forwarded') ? {} : { forwardedFor: { exceptFrom: [] } }),
      serverClose: has('server-close'),
      retries: has('no-retries') ? 0 : 3,
      redispatch: !has('no-redispatch'),
    },
    log: {
      access: {
        enabled: !has('log-off'),
        format: has('log-haproxy') ? 'haproxy' : has('log-combined') ? 'combined' : 'json',
        ignoreEmpty: true,
      },
      privacy: { clientAddress: has('log-truncated') ? 'truncate' : 'full', retentionDays: 1 },
    },
    admin: { binds: [] },
    proxy: { engine: 'auto', threads: 1, user: 'nobody' },
    hash: '',
  };
}

const NO_LIMITS = { maxHeadBytes: 16_384, maxFields: 128, maxBodyBytes: 0, connectionsPerSource: 0, exempt: [] };

function limitsOf(flags: readonly BenchFlag[]): { readonly limits?: LimitsConfig } {
  if (flags.includes('limit-body')) return { limits: { ...NO_LIMITS, maxBodyBytes: 10 } };
  if (flags.includes('limit-head')) return { limits: { ...NO_LIMITS, maxHeadBytes: 512, maxFields: 4 } };
  if (!flags.includes('limit-rate')) return {};
  return { limits: { ...NO_LIMITS, requestRate: { count: 2, periodMs: 60_000 } } };
}

function withLimits(config: PairConfig, limits: Partial<LimitsConfig> | undefined): PairConfig {
  if (limits === undefined) return config;
  return { ...config, frontends: config.frontends.map((one) => ({ ...one, limits: { ...NO_LIMITS, ...limits } })) };
}

function fleetOf(own: Float64Array, { others = [] }: BenchOptions): Float64Array[] {
  return [own, ...others];
}

function newSources(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(SOURCE_TABLE_BYTES));
}

function compressorsOf({ memory }: MemoryTransport): MakeCompressor {
  return (coding, level) =>
    coding === Coding.GZIP ? new GzipCompressor(memory, level) : new BrotliCompressor(memory, level);
}

/** One engine, its transport, and what tests look at. */
export class EngineBench {
  readonly transport: MemoryTransport;
  readonly engine: Engine;
  readonly words: Int32Array;
  readonly counters: Float64Array;
  /** Connections that the played servers have got, in order. */
  readonly connections: { readonly server: string; readonly peer: MemoryPeer }[] = [];
  readonly #buffers: number;
  readonly #log: LogRingReader;

  constructor(options: BenchOptions = {}) {
    const flags = options.flags ?? [];
    const config = withLimits((options.configure ?? ((same) => same))(benchConfig(flags)), options.limits);
    const bufferBytes = flags.includes('small-buffers') ? 1024 : 4096;
    this.transport = new MemoryTransport({ tickMs: 10, bufferBytes, ...options.transport });
    this.#buffers = this.transport.freeBuffers;
    const layout = sharedLayout(config);
    this.words = options.words ?? new Int32Array(new SharedArrayBuffer(layout.wordBytes));
    this.counters = new Float64Array(new SharedArrayBuffer(layout.counterBytes));
    if (options.words === undefined) initialWords(config, this.words);
    const ring = new SharedArrayBuffer(logRingBytes(LOG_BYTES));
    this.#log = new LogRingReader(ring);
    this.engine = new Engine(this.transport, makePlan(config, undefined, options.assets), {
      requestIdSeed: 'seed',
      timeouts: config.timeouts,
      http: config.http,
      addsForwardedFor: (address) => !flags.includes('no-forwarded') && !address.startsWith('127.'),
      clientAddressInLog: config.log.privacy.clientAddress,
      ignoreEmpty: !flags.includes('log-empty'),
      ...(config.frontends[0]!.limits === undefined ? {} : { sources: options.sources ?? newSources() }),
      makeCompressor: compressorsOf(this.transport),
      log: config.log.access.enabled ? new AccessLog(new LogRingWriter(ring), config.log.access.format) : null,
      // 2026-11-22T12:00:00.000Z at the transport's first millisecond.
      wallOffsetMs: () => 1_795_348_800_000 - 1000,
      words: this.words,
      counters: this.counters,
      fleet: fleetOf(this.counters, options),
      wakeOthers: () => options.wakeOthers?.(),
      ...(options.line === undefined ? {} : { line: options.line }),
      ...(options.random === undefined ? {} : { random: options.random }),
      onTick: () => undefined,
    });
    this.engine.listen(LISTENER, 0, { proxies: config.frontends[0]!.binds[0]?.acceptProxyFrom, port: 80 });
    for (const backend of config.backends) for (const server of backend.servers) this.serve(server.name, server);
  }

  /** (Re)starts a played server. */
  serve(name: string, endpoint: Endpoint): void {
    this.transport.serve(endpoint, (peer) => this.connections.push({ server: name, peer }));
  }

  dial(address?: string): MemoryPeer {
    return this.transport.dial(LISTENER, address);
  }

  /** Log lines written since the last call. */
  logLines(): string[] {
    let text = '';
    for (;;) {
      const bytes = this.#log.peek();
      if (bytes.length === 0) return text.split('\n').slice(0, -1);
      for (const byte of bytes) text += String.fromCharCode(byte);
      this.#log.release(bytes.length);
    }
  }

  /** Marks a server (its number over all backends) up or down, as the main thread does after checks. */
  setUsable(server: number, usable: boolean): void {
    this.words[serverWord(server) + ServerWord.usable] = usable ? 1 : 0;
    this.words[HeaderWord.generation]! += 1;
    this.transport.advance(this.transport.tickMs);
  }

  /** Sets what the operator wants of a server: a `ServerAdmin`. */
  setAdmin(server: number, admin: number): void {
    this.words[serverWord(server) + ServerWord.admin] = admin;
    this.words[HeaderWord.generation]! += 1;
    this.transport.advance(this.transport.tickMs);
  }

  /** Buffers that are missing: 0 when nothing is under way. */
  get missingBuffers(): number {
    return this.#buffers - this.transport.freeBuffers;
  }
}

/** The smallest request, and the smallest answer with a body. */
export const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A new client that has sent a request. */
export function ask(bench: EngineBench, text = GET): MemoryPeer {
  const client = bench.dial();
  client.write(text);
  bench.transport.settle();
  return client;
}
