// Compares what two proxies made of the same bytes and names each difference by its class: what each did with the same
// message, and what the grammar says of it. Pure.
import { isIPv6 } from 'node:net';
import { type GeneratedCase, readRequest, type StrictMessage } from '@tospann/testing';
import type { Outcome, SeenRequest } from './play.ts';

export interface Difference {
  /** What the first proxy did, then the other: `answers 400, other forwards`. */
  readonly kind: string;
  /** What a strict reader says about the message at which they differ: `valid`, `incomplete`, or what is wrong. */
  readonly grammar: string;
  readonly number: number;
  /** The client's bytes from that message on. */
  readonly text: string;
  /** Both views of it, for people. */
  readonly one: string;
  readonly other: string;
}

/** All differences up to the first after which the two are not comparable; empty: they did the same. */
export function compareOutcomes(generated: GeneratedCase, one: Outcome, other: Outcome): Difference[] {
  const text = generated.text + generated.sentinel;
  const kinds = new Set<string>();
  return placesOf(one, other)
    .filter(({ kind }) => !kinds.has(kind) && kinds.add(kind))
    .map(({ kind, message }) => ({
      kind,
      ...messageAt(text, message),
      number: generated.number,
      one: describe(one, message),
      other: describe(other, message),
    }));
}

interface Place {
  readonly kind: string;
  /** Number of the message in the client's bytes, from 0. */
  readonly message: number;
}

function placesOf(one: Outcome, other: Outcome): Place[] {
  const places: Place[] = [];
  const count = Math.max(one.requests.length, other.requests.length, one.answers.length, other.answers.length);
  for (let message = 0; message < count; message++) {
    const mine = one.requests[message];
    const theirs = other.requests[message];
    const deeds = [deed(one, message), deed(other, message)] as const;
    if (typeof mine === 'string')
      return [...places, { kind: `sends the server invalid HTTP, other ${deeds[1]}`, message }];
    if (deeds[0] !== deeds[1]) return [...places, { kind: `${deeds[0]}, other ${deeds[1]}`, message }];
    if (mine !== undefined && theirs !== undefined && typeof theirs !== 'string') {
      places.push(...requestDifferences(mine, theirs).map((what) => ({ kind: `forwards another ${what}`, message })));
    }
    const answer = answerDifference(one.answers[message], other.answers[message]);
    if (answer !== '') return [...places, { kind: answer, message }];
  }
  if (one.closed !== other.closed)
    places.push({ kind: one.closed ? 'closes, other stays' : 'stays, other closes', message: count });
  if ((one.rest === '') !== (other.rest === '')) places.push({ kind: 'bytes after the answer', message: count });
  return places;
}

/** What a proxy did with a message. */
function deed(outcome: Outcome, message: number): string {
  const answer = outcome.answers[message];
  const request = outcome.requests[message];
  if (typeof request === 'string') return 'forwards what is invalid';
  if (answer === undefined) return request === undefined ? 'says nothing' : 'forwards without an answer';
  if (answer.target !== undefined) return request === undefined ? 'answers for another' : 'forwards';
  return `answers ${answer.status}${request === undefined ? '' : ' after forwarding'}`;
}

function answerDifference(mine: Outcome['answers'][number] | undefined, theirs: typeof mine): string {
  if (mine === undefined || theirs === undefined || mine.target === undefined) return '';
  if (mine.status !== theirs.status) return 'passes another status on';
  if (mine.body !== theirs.body) return 'passes another body on';
  return mine.complete === theirs.complete ? '' : 'cuts the answer, or the other does';
}

function requestDifferences(mine: SeenRequest, theirs: SeenRequest): string[] {
  const found = [];
  if (mine.method !== theirs.method) found.push('method');
  if (mine.target !== theirs.target) found.push('target');
  if (mine.body !== theirs.body) found.push('body');
  if (mine.version !== theirs.version) found.push(`version (1.${mine.version}, other 1.${theirs.version})`);
  if (mine.framing !== theirs.framing) found.push(`framing (${mine.framing}, other ${theirs.framing})`);
  if (mine.trailers.join() !== theirs.trailers.join()) found.push('set of trailers');
  const more = without(mine.fields, theirs.fields);
  const less = without(theirs.fields, mine.fields);
  const both = [...more].filter((name) => less.has(name));
  if (both.length > 0) found.push(`value of ${classOf(both[0]!)}`);
  for (const name of less) if (!more.has(name)) found.push(`set of fields: without ${classOf(name)}`);
  for (const name of more) if (!less.has(name)) found.push(`set of fields: with ${classOf(name)}`);
  return found;
}

