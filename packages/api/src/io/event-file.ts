// The events of a node in <state-dir>: events.jsonl, and events.1.jsonl with what was in it before it had grown too
// large. Opened once, as root, and written by an unprivileged process: so it is copied and emptied, never renamed.
import { closeSync, fchmodSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TospannError } from '@tospann/errors';
import { nodeEvent, type NodeEvent } from '../contract.ts';

/** Of each of the two files, bytes: 10 000 events and more. */
const fileLimitBytes = 4 * 1024 * 1024;

export interface EventFileOptions {
  readonly stateDir: string;
  /** @default 4 MiB */
  readonly limitBytes?: number;
}

/** Of a node that does not run: the last `count` events that it kept. @throws {TospannError} LB_API_STATE_FILE. */
export function readEventFile(stateDir: string, count: number): readonly NodeEvent[] {
  const files = ['events.jsonl', 'events.1.jsonl'].map((name) => join(stateDir, name));
  return wholeEvents(
    files.map((file) => {
      try {
        return readFileSync(file, 'utf8');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
        const detail = error instanceof Error ? error.message : String(error);
        throw new TospannError('LB_API_STATE_FILE', { file, detail }, { cause: error });
      }
    }),
    count,
  );
}

/** Appends lines to the file and reads back what an earlier process has left. */
export class EventFile {
  readonly #current: number;
  readonly #old: number;
  readonly #limitBytes: number;
  #bytes: number;
  /** The file does not end with a whole line: the next write begins with a line break. */
  #isTorn: boolean;

  /** @throws {TospannError} LB_API_STATE_FILE. */
  constructor({ stateDir, limitBytes = fileLimitBytes }: EventFileOptions) {
    const file = join(stateDir, 'events.jsonl');
    try {
      this.#current = openSync(file, 'a+', 0o640);
      this.#old = openSync(join(stateDir, 'events.1.jsonl'), 'a+', 0o640);
      for (const fd of [this.#current, this.#old]) fchmodSync(fd, 0o640);
      this.#bytes = fstatSync(this.#current).size;
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new TospannError('LB_API_STATE_FILE', { file, detail }, { cause: error });
    }
    this.#limitBytes = limitBytes;
    this.#isTorn = !endsWithLine(this.#current, this.#bytes);
  }

  /** The last `count` events that are whole, oldest first; a number that stands there twice counts once. */
  read(count: number): readonly NodeEvent[] {
    return wholeEvents(
      [this.#current, this.#old].map((fd) => readAll(fd).toString('utf8')),
      count,
    );
  }

  /** Appends whole lines. @throws What the disk says; what was written of them counts as torn. */
  write(lines: readonly string[]): void {
    const bytes = Buffer.from(`${this.#isTorn ? '\n' : ''}${lines.join('\n')}\n`, 'utf8');
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#limitBytes) this.#rotate();
    this.#isTorn = true;
    for (let at = 0; at < bytes.length;) {
      const written = writeSync(this.#current, bytes, at);
      at += written;
      this.#bytes += written;
    }
    this.#isTorn = false;
  }

  close(): void {
    closeSync(this.#current);
    closeSync(this.#old);
  }

  /** A crash in between leaves lines twice: `read` knows. */
  #rotate(): void {
    const content = readAll(this.#current);
    ftruncateSync(this.#old, 0);
    for (let at = 0; at < content.length;) at += writeSync(this.#old, content, at);
    ftruncateSync(this.#current, 0);
    this.#bytes = 0;
  }
}

/** @param texts The newer file first. */
function wholeEvents(texts: readonly string[], count: number): readonly NodeEvent[] {
  const found: NodeEvent[] = [];
  for (const text of texts) {
    for (const line of text.split('\n').toReversed()) {
      if (found.length >= count) break;
      const event = parseLine(line);
      if (event !== undefined && event.seq < (found.at(-1)?.seq ?? Infinity)) found.push(event);
    }
  }
  return found.toReversed();
}

function readAll(fd: number): Buffer {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  let at = 0;
  while (at < bytes.length) {
    const got = readSync(fd, bytes, at, bytes.length - at, at);
    if (got === 0) break;
    at += got;
  }
  return bytes.subarray(0, at);
}

function endsWithLine(fd: number, size: number): boolean {
  const last = Buffer.alloc(1);
  return size === 0 || (readSync(fd, last, 0, 1, size - 1) === 1 && last[0] === 0x0a);
}

function parseLine(line: string): NodeEvent | undefined {
  if (line === '') return undefined;
  try {
    return nodeEvent.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined; // torn by a crash
  }
}
