// What a process that replaces its own program (execve) needs: descriptors that stay open, and the end of children that
// the program before it started. Side effects: descriptor flags of this process, its children's exit states.
import { kernelError } from './kernel-error.ts';
import { errno, libc } from './libc.ts';

const calls = libc({
  fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  waitpid: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
});

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const WNOHANG = 1;
const status = new Uint8Array(new ArrayBuffer(64));

/** Says whether a descriptor stays open when this process replaces its program. @throws {TospannError} LB_KERNEL_CALL. */
export function keepOnExec(fd: number, kept: boolean): void {
  if (calls.fcntl(fd, F_SETFD, kept ? 0 : FD_CLOEXEC) < 0) {
    throw kernelError('fcntl', `set what becomes of descriptor ${fd}`, errno());
  }
}

/**
 * Takes the exit state of a child that this program did not start itself, so that no zombie stays.
 *
 * @returns False while it lives; true when it has ended, or is no child of this process.
 */
export function reapChild(pid: number): boolean {
  return calls.waitpid(pid, status, WNOHANG) !== 0;
}
