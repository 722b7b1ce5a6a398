// HAProxy's rules of a frontend: http-request, http-response, redirect, use_backend and tcp-request, as rules of the
// new file. HAProxy runs them by kind, so they are gathered by kind here and joined in that order.
import { formatDuration } from '../units.ts';
import { readCondition, type AclWork } from './haproxy-condition.ts';
import type { HaproxyContext } from './haproxy-context.ts';
import { readFormat, readPrefixFormat } from './haproxy-format.ts';
import { readMapFetch } from './haproxy-map.ts';
import { readHaproxyTime, type HaproxyLine } from './haproxy-text.ts';
import type { FlowValue, RuleDraft } from './pair-draft.ts';
import { maskSecrets } from './report.ts';

/** Rules of a frontend while its lines are read. */
export interface RuleWork extends AclWork {
  readonly connection: RuleDraft[];
  readonly request: RuleDraft[];
  readonly response: RuleDraft[];
  readonly redirects: RuleDraft[];
  readonly routes: RuleDraft[];
}

/** The kinds in the order in which HAProxy runs them. */
export function joinRules(work: RuleWork): RuleDraft[] {
  return [...work.connection, ...work.request, ...work.response, ...work.redirects, ...work.routes];
}

/** An action of the new file, or why there is none. */
type Action =
  | { readonly ok: true; readonly action: RuleDraft; readonly remark?: string; readonly after?: RuleDraft }
  | { readonly ok: false; readonly why: string };

interface Parsed {
  readonly action: Action;
  /** `if ...` or `unless ...`. */
  readonly condition: readonly string[];
  readonly kind: 'connection' | 'request' | 'response' | 'redirects' | 'routes';
  /** How ACLs of conditions in braces are called. */
  readonly base: string;
}

/** A line as rules of the new file, or why it cannot be any. */
export type RuleReading =
  | {
      readonly ok: true;
      readonly kind: 'connection' | 'request' | 'response' | 'redirects' | 'routes';
      readonly rules: readonly RuleDraft[];
      readonly remarks: readonly string[];
    }
  | { readonly ok: false; readonly why: string };

/** Answers a line that is a rule; false when it is another one. */
export function answerRule(context: HaproxyContext, line: HaproxyLine, work: RuleWork): boolean {
  const reading = readRule(context, line, work);
  if (reading === undefined) return false;
  const target = `frontends.${work.frontend.name}.rules`;
  if (reading.ok) {
    work[reading.kind].push(...reading.rules);
    const why = reading.remarks.length === 0 ? 'a rule' : reading.remarks.join('; ');
    context.report.answer(line, { verdict: reading.remarks.length === 0 ? 'taken' : 'changed', why, target });
  } else {
    context.report.answer(line, { verdict: 'refused', why: reading.why, target });
  }
  return true;
}

/** Reads a line that is a rule; undefined when it is another one. */
export function readRule(context: HaproxyContext, line: HaproxyLine, work: RuleWork): RuleReading | undefined {
  const parsed = parseRule(context, line, work);
  if (parsed === undefined) return undefined;
  if (!parsed.action.ok) return { ok: false, why: parsed.action.why };
  if (work.frontend.mode === 'tcp' && !isForTcp(parsed.action.action)) {
    return { ok: false, why: 'in mode tcp a rule can only use a backend, deny or silentDrop' };
  }
  const condition = readCondition(work, parsed.condition, parsed.base);
  if (!condition.ok) return { ok: false, why: condition.why };
  const { action, remark, after } = parsed.action;
  const when: RuleDraft = condition.condition === undefined ? {} : { if: condition.condition };
  const rules = [{ ...when, ...action }, ...(after === undefined ? [] : [{ ...when, ...after }])];
  return {
    ok: true,
    kind: parsed.kind,
    rules,
    remarks: [...(remark === undefined ? [] : [remark]), ...condition.remarks],
  };
}

function isForTcp(action: RuleDraft): boolean {
  return typeof action['use'] === 'string' || 'deny' in action || 'silentDrop' in action;
}

