// Actions of HAProxy's http-request, http-response and tcp-request rules, and of their older forms.
import { done, no, type Action } from './haproxy-action.ts';
import type { Phase } from './haproxy-condition.ts';
import { NO_FORMAT, readFormat } from './haproxy-format.ts';
import { redirectAction } from './haproxy-redirect.ts';
import type { FlowValue } from './pair-draft.ts';

/** What an action takes from its section. */
export interface ActionUse {
  /** `timeout tarpit`, as the new file writes it. */
  readonly tarpit: string;
  readonly phase: Phase;
}

// What each action that has no counterpart is answered with.
const REFUSED: Readonly<Record<string, string>> = {
  auth: 'passwords of users are not asked for by this version: let the application do it',
  'cache-use': 'nothing is cached by this version',
  'cache-store': 'nothing is cached by this version',
  capture: 'captures have no counterpart: the log has its fields',
  'disable-l7-retry': 'retries are for idempotent requests only here (http.retryOn)',
  'normalize-uri': 'paths are passed on as they are; http.normalize makes conditions see them in normal form',
  'set-log-level': 'the log has no levels',
  'set-method': 'methods are passed on as they are',
  'set-query': 'the query is passed on as it is',
  'set-src': 'http.trustedProxies says whose X-Forwarded-For is believed; the client is taken from it then',
  'set-uri': 'set the path (set-path); the query is passed on as it is',
  'set-var': 'variables have no counterpart: write the condition into the rules below',
  'use-service': 'metrics are at /metrics of admin.bind',
  'wait-for-body': 'bodies are passed on as they come',
};

