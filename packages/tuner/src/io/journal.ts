// The journal on disk: appended to, each record flushed before the caller goes on. Side effects: one file of the tuner's
// state directory; the last finished journal is kept beside it for people.
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TospannError } from '@tospann/errors';
import { syncDirectory } from '@tospann/linux';
import {
  appliedChanges,
  begunApplies,
  parseJournal,
  unconfirmed,
  type AppliedChange,
  type JournalRecord,
} from '../core/journal.ts';

/** The tuner's own directory in the state directory of a node. */
export function tunerDirectory(stateDir: string): string {
  return join(stateDir, 'tuner');
}

/** Reads and appends; the caller has the lock when he appends. */
export class Journal {
  readonly #directory: string;
  readonly file: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.file = join(directory, 'journal.jsonl');
  }

  /** What still counts. @throws {TospannError} LB_TUNER_JOURNAL when there is a journal that cannot be read. */
  applies(): readonly AppliedChange[] {
    return appliedChanges(this.#read());
  }

  /** The last apply if it waits to be confirmed, also when it has changed nothing yet. @throws {TospannError} LB_TUNER_JOURNAL. */
  waiting(): AppliedChange | undefined {
    return unconfirmed(begunApplies(this.#read()));
  }

  /** Makes a record last. @throws {TospannError} LB_TUNER_JOURNAL; then the change must not be made. */
  append(record: JournalRecord): void {
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o750 });
      this.#mend();
      const fd = openSync(this.file, 'a', 0o640);
      try {
        writeSync(fd, `${JSON.stringify(record)}\n`);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      if (record.type === 'begin') syncDirectory(this.#directory);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** Puts a journal whose changes are all undone aside, so that it does not grow for ever. */
  retire(): void {
    if (this.applies().length > 0) return;
    try {
      renameSync(this.file, `${this.file}.last`);
    } catch {
      // There was none, or it stays: nothing depends on it.
    }
  }

  /** A line that a power loss cut off must not become one with the next. */
  #mend(): void {
    const text = this.#text();
    if (text === '' || text.endsWith('\n')) return;
    const fd = openSync(this.file, 'a', 0o640);
    writeSync(fd, '\n');
    closeSync(fd);
  }

  #read(): readonly JournalRecord[] {
    return parseJournal(this.#text()).records;
  }

  #text(): string {
    try {
      return readFileSync(this.file, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): TospannError {
    const detail = error instanceof Error ? error.message : String(error);
    return new TospannError('LB_TUNER_JOURNAL', { file: this.file, detail }, { cause: error });
  }
}
