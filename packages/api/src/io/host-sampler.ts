// Live figures of the machine from /proc: connection tracking, stolen and busy processor time. Reads three tiny
// files at most once in two seconds; what the kernel does not offer (a module that is not loaded) is left out.
import { readFileSync } from 'node:fs';
import type { HostStatus } from '../contract.ts';

interface CpuTimes {
  readonly total: number;
  readonly idle: number;
  readonly steal: number;
}

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
    const total = now.total - before.total;
    return {
      cpuStealRatio: Math.max(0, now.steal - before.steal) / total,
      cpuBusyRatio: Math.min(1, Math.max(0, 1 - (now.idle - before.idle) / total)),
    };
  }

  #number(path: string): number | undefined {
    const text = this.#read(path);
    const value = text === undefined ? Number.NaN : Number.parseInt(text, 10);
    return Number.isFinite(value) && value >= 0 ? value : undefined;
  }
}

/** Decodes the first line of /proc/stat (see proc_stat(5)): user nice system idle iowait irq softirq steal. */
function decodeCpuTimes(text: string): CpuTimes | undefined {
  const match = /^cpu\s+([\d ]+)/.exec(text);
  const fields = match?.[1]?.trim().split(' ').map(Number) ?? [];
  const first = fields.slice(0, 8);
  if (first.length < 8 || first.some((value) => !Number.isFinite(value))) return undefined;
  const total = first.reduce((sum, value) => sum + value, 0);
  return { total, idle: (first[3] ?? 0) + (first[4] ?? 0), steal: first[7] ?? 0 };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
