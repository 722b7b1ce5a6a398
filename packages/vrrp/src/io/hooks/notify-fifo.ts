// The FIFO of keepalived-compatible lines. Written without ever waiting: nobody who reads, a reader that comes late, one
// that reads slowly or one that dies holds nothing up. Side effects: one FIFO in the file system, one descriptor.
import { closeSync, constants, lstatSync, openSync, writeSync } from 'node:fs';
import { makeFifo } from '@tospann/linux';
import { TospannError } from '@tospann/errors';

/** Lines that wait for a reader that is there and slow, beside the 64 KiB of the kernel; older ones go first. */
const waitingLimit = 256;
const againMs = 100;
/** Root's programs only; who else shall read it is given that by its owner. */
const fifoMode = 0o600;

export interface NotifyFifoOptions {
  readonly path: string;
  /** Told once in a row: what cannot be used, or that lines were lost. */
  readonly problem: (error: TospannError) => void;
}

export class NotifyFifo {
  readonly #options: NotifyFifoOptions;
  #fd = -1;
  #waiting: string[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #isBroken = false;

  constructor(options: NotifyFifoOptions) {
    this.#options = options;
    this.#prepare();
  }

  get path(): string {
    return this.#options.path;
  }

  /** Sends lines (each with its line break) to whoever reads now; without a reader they are gone. */
  write(lines: string): void {
    for (const line of lines.split(/(?<=\n)/)) if (line !== '') this.#waiting.push(line);
    this.#flush();
  }

  close(): void {
    clearTimeout(this.#timer);
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
    this.#waiting = [];
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#fd < 0 && !this.#open()) {
      this.#waiting = [];
      return;
    }
    for (let line = this.#waiting[0]; line !== undefined; line = this.#waiting[0]) {
      const failure = this.#send(line);
      if (failure === 'EAGAIN') return this.#later();
      this.#waiting.shift();
      if (failure !== '') {
        // The reader has gone, and with it what it has not read; another one may be there already.
        this.close();
        return;
      }
    }
    if (this.#dropped > 1) this.#tellDropped();
    this.#dropped = 0;
  }

  /** A line is shorter than PIPE_BUF: it goes in whole or not at all (pipe(7)). @returns Empty, or the errno's name. */
  #send(line: string): string {
    try {
      writeSync(this.#fd, line);
      return '';
    } catch (error) {
      return errnoOf(error);
    }
  }

  #later(): void {
    while (this.#waiting.length > waitingLimit) {
      this.#waiting.shift();
      this.#dropped += 1;
      if (this.#dropped === 1) this.#tellDropped();
    }
    this.#timer = setTimeout(() => this.#flush(), againMs);
    this.#timer.unref();
  }

  /** @returns False: nobody reads (ENXIO), or the FIFO cannot be used. */
  #open(): boolean {
    if (!this.#prepare()) return false;
    try {
      this.#fd = openSync(this.path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'ENXIO') this.#tellBroken(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  /** Makes the FIFO where nothing is; anything else that is there is left alone. */
  #prepare(): boolean {
    try {
      const found = lstatSync(this.path, { throwIfNoEntry: false });
      if (found === undefined) makeFifo(this.path, fifoMode);
      else if (!found.isFIFO()) {
        this.#tellBroken('something else than a FIFO is there');
        return false;
      }
      this.#isBroken = false;
      return true;
    } catch (error) {
      this.#tellBroken(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  #tellBroken(detail: string): void {
    if (!this.#isBroken) this.#options.problem(new TospannError('LB_VRRP_FIFO_UNUSABLE', { path: this.path, detail }));
    this.#isBroken = true;
  }

  #tellDropped(): void {
    this.#options.problem(new TospannError('LB_VRRP_FIFO_DROPPED', { path: this.path, dropped: this.#dropped }));
  }
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
