// A process by its number and its start time: the number alone may belong to somebody else by now.
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, proc(5). */
  readonly startTime: string;
}

/** Start time of a process in clock ticks since boot, or undefined when it is gone; one that nobody has reaped is. */
export function startTimeOf(pid: number): string | undefined {
  try {
    return startTimeIn(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Whether a process's main thread waits for a disk (state D): no signal ends that wait, and its other threads go on. */
export function waitsForDisk(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('D');
  } catch {
    return false;
  }
}

/** Field 22 of proc(5)'s stat; undefined for a process that has ended (states Z and X). A name may have any character. */
export function startTimeIn(stat: string): string | undefined {
  const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return /^[ZXx]$/.test(state) ? undefined : fields[18];
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
