// ppoll over a few descriptors: how the failover worker sleeps. Blocks the calling thread, so only in a worker.
import { ErrorNumber, kernelError } from './kernel-error.ts';
import { errno, libc } from './libc.ts';

const { ppoll } = libc({ ppoll: { arguments: ['pointer', 'u32', 'pointer', 'pointer'], return: 'i32' } });
const { poll } = libc({ poll: { arguments: ['pointer', 'u32', 'i32'], return: 'i32' } });

const POLLIN = 1;
const POLLERR = 8;

const question = new Int32Array(new ArrayBuffer(64), 0, 2); // struct pollfd: descriptor, events, results
const questionBytes = new Uint8Array(question.buffer);

/** Whether bytes, an end or an error of a descriptor can be read at this moment. One system call; it takes nothing away. */
export function hasSomethingToRead(fd: number): boolean {
  question[0] = fd;
  question[1] = POLLIN;
  return poll(questionBytes, 1, 0) !== 0;
}

/** Waits for a fixed set of descriptors to become readable. Allocates nothing after the constructor. */
export class Poller {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #timespec = new BigInt64Array(new ArrayBuffer(64), 0, 2);
  readonly #timespecBytes = new Uint8Array(this.#timespec.buffer);

  /** @param fds Descriptors by index; a negative one is ignored by the kernel until `replace`. */
  constructor(fds: readonly number[]) {
    this.#bytes = new Uint8Array(new ArrayBuffer(Math.max(64, fds.length * 8)));
    this.#words = new Int32Array(this.#bytes.buffer, 0, fds.length * 2);
    for (const [index, fd] of fds.entries()) this.replace(index, fd);
  }

  /** Puts another descriptor at an index; -1 switches it off. */
  replace(index: number, fd: number): void {
    this.#words[index * 2] = fd;
    this.#words[index * 2 + 1] = POLLIN;
  }

  /**
   * Blocks until one is readable, the time is over or a signal came.
   *
   * @param timeoutMs Negative waits for ever. For a deadline that must survive SIGSTOP, poll a timerfd instead.
   * @returns How many are readable; ask `readable(index)`.
   * @throws {TospannError} LB_KERNEL_CALL.
   */
  wait(timeoutMs: number): number {
    if (timeoutMs >= 0) {
      this.#timespec[0] = BigInt(Math.floor(timeoutMs / 1000));
      this.#timespec[1] = BigInt(Math.floor((timeoutMs % 1000) * 1e6));
    }
    const count = ppoll(this.#bytes, this.#words.length >> 1, timeoutMs < 0 ? null : this.#timespecBytes, null);
    if (count >= 0) return count;
    const number = errno();
    if (number !== ErrorNumber.EINTR) throw kernelError('ppoll', 'wait for descriptors', number);
    for (let i = 1; i < this.#words.length; i += 2) this.#words[i] = POLLIN; // no results after a signal
    return 0;
  }

  /** After `wait`: bytes, an end or an error are there to be read. */
  readable(index: number): boolean {
    return (this.#words[index * 2 + 1] ?? 0) >>> 16 !== 0;
  }

  /** After `wait`: the descriptor reports an error (a socket whose interface went down: read SO_ERROR or try). */
  failed(index: number): boolean {
    return (((this.#words[index * 2 + 1] ?? 0) >>> 16) & POLLERR) !== 0;
  }
}
