// Values in YAML's flow form, as the new file writes them. Pure text.
import { parse } from 'yaml';
import type { FlowValue } from './pair-draft.ts';

/** A value in YAML's flow form: `{ a: 1, b: [x, y] }`. */
export function flow(value: FlowValue): string {
  if (typeof value === 'string') return scalar(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${(value as readonly FlowValue[]).map(flow).join(', ')}]`;
  const entries = Object.entries(value).map(([key, inner]) => `${scalar(key)}: ${flow(inner)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

/** Text as a YAML scalar: plain where YAML reads it back as the same text, else in quotes. */
export function scalar(text: string): string {
  if (!/^[\w/.][\w/.:%-]*$/.test(text) || text.endsWith(':')) return JSON.stringify(text);
  return parse(text) === text ? text : JSON.stringify(text);
}
