// HAProxy's health checks of a backend (`option httpchk`, `http-check`, `tcp-check`, inter/rise/fall of servers) as one
// check for all servers of the backend.
import { checkRegex } from '@tospann/regex';
import { formatDuration } from '../units.ts';
import type { FlowValue } from './pair-draft.ts';
import type { ServerParams } from './haproxy-server.ts';

/** The request of an HTTP check. */
export interface HttpCheck {
  readonly method: string;
  readonly path: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What lines about checks have said so far. */
export interface CheckSettings {
  readonly http?: HttpCheck;
  readonly expect?: Readonly<Record<string, FlowValue>>;
  readonly dialogue?: readonly Readonly<Record<string, string>>[];
  readonly port?: number;
}

/** Settings with what a line adds, and what of the line is left out; or why it cannot be taken. */
export type CheckReading =
  | { readonly ok: true; readonly settings: CheckSettings; readonly why: string; readonly leftOut: readonly string[] }
  | { readonly ok: false; readonly why: string };

// HAProxy's own defaults (manual, section 5.2 "inter", "rise", "fall" and "option httpchk").
const INTERVAL_MS = 2000;
const RISE = 2;
const FALL = 3;

/** Reads `option httpchk [METHOD] [URI] [VERSION]`; the words after `httpchk`. */
export function readHttpchk(words: readonly string[]): HttpCheck {
  if (words.length === 0) return { method: 'OPTIONS', path: '/' };
  if (words.length === 1) return { method: 'OPTIONS', path: words[0] ?? '/' };
  const [method = 'OPTIONS', path = '/', ...version] = words;
  const host = /\r\nHost:\s*([^\r\n]+)/i.exec(version.join(' '))?.[1]?.trim();
  return host === undefined ? { method, path } : { method, path, host };
}

/** Reads the words after `http-check`. */
export function readHttpCheck(settings: CheckSettings, words: readonly string[]): CheckReading {
  const [action = '', ...rest] = words;
  if (action === 'send') return readSend(settings, rest);
  if (action === 'expect') return readExpect(settings, rest);
  if (action === 'connect') return readConnect(settings, rest);
  if (action === 'comment') return { ok: true, settings, why: 'a remark', leftOut: [] };
  return { ok: false, why: `"http-check ${action}" is not served by this version` };
}

function readSend(settings: CheckSettings, words: readonly string[]): CheckReading {
  const before = settings.http ?? readHttpchk([]);
  const check: { method: string; path: string; host?: string } = before;
  const http = { ...check };
  const headers = { ...before.headers };
  const leftOut: string[] = [];
  for (let at = 0; at < words.length; at += 2) {
    const word = words[at] ?? '';
    const value = words[at + 1] ?? '';
    if (word === 'meth') http.method = value;
    else if (word === 'uri') http.path = value;
    else if (word === 'hdr') {
      at += 1;
      const text = words[at + 1] ?? '';
      if (value.toLowerCase() === 'host') http.host = text;
      else setHeader(headers, { name: value, text }, leftOut);
    } else if (word !== 'ver') leftOut.push(`${word} ${value}`);
  }
  const made: HttpCheck = Object.keys(headers).length === 0 ? http : { ...http, headers };
  return { ok: true, settings: { ...settings, http: made }, why: 'the request of the check', leftOut };
}

function setHeader(
  headers: Record<string, string>,
  header: { readonly name: string; readonly text: string },
  leftOut: string[],
): void {
  const framing = /^(?:connection|content-length|transfer-encoding)$/i.test(header.name);
  if (framing || header.text.includes('%[')) leftOut.push(`hdr ${header.name} ${header.text}`);
  else headers[header.name] = header.text;
}

function readExpect(settings: CheckSettings, words: readonly string[]): CheckReading {
  const options = [
    'min-recv',
    'comment',
    'ok-status',
    'error-status',
    'tout-status',
    'on-success',
    'on-error',
    'status-code',
  ];
  const leftOut: string[] = [];
  let at = 0;
  while (options.includes(words[at] ?? '')) {
    leftOut.push(`${words[at] ?? ''} ${words[at + 1] ?? ''}`);
    at += 2;
  }
  const [kind = '', ...rest] = words.slice(at);
  const expect = readExpected(kind, rest);
  if (typeof expect === 'string') return { ok: false, why: expect };
  return {
    ok: true,
    settings: { ...settings, expect: { ...settings.expect, ...expect } },
    why: 'what the check wants',
    leftOut,
  };
}

/** Statuses as HAProxy's patterns ask for them: `^2`, `^[23]`, `(2|3)..`. */
const STATUS_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/^\^?2(?:\.\.|\[0-9\]\{2\}|\[0-9\]\[0-9\]|\\d\\d|\\d\{2\})?\$?$/, '200-299'],
  [/^\^?(?:\[23\]|\[2-3\]|\(2\|3\)|\(\?:2\|3\))(?:\.\.|\[0-9\]\{2\}|\[0-9\]\[0-9\]|\\d\\d|\\d\{2\})?\$?$/, '200-399'],
];

