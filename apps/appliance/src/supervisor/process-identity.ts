// A process by its number and its start time: the number alone may belong to somebody else by now.
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, proc(5). */
  readonly startTime: string;
}

/** Start time of a process in clock ticks since boot (proc(5), stat field 22), or undefined when it is gone. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** The process that has this number now; undefined when there is none. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

/** Signals that very process; false when it is gone. */
export function signalProcess({ pid, startTime }: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (startTimeOf(pid) !== startTime) return false;
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
