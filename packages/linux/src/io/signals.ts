// Signals that this process would not live through as it is. A process that replaces its program has no handlers until the
// next one has made its own: Node takes back whatever was ignored or blocked across execve, so most signals end it in that
// time. Only a tracer (ptrace(2)) sees them before they act: a helper process holds them back and sends them again when the
// handlers stand. Where tracing is not allowed the process goes unheld. Side effects: signals of another process.
import { errnoName } from './kernel-error.ts';
import { errno, libc } from './libc.ts';

const calls = libc({
  ptrace: { arguments: ['i32', 'i32', 'u64', 'u64'], return: 'i64' },
  waitpid: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
  kill: { arguments: ['i32', 'i32'], return: 'i32' },
  alarm: { arguments: ['u32'], return: 'u32' },
  prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
  pthread_sigmask: { arguments: ['i32', 'pointer', 'pointer'], return: 'i32' },
});

const PTRACE_CONT = 7;
const PTRACE_SEIZE = 0x4206;
const PTRACE_LISTEN = 0x4208;
/** Threads that the process makes meanwhile are watched too: any of them may be given its signals. */
const PTRACE_O_TRACECLONE = 8;
const PTRACE_EVENT_STOP = 128;
const WAIT_ALL = 0x4000_0000;
const SIGTRAP = 5;
/** Ignored by whoever has no use for it, so that it does no harm where nobody holds signals. */
const SIGURG = 23;
const PR_SET_PTRACER = 0x5961_6d61;
const SIG_UNBLOCK = 1;

/** Lets this process be held by that one, where only parents may (Yama's ptrace_scope 1). */
export function allowHolder(pid: number): void {
  calls.prctl(PR_SET_PTRACER, BigInt(pid), 0n, 0n, 0n);
}

/** Tells whoever holds this process's signals that its handlers stand. */
export function releaseSignals(): void {
  process.kill(process.pid, SIGURG);
}

/** Lets a signal through to this thread that Node keeps from it (SIGUSR1, with --disable-sigusr1). */
export function unblockSignal(number: number): void {
  const set = new Uint32Array(new ArrayBuffer(128));
  set[0] = 1 << (number - 1);
  calls.pthread_sigmask(SIG_UNBLOCK, new Uint8Array(set.buffer), null);
}

export interface HoldOptions {
  readonly pid: number;
  /** Numbers of the signals to hold. */
  readonly signals: readonly number[];
  /** This process ends after so many seconds, and what it has held is lost. */
  readonly limitSeconds: number;
  /** Called once when signals are held. */
  readonly holding: () => void;
}

/**
 * Holds a process's signals until that one says `releaseSignals`, or ends; each that came is sent again then. Blocks this
 * whole process, which is to have no other use.
 *
 * @returns Why it cannot hold them; empty: it has.
 */
export function holdSignals({ pid, signals, limitSeconds, holding }: HoldOptions): string {
  calls.alarm(limitSeconds);
  if (calls.ptrace(PTRACE_SEIZE, pid, 0n, BigInt(PTRACE_O_TRACECLONE)) < 0n) return errnoName(errno());
  holding();
  const holder = new Holder(pid, signals);
  while (!holder.isDone) {
    const thread = calls.waitpid(-1, statusBytes, WAIT_ALL);
    if (thread < 0 || (thread === pid && !isStopped())) break;
    if (isStopped()) holder.goOn(thread, statusWord[0] ?? 0);
  }
  return '';
}

const statusWord = new Int32Array(new ArrayBuffer(64));
const statusBytes = new Uint8Array(statusWord.buffer);

function isStopped(): boolean {
  return ((statusWord[0] ?? 0) & 0xff) === 0x7f;
}

/** What becomes of a thread that has stopped for its tracer, and of the signal it has stopped for. */
class Holder {
  readonly #pid: number;
  readonly #signals: readonly number[];
  readonly #held = new Set<number>();
  #released = false;

  constructor(pid: number, signals: readonly number[]) {
    this.#pid = pid;
    this.#signals = signals;
  }

  get isDone(): boolean {
    return this.#released && this.#held.size === 0;
  }

  goOn(thread: number, status: number): void {
    const signal = (status >> 8) & 0xff;
    const event = status >> 16;
    if (event === 0) {
      calls.ptrace(PTRACE_CONT, thread, 0n, this.#holds(signal) ? 0n : BigInt(signal));
      return;
    }
    const isGroupStop = event === PTRACE_EVENT_STOP && signal !== SIGTRAP;
    calls.ptrace(isGroupStop ? PTRACE_LISTEN : PTRACE_CONT, thread, 0n, 0n);
  }

  #holds(signal: number): boolean {
    if (signal === SIGURG && !this.#released) {
      this.#released = true;
      for (const held of this.#held) calls.kill(this.#pid, held);
    }
    if (!this.#released && this.#signals.includes(signal)) {
      this.#held.add(signal);
      return true;
    }
    this.#held.delete(signal);
    return false;
  }
}