function readExpected(kind: string, words: readonly string[]): Record<string, FlowValue> | string {
  const text = words.join(' ');
  switch (kind) {
    case '!':
      return 'what must not come cannot be said in this version: write what must come';
    case 'status':
      return { status: text.split(',').map((part) => (part.includes('-') ? part : Number(part))) };
    case 'rstatus': {
      const range = STATUS_PATTERNS.find(([form]) => form.test(text))?.[1];
      return range === undefined
        ? 'statuses are written as numbers and ranges here: expect: { status: [200, "300-399"] }'
        : { status: [range] };
    }
    case 'string':
      return { bodyContains: text };
    case 'rstring': {
      const problem = checkRegex(text);
      return problem === undefined
        ? { bodyRegex: text }
        : `the regular expression cannot be used here: ${problem.reason}`;
    }
    case 'hdr':
    case 'fhdr':
      return readExpectedHeader(words);
    default:
      return `"${kind}" is not served by this version`;
  }
}

// `name X-State value -m sub ready`; without a match it is the whole value.
function readExpectedHeader(words: readonly string[]): Record<string, FlowValue> | string {
  const name = words[words.indexOf('name') + 1] ?? '';
  const value = words
    .slice(words.indexOf('value') + 1)
    .filter((word, at, all) => word !== '-m' && all[at - 1] !== '-m');
  const how = words.includes('value') ? (words[words.indexOf('-m', words.indexOf('value')) + 1] ?? '') : '';
  const known = words.includes('name') && words.includes('value') && (!words.includes('-m') || how === 'sub');
  return known
    ? { header: { name, contains: value.join(' ') } }
    : 'a header is named, and its value has a text in it: hdr name NAME value -m sub TEXT';
}

/** Reads the words after `tcp-check`. */
export function readTcpCheck(settings: CheckSettings, words: readonly string[]): CheckReading {
  const [action = '', ...rest] = words;
  const text = rest.join(' ');
  const say = (step: Readonly<Record<string, string>>, why: string): CheckReading => ({
    ok: true,
    settings: { ...settings, dialogue: [...(settings.dialogue ?? []), step] },
    why,
    leftOut: [],
  });
  if (action === 'connect') return readConnect(settings, rest);
  if (action === 'comment') return { ok: true, settings, why: 'a remark', leftOut: [] };
  if (action === 'send') return say({ send: escapeBytes(text) }, 'a step of the dialogue');
  if (action === 'send-binary') return say({ send: hexBytes(text) }, 'a step of the dialogue');
  if (action === 'expect' && rest[0] === 'string') {
    return say({ expect: escapeBytes(rest.slice(1).join(' ')) }, 'a step of the dialogue');
  }
  if (action === 'expect' && rest[0] === 'binary') {
    return say({ expect: hexBytes(rest.slice(1).join('')) }, 'a step of the dialogue');
  }
  return {
    ok: false,
    why: `"tcp-check ${action} ${rest[0] ?? ''}" is not served by this version: send and expect text or bytes`,
  };
}

function readConnect(settings: CheckSettings, words: readonly string[]): CheckReading {
  const port = Number(words[words.indexOf('port') + 1]);
  if (words.includes('ssl')) return { ok: false, why: '"ssl": TLS is not served by this version' };
  if (!words.includes('port')) return { ok: true, settings, why: 'a check begins with it', leftOut: words };
  if (settings.port !== undefined || !Number.isInteger(port))
    return { ok: false, why: 'a check has one port in this version' };
  return { ok: true, settings: { ...settings, port }, why: 'the port of the check', leftOut: [] };
}

