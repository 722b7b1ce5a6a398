// Files that are never seen half-written, not even after a power loss: written beside their place, synced, put there in
// one step, and the directory synced. Synchronous. Not the reading of them, and no directories are made.
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface ReplaceFileOptions {
  /** Permissions of a new file; the umask takes its share. */
  readonly mode: number;
  /** Where it is written first: in the same directory. What lies there is removed. */
  readonly temporary: string;
}

/** Puts a file in place of what is there, if anything is. @throws What the system says; then the old file is untouched. */
export function replaceFile(file: string, content: string, options: ReplaceFileOptions): void {
  placeFile(file, content, { ...options, put: renameSync });
}

/** Puts a file in place where there is none. @throws What the system says: EEXIST when there is one by then. */
export function createFile(file: string, content: string, options: ReplaceFileOptions): void {
  placeFile(file, content, { ...options, put: linkSync });
}

/** Makes new names in a directory survive a power loss. @throws What the system says. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function placeFile(
  file: string,
  content: string,
  { mode, temporary, put }: ReplaceFileOptions & { readonly put: (from: string, to: string) => void },
): void {
  try {
    rmSync(temporary, { force: true });
    writeSynced(temporary, content, mode);
    put(temporary, file);
    syncDirectory(dirname(file));
  } finally {
    remove(temporary);
  }
}

function writeSynced(file: string, content: string, mode: number): void {
  // Never through a link that somebody else has laid there.
  const fd = openSync(file, 'wx', mode);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function remove(temporary: string): void {
  try {
    rmSync(temporary, { force: true });
  } catch {
    // It lies where nothing can be removed: the write has told why.
  }
}
