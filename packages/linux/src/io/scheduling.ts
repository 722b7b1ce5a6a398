// CPU priority of the calling thread (call it inside the worker that shall have it) and its timer slack.
import { errno, libc } from './libc.ts';
import { errnoName } from './kernel-error.ts';

const calls = libc({
  sched_setscheduler: { arguments: ['i32', 'i32', 'pointer'], return: 'i32' },
  setpriority: { arguments: ['i32', 'u32', 'i32'], return: 'i32' },
});
const { prctl } = libc({ prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' } });

const SCHED_RR = 2;
const RESET_ON_FORK = 0x40000000;
const PR_SET_TIMERSLACK = 29;
const PR_SET_PDEATHSIG = 1;

/** What the thread got, to be shown to the operator; `detail` says why not more. */
export interface Scheduling {
  readonly policy: 'real-time' | 'nice' | 'normal';
  readonly detail: string;
}

/**
 * Raises the calling thread: SCHED_RR if it may, else nice -20, else nothing. Never throws.
 *
 * @param priority Real-time priority 1..99. Default 50.
 */
export function raiseThread(priority = 50): Scheduling {
  const parameter = new Uint8Array(new ArrayBuffer(64));
  new DataView(parameter.buffer).setInt32(0, priority, true);
  if (calls.sched_setscheduler(0, SCHED_RR | RESET_ON_FORK, parameter) === 0) {
    return { policy: 'real-time', detail: `SCHED_RR ${priority}` };
  }
  const refused = errnoName(errno());
  prctl(PR_SET_TIMERSLACK, 1n, 0n, 0n, 0n); // 1 ns instead of 50 us; real-time threads have none
  if (calls.setpriority(0, 0, -20) === 0) return { policy: 'nice', detail: `nice -20, SCHED_RR refused: ${refused}` };
  return { policy: 'normal', detail: `SCHED_RR refused: ${refused}, nice -20 refused: ${errnoName(errno())}` };
}

/**
 * Asks the kernel to send this process a signal when its parent thread dies. A change of user clears it: call it
 * after `dropPrivileges`, on the main thread. The parent may be gone already: compare `process.ppid` afterwards.
 *
 * @param signal Number. Default 15 (SIGTERM).
 */
export function signalOnParentDeath(signal = 15): void {
  prctl(PR_SET_PDEATHSIG, BigInt(signal), 0n, 0n, 0n);
}
