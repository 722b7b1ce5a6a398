// Live figures of the machine from /proc, read by the admin child. A figure that the kernel does not offer
// (no conntrack module, a container) is absent, never 0.
import { readFileSync } from 'node:fs';
import type { HostStatus } from '@tospann/api';

/** Reads figures; CPU ratios are over the time since the call before. */
export class HostFigures {
  #before: CpuTicks | undefined;

  read(): HostStatus {
    const now = readCpuTicks();
    const before = this.#before;
    this.#before = now;
    const conntrackEntries = readNumber('/proc/sys/net/netfilter/nf_conntrack_count');
    const conntrackLimit = readNumber('/proc/sys/net/netfilter/nf_conntrack_max');
    return {
      ...(conntrackEntries === undefined ? {} : { conntrackEntries }),
      ...(conntrackLimit === undefined ? {} : { conntrackLimit }),
      ...(now === undefined || before === undefined ? {} : ratios(before, now)),
    };
  }
}

interface CpuTicks {
  readonly total: number;
  readonly idle: number;
  readonly steal: number;
}

function ratios(before: CpuTicks, now: CpuTicks): HostStatus {
  const total = now.total - before.total;
  if (total <= 0) return {};
  return { cpuStealRatio: (now.steal - before.steal) / total, cpuBusyRatio: 1 - (now.idle - before.idle) / total };
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal (proc(5)); guest is inside user. */
function readCpuTicks(): CpuTicks | undefined {
  const line = readText('/proc/stat')?.split('\n')[0];
  const ticks = line?.trim().split(/\s+/).slice(1, 9).map(Number);
  if (ticks === undefined || ticks.length < 8 || ticks.some(Number.isNaN)) return undefined;
  const total = ticks.reduce((sum, tick) => sum + tick, 0);
  return { total, idle: (ticks[3] ?? 0) + (ticks[4] ?? 0), steal: ticks[7] ?? 0 };
}

function readNumber(file: string): number | undefined {
  const value = Number(readText(file)?.trim());
  return Number.isFinite(value) ? value : undefined;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // this kernel or container does not have it
  }
}