/** Names of the fields in the first list that are not, or not as often, in the second. */
function without(first: readonly string[], second: readonly string[]): Set<string> {
  const left = [...second];
  const names = first.filter((field) => {
    const at = left.indexOf(field);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return new Set(names.map((field) => field.slice(0, field.indexOf(':'))));
}

const KNOWN_FIELDS = /^(host|cookie|expect|x-gone|x-a|http2-settings)$/;
const classOf = (name: string): string => (KNOWN_FIELDS.test(name) ? name : 'a field');

function messageAt(text: string, number: number): { readonly grammar: string; readonly text: string } {
  let rest = text;
  for (let i = 0; ; i++) {
    // One empty line before a request line is allowed (RFC 9112 section 2.2).
    const skipped = rest.startsWith('\r\n') ? rest.slice(2) : rest;
    const result = readRequest(skipped);
    if (result.kind === 'invalid') return { grammar: grammarClass(result.reason), text: rest };
    if (result.kind === 'incomplete')
      return { grammar: rest === '' ? 'nothing is left' : `incomplete${headTraits(skipped)}`, text: rest };
    if (i === number) return { grammar: `valid${traits(result.message)}`, text: rest };
    rest = skipped.slice(result.message.length);
  }
}

const TOKEN_OR_NOTHING = /^[!#$%&'*+.^_`|~\w-]*$/;
const NO_TRAILER =
  /^(content-length|transfer-encoding|host|authorization|connection|te|trailer|content-encoding|content-type|cookie|set-cookie|cache-control|expect|range)$/i;
const PLAIN_HOST = /^(?<name>[a-z0-9.-]+|\[[0-9a-f:.]+\])(:(?<port>\d{0,5}))?$/i;

/** What is special about a request that the grammar allows. */
function traits({ start, fields, trailers }: StrictMessage): string {
  const valuesOf = (name: string): string[] =>
    fields.filter((field) => field[0].toLowerCase() === name).map((f) => f[1]);
  const options = valuesOf('connection').flatMap((value) =>
    // Optional blanks are SP and TAB; trim() would take a no-break space too.
    value.split(',').map((option) => option.replaceAll(/^[ \t]+|[ \t]+$/g, '').toLowerCase()),
  );
  const special: Readonly<Record<string, boolean>> = {
    'HTTP/1.0': start[2] === '0',
    'Transfer-Encoding': start[2] === '0' && valuesOf('transfer-encoding').length > 0,
    CONNECT: start[0] === 'CONNECT',
    'target is no path': !start[1].startsWith('/'),
    fragment: start[1].includes('#'),
    Upgrade: valuesOf('upgrade').length > 0,
    Expect: valuesOf('expect').length > 0,
    'odd Host': !valuesOf('host').every(isPlainHost),
    'odd Connection': !options.every((option) => TOKEN_OR_NOTHING.test(option)),
    'Connection names a field': options.some((option) => fields.some(([name]) => name.toLowerCase() === option)),
    'framing or routing field as trailer': trailers.some((name) => NO_TRAILER.test(name)),
  };
  const found = Object.keys(special).filter((name) => special[name]);
  return found.length > 0 ? ` (${found.join(', ')})` : '';
}

function isPlainHost(value: string): boolean {
  const { name = '', port = '' } = PLAIN_HOST.exec(value)?.groups ?? {};
  if (name === '' || Number(port) > 65_535) return false;
  return !name.startsWith('[') || isIPv6(name.slice(1, -1));
}

/** What is special about the head of a request whose body is not complete. */
function headTraits(text: string): string {
  const head = text
    .slice(0, text.indexOf('\r\n\r\n') + 4)
    .replaceAll(/^(content-length|transfer-encoding):.*\r\n/gim, '');
  const result = readRequest(head);
  return result.kind === 'message' ? traits(result.message) : '';
}

/** A strict reader's reason without what differs from case to case. */
function grammarClass(reason: string): string {
  const [what] =
    /^(request line|field line|chunk line|framing fields|Transfer-Encoding|Content-Length)/.exec(reason) ?? [];
  if (what === undefined) return reason;
  if (what === 'framing fields')
    return /chunked|gzip|identity/.test(reason) ? 'framing fields with Transfer-Encoding' : 'several Content-Length';
  if (!what.endsWith('line')) return what;
  if (reason.includes('\\u0000')) return `${what} with NUL`;
  if (reason.includes('\\n')) return `${what} with bare LF`;
  if (reason.includes('\\r')) return `${what} with bare CR`;
  if (/\\u00[01]|\\[tbf]/.test(reason)) return `${what} with a control character`;
  return what;
}

function describe(outcome: Outcome, message: number): string {
  const request = outcome.requests[message];
  const answers = outcome.answers.map(({ status, target }) => (target === undefined ? `${status} (own)` : `${status}`));
  const saw = request === undefined ? 'nothing' : JSON.stringify(request);
  return `answers ${answers.join(', ') || 'none'}${outcome.closed ? '' : ', open'}; server read ${outcome.requests.length}, here ${saw}`;
}
