// Small secret files that are never seen half-written: a temporary file in the same directory, synced, then put in
// place in one step, and the directory synced. Synchronous: used at start only.
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { TospannError } from '@tospann/errors';

/** How a file is put in place: `replace` overwrites; `keep-first` loses against a file that is there by then. */
export type PlaceMode = 'replace' | 'keep-first';

/**
 * Writes a secret file (mode 0600) in one step.
 *
 * @returns false when `keep-first` found a file in place; that file is untouched.
 * @throws {TospannError} LB_API_STATE_FILE.
 */
export function placeSecretFile(file: string, content: string, mode: PlaceMode): boolean {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
    writeSynced(temporary, content);
    if (mode === 'replace') renameSync(temporary, file);
    else linkSync(temporary, file);
    syncDirectory(dirname(file));
    return true;
  } catch (error) {
    if (mode === 'keep-first' && hasErrno(error, 'EEXIST')) return false;
    throw stateFileError(file, error);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/**
 * Reads a small file as text.
 *
 * @returns The text, or undefined when there is no such file.
 * @throws {TospannError} LB_API_STATE_FILE when it is there and cannot be read.
 */
export function readSecretFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw stateFileError(file, error);
  }
}

/** Tells whether an error is a system error with this errno name. */
export function hasErrno(error: unknown, errno: string): boolean {
  return error instanceof Error && 'code' in error && error.code === errno;
}

function writeSynced(file: string, content: string): void {
  const fd = openSync(file, 'wx', 0o600);
  try {
    fchmodSync(fd, 0o600);
    const bytes = Buffer.from(content, 'utf8');
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function stateFileError(file: string, cause: unknown): TospannError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new TospannError('LB_API_STATE_FILE', { file, detail }, { cause });
}
