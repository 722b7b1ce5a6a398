// The text of `tospann events`: pure. A line each: when, how bad, which node, the sentence, and what it rests on.
import type { EventLine } from '@tospann/api';
import { plainText } from '@tospann/errors';

/** Of the sentence and of the evidence, characters: sentences carry texts of servers and programs. */
const TEXT_LIMIT = 1000;
/** Evidence that the sentence says already. */
const saidAlready: ReadonlySet<string> = new Set([
  'from',
  'to',
  'reason',
  'what',
  'detail',
  'backend',
  'server',
  'how',
  'role',
]);

/**
 * Renders one line of the stream for a terminal.
 *
 * @param clock Writes a time of day: the terminal's time zone is not this function's business.
 */
export function renderEvent(line: EventLine, clock: (timeMs: number) => string): string {
  if (!('seq' in line)) {
    const events = line.from === line.to ? `event ${line.from} is` : `events ${line.from} to ${line.to} are`;
    return `${line.node}: ${events} not held any more`;
  }
  const { timeMs, severity, node, text, evidence } = line;
  const pieces = Object.entries(evidence ?? {}).filter(([key, value]) => !saidAlready.has(key) && value !== '');
  const behind = pieces.length === 0 ? '' : `  [${pieces.map(([key, value]) => `${key}=${shown(value)}`).join(' ')}]`;
  return `${clock(timeMs)} ${severity.padEnd(7)} ${node} ${plainText(text, TEXT_LIMIT)}${plainText(behind, TEXT_LIMIT)}`;
}

function shown(value: string | number | boolean): string {
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000);
  const text = String(value);
  return /[\s"]/.test(text) ? JSON.stringify(text) : text;
}
