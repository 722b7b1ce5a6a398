// The statistics as CSV, byte for byte in HAProxy's form: a header that begins with `# `, a comma behind every field.
import { plainText } from '@tospann/errors';
import { STATS_COLUMNS, type StatsRow } from './columns.ts';

/** All rows; a text with a comma or a quote is quoted, with its quotes doubled (RFC 4180). */
export function statsCsv(rows: readonly StatsRow[]): string {
  const lines = rows.map((row) => STATS_COLUMNS.map((column) => field(row[column])).join(','));
  return [`# ${STATS_COLUMNS.join(',')}`, ...lines].map((line) => `${line},\n`).join('');
}

function field(value: string | number | undefined): string {
  if (value === undefined) return '';
  const text = plainText(String(value));
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
