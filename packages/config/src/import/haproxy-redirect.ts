// HAProxy's `redirect` rules: location, prefix or scheme, with their options in any order.
import type { Action } from './haproxy-action.ts';
import { done, no } from './haproxy-action.ts';
import { NO_FORMAT, readFormat, readPrefixFormat, type FormatReading } from './haproxy-format.ts';

const CODES: readonly number[] = [301, 302, 303, 307, 308];
const KINDS: readonly string[] = ['location', 'prefix', 'scheme'];

interface Redirect {
  kind: string;
  text: string;
  code?: number;
  dropsQuery: boolean;
  readonly unknown: string[];
}

/** Reads the words behind `redirect`, up to its condition. */
export function redirectAction(words: readonly string[]): Action {
  const redirect = readWords(words);
  const { kind, text, code, unknown, dropsQuery } = redirect;
  if (code !== undefined && !CODES.includes(code)) return no(`a redirect with ${code} is not served`);
  if (unknown.length > 0) return no(`"${unknown.join(' ')}" is not served by this version`);
  if (kind === '') return no('a redirect goes to a location, a prefix or a scheme');
  const where = targetOf(kind, text, dropsQuery);
  if (where === undefined) return no(NO_FORMAT);
  const { remark, ...target } = where;
  if (Object.values(target).some((value) => !/^[!-~]{1,4096}$/.test(value))) return no('a place has no blanks');
  return done({ redirect: { ...target, ...(code === undefined || code === 302 ? {} : { status: code }) } }, remark);
}

function readWords(words: readonly string[]): Redirect {
  const redirect: Redirect = { kind: '', text: '', dropsQuery: false, unknown: [] };
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const value = words[at + 1] ?? '';
    if (KINDS.includes(word)) {
      redirect.kind = word;
      redirect.text = value;
      at += 1;
    } else if (word === 'code') {
      redirect.code = Number(value);
      at += 1;
    } else if (word === 'drop-query') redirect.dropsQuery = true;
    else if (word !== 'ignore-empty') redirect.unknown.push(word);
  }
  return redirect;
}

type Target = Readonly<Record<string, string>> & { readonly remark?: string };

function targetOf(kind: string, text: string, dropsQuery: boolean): Target | undefined {
  // The host is sent back with the port that the client wrote.
  if (kind === 'scheme') {
    const scheme = readFormat(text);
    return scheme === undefined
      ? undefined
      : place({ ...scheme, text: `${scheme.text}://\${header:Host}` }, dropsQuery);
  }
  if (kind === 'prefix') return place(readFormat(text), dropsQuery);
  // A location that ends with the whole path and query is a prefix.
  const prefix = readPrefixFormat(text);
  if (prefix !== undefined) return place(prefix, false);
  const location = readFormat(text);
  return location === undefined ? undefined : named('location', location);
}

function place(prefix: FormatReading | undefined, dropsQuery: boolean): Target | undefined {
  if (prefix === undefined) return undefined;
  // HAProxy puts nothing before the path when the prefix is "/" or nothing.
  const isNothing = prefix.text === '/' || prefix.text === '';
  if (dropsQuery) return named('location', { ...prefix, text: `${isNothing ? '' : prefix.text}\${path}` });
  return named('prefix', isNothing ? { ...prefix, text: '/' } : prefix);
}

function named(key: string, { text, remark }: FormatReading): Target {
  return remark === undefined ? { [key]: text } : { [key]: text, remark };
}
