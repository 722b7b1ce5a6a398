// Codes about system calls: the kernel refused something, with its errno and what was tried.
import type { ErrorEntry } from '../catalogue.ts';

export const kernelErrors = {
  LB_KERNEL_CALL: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot {tried}: {errno} from {call}',
    hint: 'Look up {errno} in the manual page of {call}(2).',
  },
  LB_KERNEL_NO_IO_URING: {
    source: 'kernel',
    retry: 'never',
    status: 500,
    message: 'Cannot use io_uring: {detail}',
    hint: 'Set kernel.io_uring_disabled to 0 and allow io_uring_setup in the seccomp profile, or set proxy.engine to auto.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
