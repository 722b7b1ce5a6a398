// What a person reads when a command fails: code, cause, hint; never a stack trace. The one place where errors of the command
// line end, whatever threw them.
import { isTospannError, TospannError } from '@tospann/errors';
import { complain, Exit, type ExitCode, say } from './exit.ts';

/** With this in the environment an unknown error also shows where it came from, for a report. */
const TRACE = 'TOSPANN_TRACE';

/** Prints an error and says which exit code it means. */
export function failWith(error: unknown): ExitCode {
  const known = toKnown(error);
  const { code, message } = known;
  complain({ code, message, hint: isForbidden(error) ? forbiddenHint() : known.hint });
  if (process.env[TRACE] !== undefined && error instanceof Error) say((error.stack ?? '').split('\n'));
  if (code.startsWith('LB_CONFIG_')) return Exit.configInvalid;
  return code === 'LB_OPERATION_NOT_REACHABLE' ? Exit.notReachable : Exit.failed;
}

/** The error of a stream that cannot be written. */
export function outputFailed(error: Error): ExitCode {
  return failWith(new TospannError('LB_OPERATION_OUTPUT', { detail: systemWords(error) }));
}

function toKnown(error: unknown): TospannError {
  if (isTospannError(error)) return error;
  if (isSystemError(error)) return new TospannError('LB_OPERATION_SYSTEM', { detail: systemWords(error) });
  return new TospannError('LB_OPERATION_UNFORESEEN', {
    detail: error instanceof Error ? error.message : String(error),
  });
}

/** `permission denied (mkdir '/var/lib/tospann')`: what the system says, without its number. */
function systemWords(error: Error): string {
  const [, words, call] = /^E[A-Z0-9]+: (.+), (\w+(?: '.*')?)$/s.exec(error.message) ?? [];
  return words === undefined || call === undefined ? error.message : `${words} (${call})`;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

/** Whether the system has refused it for want of rights, wherever in the chain of causes that stands. */
function isForbidden(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    if ('code' in cause && (cause.code === 'EACCES' || cause.code === 'EPERM')) return true;
  }
  return false;
}

/** No group opens these files: the proxy's own group would give whoever breaks into the proxy the whole node. */
function forbiddenHint(): string {
  return process.getuid?.() === 0
    ? 'Give root back what it may not do here: a container, a profile (AppArmor, SELinux) or a read-only mount forbids it.'
    : 'Run the command with sudo: this user may not do that; what belongs to a node is for root alone.';
}
