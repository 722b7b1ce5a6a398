// A process that the lab started: its output line by line with the time each line came, waiting for a line or for a
// JSON event, and an end that is certain. It owns the child and nothing else.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import { monotonicMs } from './clock.ts';

/** One line of output. `json` is the parsed object when the line is one. */
export interface OutputLine {
  readonly from: 'stdout' | 'stderr';
  readonly atMs: number;
  readonly text: string;
  readonly json?: Readonly<Record<string, unknown>>;
}

/** How a process ended: an exit code, or the signal that killed it. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Options of a start; `env` is added to this process's own environment. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called for each line as it comes. */
  readonly onLine?: (line: OutputLine) => void;
  /** Lines kept in memory. @default 20000 */
  readonly keepLines?: number;
  /** A file descriptor handed to the child as descriptor 3. */
  readonly descriptor3?: number;
}

interface Waiter {
  readonly matches: (line: OutputLine) => boolean;
  readonly resolve: (line: OutputLine) => void;
}

export class LabProcess implements AsyncDisposable {
  readonly title: string;
  readonly lines: OutputLine[] = [];
  readonly exited: Promise<ExitStatus>;
  readonly #child: ChildProcess;
  readonly #options: StartOptions;
  readonly #waiters = new Set<Waiter>();
  #exit: ExitStatus | undefined;

  constructor(title: string, command: readonly string[], options: StartOptions = {}) {
    this.title = title;
    this.#options = options;
    const [file = '', ...args] = command;
    this.#child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'pipe', ...(options.descriptor3 === undefined ? [] : [options.descriptor3])],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.#child.stdin?.on('error', () => undefined);
    this.#read(this.#child.stdout, 'stdout');
    this.#read(this.#child.stderr, 'stderr');
    this.exited = new Promise((resolve) => {
      const ended = (status: ExitStatus): void => {
        this.#exit ??= status;
        resolve(this.#exit);
      };
      this.#child.once('error', (error) => {
        this.#accept({ from: 'stderr', atMs: monotonicMs(), text: `Cannot start ${title}: ${error.message}` });
        ended({ code: 127, signal: null });
      });
      // A grandchild may hold the pipes open: after the exit its last lines have a little time, then the end counts.
      this.#child.once('exit', (code, signal) => setTimeout(() => ended({ code, signal }), 300).unref());
      this.#child.once('close', (code, signal) => ended({ code, signal }));
    });
  }

  /** The pid; it is that of the command itself, as `ip netns exec` and `setpriv` replace themselves. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  get stdin(): Writable | null {
    return this.#child.stdin;
  }

  /** Everything it has printed to one stream so far. */
  text(from: 'stdout' | 'stderr'): string {
    return this.lines
      .filter((line) => line.from === from)
      .map((line) => `${line.text}\n`)
      .join('');
  }

  /** The JSON lines whose `event` has this value. */
  events(name: string): OutputLine[] {
    return this.lines.filter((line) => line.json?.['event'] === name);
  }

  /**
   * Waits for a line, also one that has come already.
   *
   * @throws {Error} When the process ends or `timeoutMs` (default 10 s) pass first; the last lines are in the text.
   */
  async waitForLine(
    what: string,
    matches: (line: OutputLine) => boolean,
    options: { readonly timeoutMs?: number; readonly afterMs?: number } = {},
  ): Promise<OutputLine> {
    const fits = (line: OutputLine): boolean => line.atMs >= (options.afterMs ?? 0) && matches(line);
    const seen = this.lines.find(fits);
    if (seen !== undefined) return seen;
    const timeoutMs = options.timeoutMs ?? 10_000;
    return await new Promise((resolve, reject) => {
      const waiter: Waiter = { matches: fits, resolve: (line) => finish(() => resolve(line)) };
      const fail = (why: string): void =>
        finish(() => reject(new Error(`Cannot see ${what} of ${this.title}: ${why}; last lines:\n${this.tail()}`)));
      const timer = setTimeout(() => fail(`not within ${timeoutMs} ms`), timeoutMs);
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        if (this.#waiters.delete(waiter)) settle();
      };
      this.#waiters.add(waiter);
      void this.exited.then((status) => fail(`it ended with ${describeExit(status)}`));
    });
  }

  /** Waits for a JSON line with this `event` whose other fields `where` accepts. */
  async waitForEvent(
    name: string,
    where: (json: Readonly<Record<string, unknown>>) => boolean = () => true,
    options: { readonly timeoutMs?: number; readonly afterMs?: number } = {},
  ): Promise<OutputLine> {
    const matches = (line: OutputLine): boolean => line.json?.['event'] === name && where(line.json);
    return await this.waitForLine(`event "${name}"`, matches, options);
  }

  /** The last `count` lines, for messages. */
  tail(count = 25): string {
    return this.lines
      .slice(-count)
      .map((line) => `  ${line.text}`)
      .join('\n');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it: `signal` first (default SIGTERM), SIGKILL after `timeoutMs` (default 5 s). Returns how it ended. */
  async stop(options: { readonly signal?: NodeJS.Signals; readonly timeoutMs?: number } = {}): Promise<ExitStatus> {
    if (this.#exit !== undefined) return this.#exit;
    this.signal(options.signal ?? 'SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), options.timeoutMs ?? 5_000);
    const status = await this.exited;
    clearTimeout(timer);
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ signal: 'SIGKILL' });
  }

  #read(stream: Readable | null, from: 'stdout' | 'stderr'): void {
    if (stream === null) return;
    createInterface({ input: stream }).on('line', (text) => {
      this.#accept({ from, atMs: monotonicMs(), text, ...parseJson(text) });
    });
  }

  #accept(line: OutputLine): void {
    this.lines.push(line);
    const keep = this.#options.keepLines ?? 20_000;
    if (this.lines.length > keep * 1.25) this.lines.splice(0, this.lines.length - keep);
    this.#options.onLine?.(line);
    for (const waiter of this.#waiters) if (waiter.matches(line)) waiter.resolve(line);
  }
}

/** Says how a process ended, in words: `exit 3` or `SIGKILL`. */
export function describeExit(status: ExitStatus): string {
  return status.signal ?? `exit ${String(status.code)}`;
}

function parseJson(text: string): { readonly json?: Readonly<Record<string, unknown>> } {
  if (!text.startsWith('{')) return {};
  try {
    return { json: JSON.parse(text) as Readonly<Record<string, unknown>> };
  } catch {
    return {};
  }
}
