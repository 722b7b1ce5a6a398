// timerfd on CLOCK_MONOTONIC with absolute times: fires at once after a freeze when its time has passed
// (a relative ppoll time-out would wait for its rest). The same clock as `monotonicMs`.
import { kernelError } from './kernel-error.ts';
import { errno, libc } from './libc.ts';

const calls = libc({
  timerfd_create: { arguments: ['i32', 'i32'], return: 'i32' },
  timerfd_settime: { arguments: ['i32', 'i32', 'pointer', 'pointer'], return: 'i32' },
  read: { arguments: ['i32', 'pointer', 'u64'], return: 'i64' },
});

const CLOCK_MONOTONIC = 1;
const TFD_CLOEXEC_NONBLOCK = 0o2004000;
const TFD_TIMER_ABSTIME = 1;

/** One absolute timer on a descriptor of its own. */
export class TimerFd {
  readonly fd: number;
  readonly #spec = new BigInt64Array(new ArrayBuffer(64), 0, 4);
  readonly #specBytes = new Uint8Array(this.#spec.buffer);
  readonly #count = new Uint8Array(new ArrayBuffer(64));

  /** @throws {TospannError} LB_KERNEL_CALL. */
  constructor() {
    this.fd = calls.timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC_NONBLOCK);
    if (this.fd < 0) throw kernelError('timerfd_create', 'open a timer', errno());
  }

  /**
   * Sets when it fires next; a time in the past fires at once.
   *
   * @param atMs Monotonic milliseconds, fractions kept to the nanosecond; a negative value switches it off.
   */
  setAt(atMs: number): void {
    // All zeroes would disarm, so the earliest time is 1 ns.
    const ns = atMs < 0 ? 0 : Math.max(1, Math.round(atMs * 1e6));
    this.#spec[2] = BigInt(Math.floor(ns / 1e9));
    this.#spec[3] = BigInt(ns % 1e9);
    if (calls.timerfd_settime(this.fd, TFD_TIMER_ABSTIME, this.#specBytes, null) < 0) {
      throw kernelError('timerfd_settime', 'set a timer', errno());
    }
  }

  /** Takes the expiry; true when it had fired. */
  drain(): boolean {
    return calls.read(this.fd, this.#count, 8n) === 8n;
  }
}
