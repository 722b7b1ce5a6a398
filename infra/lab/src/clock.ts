// The lab's one clock: CLOCK_MONOTONIC in milliseconds, the same for every process of this machine, so that what
// the prober, the load generator and the test saw can be put on one line. Never the wall clock.

/** Returns the machine's monotonic time in ms, with fractions. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Waits `ms` milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/**
 * Asks `probe` every `everyMs` until it returns a value, and returns that value.
 *
 * @throws {Error} When `timeoutMs` have passed; the text says what was waited for.
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  options: { readonly timeoutMs: number; readonly everyMs?: number },
): Promise<T> {
  const deadlineMs = monotonicMs() + options.timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (monotonicMs() > deadlineMs) throw new Error(`Cannot see ${what}: not within ${options.timeoutMs} ms`);
    await pause(options.everyMs ?? 20);
  }
}
