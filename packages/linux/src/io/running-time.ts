// A time-out in which only the time counts that this process has run. Owns a timer until it is over or stopped.

/** A time-out is looked at in so many parts. */
const PARTS = 8;
const MIN_PART_MS = 50;

/**
 * Calls `over` when this process has run for so long, and what had come by then has been read. Each part of the time
 * counts once, however late its end is noticed: stolen time, a stopped process and a blocked loop are no silence of the
 * other side, whose answer may lie in the socket.
 *
 * @returns What ends the wait.
 */
export function afterRunning(timeoutMs: number, over: () => void): () => void {
  const partMs = Math.max(MIN_PART_MS, timeoutMs / PARTS);
  let leftMs = timeoutMs;
  let timer: NodeJS.Timeout | undefined;
  let last: NodeJS.Immediate | undefined;
  const wait = (): void => {
    const part = Math.min(leftMs, partMs);
    timer = setTimeout(() => {
      leftMs -= part;
      // A wait that a stop has interrupted looks at timers before sockets; immediates come behind both.
      if (leftMs > 0) wait();
      else last = setImmediate(over);
    }, part);
  };
  wait();
  return () => {
    clearTimeout(timer);
    clearImmediate(last);
  };
}
