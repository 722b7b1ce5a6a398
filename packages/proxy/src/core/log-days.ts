// Which files of an access log belong to which day, and which are too old: pure. Days are UTC days, as in the lines.

const DAY_MS = 86_400_000;

/** The UTC day of a moment: `2026-11-22`. */
export function dayOf(ms: number): string {
  return new Intl.DateTimeFormat('en-CA', {
    timeZone: 'UTC',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).format(ms);
}

/** The name of the file that holds a finished day. */
export function nameOfDay(base: string, day: string): string {
  return `${base}.${day}`;
}

/**
 * Finds the files whose day is more than `retentionDays` before today.
 *
 * @param names All names in the log's directory; others than `base.YYYY-MM-DD` are left alone.
 * @returns Names to delete.
 */
export function expiredDays(
  names: readonly string[],
  options: { readonly base: string; readonly nowMs: number; readonly retentionDays: number },
): readonly string[] {
  const oldest = dayOf(options.nowMs - options.retentionDays * DAY_MS);
  return names.filter((name) => {
    const day = name.slice(options.base.length + 1);
    return name.startsWith(`${options.base}.`) && /^\d{4}-\d{2}-\d{2}$/.test(day) && day < oldest;
  });
}
