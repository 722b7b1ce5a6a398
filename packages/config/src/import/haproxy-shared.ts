// Lines that may stand in `defaults` and in every proxy: options, time-outs, retries, logs. Those that hold for the whole
// pair here are answered when all sections are known (haproxy-settings.ts).
import { formatDuration, readNetwork } from '../units.ts';
import { isTarpitTime } from './haproxy-actions.ts';
import { addSetting, type HaproxyContext } from './haproxy-context.ts';
import { readHaproxyTime, type HaproxyLine } from './haproxy-text.ts';
import type { PairDraft, TimeoutKey } from './pair-draft.ts';
import type { Answer } from './report.ts';

const TIMEOUTS: Readonly<Record<string, TimeoutKey>> = {
  'http-request': 'httpRequest',
  queue: 'queue',
  connect: 'connect',
  client: 'client',
  server: 'server',
  'http-keep-alive': 'httpKeepAlive',
  check: 'check',
  tunnel: 'tunnel',
};

// Names from before HAProxy 1.3.14, still found in files of the 1.4 days.
const OLD_TIMEOUTS: Readonly<Record<string, TimeoutKey>> = {
  contimeout: 'connect',
  clitimeout: 'client',
  srvtimeout: 'server',
};

const OTHER_OPTIONS: Readonly<Record<string, Answer>> = {
  tcplog: {
    verdict: 'changed',
    why: 'connections of mode tcp are logged too, in the form of log.access.format',
    target: 'log.access',
  },
  'http-use-htx': { verdict: 'not-needed', why: 'it tunes the old process' },
  'splice-request': { verdict: 'not-needed', why: 'it tunes the old event loop' },
  'splice-response': { verdict: 'not-needed', why: 'it tunes the old event loop' },
  'socket-stats': { verdict: 'not-needed', why: 'it only counts more' },
  'log-health-checks': { verdict: 'not-needed', why: 'every change of the state of a server is a line' },
  'prefer-last-server': { verdict: 'not-needed', why: 'idle connections to servers are shared by all clients' },
  nolinger: { verdict: 'not-needed', why: 'it tunes the sockets of the old process' },
  'http-pretend-keepalive': { verdict: 'not-needed', why: 'connections to servers stay open' },
  'http-ignore-probes': { verdict: 'not-needed', why: 'connections that sent nothing are no errors' },
  'idle-close-on-response': { verdict: 'not-needed', why: 'idle connections are closed with their last answer' },
  'tcp-smart-accept': { verdict: 'not-needed', why: 'it tunes the old event loop' },
  'tcp-smart-connect': { verdict: 'not-needed', why: 'it tunes the old event loop' },
  'splice-auto': { verdict: 'not-needed', why: 'it tunes the old event loop' },
  contstats: { verdict: 'not-needed', why: 'counters always move during a request' },
  logasap: { verdict: 'refused', why: 'a log line is written at the end of a request' },
  tcpka: {
    verdict: 'refused',
    why: 'TCP keep-alive of connections cannot be set in this version; the time-outs end dead ones',
  },
  clitcpka: { verdict: 'refused', why: 'TCP keep-alive of connections cannot be set in this version' },
  srvtcpka: { verdict: 'refused', why: 'TCP keep-alive of connections cannot be set in this version' },
  abortonclose: { verdict: 'refused', why: 'it cannot be set in this version' },
  allbackups: { verdict: 'not-needed', why: 'all backup servers are used together when no other is up' },
  persist: { verdict: 'refused', why: 'a server that is down is never used here' },
  'accept-invalid-http-request': {
    verdict: 'refused',
    why: 'requests are parsed strictly: two readings of one request are how smuggling works',
  },
  'accept-invalid-http-response': { verdict: 'refused', why: 'answers are parsed strictly' },
};

/** Longest time-out of the new file. */
const DAY_MS = 86_400_000;

const STICK =
  'sessions are not kept in tables by this version: a cookie, or balance: source, keeps a client on its server; frontends.*.limits has the limits by source';

