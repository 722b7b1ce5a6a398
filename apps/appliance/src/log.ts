// The node's log: JSON lines on standard error (pino, no transports: they break in a bundle). A terminal may show them, so what
// acts on one stands escaped. Nobody who does not read it holds a process up: lines wait within a bound and are then dropped
// and counted. For the journal each line says its priority.
import { fstatSync } from 'node:fs';
import { plainJson } from '@tospann/errors';
import { Output } from '@tospann/linux';
import { pino, type Logger } from 'pino';
import { LineQueue } from './core/line-queue.ts';

export type { Logger };

/** How often it is tried again when nobody reads, ms. */
const AGAIN_MS = 100;

/** Makes a logger whose lines carry the node's name and the process' role. */
export function makeLog(node: string, role: string): Logger {
  const out = new LogOutput();
  return pino(
    {
      base: { node, role },
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: (line) => `${plainJson(line.trimEnd())}\n` },
    },
    out,
  );
}

class LogOutput {
  readonly #output = new Output(2);
  readonly #queue = new LineQueue({ isJournal: isJournal(), dropped: droppedLine });
  #timer: NodeJS.Timeout | undefined;

  write(line: string): void {
    this.#queue.push(line);
    if (this.#timer === undefined) this.#flush();
  }

  #flush(): void {
    this.#timer = undefined;
    try {
      this.#queue.writeTo((bytes) => this.#output.write(bytes));
    } catch {
      // Whoever read it is gone: nobody is left who could be told.
      this.#queue.clear();
    }
    if (!this.#queue.isEmpty) this.#timer = setTimeout(() => this.#flush(), AGAIN_MS).unref();
  }
}

function droppedLine(count: number): string {
  const fields = { level: 40, time: new Date().toISOString(), event: 'log-dropped', count };
  return `${JSON.stringify({ ...fields, msg: `${count} log lines were dropped: nobody read them` })}\n`;
}

/** systemd names the socket of the journal by device and inode. */
function isJournal(): boolean {
  try {
    const { dev, ino } = fstatSync(2, { bigint: true });
    return process.env['JOURNAL_STREAM'] === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
