// The machine's files under a root that tests can put elsewhere: paths, quiet reads, and writes that are on disk when
// they return. No decisions. Side effects: files below the root.
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile, syncDirectory } from '@tospann/linux';

/** Where /proc, /sys and /etc are. */
export class SystemRoot {
  readonly #root: string;

  /** @param root Directory that stands for `/`. Default `/`. */
  constructor(root = '/') {
    this.#root = root;
  }

  /** True for the machine itself. */
  get isMachine(): boolean {
    return this.#root === '/';
  }

  path(absolute: string): string {
    return join(this.#root, absolute);
  }

  /** The text of a file; undefined when it is not there or may not be read. */
  read(absolute: string): string | undefined {
    try {
      return readFileSync(this.path(absolute), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Where a symbolic link points; undefined when it is none. */
  link(absolute: string): string | undefined {
    try {
      return readlinkSync(this.path(absolute));
    } catch {
      return undefined;
    }
  }

  /** Names in a directory; none when it is not there. */
  list(absolute: string): readonly string[] {
    try {
      return readdirSync(this.path(absolute));
    } catch {
      return [];
    }
  }

  exists(absolute: string): boolean {
    return existsSync(this.path(absolute));
  }

  /** Writes a file so that after a power loss either the old or the new one is there. Throws what the system says. */
  replace(absolute: string, text: string): void {
    const file = this.path(absolute);
    mkdirSync(dirname(file), { recursive: true });
    replaceFile(file, text, { mode: 0o644, temporary: `${file}.new` });
  }

  /** Removes a file and what an interrupted `replace` left of it. */
  remove(absolute: string): void {
    const file = this.path(absolute);
    rmSync(`${file}.new`, { force: true });
    rmSync(file, { force: true });
    if (existsSync(dirname(file))) syncDirectory(dirname(file));
  }
}
