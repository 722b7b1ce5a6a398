// Figures as words for people: counts, rates, bytes, ages. Pure; the same width for the same size, so that columns
// do not jump. A figure that is not known is an en dash, never a zero.

/** What stands for a figure that is not known. */
export const unknown = '–';

const thin = '\u202f';

/** `7`, `1 234`, `56.7k`, `1.2M`. */
export function formatCount(count: number | undefined): string {
  if (count === undefined) return unknown;
  if (count < 10_000) return grouped(Math.round(count));
  return scaled(count, 1000, ['', 'k', 'M', 'G', 'T']);
}

/** A rate per second: `0`, `0.4`, `12`, `1 234`; below 10 with one decimal. */
export function formatRate(perSecond: number | undefined): string {
  if (perSecond === undefined) return unknown;
  const rounded = Math.round(perSecond * 10) / 10;
  if (rounded === 0) return '0';
  return rounded < 10 ? rounded.toFixed(1) : formatCount(rounded);
}

/** `512 B`, `1.2 kB`, `3.4 MB` (powers of 1000). */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined) return unknown;
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  return scaled(bytes, 1000, [' B', ' kB', ' MB', ' GB', ' TB']);
}

/** How long something has lasted: `4 s`, `12 min 5 s`, `3 h 20 min`, `9 d 4 h`. */
export function formatAge(ms: number | undefined): string {
  if (ms === undefined || ms < 0) return unknown;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** A short time with the unit that shows it: `0.4 ms`, `12 ms`, `1.2 s`. */
export function formatShort(ms: number | undefined): string {
  if (ms === undefined || ms < 0) return unknown;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 100_000 ? `${(ms / 1000).toFixed(1)} s` : formatAge(ms);
}

/** `12 %`, `0.4 %`. */
export function formatPercent(ratio: number | undefined): string {
  if (ratio === undefined) return unknown;
  const percent = ratio * 100;
  return `${percent < 10 && percent >= 0.05 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** The first eight digits of a hash: enough to tell two apart by eye. */
export function shortHash(hash: string): string {
  return hash === '' ? unknown : hash.slice(0, 8);
}

/** `1 server`, `3 servers`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, thin);
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let rest = value;
  let index = 0;
  // 999.95 would be shown as 1000.0: it belongs to the next unit.
  while (rest >= step * 0.9995 && index < units.length - 1) {
    rest /= step;
    index += 1;
  }
  const digits = rest < 10 ? 2 : rest < 100 ? 1 : 0;
  return `${rest.toFixed(digits)}${units[index] ?? ''}`;
}
