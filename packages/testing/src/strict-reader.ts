// A second, independent reader of HTTP/1.1 messages for the tests: slow, literal, written from the grammar of RFC
// 9112, over Latin-1 text. What the codec lets through must be readable here, or the codec is wrong. It shares no
// code with the codec on purpose.

export interface StrictMessage {
  readonly start: readonly [string, string, string];
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** Characters that the message took. */
  readonly length: number;
}

export type StrictResult =
  | { readonly kind: 'message'; readonly message: StrictMessage }
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid'; readonly reason: string };

const NAME = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const REQUEST_LINE = new RegExp(`^(${NAME}) ([!-~]+) HTTP/1\\.([01])$`);
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9]{2}) ([\t -~\x80-\xff]*)$/;
const FIELD_LINE = new RegExp(
  `^(${NAME}):[ \\t]*((?:[!-~\\x80-\\xff](?:[\\t -~\\x80-\\xff]*[!-~\\x80-\\xff])?)?)[ \\t]*$`,
);
const CHUNK_LINE = /^([0-9A-Fa-f]{1,13})((?:[ \t]*;[\t -~\x80-\xff]*)?)$/;

const invalid = (reason: string): StrictResult => ({ kind: 'invalid', reason });

/** Cuts off the next line; undefined if no CR LF is there yet. */
function lineAt(text: string, at: number): string | undefined {
  const end = text.indexOf('\r\n', at);
  return end < 0 ? undefined : text.slice(at, end);
}

function readFields(text: string, at: number): { fields: [string, string][]; end: number } | 'incomplete' | string[] {
  const fields: [string, string][] = [];
  let p = at;
  for (;;) {
    const line = lineAt(text, p);
    if (line === undefined) return 'incomplete';
    p += line.length + 2;
    if (line === '') return { fields, end: p };
    const match = FIELD_LINE.exec(line);
    if (match === null) return [`field line ${JSON.stringify(line.slice(0, 80))}`];
    fields.push([match[1]!, match[2]!]);
  }
}

function readChunks(
  text: string,
  at: number,
): { body: string; trailers: string[]; end: number } | 'incomplete' | string[] {
  let body = '';
  let p = at;
  for (;;) {
    const line = lineAt(text, p);
    if (line === undefined) return 'incomplete';
    const match = CHUNK_LINE.exec(line);
    if (match === null) return [`chunk line ${JSON.stringify(line.slice(0, 80))}`];
    p += line.length + 2;
    const size = Number.parseInt(match[1]!, 16);
    if (size === 0) break;
    if (text.length < p + size + 2) return 'incomplete';
    body += text.slice(p, p + size);
    if (text.slice(p + size, p + size + 2) !== '\r\n') return ['no CR LF after chunk data'];
    p += size + 2;
  }
  const trailers = readFields(text, p);
  if (trailers === 'incomplete') return 'incomplete';
  if (Array.isArray(trailers)) return trailers;
  return { body, trailers: trailers.fields.map(([name]) => name), end: trailers.end };
}

interface Framing {
  readonly chunked: boolean;
  readonly length: number | undefined;
}

function framingOf(fields: readonly (readonly [string, string])[]): Framing | string {
  const values = (name: string): string[] => fields.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value);
  const codings = values('transfer-encoding');
  const lengths = values('content-length');
  if (codings.length + lengths.length > 1) return `framing fields: ${[...codings, ...lengths].join(' | ')}`;
  if (codings.length === 1 && codings[0] !== 'chunked') return `Transfer-Encoding ${codings[0]}`;
  if (lengths.length === 1 && !/^(0|[1-9][0-9]{0,14})$/.test(lengths[0]!)) return `Content-Length ${lengths[0]}`;
  return { chunked: codings.length === 1, length: lengths.length === 1 ? Number(lengths[0]) : undefined };
}

/** Reads one request from the begin of `text`. */
export function readRequest(text: string): StrictResult {
  const line = lineAt(text, 0);
  if (line === undefined) return { kind: 'incomplete' };
  const match = REQUEST_LINE.exec(line);
  if (match === null) return invalid(`request line ${JSON.stringify(line.slice(0, 80))}`);
  const section = readFields(text, line.length + 2);
  if (section === 'incomplete') return { kind: 'incomplete' };
  if (Array.isArray(section)) return invalid(section.join());
  const hosts = section.fields.filter(([name]) => name.toLowerCase() === 'host');
  if (hosts.length !== 1) return invalid(`${hosts.length} Host fields`);
  const start = [match[1]!, match[2]!, match[3]!] as const;
  return readBody(text, { start, fields: section.fields, at: section.end, untilEnd: false });
}

/** Reads one answer from the begin of `text`; without a length its body reaches to the end of the text. */
export function readResponse(text: string, toHead: boolean): StrictResult {
  const line = lineAt(text, 0);
  if (line === undefined) return { kind: 'incomplete' };
  const match = STATUS_LINE.exec(line);
  if (match === null) return invalid(`status line ${JSON.stringify(line.slice(0, 80))}`);
  const section = readFields(text, line.length + 2);
  if (section === 'incomplete') return { kind: 'incomplete' };
  if (Array.isArray(section)) return invalid(section.join());
  const status = Number(match[2]);
  const start = [match[1]!, match[2]!, match[3]!] as const;
  if (toHead || status < 200 || status === 204 || status === 304) {
    const message = { start, fields: section.fields, body: '', trailers: [], length: section.end };
    return { kind: 'message', message };
  }
  return readBody(text, { start, fields: section.fields, at: section.end, untilEnd: true });
}

function readBody(
  text: string,
  head: {
    readonly start: readonly [string, string, string];
    readonly fields: readonly (readonly [string, string])[];
    readonly at: number;
    readonly untilEnd: boolean;
  },
): StrictResult {
  const { start, fields, at } = head;
  const framing = framingOf(fields);
  if (typeof framing === 'string') return invalid(framing);
  if (framing.chunked) {
    const chunks = readChunks(text, at);
    if (chunks === 'incomplete') return { kind: 'incomplete' };
    if (Array.isArray(chunks)) return invalid(chunks.join());
    const { body, trailers, end } = chunks;
    return { kind: 'message', message: { start, fields, body, trailers, length: end } };
  }
  const length = framing.length ?? (head.untilEnd ? text.length - at : 0);
  if (text.length < at + length) return { kind: 'incomplete' };
  const body = text.slice(at, at + length);
  return { kind: 'message', message: { start, fields, body, trailers: [], length: at + length } };
}
