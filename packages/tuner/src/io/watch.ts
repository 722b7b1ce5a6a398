// The watch over the kernel's limits: once a second it reads a few small files of /proc, at times a sample of the
// connection tracking table, and tells what began and what ended. It changes nothing but, where the configuration
// allows it, the limit of connection tracking. Side effects: a timer; it never throws into its caller.
import { monotonicMs, sampleConntrack } from '@tospann/linux';
import { portsLeft } from '../core/report.ts';
import { firstWatch, judgeSample, wantsSources, type WatchThresholds } from '../core/watch/alarms.ts';
import { nextRaise } from '../core/watch/raise.ts';
import {
  watchSample,
  type ConntrackSample,
  type PortUse,
  type WatchNews,
  type WatchView,
} from '../core/watch/sample.ts';
import { countSources, type SourceShare } from '../core/watch/sources.ts';
import { readCensus, readLimitCounters } from './counters.ts';
import { readKey, writeKey } from './kernel-keys.ts';
import { SystemRoot } from './system-root.ts';

export interface WatchOptions extends WatchThresholds {
  /** Upper bound for raising nf_conntrack_max by itself; absent: never. */
  readonly conntrackMaxBound?: number;
  readonly onNews: (news: WatchNews) => void;
  /** Once a second. */
  readonly onView: (view: WatchView) => void;
}

const everyMs = 1000;
/** Looking at entries and at sockets costs milliseconds: not every second. */
const lookEveryMs = 5000;
/** 4096 of them tell a share to within two percent; the kernel needs some milliseconds for them. */
const sampledEntries = 4096;
const namedSources = 3;
const limitKey = 'net.netfilter.nf_conntrack_max';
const bucketsKey = 'net.netfilter.nf_conntrack_buckets';

/** Runs until it is closed. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #root = new SystemRoot();
  readonly #timer: NodeJS.Timeout;
  #state = firstWatch;
  #sources: readonly SourceShare[] = [];
  #ports: PortUse | undefined;
  #lookedMs = -Infinity;
  #portsMs = -Infinity;
  /** The limit could not be raised: said once. */
  #raiseRefused = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#round(), everyMs);
    this.#round();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #round(): void {
    const counters = readLimitCounters(this.#root, monotonicMs());
    const sockets = (counters.sockstat.get('TCP inuse') ?? 0) + (counters.sockstat.get('TCP tw') ?? 0);
    const sample = watchSample(counters, this.#portUse(sockets, counters.atMs));
    if (wantsSources(sample)) this.#look(sample.atMs);
    const judged = judgeSample(this.#state, { sample, sources: this.#sources }, this.#options);
    this.#state = judged.state;
    for (const news of judged.news) this.#options.onNews(news);
    this.#options.onView(judged.view);
    const filling = judged.state.alarms.has('conntrack-filling') || judged.state.alarms.has('conntrack-full');
    if (filling && sample.conntrack !== undefined) this.#raise(sample.conntrack);
  }

  /** Who fills the table. Where that may not be asked, nobody is named. */
  #look(nowMs: number): void {
    if (nowMs - this.#lookedMs < lookEveryMs) return;
    this.#lookedMs = nowMs;
    try {
      const sources = sampleConntrack(sampledEntries).map(({ source }) => source);
      this.#sources = countSources(sources, namedSources).top;
    } catch {
      this.#sources = [];
    }
  }

  /** Sockets are counted by destination only when there are so many that they could be too many for one. */
  #portUse(sockets: number, nowMs: number): PortUse | undefined {
    const range = readKey(this.#root, 'net.ipv4.ip_local_port_range') ?? '';
    const [low = 0, high = 0] = range.trim().split(/\s+/).map(Number);
    if (sockets < (high - low) / 2) {
      this.#ports = undefined;
    } else if (nowMs - this.#portsMs >= lookEveryMs) {
      this.#portsMs = nowMs;
      const reserved = readKey(this.#root, 'net.ipv4.ip_local_reserved_ports') ?? '';
      const [fullest] = portsLeft(readCensus(this.#root), { range, reserved }, 1);
      this.#ports = fullest && { destination: fullest.to, used: fullest.used, usable: fullest.used + fullest.left };
    }
    return this.#ports;
  }

  #raise({ limit }: ConntrackSample): void {
    const { conntrackMaxBound: bound } = this.#options;
    const buckets = Number(readKey(this.#root, bucketsKey) ?? 0);
    const raise = nextRaise(limit, buckets, bound);
    if (raise === undefined || this.#raiseRefused) return;
    try {
      if (raise.buckets > buckets) writeKey(this.#root, bucketsKey, String(raise.buckets));
      writeKey(this.#root, limitKey, String(raise.limit));
    } catch (error) {
      this.#raiseRefused = true;
      const reason = error instanceof Error ? error.message : String(error);
      return this.#tellRaise(`The limit of connection tracking cannot be raised here: ${reason}`, { limit });
    }
    const text = `The limit of connection tracking was raised from ${limit} to ${raise.limit}; tuner.conntrackMaxBound allows ${bound ?? 0}`;
    this.#tellRaise(text, { limit: raise.limit, before: limit });
  }

  #tellRaise(text: string, evidence: Readonly<Record<string, number>>): void {
    this.#options.onNews({ alarm: 'conntrack-filling', change: 'raised', severity: 'warning', text, evidence });
  }
}
