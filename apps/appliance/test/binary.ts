// The built executable as the tests use it: dist/tospann, never the sources.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const binary = fileURLToPath(new URL('../../../dist/tospann', import.meta.url));
if (!existsSync(binary)) throw new Error(`${binary} is missing: run scripts/build first`);

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end. */
export function tospann(...args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(binary, args, { encoding: 'utf8', timeout: 60_000 });
  return { code: status, stdout, stderr };
}

/** Runs the program as a user without rights. */
export function asNobody(...args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(binary, args, {
    encoding: 'utf8',
    timeout: 60_000,
    uid: 65_534,
    gid: 65_534,
  });
  return { code: status, stdout, stderr };
}

/** A directory that is removed at the end of the scope. */
export class Scratch implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'tospann-test-'));

  file(name: string, text: string): string {
    const path = join(this.dir, name);
    writeFileSync(path, text);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
