// Whole answers that the proxy gives itself, encoded once: an error page for each status it uses, and the interim
// 100. Every error answer says `Connection: close`: after a fault the bytes that follow can not be trusted.
import { ascii } from './bytes.ts';

/** What each status says to a person in front of a browser. */
const pages: Readonly<Record<number, readonly [reason: string, sentence: string]>> = {
  400: ['Bad Request', 'The request does not follow HTTP/1.1 and was not passed on.'],
  403: ['Forbidden', 'This request is not allowed here.'],
  408: ['Request Timeout', 'The request did not arrive in time.'],
  413: ['Content Too Large', 'The body of the request is too large.'],
  414: ['URI Too Long', 'The address of the request is too long.'],
  417: ['Expectation Failed', 'The request expects something that is not known here.'],
  429: ['Too Many Requests', 'Too many requests came in a short time.'],
  431: ['Request Header Fields Too Large', 'The header fields of the request are too large or too many.'],
  500: ['Internal Server Error', 'The request could not be handled.'],
  501: ['Not Implemented', 'The request asks for something that is not supported here.'],
  502: ['Bad Gateway', 'The server behind gave no valid answer.'],
  503: ['Service Unavailable', 'No server is free to handle the request.'],
  504: ['Gateway Timeout', 'The server behind did not answer in time.'],
  505: ['HTTP Version Not Supported', 'Only HTTP/1.0 and HTTP/1.1 are spoken here.'],
};

/** Reasons of statuses that have no page of their own. */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  401: 'Unauthorized',
  402: 'Payment Required',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  425: 'Too Early',
  428: 'Precondition Required',
  451: 'Unavailable For Legal Reasons',
  507: 'Insufficient Storage',
};

/** The reason phrase of a status (RFC 9110 section 15); of its class if it has none that is known here. */
export function reasonOf(status: number): string {
  const known = pages[status]?.[0] ?? reasons[status];
  if (known !== undefined) return known;
  if (status < 300) return 'OK';
  if (status < 400) return 'Redirect';
  return status < 500 ? 'Request Refused' : 'Error';
}

function html(status: number, reason: string, sentence: string): string {
  return `<!doctype html><title>${status} ${reason}</title><h1>${status} ${reason}</h1><p>${sentence}</p>\n`;
}

/** The HTML page that says a status to a person. */
export function errorPage(status: number): Uint8Array {
  const sentence =
    pages[status]?.[1] ?? (status < 500 ? 'This request is not served here.' : 'This request was not served.');
  return ascii(html(status, reasonOf(status), sentence));
}

function encode(status: number, reason: string, sentence: string): Uint8Array {
  const body = html(status, reason, sentence);
  const head =
    `HTTP/1.1 ${status} ${reason}\r\nContent-Length: ${body.length}\r\nCache-Control: no-cache\r\n` +
    `Connection: close\r\nContent-Type: text/html\r\n\r\n`;
  return ascii(head + body);
}

const answers: readonly (Uint8Array | undefined)[] = Array.from({ length: 506 }, (_, status) => {
  const page = pages[status];
  return page === undefined ? undefined : encode(status, page[0], page[1]);
});

const internalError = encode(500, 'Internal Server Error', 'The request could not be handled.');

/** The whole answer (head and HTML body, with `Connection: close`) for a status; that of 500 if it has none. */
export function errorAnswer(status: number): Uint8Array {
  return answers[status] ?? internalError;
}

/** Bytes of `errorAnswer` up to and with the empty line: all that is sent in answer to HEAD. */
export function errorHeadBytes(answer: Uint8Array): number {
  for (let i = 3; i < answer.length; i++) if (answer[i] === 10 && answer[i - 2] === 10) return i + 1;
  return answer.length;
}

/** The interim answer to `Expect: 100-continue`, for when the proxy itself asks for the body. */
export const CONTINUE_ANSWER: Uint8Array = ascii('HTTP/1.1 100 Continue\r\n\r\n');
