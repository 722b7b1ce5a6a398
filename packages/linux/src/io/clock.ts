// CLOCK_MONOTONIC in milliseconds, as a number: comparable between threads and processes of one machine.

/** Milliseconds since boot without suspend, with a fraction (the clock of TimerFd and of the ring). */
export function monotonicMs(): number {
  // hrtime reads CLOCK_MONOTONIC; the tuple form allocates less than the BigInt one.
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