/** Bytes as the dialogue of the new file writes them. */
function escapeBytes(text: string): string {
  const known: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\0': '\\0', '\\': '\\\\' };
  return [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      if (known[char] !== undefined) return known[char];
      return byte >= 0x20 && byte < 0x7f ? char : `\\x${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

function hexBytes(hex: string): string {
  return hex.replace(/[0-9a-f]{2}/gi, String.raw`\x$&`);
}

// Protocol checks of HAProxy as dialogues, or as a plain connection where more cannot be said.
const PROTOCOLS: Readonly<Record<string, { readonly dialogue?: CheckSettings['dialogue']; readonly why: string }>> = {
  'redis-check': {
    dialogue: [{ send: String.raw`*1\r\n$4\r\nPING\r\n` }, { expect: String.raw`+PONG\r\n` }],
    why: 'PING and +PONG, as a dialogue',
  },
  smtpchk: {
    dialogue: [{ expect: '220' }, { send: String.raw`HELO localhost\r\n` }, { expect: '250' }],
    why: 'greeting, HELO and answer, as a dialogue',
  },
  'mysql-check': { why: 'only the connection is tried: the login of MySQL is not spoken' },
  'pgsql-check': { why: 'only the connection is tried: the login of PostgreSQL is not spoken' },
  'ldap-check': { why: 'only the connection is tried: LDAP is not spoken' },
  'ssl-hello-chk': { why: 'only the connection is tried: TLS is not spoken' },
};

/** Reads `option tcp-check`, `redis-check`, ...; undefined when it is another option. */
export function readCheckOption(settings: CheckSettings, option: string): CheckReading | undefined {
  if (option === 'tcp-check') {
    const { http: _http, expect: _expect, ...rest } = settings;
    return { ok: true, settings: rest, why: 'a TCP check, with the dialogue below', leftOut: [] };
  }
  const protocol = Object.hasOwn(PROTOCOLS, option) ? PROTOCOLS[option] : undefined;
  if (protocol === undefined) return undefined;
  const { dialogue, why } = protocol;
  const same: CheckReading = { ok: true, settings: dialogue === undefined ? {} : { dialogue }, why, leftOut: [] };
  return option === 'redis-check' ? same : { ...same, leftOut: [`the rest of ${option}`] };
}

/** Makes the backend's check from what its lines say and the parameters of its first checked server. */
export function makeCheck(
  params: ServerParams,
  settings: CheckSettings,
  pair: { readonly hasTimeout: boolean; readonly jitter?: string | undefined },
): Record<string, FlowValue> {
  const { http, expect, dialogue } = settings;
  const isHttp = http !== undefined || expect !== undefined;
  const port = settings.port ?? params.checkPort;
  return {
    type: isHttp ? 'http' : 'tcp',
    ...(isHttp ? (http ?? readHttpchk([])) : {}),
    ...(port === undefined ? {} : { port }),
    ...makeTiming(params, pair),
    ...(expect === undefined ? {} : { expect }),
    ...(dialogue === undefined || isHttp ? {} : { dialogue }),
  };
}

function makeTiming(
  params: ServerParams,
  pair: { readonly hasTimeout: boolean; readonly jitter?: string | undefined },
): Record<string, FlowValue> {
  const intervalMs = params.intervalMs ?? INTERVAL_MS;
  const fastMs = params.fastIntervalMs;
  const downMs = params.downIntervalMs;
  return {
    interval: formatDuration(intervalMs),
    ...(fastMs === undefined || fastMs > intervalMs ? {} : { fastInterval: formatDuration(fastMs) }),
    ...(downMs === undefined ? {} : { downInterval: formatDuration(downMs) }),
    ...(pair.jitter === undefined ? {} : { jitter: pair.jitter }),
    // Without `timeout check` HAProxy gives a check the time of its interval.
    ...(pair.hasTimeout ? {} : { timeout: formatDuration(intervalMs) }),
    rise: params.rise ?? RISE,
    fall: params.fall ?? FALL,
  };
}

const COMPARED = {
  intervalMs: 'inter',
  fastIntervalMs: 'fastinter',
  downIntervalMs: 'downinter',
  rise: 'rise',
  fall: 'fall',
  checkPort: 'port',
  slowStartMs: 'slowstart',
  observe: 'observe',
  errorLimit: 'error-limit',
  onError: 'on-error',
  agentPort: 'agent-port',
  agentSend: 'agent-send',
} as const;

/** Which parameters of a server differ from those that the backend takes for all. */
export function timingDifferences(params: ServerParams, deciding: ServerParams): string[] {
  return Object.entries(COMPARED).flatMap(([key, name]) => {
    const known = key as keyof typeof COMPARED; // a key of the table
    return params[known] === deciding[known] ? [] : [name];
  });
}