// Lines of one answer, wherever they stand.
const ANSWERS: Readonly<Record<string, Answer>> = {
  stick: { verdict: 'refused', why: STICK },
  'unique-id-format': { verdict: 'not-needed', why: 'ids have a form of their own' },
  'http-reuse': { verdict: 'not-needed', why: 'idle connections to servers are shared by all clients' },
  backlog: { verdict: 'not-needed', why: 'the queue of the kernel is as long as it may be' },
  'log-format': { verdict: 'refused', why: 'lines have one of three forms: log.access.format' },
  'log-tag': { verdict: 'not-needed', why: 'nothing is sent to syslog by this version' },
  capture: { verdict: 'refused', why: 'captured headers are not in the lines of the log' },
  'server-template': {
    verdict: 'refused',
    why: 'servers are written one by one; a host name is asked again and again',
  },
  'http-error': { verdict: 'refused', why: 'pages are named by status: errorPages' },
  errorloc: { verdict: 'refused', why: 'errors are answered with a page, not with a redirect: errorPages' },
  errorloc302: { verdict: 'refused', why: 'errors are answered with a page, not with a redirect: errorPages' },
  errorloc303: { verdict: 'refused', why: 'errors are answered with a page, not with a redirect: errorPages' },
  'email-alert': { verdict: 'refused', why: 'nothing is sent by mail: changes of state are lines and metrics' },
  'load-server-state-from-file': {
    verdict: 'not-needed',
    why: 'the state of servers survives reload and restart',
  },
  description: { verdict: 'not-needed', why: 'it had no effect on traffic' },
  id: { verdict: 'not-needed', why: 'sections are known by their names' },
};

/** Answers a line that every kind of proxy section may have; false when it is another one. */
export function answerShared(context: HaproxyContext, line: HaproxyLine): boolean {
  const [keyword = '', second = '', third = ''] = line.words;
  const plain = Object.hasOwn(ANSWERS, keyword) ? ANSWERS[keyword] : undefined;
  if (plain !== undefined) {
    context.report.answer(line, plain);
    return true;
  }
  if (Object.hasOwn(OLD_TIMEOUTS, keyword)) {
    return answerTimeout(context, line, { key: OLD_TIMEOUTS[keyword], value: second });
  }
  switch (keyword) {
    case 'timeout':
      if (second === 'tarpit') return answerTarpit(context, line);
      return answerTimeout(context, line, { key: TIMEOUTS[second], value: third });
    case 'option':
      return answerOption(context, line, line.words.slice(1));
    case 'retries':
      return answerRetries(context, line, second);
    case 'retry-on':
      return answerRetryOn(context, line, line.words.slice(1));
    case 'unique-id-header':
      return answerRequestId(context, line, second);
    case 'log':
      return answerLog(context, line);
    case 'stick-table':
      return answerStickTable(context, line);
    default:
      return answerNo(context, line);
  }
}

// What tables count has a limit of its own here; the count stands in the rules that ask for it.
function answerStickTable(context: HaproxyContext, line: HaproxyLine): boolean {
  const text = line.words.join(' ');
  const rates = ['http_req_rate', 'conn_rate'].flatMap((counter) => {
    const period = new RegExp(String.raw`\b${counter}\((\w+)\)`).exec(text)?.[1];
    const key = counter === 'conn_rate' ? 'connectionRate' : 'requestRate';
    return period === undefined ? [] : [`${key}: COUNT/${period}`];
  });
  const limits = [...rates, ...(/\bconn_cur\b/.test(text) ? ['connectionsPerSource: COUNT'] : [])];
  const why =
    limits.length === 0
      ? STICK
      : `counters of stick tables are not served by this version; instead: limits: { ${limits.join(', ')} }, with the counts of the rules`;
  context.report.answer(line, { verdict: 'refused', why, target: 'frontends.*.limits' });
  return true;
}

function answerNo(context: HaproxyContext, line: HaproxyLine): boolean {
  const [keyword, second, third = ''] = line.words;
  if (keyword !== 'no') return false;
  if (second === 'option') return answerNoOption(context, line, third);
  if (second !== 'log') return false;
  context.report.answer(line, { verdict: 'refused', why: 'the access log is on or off for the whole pair' });
  return true;
}

function answerRetries(context: HaproxyContext, line: HaproxyLine, text: string): boolean {
  if (!/^\d+$/.test(text)) return false;
  const value = Math.min(100, Number(text));
  addSetting(context, {
    key: 'retries',
    line,
    value: text,
    apply: (draft) => (draft.retries = value),
    answer: {
      verdict: Number(text) === value ? 'taken' : 'changed',
      why: `${value} further attempts to connect`,
      target: 'http.retries',
    },
  });
  return true;
}

