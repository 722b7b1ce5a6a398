// The terms of this node's elections (core/terms.ts) and the file that keeps them: written whole beside the old one,
// synced and put in its place, so that a crash leaves one or the other. Synchronous: a term must be on the disk before
// anybody hears of it. On the main thread; one write for each take-over.
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { TospannError } from '@tospann/errors';
import { replaceFile } from '@tospann/linux';
import { formatTerms, parseTerms, type Terms } from '../core/terms.ts';

export interface TermFileOptions {
  /** `<state-dir>/terms.json`; undefined: nothing is kept (an agent without a state directory). */
  readonly file: string | undefined;
  /** Names of all elections. */
  readonly elections: readonly string[];
  /** The wall clock, ms: where to begin when the file is unreadable. */
  readonly wallMs: () => number;
  /** The file cannot be read or written; the terms get terms that a restart forgets. */
  readonly onProblem: (error: TospannError) => void;
}

export class TermFile {
  readonly #options: TermFileOptions;
  readonly #known = new Map<string, number>();
  #failed = false;

  constructor(options: TermFileOptions) {
    this.#options = options;
    this.#read();
  }

  /** The highest known term of each election. */
  all(): Terms {
    return Object.fromEntries(this.#known);
  }

  /** A term that this node has taken or has heard of; it is on the disk when this returns. */
  keep(election: string, term: number): void {
    if (!(term > (this.#known.get(election) ?? 0))) return;
    this.#known.set(election, term);
    this.#write();
  }

  #read(): void {
    const { file } = this.#options;
    if (file === undefined) return;
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
      return this.#unreadable(messageOf(error));
    }
    const parsed = parseTerms(text);
    if ('detail' in parsed) return this.#unreadable(parsed.detail);
    for (const [election, term] of Object.entries(parsed.terms)) this.#known.set(election, term);
  }

  /** A file that cannot be read may have held any count: more than that are the seconds since 1970. */
  #unreadable(detail: string): void {
    const { file = '', elections, wallMs, onProblem } = this.#options;
    const floor = Math.floor(wallMs() / 1000);
    for (const election of elections) this.#known.set(election, floor);
    onProblem(new TospannError('LB_VRRP_TERM_FILE', { file, detail, action: `get terms above ${floor}` }));
  }

  #write(): void {
    const { file, onProblem } = this.#options;
    if (file === undefined) return;
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
      replaceFile(file, formatTerms(Object.fromEntries(this.#known)), {
        mode: 0o640,
        temporary: `${file}.${process.pid}.tmp`,
      });
      this.#failed = false;
    } catch (error) {
      const detail = messageOf(error);
      if (!this.#failed)
        onProblem(new TospannError('LB_VRRP_TERM_FILE', { file, detail, action: 'get terms that a restart forgets' }));
      this.#failed = true;
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
