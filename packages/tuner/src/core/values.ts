// Values of keys as text: normal form, comparison, and whether a text is a value of a form at all. Pure.
import type { ValueForm } from './model.ts';
import { formatPorts, parsePorts } from './ports.ts';

/** Trimmed, with single blanks: the kernel separates with tabs, files with blanks. */
export function normalise(text: string): string {
  return text.trim().split(/\s+/).join(' ');
}

/** Whether two texts mean the same value of a key. */
export function sameValue(first: string, second: string, form: ValueForm | undefined): boolean {
  if (form?.type !== 'ports') return normalise(first) === normalise(second);
  const [a, b] = [parsePorts(first), parsePorts(second)];
  return a !== undefined && b !== undefined && formatPorts(a) === formatPorts(b);
}

/** Numbers of a value; empty when it has something else in it. */
export function numbersOf(text: string): readonly number[] {
  const words = normalise(text).split(' ');
  return words.every((one) => /^-?\d+$/.test(one)) ? words.map(Number) : [];
}

/** What is wrong with a text as a value of this form, to follow "it must be"; undefined when nothing is. */
export function mustBe(text: string, form: ValueForm): string | undefined {
  if (form.type === 'ports')
    return parsePorts(text) === undefined ? 'a list of ports such as 1936,9000-9010' : undefined;
  if (form.type === 'word') return /^[\w.-]+$/.test(text.trim()) ? undefined : 'one word';
  const length = form.type === 'number' ? 1 : form.length;
  const numbers = numbersOf(text);
  const fits = numbers.length === length && numbers.every((one) => one >= form.min && one <= form.max);
  const what = length === 1 ? 'a whole number' : `${length} whole numbers`;
  return fits ? undefined : `${what} from ${form.min} to ${form.max}`;
}

/** The greater of two values, number by number. */
export function greater(first: string, second: string): string {
  const [a, b] = [numbersOf(first), numbersOf(second)];
  if (a.length !== b.length) return normalise(first);
  return a.map((one, index) => Math.max(one, b[index] ?? one)).join(' ');
}

/** Whether a value is below another in any of its numbers. */
export function isBelow(value: string, than: string): boolean {
  const [a, b] = [numbersOf(value), numbersOf(than)];
  return a.length === b.length && a.some((one, index) => one < (b[index] ?? one));
}
