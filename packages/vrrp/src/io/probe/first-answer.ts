// How long after a take-over the new owner's first real answer came: requests to the address itself, through the own
// listener, one after the other until a server has answered. Side effects: loopback connections, for a few seconds at most.
import { probeOnce, type ProbeTarget } from './self-probe.ts';

/** Later than this it is no part of the take-over any more. */
const limitMs = 10_000;
const againMs = 10;
const timeoutMs = 800;

export interface FirstAnswerOptions {
  /** The request; its host is the address. */
  readonly target: ProbeTarget;
  /** When the address was taken over, CLOCK_MONOTONIC in ms. */
  readonly sinceMs: number;
  readonly nowMs: () => number;
  /** The address is owned no more: give up. */
  readonly isOver: () => boolean;
}

/** @returns Ms from the take-over to the answer; undefined when none came in time. */
export async function measureFirstAnswer(options: FirstAnswerOptions): Promise<number | undefined> {
  const { target, sinceMs, nowMs, isOver } = options;
  while (!isOver() && nowMs() - sinceMs < limitMs) {
    if ((await probeOnce(target, timeoutMs)) === 'answered') return nowMs() - sinceMs;
    await new Promise((resolve) => setTimeout(resolve, againMs));
  }
  return undefined;
}
