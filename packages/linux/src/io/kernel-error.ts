// From errno to a typed error: the name, the call and what was tried. No decisions: callers choose special codes.
import { constants } from 'node:os';
import { TospannError } from '@tospann/errors';

const NAMES: ReadonlyMap<number, string> = namesByNumber();

/** Error numbers that this package and its users tell apart (Linux, the same on x86_64 and arm64). */
export const ErrorNumber = {
  EPERM: constants.errno.EPERM,
  ENOENT: constants.errno.ENOENT,
  EINTR: constants.errno.EINTR,
  EAGAIN: constants.errno.EAGAIN,
  EACCES: constants.errno.EACCES,
  EBUSY: constants.errno.EBUSY,
  EEXIST: constants.errno.EEXIST,
  ENODEV: constants.errno.ENODEV,
  EINVAL: constants.errno.EINVAL,
  ENOSYS: constants.errno.ENOSYS,
  EADDRINUSE: constants.errno.EADDRINUSE,
  EADDRNOTAVAIL: constants.errno.EADDRNOTAVAIL,
  ENOBUFS: constants.errno.ENOBUFS,
} as const;

/** The name of an errno value: 98 is `EADDRINUSE`; an unknown one is `errno 4711`. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}

/**
 * The general error of a failed system call.
 *
 * @param call The call's name, as its manual page spells it: `setsockopt`.
 * @param tried What it was for, to follow "Cannot": `join 224.0.0.18 on "eth0"`.
 * @param errno The positive error number.
 */
export function kernelError(call: string, tried: string, errno: number): TospannError<'LB_KERNEL_CALL'> {
  return new TospannError('LB_KERNEL_CALL', { call, tried, errno: errnoName(errno) });
}

/** Like `kernelError`, but EPERM and EACCES name the capability that is missing. */
export function capabilityError(
  capability: string,
  failed: { readonly call: string; readonly tried: string; readonly errno: number },
): TospannError {
  const denied = failed.errno === ErrorNumber.EPERM || failed.errno === ErrorNumber.EACCES;
  const cause = kernelError(failed.call, failed.tried, failed.errno);
  return denied ? new TospannError('LB_KERNEL_NO_CAPABILITY', { capability, tried: failed.tried }, { cause }) : cause;
}

function namesByNumber(): Map<number, string> {
  const names = new Map<number, string>();
  for (const [name, number] of Object.entries(constants.errno)) {
    if (!names.has(number)) names.set(number, name);
  }
  return names;
}
