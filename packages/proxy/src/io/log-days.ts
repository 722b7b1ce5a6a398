// Keeps an access log by days: the file of a finished day is renamed to <file>.<day>, and days older than the
// retention are deleted, because client addresses are personal data. Safe with two processes on one file (a reload):
// the one that comes second finds the day put aside and only opens the file again.
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { dayOf, expiredDays, nameOfDay } from '../core/log-days.ts';

export class LogDays {
  readonly #file: string;
  readonly #retentionDays: number;
  /** Inode of the file that was current at the last look. */
  #inode: number | undefined;

  constructor(file: string, retentionDays: number) {
    this.#file = file;
    this.#retentionDays = retentionDays;
  }

  /**
   * Puts a finished day aside and deletes expired ones.
   *
   * @returns Whether the log is another file than at the last call, so that it must be opened again.
   * @throws {Error} of node:fs when the directory cannot be read or written.
   */
  keep(nowMs: number): boolean {
    const file = this.#file;
    const status = statSync(file, { throwIfNoEntry: false });
    const day = status === undefined ? undefined : dayOf(status.mtimeMs);
    const aside = day === undefined ? undefined : nameOfDay(file, day);
    if (aside !== undefined && day !== dayOf(nowMs) && !existsSync(aside)) renameSync(file, aside);
    const options = { base: basename(file), nowMs, retentionDays: this.#retentionDays };
    for (const name of expiredDays(readdirSync(dirname(file)), options))
      rmSync(join(dirname(file), name), { force: true });
    const before = this.#inode;
    this.#inode = statSync(file, { throwIfNoEntry: false })?.ino ?? -1;
    return before !== undefined && before !== this.#inode;
  }
}
