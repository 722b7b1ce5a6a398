// Lines that may stand in `defaults` and in every proxy: options, time-outs, retries, logs. Here they hold for the
// whole pair.
import { formatDuration } from '../units.ts';
import { setForPair, type HaproxyContext } from './haproxy-context.ts';
import { readHaproxyTime, type HaproxyLine } from './haproxy-text.ts';
import type { TimeoutKey } from './pair-draft.ts';
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
  tcplog: { verdict: 'refused', why: 'only HTTP is served by this version, so only its log lines are written' },
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
  allbackups: { verdict: 'refused', why: 'there are no backup servers in this version' },
  persist: { verdict: 'refused', why: 'a server that is down is never used here' },
  'accept-invalid-http-request': {
    verdict: 'refused',
    why: 'requests are parsed strictly: two readings of one request are how smuggling works',
  },
  'accept-invalid-http-response': { verdict: 'refused', why: 'answers are parsed strictly' },
};

/** Answers a line that every kind of proxy section may have; false when it is another one. */
export function answerShared(context: HaproxyContext, line: HaproxyLine): boolean {
  const [keyword = '', second = '', third = ''] = line.words;
  if (keyword === 'timeout') return answerTimeout(context, line, { key: TIMEOUTS[second], value: third });
  if (Object.hasOwn(OLD_TIMEOUTS, keyword)) {
    return answerTimeout(context, line, { key: OLD_TIMEOUTS[keyword], value: second });
  }
  if (keyword === 'option') return answerOption(context, line, line.words.slice(1));
  if (keyword === 'no' && second === 'option') return answerNoOption(context, line, third);
  if (keyword === 'retries' && /^\d+$/.test(second)) {
    const value = Math.min(100, Number(second));
    setForPair(context, line, {
      key: 'retries',
      value: second,
      apply: () => (context.draft.retries = value),
      answer: {
        verdict: Number(second) === value ? 'taken' : 'changed',
        why: `${value} further attempts to connect`,
        target: 'http.retries',
      },
    });
    return true;
  }
  if (keyword === 'log') return answerLog(context, line);
  if (keyword === 'no' && second === 'log') {
    context.report.answer(line, { verdict: 'refused', why: 'the access log is on or off for the whole pair' });
    return true;
  }
  return false;
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
  const value = formatDuration(timeMs);
  setForPair(context, line, {
    key: `timeout ${key}`,
    value,
    apply: () => (context.draft.timeouts[key] = value),
    answer: { verdict: 'taken', why: `${value}, for the whole pair`, target: `timeouts.${key}` },
  });
  return true;
}

function answerOption(context: HaproxyContext, line: HaproxyLine, words: readonly string[]): boolean {
  const [option = '', ...rest] = words;
  const { draft } = context;
  const set = (key: string, apply: () => void, answer: Answer): boolean => {
    setForPair(context, line, { key, value: option === 'forwardfor' ? rest.join(' ') : option, apply, answer });
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
      return set('dontlognull', () => (draft.ignoreEmpty = true), {
        verdict: 'taken',
        why: 'no line for connections that sent nothing',
        target: 'log.access.ignoreEmpty',
      });
    case 'http-server-close':
      return set('connection mode', () => (draft.serverClose = true), {
        verdict: 'taken',
        why: 'the connection to the server is closed after each answer; false keeps it open and saves a handshake for each request',
        target: 'http.serverClose',
      });
    case 'httpclose':
    case 'forceclose':
      return set('connection mode', () => (draft.serverClose = true), {
        verdict: 'changed',
        why: "the server's connection is closed after each answer, the client's stays open",
        target: 'http.serverClose',
      });
    case 'http-keep-alive':
      return set('connection mode', () => (draft.serverClose = false), {
        verdict: 'taken',
        why: 'connections stay open on both sides',
        target: 'http.serverClose',
      });
    case 'redispatch':
      return set('redispatch', () => (draft.redispatch = true), {
        verdict: rest.length === 0 ? 'taken' : 'changed',
        why: 'the last attempt may go to another server',
        target: 'http.redispatch',
      });
    case 'forwardfor':
      return set('forwardfor', () => (draft.forwardedForExcept = readExcept(rest)), answerForwardfor(rest));
    default:
      if (!Object.hasOwn(OTHER_OPTIONS, option)) return false;
      context.report.answer(line, OTHER_OPTIONS[option] ?? { verdict: 'refused', why: 'it is not served' });
      return true;
  }
}

function readExcept(words: readonly string[]): string[] {
  return words.flatMap((word, index) => (word === 'except' ? (words[index + 1] ?? []) : []));
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
  const except = readExcept(words).join(', ');
  return {
    verdict: 'taken',
    why: except === '' ? 'X-Forwarded-For for every client' : `X-Forwarded-For, but not for ${except}`,
    target,
  };
}

function answerNoOption(context: HaproxyContext, line: HaproxyLine, option: string): boolean {
  const known: Readonly<Record<string, string>> = {
    redispatch: 'redispatch',
    dontlognull: 'dontlognull',
    'http-server-close': 'connection mode',
    forwardfor: 'forwardfor',
  };
  const key = Object.hasOwn(known, option) ? known[option] : undefined;
  const before = key === undefined ? undefined : context.pairWide.get(key);
  context.report.answer(
    line,
    before === undefined
      ? { verdict: 'not-needed', why: 'it switches off what is not on' }
      : {
          verdict: 'refused',
          why: `it holds for the whole pair here, and line ${before.line.line} ("${before.line.text}") switches it on`,
        },
  );
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
