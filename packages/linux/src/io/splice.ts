// Pipes and splice(2): bytes move from socket to socket as references to their pages, without a copy through user
// space. Never blocks on the pipe; on a socket only if that is a blocking one. Side effects: descriptors.
import { errno, libc } from './libc.ts';

// Lengths and the null offsets are passed as 32-bit numbers, which the registers extend: a BigInt would cost more than
// the call.
const calls = libc({
  splice: { arguments: ['i32', 'i32', 'i32', 'i32', 'u32', 'u32'], return: 'i32' },
  pipe2: { arguments: ['pointer', 'i32'], return: 'i32' },
  fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
});

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const F_SETPIPE_SZ = 1031;
const MOVE_NONBLOCK = 3;

const pair = new Int32Array(new ArrayBuffer(8));
const pairBytes = new Uint8Array(pair.buffer);

/** The two ends of a pipe. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/**
 * Opens a pipe, non-blocking, close-on-exec.
 *
 * @param bytes Its size; 0, and one that the user's limit does not allow, is the kernel's default.
 * @returns null when there are no descriptors left.
 */
export function openPipe(bytes: number): Pipe | null {
  if (calls.pipe2(pairBytes, O_CLOEXEC | O_NONBLOCK) < 0) return null;
  const [read = -1, write = -1] = pair;
  if (bytes > 0) calls.fcntl(write, F_SETPIPE_SZ, bytes);
  return { read, write };
}

/** Moves up to `length` bytes; one of the descriptors is a pipe. Returns how many, 0 at the end of a stream, or -errno. */
export function splice(from: number, to: number, length: number): number {
  const moved = calls.splice(from, 0, to, 0, length, MOVE_NONBLOCK);
  return moved >= 0 ? moved : -errno();
}
