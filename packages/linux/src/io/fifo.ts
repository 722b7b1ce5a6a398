// mkfifo(3): node:fs has no way to make a FIFO. Side effects: one entry in the file system.
import { kernelError } from './kernel-error.ts';
import { errno, libc } from './libc.ts';

const { mkfifo } = libc({ mkfifo: { arguments: ['pointer', 'u32'], return: 'i32' } });

/** Makes a FIFO; `mode` loses what the umask takes. @throws {TospannError} LB_KERNEL_CALL, also when the path exists. */
export function makeFifo(path: string, mode: number): void {
  const bytes = new TextEncoder().encode(`${path}\0`);
  if (mkfifo(bytes, mode) < 0) throw kernelError('mkfifo', `make the FIFO "${path}"`, errno());
}
