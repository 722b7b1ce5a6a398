// The run directory belongs to one running node: a second `tospann run` with the same directory is refused. The claim is a lock
// on the directory, which the kernel gives back when the process ends, however it ends; it goes through an upgrade with its
// descriptor. The file with the process number is for people and for programs from before. A directory that somebody
// removed is made again: children and the command line find nothing without it.
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { TospannError } from '@tospann/errors';
import { tryLockFile } from '@tospann/linux';
import { startTimeOf } from './process-identity.ts';

const FILE = 'tospann.pid';

export class RunDir implements Disposable {
  readonly path: string;
  #fd: number | undefined;

  /**
   * Claims the directory for this process; dispose to give it back.
   *
   * @param claim The descriptor of a claim that the program before has left.
   * @throws {TospannError} LB_OPERATION_RUNNING_ALREADY, LB_OPERATION_DIRECTORY.
   */
  constructor(path: string, claim?: number) {
    this.path = path;
    this.#fd = claim;
    this.ensure();
  }

  /** The descriptor of the claim; undefined where the file system has no locks. */
  get fd(): number | undefined {
    return this.#fd;
  }

  /**
   * Makes the directory again if it is not the one that was claimed, and claims that.
   *
   * @returns Whether it had to.
   * @throws {TospannError} LB_OPERATION_RUNNING_ALREADY, LB_OPERATION_DIRECTORY.
   */
  ensure(): boolean {
    if (this.#isThere()) return false;
    makeDirectory(this.path, 0o755);
    const other = readClaim(join(this.path, FILE));
    if (other !== undefined && other.pid !== process.pid && startTimeOf(other.pid) === other.startTime) {
      throw this.#taken(other.pid);
    }
    this.#lock(other?.pid);
    // Full or read-only: the lock is what counts.
    this.#writeNumber();
    return true;
  }

  [Symbol.dispose](): void {
    try {
      rmSync(join(this.path, FILE), { force: true });
    } catch {
      // Read-only by now: the lock ends with this process.
    }
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #isThere(): boolean {
    if (this.#fd === undefined) return false;
    try {
      const [claimed, there] = [fstatSync(this.#fd), statSync(this.path)];
      return claimed.dev === there.dev && claimed.ino === there.ino;
    } catch {
      return false;
    }
  }

  #lock(pid = 0): void {
    const fd = openSync(this.path, constants.O_RDONLY | constants.O_DIRECTORY);
    if (!mayLock(fd)) {
      closeSync(fd);
      throw this.#taken(pid);
    }
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = fd;
  }

  #writeNumber(): void {
    const file = join(this.path, FILE);
    const line = `${process.pid} ${startTimeOf(process.pid) ?? ''}\n`;
    try {
      if (readFileSync(file, 'utf8') === line) return;
    } catch {
      // There is none yet.
    }
    try {
      writeFileSync(`${file}.new`, line);
      renameSync(`${file}.new`, file);
    } catch {
      rmSync(`${file}.new`, { force: true });
    }
  }

  #taken(pid: number): TospannError {
    return new TospannError('LB_OPERATION_RUNNING_ALREADY', { runDir: this.path, pid });
  }
}

/** Makes a directory and those above it. @throws {TospannError} LB_OPERATION_DIRECTORY. */
export function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { recursive: true, mode });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new TospannError('LB_OPERATION_DIRECTORY', { path, detail }, { cause: error });
  }
}

/** False: another process has the lock. A file system without locks refuses nobody. */
function mayLock(fd: number): boolean {
  try {
    return tryLockFile(fd);
  } catch {
    return true;
  }
}

function readClaim(file: string): { readonly pid: number; readonly startTime: string } | undefined {
  try {
    const [pid = '', startTime = ''] = readFileSync(file, 'utf8').trim().split(' ');
    return /^\d+$/.test(pid) && startTime !== '' ? { pid: Number(pid), startTime } : undefined;
  } catch {
    return undefined; // no claim, or not readable: nobody who could be asked
  }
}
