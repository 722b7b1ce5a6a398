// Stolen processor time from two readings of /proc/stat (proc_stat(5)). Pure.

export interface CpuTimes {
  readonly total: number;
  readonly steal: number;
}

/** Decodes the first line: user nice system idle iowait irq softirq steal; undefined when it is none. */
export function decodeCpuTimes(text: string): CpuTimes | undefined {
  const fields = /^cpu\s+([\d ]+)/.exec(text)?.[1]?.trim().split(' ').map(Number).slice(0, 8) ?? [];
  if (fields.length < 8) return undefined;
  return { total: fields.reduce((sum, value) => sum + value, 0), steal: fields[7] ?? 0 };
}

/** Percent of the time between two readings that the hypervisor gave to others; 0 when no time has passed. */
export function stealPercent(before: CpuTimes, now: CpuTimes): number {
  const total = now.total - before.total;
  return total <= 0 ? 0 : (100 * Math.max(0, now.steal - before.steal)) / total;
}
