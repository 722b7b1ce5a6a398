// Processor time from the first line of /proc/stat (proc_stat(5)): what the machine did with it, and what the hypervisor
// took. Not the reading (io/cpu-times.ts). Pure.

/** Clock ticks of all processors together since boot. */
export interface CpuTimes {
  readonly total: number;
  /** Nothing to do, or nothing but a disk to wait for. */
  readonly idle: number;
  readonly softirq: number;
  /** Taken by the hypervisor. */
  readonly steal: number;
}

/**
 * Decodes `cpu user nice system idle iowait irq softirq steal ...`; guest time is inside user time already.
 *
 * @param text /proc/stat, or its first line.
 * @returns undefined when the text does not begin with such a line.
 */
export function decodeCpuTimes(text: string): CpuTimes | undefined {
  const words = /^cpu\s+([\d ]+)/.exec(text)?.[1]?.trim().split(/ +/).map(Number).slice(0, 8) ?? [];
  if (words.length < 8) return undefined;
  const [, , , idle = 0, iowait = 0, , softirq = 0, steal = 0] = words;
  return { total: words.reduce((sum, one) => sum + one, 0), idle: idle + iowait, softirq, steal };
}

/** Share (0..1) of the time between two readings that the hypervisor took; undefined when no time has passed. */
export function stealRatio(
  before: Pick<CpuTimes, 'total' | 'steal'>,
  now: Pick<CpuTimes, 'total' | 'steal'>,
): number | undefined {
  const total = now.total - before.total;
  return total > 0 ? Math.min(1, Math.max(0, now.steal - before.steal) / total) : undefined;
}
