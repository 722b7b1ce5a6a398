// Keys of /proc/sys: read and written by name, through files; no sysctl(8), no child process.
import { accessSync, closeSync, constants, openSync, statSync, writeSync } from 'node:fs';
import type { FoundValue } from '../core/model.ts';
import type { SystemRoot } from './system-root.ts';

/** Path of a key below /proc/sys; undefined for a name that is none. */
export function keyPath(key: string): string | undefined {
  const path = key.includes('/') ? key : key.replaceAll('.', '/');
  return /^[a-z]\w*(?:\/[\w.:@-]+)+$/.test(path) && !path.split('/').includes('..') ? `/proc/sys/${path}` : undefined;
}

/** A key as it is now; undefined when this kernel (or namespace) does not have it or hides it. */
export function readKey(root: SystemRoot, key: string): string | undefined {
  const path = keyPath(key);
  return path === undefined ? undefined : root.read(path);
}

/** Writes a key. Throws what the system says: the kernel refuses values with EINVAL, and some silently round them. */
export function writeKey(root: SystemRoot, key: string, value: string): void {
  const path = keyPath(key);
  if (path === undefined) throw new Error(`"${key}" is no name of a key`);
  // One write: the kernel takes each as a whole value. Without O_CREAT: a key that is gone must not become a file.
  const text = value.endsWith('\n') ? value : `${value}\n`;
  const fd = openSync(root.path(path), constants.O_WRONLY | constants.O_TRUNC);
  try {
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

/** The keys that are there, with their values. */
export function readKeys(
  root: SystemRoot,
  keys: readonly string[],
  readOnly: (path: string) => boolean,
): Readonly<Record<string, FoundValue>> {
  const found: Record<string, FoundValue> = {};
  for (const key of keys) {
    const path = keyPath(key);
    const raw = path === undefined ? undefined : root.read(path);
    if (path !== undefined && raw !== undefined) {
      found[key] = { raw, writable: readOnly(path) ? 'read-only' : writableFile(root.path(path)) };
    }
  }
  return found;
}

// By the mode, not by who asks: a plan is the same for everybody; root alone can apply it.
function writableFile(file: string): FoundValue['writable'] {
  try {
    if ((statSync(file).mode & 0o200) === 0) return 'not-permitted';
    accessSync(file, constants.W_OK);
    return 'yes';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    return code === 'EROFS' ? 'read-only' : 'yes';
  }
}
