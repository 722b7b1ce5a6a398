// eventfd: wakes a thread that blocks in ppoll or in the ring. Any thread of the process may write.
import { kernelError } from './kernel-error.ts';
import { errno, libc } from './libc.ts';

const calls = libc({
  eventfd: { arguments: ['u32', 'i32'], return: 'i32' },
  write: { arguments: ['i32', 'pointer', 'u64'], return: 'i64' },
  read: { arguments: ['i32', 'pointer', 'u64'], return: 'i64' },
});

const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
const ONE = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
const scratch = new Uint8Array(new ArrayBuffer(64));

/**
 * Opens an eventfd with count 0, close-on-exec.
 *
 * @param options.blocking The ring needs a blocking one; a poller takes a non-blocking one. Default false.
 * @throws {TospannError} LB_KERNEL_CALL.
 */
export function openEventFd(options: { readonly blocking?: boolean } = {}): number {
  const fd = calls.eventfd(0, EFD_CLOEXEC | (options.blocking === true ? 0 : EFD_NONBLOCK));
  if (fd < 0) throw kernelError('eventfd2', 'open an eventfd', errno());
  return fd;
}

/** Wakes whoever waits on it; may be called from any thread, as often as wanted. */
export function signalEventFd(fd: number): void {
  calls.write(fd, ONE, 8n);
}

/** Takes the count back to 0; true when there was one. Only for a non-blocking eventfd. */
export function drainEventFd(fd: number): boolean {
  return calls.read(fd, scratch, 8n) === 8n;
}