function answerRequestId(context: HaproxyContext, line: HaproxyLine, header: string): boolean {
  if (!/^[\w-]{1,128}$/.test(header)) return false;
  addSetting(context, {
    key: 'unique-id-header',
    line,
    value: header,
    apply: (draft) => (draft.requestId = header),
    answer: { verdict: 'taken', why: 'each request gets a unique id', target: 'http.requestId' },
  });
  return true;
}

// HAProxy's words for what is retried beside failed connections.
const RETRIED: Readonly<Record<string, readonly (string | number)[]>> = {
  'conn-failure': [],
  'empty-response': ['empty'],
  'junk-response': ['bad-answer'],
  'response-timeout': ['timeout'],
  'all-retryable-errors': ['empty', 'bad-answer', 'timeout', 500, 502, 503, 504],
  none: [],
};
const RETRIED_STATUSES: readonly string[] = '401 403 404 408 425 429 500 501 502 503 504'.split(' ');

function answerRetryOn(context: HaproxyContext, line: HaproxyLine, words: readonly string[]): boolean {
  const known = words.flatMap((word) => {
    if (RETRIED_STATUSES.includes(word)) return [Number(word)];
    return Object.hasOwn(RETRIED, word) ? (RETRIED[word] ?? []) : [];
  });
  const left = words.filter((word) => !Object.hasOwn(RETRIED, word) && !RETRIED_STATUSES.includes(word));
  const retryOn = [...new Set(known)];
  const limits = 'idempotent requests without a body only, and at most a fifth of all requests (retryBudget)';
  addSetting(context, {
    key: 'retry-on',
    line,
    value: words.join(' '),
    apply: (draft) => {
      if (retryOn.length > 0) draft.retryOn = retryOn;
    },
    answer: {
      verdict: retryOn.length === 0 && left.length === 0 ? 'taken' : 'changed',
      why: left.length === 0 ? limits : `${limits}; left out: ${left.join(' ')}`,
      target: 'http.retryOn',
    },
  });
  return true;
}

function answerTimeout(
  context: HaproxyContext,
  line: HaproxyLine,
  timeout: { readonly key: TimeoutKey | undefined; readonly value: string },
): boolean {
  const { key } = timeout;
  const timeMs = readHaproxyTime(timeout.value);
  if (key === undefined || timeMs === undefined) {
    context.report.answer(line, { verdict: 'refused', why: 'this time-out does not exist in this version' });
    return true;
  }
  if (timeMs === 0) {
    const why = 'a time-out of 0 would mean to wait for ever, so the default is used';
    context.report.answer(line, { verdict: 'refused', why, target: `timeouts.${key}` });
    return true;
  }
  const value = formatDuration(Math.min(timeMs, DAY_MS));
  const isLonger = timeMs > DAY_MS;
  addSetting(context, {
    key: `timeout ${key}`,
    line,
    value: String(Math.min(timeMs, DAY_MS)),
    apply: (draft) => (draft.timeouts[key] = value),
    answer: {
      verdict: isLonger ? 'changed' : 'taken',
      why: isLonger ? `${value}: no time-out is longer here` : `${value}, for the whole pair`,
      target: `timeouts.${key}`,
    },
  });
  return true;
}