function parseRule(context: HaproxyContext, line: HaproxyLine, work: RuleWork): Parsed | undefined {
  const [keyword = '', second = '', ...rest] = line.words;
  const { words, condition } = splitCondition(rest);
  switch (keyword) {
    case 'http-request':
      return { action: requestAction(context, second, words), condition, kind: 'request', base: `for_${second}` };
    case 'http-response':
    case 'http-after-response':
      return { action: responseAction(second, words), condition, kind: 'response', base: `for_${second}` };
    case 'redirect':
      return { action: redirectAction([second, ...words]), condition, kind: 'redirects', base: 'for_redirect' };
    case 'block':
      return { action: done({ deny: true }), ...splitCondition([second, ...rest]), kind: 'request', base: 'for_deny' };
    case 'use_backend':
      return {
        action: useAction(context, second),
        condition,
        kind: 'routes',
        base: `to_${second.replace(/\W/g, '_')}`,
      };
    case 'tcp-request':
      return tcpRule([second, ...words], condition);
    case 'monitor-uri':
      return {
        action: done({ return: { status: 200 } }),
        condition: monitor(second),
        kind: 'connection',
        base: 'monitor',
      };
    case 'reqadd':
    case 'rspadd':
      return oldAdd(keyword, [second, ...rest].join(' '));
    default:
      return work.frontend.mode === 'http' && /^(?:req|rsp)i?(?:rep|del|deny|pass|tarpit|allow)$/.test(keyword)
        ? {
            action: no('use http-request and http-response rules: HAProxy itself has dropped this one'),
            condition,
            kind: 'request',
            base: '',
          }
        : undefined;
  }
}

function monitor(path: string): readonly string[] {
  return ['if', '{', 'path', path, '}'];
}

function splitCondition(words: readonly string[]): {
  readonly words: readonly string[];
  readonly condition: readonly string[];
} {
  const at = words.findIndex((word) => word === 'if' || word === 'unless');
  return at === -1 ? { words, condition: [] } : { words: words.slice(0, at), condition: words.slice(at) };
}

function done(action: RuleDraft, remark?: string): Action {
  return remark === undefined ? { ok: true, action } : { ok: true, action, remark };
}

function no(why: string): Action {
  return { ok: false, why };
}

// What each action that has no counterpart is answered with.
const REFUSED: Readonly<Record<string, string>> = {
  allow:
    'rules that end the list without an action are not served by this version: write the condition into the rules below',
  auth: 'passwords of users are not asked for by this version: let the application do it',
  'cache-use': 'nothing is cached by this version',
  'cache-store': 'nothing is cached by this version',
  capture: 'captures have no counterpart: the log has its fields',
  'disable-l7-retry': 'retries are for idempotent requests only here (http.retryOn)',
  'normalize-uri': 'paths are passed on as they are, and dangerous ones are refused',
  'set-log-level': 'the log has no levels',
  'set-method': 'methods are passed on as they are',
  'set-query': 'the query is passed on as it is',
  'set-src': 'http.trustedProxies says whose X-Forwarded-For is believed; the client is taken from it then',
  'set-uri': 'set the path (set-path); the query is passed on as it is',
  'set-var': 'variables have no counterpart: write the condition into the rules below',
  'use-service': 'metrics are at /metrics of admin.bind',
  'wait-for-body': 'bodies are passed on as they come',
};

