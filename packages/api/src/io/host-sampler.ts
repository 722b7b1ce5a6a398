// Live figures of the machine from /proc: connection tracking, stolen and busy processor time. Reads three tiny
// files at most once in two seconds; what the kernel does not offer (a module that is not loaded) is left out. Where the
// watch over the limits says the same of its own, that is shown; these stand in while the watch is not there.
import { readFileSync } from 'node:fs';
import { decodeCpuTimes, stealRatio, type CpuTimes } from '@tospann/linux';
import type { HostStatus } from '../contract.ts';

/** Options of a HostSampler; `read` gets a path and returns the text or undefined. */
export interface HostSamplerOptions {
  readonly nowMs: () => number;
  readonly read?: (path: string) => string | undefined;
}

const minimumAgeMs = 2000;

/** Reads the machine's figures; ratios are over the time since the sample before. */
export class HostSampler {
  readonly #nowMs: () => number;
  readonly #read: (path: string) => string | undefined;
  #times: CpuTimes | undefined;
  #atMs = -Infinity;
  #last: HostStatus = {};

  constructor(options: HostSamplerOptions) {
    this.#nowMs = options.nowMs;
    this.#read = options.read ?? readText;
  }

  /** Returns the figures, at most two seconds old. */
  sample(): HostStatus {
    if (this.#nowMs() - this.#atMs < minimumAgeMs) return this.#last;
    this.#atMs = this.#nowMs();
    const entries = this.#number('/proc/sys/net/netfilter/nf_conntrack_count');
    const limit = this.#number('/proc/sys/net/netfilter/nf_conntrack_max');
    this.#last = {
      ...(entries === undefined ? {} : { conntrackEntries: entries }),
      ...(limit === undefined ? {} : { conntrackLimit: limit }),
      ...this.#cpu(),
    };
    return this.#last;
  }

  #cpu(): HostStatus {
    const before = this.#times;
    const now = decodeCpuTimes(this.#read('/proc/stat') ?? '');
    this.#times = now;
    if (before === undefined || now === undefined || now.total <= before.total) return {};
    const idleRatio = (now.idle - before.idle) / (now.total - before.total);
    return {
      cpuStealRatio: stealRatio(before, now) ?? 0,
      cpuBusyRatio: Math.min(1, Math.max(0, 1 - idleRatio)),
    };
  }

  #number(path: string): number | undefined {
    const text = this.#read(path);
    const value = text === undefined ? Number.NaN : Number.parseInt(text, 10);
    return Number.isFinite(value) && value >= 0 ? value : undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
