// Lines on their way to somebody who may not read: pure. Bounded; what is dropped is counted and said when he reads again. For the
// journal a line begins with its priority (sd-daemon(3)), by pino's level.

/** Bytes that wait at most. */
const LIMIT_BYTES = 1024 * 1024;
/** pino's levels to syslog's: fatal is crit, error err, warn warning, info info, the rest debug. */
const PRIORITIES: Readonly<Record<string, number>> = { 60: 2, 50: 3, 40: 4, 30: 6 };

export interface LineQueueOptions {
  readonly isJournal: boolean;
  /** The line that says how many were dropped. */
  readonly dropped: (count: number) => string;
}

export class LineQueue {
  readonly #options: LineQueueOptions;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #dropped = 0;

  constructor(options: LineQueueOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  push(line: string): void {
    if (this.#bytes > LIMIT_BYTES) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) this.#add(this.#options.dropped(this.#dropped));
    this.#dropped = 0;
    this.#add(line);
  }

  /** Gives all that is taken; `write` says how many bytes that were, 0: no more now. */
  writeTo(write: (bytes: Uint8Array) => number): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const written = write(first);
      this.#bytes -= written;
      if (written === 0) return;
      if (written < first.length) this.#waiting[0] = first.subarray(written);
      else this.#waiting.shift();
    }
  }

  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  #add(line: string): void {
    const bytes = Buffer.from(this.#options.isJournal ? `<${priorityOf(line)}>${line}` : line, 'utf8');
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
  }
}

function priorityOf(line: string): number {
  return PRIORITIES[/^\{"level":(\d+)/.exec(line)?.[1] ?? ''] ?? 7;
}