function refusal(written: string): Action {
  const action = written.replace(/\(.*/, '');
  if (/^(?:track-sc|sc-)/.test(action)) {
    return no(
      'counters of stick tables are not served by this version: frontends.*.limits limits each source (requestRate, connectionRate, connectionsPerSource)',
    );
  }
  return no(Object.hasOwn(REFUSED, action) ? (REFUSED[action] ?? '') : `"${action}" is not served by this version`);
}

function requestAction(context: HaproxyContext, action: string, words: readonly string[]): Action {
  switch (action) {
    case 'deny':
      return denyAction(words);
    case 'reject':
    case 'silent-drop':
      return done({ silentDrop: true });
    case 'tarpit':
      return tarpitAction(context, words);
    case 'redirect':
      return redirectAction(words);
    case 'return':
      return returnAction(words);
    case 'set-header':
    case 'add-header':
      return headerAction(action === 'set-header' ? 'setHeader' : 'addHeader', words);
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

// Without `timeout tarpit` HAProxy takes `timeout connect`.
function tarpitAction(context: HaproxyContext, words: readonly string[]): Action {
  const status = numberAfter(words, 'deny_status') ?? numberAfter(words, 'status') ?? 500;
  if (status < 400 || status > 599) return no(`an answer with ${status} is no error here`);
  return done({ tarpit: { delay: context.tarpit ?? context.draft.timeouts.connect ?? '10s', status } });
}

function pathAction(words: readonly string[]): Action {
  const path = readFormat(words.join(' '));
  if (path === undefined) return no(NO_FORMAT);
  return /^(?:\/|\$\{)[!-~]*$/.test(path) && !/[?#]/.test(path)
    ? done({ setPath: path }, ORIGINAL)
    : no('a path begins with "/" and has no blanks, and the query stays as it is');
}

const NO_FORMAT =
  'it is made from something that has no variable in this version (known are the source, host, path, query, method, port, frontend, request id and headers)';

function numberAfter(words: readonly string[], word: string): number | undefined {
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

function headerAction(key: string, words: readonly string[]): Action {
  const [name = '', ...format] = words;
  if (/^(?:connection|content-length|transfer-encoding|keep-alive|upgrade|te|trailer|proxy-connection)$/i.test(name)) {
    return no(`${name} frames messages: the proxy writes it itself`);
  }
  if (key === 'addHeader' && name.toLowerCase() === 'host') return no('a request has one Host: use set-header');
  const value = readFormat(format.join(' '));
  if (value === undefined) return no(NO_FORMAT);
  return value === '' ? no('a header without a value is not set: use del-header') : done({ [key]: { [name]: value } });
}

function deleteAction(key: string, words: readonly string[]): Action {
  const [name = '', flag, how] = words;
  if (flag !== undefined && !(flag === '-m' && how === 'str'))
    return no('headers are removed by their whole name only');
  if (/^(?:connection|content-length|transfer-encoding|host)$/i.test(name)) {
    return no(`${name} frames messages: the proxy writes it itself`);
  }
  return done({ [key]: [name] });
}

const ORIGINAL = 'conditions and variables of the rules below still see the path as the client sent it';

// `^/api/(.*) /\1`, `^/api(/.*)?$ \1` and their like take a prefix off or put another one there.
function replaceAction(words: readonly string[]): Action {
  const [form = '', to = ''] = words;
  const match = /^(\^?)(\/[\w/.-]*?)\((\/?)\.\*\)\??\$?$/.exec(form);
  const target = /^(\/[\w/.-]*|)\\1$/.exec(to);
  const [, anchor = '', start = '', slash = ''] = match ?? [];
  const from = `${start}${slash}`;
  const put = `${target?.[1] ?? ''}${slash}`;
  if (match === null || target === null || !from.endsWith('/') || !put.endsWith('/')) {
    return no('only another beginning of the path is served by this version (replacePrefix)');
  }
  const remark = anchor === '' ? `at the beginning of the path only; ${ORIGINAL}` : ORIGINAL;
  return done({ replacePrefix: { from, to: put } }, remark);
}

function returnAction(words: readonly string[]): Action {
  const at = words.findIndex((word) =>
    ['string', 'lf-string', 'file', 'lf-file', 'errorfile', 'errorfiles', 'default-errorfiles'].includes(word),
  );
  const kind = words[at];
  if (kind !== undefined && kind !== 'string') {
    return no(`"${kind}": the body of an answer is text in the file here: return: { status, contentType, body }`);
  }
  const typeAt = words.indexOf('content-type');
  const action: Record<string, FlowValue> = {
    status: numberAfter(words, 'status') ?? 200,
    ...(typeAt === -1 ? {} : { contentType: words[typeAt + 1] ?? '' }),
    ...(at === -1 ? {} : { body: words[at + 1] ?? '' }),
  };
  return words.includes('hdr')
    ? done({ return: action }, 'further headers of the answer are left out')
    : done({ return: action });
}

const REDIRECT_CODES: readonly number[] = [301, 302, 303, 307, 308];

function redirectAction(words: readonly string[]): Action {
  const [kind = '', text = '', ...options] = words;
  const code = numberAfter(options, 'code');
  if (code !== undefined && !REDIRECT_CODES.includes(code)) return no(`a redirect with ${code} is not served`);
  const left = options.filter((word, at) => word !== 'code' && options[at - 1] !== 'code' && word !== 'ignore-empty');
  const unknown = left.filter((word) => word !== 'drop-query');
  if (unknown.length > 0) return no(`"${unknown.join(' ')}" is not served by this version`);
  const where = redirectTarget(kind, text, left.includes('drop-query'));
  if (where === undefined) return no(NO_FORMAT);
  if (Object.values(where).some((value) => !/^[!-~]+$/.test(value))) return no('a place has no blanks');
  return done({ redirect: { ...where, ...(code === undefined || code === 302 ? {} : { status: code }) } });
}

function redirectTarget(kind: string, text: string, dropsQuery: boolean): Record<string, string> | undefined {
  if (kind === 'scheme') return text === 'https' || text === 'http' ? { scheme: text } : undefined;
  // A location that ends with the whole path and query is a prefix.
  const prefix = kind === 'prefix' ? readFormat(text) : readPrefixFormat(text);
  if (prefix !== undefined) return dropsQuery ? { location: `${prefix}\${path}` } : { prefix };
  const location = kind === 'location' ? readFormat(text) : undefined;
  return location === undefined ? undefined : { location };
}

function responseAction(action: string, words: readonly string[]): Action {
  if (action === 'set-header') return headerAction('setResponseHeader', words);
  if (action === 'add-header') return headerAction('addResponseHeader', words);
  if (action === 'del-header') return deleteAction('removeResponseHeader', words);
  return refusal(action);
}

function useAction(context: HaproxyContext, backend: string): Action {
  if (!backend.includes('%[')) return done({ use: backend });
  const map = readMapFetch(context.draft, backend);
  if (typeof map === 'string') return no(map);
  const remark = `a map: ${map.file} stays where it is, and both nodes need it`;
  const action: Action = { ok: true, action: { use: { map: map.name, key: map.key } }, remark };
  return map.fallback === undefined ? action : { ...action, after: { use: map.fallback } };
}

function tcpRule(words: readonly string[], condition: readonly string[]): Parsed {
  const [layer = '', action = ''] = words;
  const parsed = { condition, kind: 'connection', base: 'for_reject' } as const;
  if (layer !== 'inspect-delay' && (action === 'reject' || action === 'silent-drop')) {
    return { ...parsed, action: done({ silentDrop: true }, 'decided with the rules of the frontend, not before them') };
  }
  if (layer === 'inspect-delay') return { ...parsed, action: no('rules do not wait for bytes in this version') };
  return { ...parsed, action: refusal(action) };
}

function oldAdd(keyword: string, text: string): Parsed {
  const [, name = '', value = ''] = /^([\w-]+):\s*(.*)$/.exec(text) ?? [];
  const key = keyword === 'reqadd' ? 'addHeader' : 'addResponseHeader';
  const parsed = { condition: [], kind: keyword === 'reqadd' ? 'request' : 'response', base: '' } as const;
  return {
    ...parsed,
    action: name === '' ? no(`"${maskSecrets(text)}" is no header`) : headerAction(key, [name, value]),
  };
}

/** Answers `timeout tarpit`: it is written into the tarpit rules. */
export function answerTarpit(context: HaproxyContext, line: HaproxyLine): true {
  const timeMs = readHaproxyTime(line.words[2] ?? '');
  const fits = timeMs !== undefined && timeMs >= 1 && timeMs <= 3_600_000;
  if (fits) context.tarpit = formatDuration(timeMs);
  context.report.answer(line, {
    verdict: fits ? 'taken' : 'refused',
    why: fits ? 'the delay of the tarpit rules below' : 'a tarpit lasts from 1ms to 1h',
    target: 'frontends.*.rules',
  });
  return true;
}
