// An exclusive lock on an open file (flock): the kernel gives it back when the process dies, however it dies.
import { ErrorNumber, kernelError } from './kernel-error.ts';
import { errno, libc } from './libc.ts';

const calls = libc({ flock: { arguments: ['i32', 'i32'], return: 'i32' } });

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Locks an open file for this process without waiting; false when somebody else has it. @throws {TospannError} LB_KERNEL_CALL. */
export function tryLockFile(fd: number): boolean {
  if (calls.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const number = errno();
  if (number === ErrorNumber.EAGAIN) return false;
  throw kernelError('flock', 'lock a file', number);
}