/** Why an action has no counterpart. */
export function refusal(written: string): Action {
  const action = written.replace(/\(.*/, '');
  if (/^(?:track-sc|sc-)/.test(action)) {
    return no(
      'counters of stick tables are not served by this version: frontends.*.limits limits each source (requestRate, connectionRate, connectionsPerSource)',
    );
  }
  return no(Object.hasOwn(REFUSED, action) ? (REFUSED[action] ?? '') : `"${action}" is not served by this version`);
}

/** Reads `http-request ACTION WORDS`. */
export function requestAction(action: string, words: readonly string[], use: ActionUse): Action {
  switch (action) {
    case 'deny':
      return denyAction(words);
    case 'reject':
      return done({ silentDrop: true });
    case 'silent-drop':
      return done({ silentDrop: true }, SILENT);
    case 'tarpit':
      return tarpitAction(words, use.tarpit);
    case 'redirect':
      return redirectAction(words);
    case 'return':
      return returnAction(words);
    case 'set-header':
    case 'add-header':
      return headerAction(action === 'set-header' ? 'setHeader' : 'addHeader', words, use.phase);
    case 'del-header':
      return deleteAction('removeHeader', words);
    case 'set-path':
      return pathAction(words);
    case 'replace-path':
      return replaceAction(words);
    default:
      return refusal(action);
  }
}

export const SILENT = 'the connection is closed at once; HAProxy left the client waiting';

/** Reads `http-response ACTION WORDS`. */
export function responseAction(action: string, words: readonly string[], use: ActionUse): Action {
  if (action === 'set-header') return headerAction('setResponseHeader', words, use.phase);
  if (action === 'add-header') return headerAction('addResponseHeader', words, use.phase);
  if (action === 'del-header') return deleteAction('removeResponseHeader', words);
  return refusal(action);
}

const HOUR_MS = 3_600_000;

function tarpitAction(words: readonly string[], delay: string): Action {
  const status = numberAfter(words, 'deny_status') ?? numberAfter(words, 'status') ?? 500;
  return status < 400 || status > 599
    ? no(`an answer with ${status} is no error here`)
    : done({ tarpit: { delay, status } });
}

/** Whether a tarpit can last so long. */
export function isTarpitTime(timeMs: number): boolean {
  return timeMs >= 1 && timeMs <= HOUR_MS;
}

function pathAction(words: readonly string[]): Action {
  const path = readFormat(words.join(' '));
  if (path === undefined) return no(NO_FORMAT);
  return /^(?:\/|\$\{)[!-~]*$/.test(path.text) && !/[?#]/.test(path.text)
    ? done({ setPath: path.text }, path.remark)
    : no('a path begins with "/" and has no blanks, and the query stays as it is');
}

/** The number behind a word. */
export function numberAfter(words: readonly string[], word: string): number | undefined {
  const at = words.indexOf(word);
  return at === -1 || !/^\d+$/.test(words[at + 1] ?? '') ? undefined : Number(words[at + 1]);
}

function denyAction(words: readonly string[]): Action {
  const status = numberAfter(words, 'deny_status') ?? numberAfter(words, 'status');
  if (status !== undefined && (status < 400 || status > 599)) {
    return no(`an answer with ${status} is no error here: use "return"`);
  }
  const left = words.filter(
    (word, at) => !/^(?:deny_)?status$/.test(word) && !/^(?:deny_)?status$/.test(words[at - 1] ?? ''),
  );
  const remark = left.length === 0 ? undefined : `the answer is the page of the status; left out: ${left.join(' ')}`;
  return done({ deny: status === undefined || status === 403 ? true : status }, remark);
}

const NAME = /^[!#$%&'*+\-.^_`|~\w]{1,128}$/;
const FRAMING =
  /^(?:connection|content-length|transfer-encoding|keep-alive|upgrade|te|trailer|proxy-connection|http2-settings)$/i;

function headerAction(key: string, words: readonly string[], phase: Phase): Action {
  const [written = '', ...format] = words;
  const name = written.replace(/:$/, '');
  if (!NAME.test(name)) return no(`"${written}" is no name of a header`);
  if (FRAMING.test(name)) return no(`${name} frames messages: the proxy writes it itself`);
  if (key === 'addHeader' && name.toLowerCase() === 'host') return no('a request has one Host: use set-header');
  const value = readFormat(format.join(' '), phase);
  if (value === undefined) return no(phase === 'response' ? `when the answer comes ${NO_FORMAT}` : NO_FORMAT);
  if (value.text === '') return no('a header without a value is not set: use del-header');
  if (!/^[^\p{Cc}]{1,4096}$/u.test(value.text))
    return no('a value has at most 4096 characters, and no control characters');
  const colon =
    name === written ? [] : ['the colon behind the name was a mistake: HAProxy sent a field whose name has it'];
  const remarks = [...colon, ...(value.remark === undefined ? [] : [value.remark])];
  return done({ [key]: { [name]: value.text } }, remarks.length === 0 ? undefined : remarks.join('; '));
}

function deleteAction(key: string, words: readonly string[]): Action {
  const [name = '', flag, how] = words;
  if (flag !== undefined && !(flag === '-m' && how === 'str'))
    return no('headers are removed by their whole name only');
  if (!NAME.test(name)) return no(`"${name}" is no name of a header`);
  if (FRAMING.test(name) || (key === 'removeHeader' && name.toLowerCase() === 'host')) {
    return no(`${name} frames messages: the proxy writes it itself`);
  }
  return done({ [key]: [name] });
}

// `^/api/(.*) /\1`, `^/api(/.*)?$ \1` and their like take a prefix off or put another one there.
// oxlint-disable-next-line complexity -- long: defaults of parts that a pattern may leave out
function replaceAction(words: readonly string[]): Action {
  const [form = '', to = ''] = words;
  const [, anchor = '', start, slash = ''] = /^(\^?)(\/[\w/.-]*?)\((\/?)\.\*\)\??\$?$/.exec(form) ?? [];
  const [, target] = /^(\/[\w/.-]*|)\\1$/.exec(to) ?? [];
  const from = `${start ?? ''}${slash}`;
  const put = `${target ?? ''}${slash}`;
  if (start === undefined || target === undefined || !from.endsWith('/') || !put.endsWith('/')) {
    return no('only another beginning of the path is served by this version (replacePrefix)');
  }
  const remarks = [
    ...(anchor === '' ? ['at the beginning of the path only'] : []),
    // A dot of the pattern is any character; of a prefix it is a dot.
    ...(start.includes('.') ? ['a dot is a dot here'] : []),
  ];
  return done({ replacePrefix: { from, to: put } }, remarks.length === 0 ? undefined : remarks.join('; '));
}

const MEDIA_TYPE = /^[\w.+-]{1,64}\/[\w.+-]{1,64}(?:; ?[\w-]+=[\w-]+)?$/;
const BODIES: readonly string[] = [
  'string',
  'lf-string',
  'file',
  'lf-file',
  'errorfile',
  'errorfiles',
  'default-errorfiles',
];
const BODILESS: readonly number[] = [204, 205, 304];

// oxlint-disable-next-line complexity -- long: what an answer may have, one after another
function returnAction(words: readonly string[]): Action {
  const at = words.findIndex((word) => BODIES.includes(word));
  const kind = words[at];
  if (kind !== undefined && kind !== 'string') {
    return no(`"${kind}": the body of an answer is text in the file here: return: { status, contentType, body }`);
  }
  const status = numberAfter(words, 'status') ?? 200;
  if (status < 200 || status > 599) return no('a status is from 200 to 599');
  const type = words.includes('content-type') ? words[words.indexOf('content-type') + 1] : undefined;
  const hasType = type !== undefined && MEDIA_TYPE.test(type);
  const body = at === -1 ? '' : (words[at + 1] ?? '');
  const takesBody = body !== '' && !BODILESS.includes(status) && body.length <= 65_536;
  const action: Record<string, FlowValue> = {
    status,
    ...(hasType ? { contentType: type } : {}),
    ...(takesBody ? { body } : {}),
  };
  const remarks = returnRemarks({ words, status, type, hasType });
  if (body !== '' && !takesBody) remarks.push('an answer with this status has no body');
  return done({ return: action }, remarks.length === 0 ? undefined : remarks.join('; '));
}

function returnRemarks(answer: {
  readonly words: readonly string[];
  readonly status: number;
  readonly type: string | undefined;
  readonly hasType: boolean;
}): string[] {
  const { words, status, type, hasType } = answer;
  const isPlain = !hasType && !BODILESS.includes(status);
  return [
    ...(words.includes('hdr') ? ['further headers of the answer are left out'] : []),
    ...(type === undefined || hasType ? [] : [`the media type ${type} is left out`]),
    ...(isPlain ? ['with Content-Type: text/plain'] : []),
  ];
}
