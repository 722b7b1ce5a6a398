// Durations of the command line. Pure.

/** Ms of `60s`, `500ms`, `2m`, `1h`; undefined when it is no duration. */
export function parseDurationMs(text: string): number | undefined {
  const [, number, unit] = /^(\d{1,6})(ms|s|m|h)$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  return Number(number) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit as 'ms' | 's' | 'm' | 'h']; // by the pattern
}
