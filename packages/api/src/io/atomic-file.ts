// Small secret files of the state directory that are never seen half-written. Synchronous: used at start and when an
// operator's setting is kept. Not the writing itself (replaceFile() of @tospann/linux).
import { mkdirSync, readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { TospannError } from '@tospann/errors';
import { createFile, replaceFile } from '@tospann/linux';

/** How a file is put in place: `replace` overwrites; `keep-first` loses against a file that is there by then. */
export type PlaceMode = 'replace' | 'keep-first';

/**
 * Writes a secret file (mode 0600) in one step.
 *
 * @returns false when `keep-first` found a file in place; that file is untouched.
 * @throws {TospannError} LB_API_STATE_FILE.
 */
export function placeSecretFile(file: string, content: string, mode: PlaceMode): boolean {
  const options = { mode: 0o600, temporary: `${file}.${randomBytes(6).toString('hex')}.tmp` };
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
    if (mode === 'replace') replaceFile(file, content, options);
    else createFile(file, content, options);
    return true;
  } catch (error) {
    if (mode === 'keep-first' && hasErrno(error, 'EEXIST')) return false;
    throw stateFileError(file, error);
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

function stateFileError(file: string, cause: unknown): TospannError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new TospannError('LB_API_STATE_FILE', { file, detail }, { cause });
}