function answerOption(context: HaproxyContext, line: HaproxyLine, words: readonly string[]): boolean {
  const [option = '', ...rest] = words;
  const set = (key: string, apply: (draft: PairDraft) => void, answer: Answer): boolean => {
    const value = ['option', option, ...(option === 'forwardfor' ? rest : [])].join(' ');
    addSetting(context, { key, line, value, apply, answer });
    return true;
  };
  switch (option) {
    case 'httplog':
      return set('httplog', () => undefined, {
        verdict: 'changed',
        why: 'the same line (format: haproxy), but client addresses are written as their network only: they are personal data; privacy.clientAddress: full writes them whole',
        target: 'log.access.format',
      });
    case 'dontlognull':
      return set('dontlognull', (draft) => (draft.ignoreEmpty = true), {
        verdict: 'taken',
        why: 'no line for connections that sent nothing',
        target: 'log.access.ignoreEmpty',
      });
    case 'http-server-close':
      return set('connection mode', (draft) => (draft.serverClose = true), {
        verdict: 'taken',
        why: 'the connection to the server is closed after each answer; false keeps it open and saves a handshake for each request',
        target: 'http.serverClose',
      });
    case 'httpclose':
    case 'forceclose':
      return set('connection mode', (draft) => (draft.serverClose = true), {
        verdict: 'changed',
        why: "the server's connection is closed after each answer, the client's stays open",
        target: 'http.serverClose',
      });
    case 'http-keep-alive':
      return set('connection mode', (draft) => (draft.serverClose = false), {
        verdict: 'taken',
        why: 'connections stay open on both sides',
        target: 'http.serverClose',
      });
    case 'redispatch':
      return set('redispatch', (draft) => (draft.redispatch = true), {
        verdict: rest.length === 0 ? 'taken' : 'changed',
        why: 'the last attempt may go to another server',
        target: 'http.redispatch',
      });
    case 'forwardfor':
      return set('forwardfor', (draft) => (draft.forwardedForExcept = readExcept(rest)), answerForwardfor(rest));
    default:
      if (!Object.hasOwn(OTHER_OPTIONS, option)) return false;
      context.report.answer(line, OTHER_OPTIONS[option] ?? { verdict: 'refused', why: 'it is not served' });
      return true;
  }
}

function readExcept(words: readonly string[]): string[] {
  return words.flatMap((word, index) =>
    word === 'except' && readNetwork(words[index + 1] ?? '').ok ? (words[index + 1] ?? []) : [],
  );
}

function answerForwardfor(words: readonly string[]): Answer {
  const target = 'http.forwardedFor';
  if (words.includes('header') || words.includes('if-none')) {
    return {
      verdict: 'changed',
      why: 'always the field X-Forwarded-For; "header" and "if-none" cannot be set in this version',
      target,
    };
  }
  const known = readExcept(words);
  if (known.length < words.filter((word) => word === 'except').length) {
    return { verdict: 'changed', why: 'for every client: what stands behind except is no network', target };
  }
  const except = known.join(', ');
  return {
    verdict: 'taken',
    why: except === '' ? 'X-Forwarded-For for every client' : `X-Forwarded-For, but not for ${except}`,
    target,
  };
}

/** Options that can be switched off again, by the setting that they are. */
const SWITCHES: Readonly<Record<string, string>> = {
  redispatch: 'redispatch',
  dontlognull: 'dontlognull',
  'http-server-close': 'connection mode',
  httpclose: 'connection mode',
  forceclose: 'connection mode',
  forwardfor: 'forwardfor',
};

function answerNoOption(context: HaproxyContext, line: HaproxyLine, option: string): boolean {
  const key = Object.hasOwn(SWITCHES, option) ? SWITCHES[option] : undefined;
  if (key === undefined || !context.settings.has(key)) {
    context.report.answer(line, { verdict: 'not-needed', why: 'it switches off what is not on' });
    return true;
  }
  const answer: Answer = { verdict: 'taken', why: 'it is off', target: context.settings.get(key)?.answer.target ?? '' };
  addSetting(context, { key, line, value: '', apply: () => undefined, answer });
  return true;
}

function answerLog(context: HaproxyContext, line: HaproxyLine): boolean {
  context.draft.logs = true;
  const why =
    line.words[1] === 'global'
      ? 'the access log is written for every frontend'
      : 'nothing is sent to syslog by this version: lines go to standard output or to log.access.file';
  context.report.answer(line, { verdict: line.words[1] === 'global' ? 'taken' : 'changed', why, target: 'log.access' });
  return true;
}

/** Answers `timeout tarpit`: it is written into the tarpit rules of the section. */
function answerTarpit(context: HaproxyContext, line: HaproxyLine): true {
  const timeMs = readHaproxyTime(line.words[2] ?? '');
  const fits = timeMs !== undefined && isTarpitTime(timeMs);
  context.report.answer(line, {
    verdict: fits ? 'taken' : 'refused',
    why: fits ? 'the delay of the tarpit rules' : 'a tarpit lasts from 1ms to 1h',
    target: 'frontends.*.rules',
  });
  return true;
}
