// Finds out whether this process may use io_uring as the ring transport needs it, and says why not in words for
// the log and the console. Run it with the privileges that the workers will have.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { ErrorNumber, errnoName } from './kernel-error.ts';
import { registerRing, setupRing } from './io-uring.ts';
import { Register, RingOp } from './io-uring-layout.ts';
import { closeFd } from './sockets.ts';

/** `reason` fits behind "ring:" or "node:" in a log line. */
export interface IoUringProbe {
  readonly usable: boolean;
  readonly reason: string;
}

/** Tries a small ring and asks for the operations. Leaves nothing behind; never throws. */
export function probeIoUring(): IoUringProbe {
  const { fd, errno } = setupRing({ entries: 8, completionEntries: 16 });
  if (fd < 0) return { usable: false, reason: refusal(errno) };
  const missing = missingOperations(fd);
  closeFd(fd);
  if (missing.length > 0) return { usable: false, reason: `the kernel lacks ${missing.join(', ')}` };
  return { usable: true, reason: `kernel ${kernelRelease()} has io_uring with deferred task work` };
}

function missingOperations(fd: number): string[] {
  const bytes = new Uint8Array(new ArrayBuffer(16 + 256 * 8)); // struct io_uring_probe with 256 operations
  if (registerRing(fd, Register.PROBE, { bytes, count: 256 }) < 0) return ['the probe'];
  return Object.entries(RingOp)
    .filter(([, op]) => ((bytes[16 + op * 8 + 2] ?? 0) & 1) === 0)
    .map(([name]) => name);
}

function refusal(errno: number): string {
  if (errno === ErrorNumber.ENOSYS) return 'the kernel or a seccomp profile has no io_uring_setup';
  if (errno === ErrorNumber.EINVAL) return `kernel ${kernelRelease()} is older than 6.1`;
  if (errno === ErrorNumber.EPERM) {
    const disabled = readDisabled();
    if (disabled === '2') return 'kernel.io_uring_disabled is 2';
    if (disabled === '1') return 'kernel.io_uring_disabled is 1 and this user is not in kernel.io_uring_group';
    return 'a seccomp profile or security module forbids io_uring_setup';
  }
  return `${errnoName(errno)} from io_uring_setup`;
}

function readDisabled(): string {
  try {
    return readFileSync('/proc/sys/kernel/io_uring_disabled', 'utf8').trim();
  } catch {
    return '0'; // before 6.6 there is no such switch
  }
}

function kernelRelease(): string {
  return /^\d+\.\d+/.exec(release())?.[0] ?? release();
}
