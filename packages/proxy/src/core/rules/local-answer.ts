// Answers that the proxy gives itself, encoded when the configuration is read: pages for statuses, `return` rules, error
// pages from files, heads of redirects. What depends on the request (Connection, Location, request id) is added when one
// is sent (answers.ts).
import { errorPage, reasonOf } from '@tospann/http';

/** Status line and fields, each with CR LF, without Connection and without the empty line; and the body. */
export interface LocalAnswer {
  readonly status: number;
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

const utf8 = new TextEncoder();
const EMPTY = new Uint8Array(0);
const pages = new Map<number, LocalAnswer>();

/** What a body is, and whether caches may keep it. */
export interface AnswerBody {
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly noCache?: boolean;
}

/** Encodes an answer. Statuses that have no body (204, 304) get none. */
export function encodeAnswer(status: number, { contentType, body, noCache = false }: AnswerBody): LocalAnswer {
  const bodiless = status === 204 || status === 304;
  const lines = [`HTTP/1.1 ${status} ${reasonOf(status)}`];
  if (!bodiless) lines.push(`Content-Length: ${body.length}`);
  if (noCache) lines.push('Cache-Control: no-cache');
  // oxlint-disable-next-line no-control-regex -- a value with a control byte would end the field
  if (!bodiless) lines.push(`Content-Type: ${contentType.replaceAll(/[\x00-\x1f\x7f]/g, '')}`);
  return { status, head: utf8.encode(`${lines.join('\r\n')}\r\n`), body: bodiless ? EMPTY : body };
}

/** The page for a status, for an answer after which the connection may stay open. */
export function pageFor(status: number): LocalAnswer {
  const known = pages.get(status);
  if (known !== undefined) return known;
  const page = encodeAnswer(status, { contentType: 'text/html', body: errorPage(status), noCache: true });
  pages.set(status, page);
  return page;
}

/** Status line and fields of a redirect; its Location follows. Clients may keep those that are for ever. */
export function redirectHead(status: number): Uint8Array {
  const cache = status === 301 || status === 308 ? '' : 'Cache-Control: no-cache\r\n';
  return utf8.encode(`HTTP/1.1 ${status} ${reasonOf(status)}\r\nContent-Length: 0\r\n${cache}Location: `);
}

const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  htm: 'text/html; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  json: 'application/json',
  xml: 'application/xml',
  svg: 'image/svg+xml',
};

/** The answer of an error page from a file; its type follows from the file's name. */
export function filePage(status: number, file: string, body: Uint8Array): LocalAnswer {
  const extension = /\.([A-Za-z0-9]+)$/.exec(file)?.[1]?.toLowerCase() ?? '';
  return encodeAnswer(status, {
    contentType: contentTypes[extension] ?? 'text/html; charset=utf-8',
    body,
    noCache: true,
  });
}
