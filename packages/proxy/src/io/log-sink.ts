// The log sink: takes whole lines from the workers' rings ten times a second and writes them to a file or a descriptor,
// asynchronously and straight from the shared memory. A slow disk makes rings fill up (lines are then dropped and
// counted by the workers); it never makes a worker wait.
import fs from 'node:fs';
import { Output } from '@tospann/linux';
import { LogRingReader } from '../core/log-ring.ts';
import { LogDays } from './log-days.ts';

// A ring holds a second of lines at 30 000 a second; ten wake-ups a second cost an idle machine nothing.
const INTERVAL_MS = 100;
/** How often a new day is looked for. */
const DAY_CHECK_MS = 30_000;
/** At the end, so long is waited for a slow disk before the rest of the lines is given up. */
const CLOSE_WITHIN_MS = 2000;

export interface LogSinkOptions {
  /** Appended to; absent: standard output. */
  readonly file?: string | undefined;
  /** Days that old files are kept; they are renamed at midnight UTC. Absent: never renamed, never deleted. */
  readonly retentionDays?: number | undefined;
  /** A write has failed; told once until one succeeds again. */
  readonly onError: (error: Error) => void;
}

/** Writes the lines of all rings. */
export class LogSink {
  readonly #readers: readonly LogRingReader[];
  readonly #options: LogSinkOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #days: LogDays | undefined;
  readonly #dayTimer: NodeJS.Timeout | undefined;
  #fd: number;
  /** Standard output: whoever reads it may have stopped. */
  readonly #output: Output | undefined;
  /** From the end on: when the rest is given up, ms. */
  #giveUpMs = Infinity;
  #writing = false;
  #failing = false;
  #lostTotal = 0;

  /** @throws {Error} of node:fs when the file cannot be opened. */
  constructor(rings: readonly SharedArrayBuffer[], options: LogSinkOptions) {
    this.#readers = rings.map((ring) => new LogRingReader(ring));
    this.#options = options;
    const { file, retentionDays } = options;
    this.#days = file === undefined || retentionDays === undefined ? undefined : new LogDays(file, retentionDays);
    this.#keepDays();
    this.#fd = this.#open();
    this.#output = file === undefined ? new Output(this.#fd) : undefined;
    this.#timer = setInterval(() => void this.#drain(), INTERVAL_MS);
    if (this.#days !== undefined) {
      this.#dayTimer = setInterval(() => this.#keepDays() && this.reopen(), DAY_CHECK_MS);
    }
  }

  /** Lines that never reached the file: dropped by the workers, or lost in failed writes (counted as one each). */
  get droppedTotal(): number {
    return this.#readers.reduce((sum, reader) => sum + reader.droppedTotal, this.#lostTotal);
  }

  /** Closes the file and opens it by its name again (after it was moved away). */
  reopen(): void {
    if (this.#options.file === undefined) return;
    try {
      const next = this.#open();
      const old = this.#fd;
      this.#fd = next;
      // A write under way may still use the old one; it ends before the next interval.
      setTimeout(() => fs.closeSync(old), 1000).unref();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Writes what is left, then closes. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    clearInterval(this.#dayTimer);
    this.#giveUpMs = performance.now() + CLOSE_WITHIN_MS;
    while (this.#writing && performance.now() < this.#giveUpMs) await new Promise((resolve) => setTimeout(resolve, 5));
    if (!this.#writing) await this.#drain();
    if (this.#options.file !== undefined) fs.closeSync(this.#fd);
  }

  /** Puts a finished day aside and deletes what is too old; true when the file must be opened again. */
  #keepDays(): boolean {
    try {
      return this.#days?.keep(Date.now()) ?? false;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #open(): number {
    return this.#options.file === undefined ? 1 : fs.openSync(this.#options.file, 'a', 0o640);
  }

  async #drain(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    try {
      for (const reader of this.#readers) {
        // Twice: lines at the ring's start come after those at its end.
        for (let part = 0; part < 2; part++) {
          const bytes = reader.peek();
          if (bytes.length === 0) break;
          await this.#write(bytes);
          reader.release(bytes.length);
        }
      }
    } finally {
      this.#writing = false;
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      try {
        const written = await this.#writeSome(bytes, done);
        done += written;
        this.#failing = false;
        if (written > 0) continue;
        // A pipe that nobody reads fast enough.
        if (performance.now() > this.#giveUpMs) return;
        await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
      } catch (error) {
        this.#lostTotal++;
        this.#fail(error);
        return;
      }
    }
  }

  async #writeSome(bytes: Uint8Array, from: number): Promise<number> {
    if (this.#output === undefined || this.#output.isFile) return await write(this.#fd, bytes, from);
    return this.#output.write(bytes, from);
  }

  #fail(error: unknown): void {
    if (this.#failing) return;
    this.#failing = true;
    this.#options.onError(error instanceof Error ? error : new Error(String(error)));
  }
}

function write(fd: number, bytes: Uint8Array, from: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error) reject(error);
      else resolve(written);
    });
  });
}
