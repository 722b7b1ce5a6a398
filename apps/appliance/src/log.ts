// The node's log: JSON lines on standard error (pino, synchronous, no transports: they break in a bundle). A terminal may
// show them, so what acts on one stands escaped.
import { plainJson } from '@tospann/errors';
import { pino, type Logger } from 'pino';

export type { Logger };

/** Makes a logger whose lines carry the node's name and the process' role. */
export function makeLog(node: string, role: string): Logger {
  return pino(
    {
      base: { node, role },
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: (line) => `${plainJson(line.trimEnd())}\n` },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
