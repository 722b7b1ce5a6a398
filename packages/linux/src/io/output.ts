// A descriptor that somebody else reads, written without ever waiting for him: standard output and error when they are a pipe, a
// terminal or journald's socket. The flag O_NONBLOCK belongs to the open file, which other programs share: so a pipe and a
// terminal are opened once more, and a socket is told with each call. Side effects: what is written.
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { errno, libc } from './libc.ts';
import { ErrorNumber, kernelError } from './kernel-error.ts';

const { send } = libc({ send: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i64' } });
const MSG_DONTWAIT_NOSIGNAL = 0x4040;

export class Output {
  /** A regular file takes everything, in the time that its disk takes. */
  readonly isFile: boolean;
  readonly #isSocket: boolean;
  readonly #fd: number;

  constructor(fd: number) {
    const facts = fstatSync(fd);
    this.isFile = facts.isFile();
    this.#isSocket = facts.isSocket();
    this.#fd = facts.isFIFO() || facts.isCharacterDevice() ? openAgain(fd) : fd;
  }

  /** Writes what is taken at once, and returns how many bytes that were; 0: nobody reads. @throws What the system says. */
  write(bytes: Uint8Array, from = 0): number {
    if (this.#isSocket) return this.#send(bytes.subarray(from));
    try {
      return writeSync(this.#fd, bytes, from);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0;
      throw error;
    }
  }

  #send(bytes: Uint8Array): number {
    const sent = send(this.#fd, bytes, BigInt(bytes.length), MSG_DONTWAIT_NOSIGNAL);
    if (sent >= 0n) return Number(sent);
    const number = errno();
    if (number === ErrorNumber.EAGAIN) return 0;
    throw kernelError('send', 'write to standard output or error', number);
  }
}

/** The same file once more, for this process alone; where that is not allowed, the one there is. */
function openAgain(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}
