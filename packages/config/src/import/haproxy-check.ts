// HAProxy's health checks of a backend (`option httpchk`, `http-check`, `tcp-check`, inter/rise/fall of servers) as one
// check for all servers of the backend.
import { checkRegex } from '@tospann/regex';
import { formatDuration } from '../units.ts';
import type { FlowValue } from './pair-draft.ts';
import type { ServerParams } from './haproxy-server.ts';

/** The request of an HTTP check, as far as a line says it. */
export interface HttpCheck {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What lines about checks have said so far. */
export interface CheckSettings {
  /** `option httpchk` stands there. */
  readonly isHttp?: boolean;
  /** Of `option httpchk`. */
  readonly http?: HttpCheck;
  /** Of `http-check send`. */
  readonly send?: HttpCheck;
  readonly expect?: Readonly<Record<string, FlowValue>>;
  readonly dialogue?: readonly Readonly<Record<string, string>>[];
  readonly port?: number;
  /** `http-check` lines are those of `defaults`: the first of the section takes the place of them all. */
  readonly isInherited?: boolean;
}

/** Settings with what a line adds, and what of the line is left out; or why it cannot be taken. */
export type CheckReading =
  | { readonly ok: true; readonly settings: CheckSettings; readonly why: string; readonly leftOut: readonly string[] }
  | { readonly ok: false; readonly why: string };

// HAProxy's own defaults (manual, section 5.2 "inter", "rise", "fall" and "option httpchk").
const INTERVAL_MS = 2000;
const RISE = 2;
const FALL = 3;

const METHOD = /^[A-Z]{1,20}$/;
const PATH = /^(?:\/[!-~]{0,2047}|\*)$/;
const HOST = /^[\w.-]{1,255}(?::\d{1,5})?$/;
const NAME = /^[!#$%&'*+\-.^_`|~\w]{1,128}$/;
const VALUE = /^[ -~]{1,1024}$/;

const OLD_HTTP = 'HTTP/1.0 (it is HTTP/1.1, with a Host field)';

/** Reads `option httpchk [METHOD] [URI] [VERSION]`; the words after `httpchk`. */
// oxlint-disable-next-line complexity -- long: defaults of parts that a line may leave out
export function readHttpchk(settings: CheckSettings, words: readonly string[]): CheckReading {
  const { dialogue: _dialogue, ...others } = settings;
  const known = { ...others, isHttp: true };
  if (words.length === 0) {
    const leftOut = settings.send === undefined ? [OLD_HTTP] : [];
    return { ok: true, settings: known, why: 'an HTTP check, good with 2xx and 3xx', leftOut };
  }
  const [method, path, ...version] = words.length === 1 ? ['OPTIONS', ...words] : words;
  if (!METHOD.test(method ?? '') || !PATH.test(path ?? '')) {
    return { ok: false, why: `"${method ?? ''} ${path ?? ''}" is no method and path` };
  }
  const leftOut: string[] = [];
  const [form = '', ...lines] = version.join(' ').split(/\r?\n/);
  const http = withFields({ method: method ?? '', path: path ?? '' }, lines, leftOut);
  const why = `an HTTP check: ${method ?? ''} ${path ?? ''}, good with 2xx and 3xx`;
  if (form !== 'HTTP/1.1') leftOut.push(OLD_HTTP);
  return { ok: true, settings: { ...known, http }, why, leftOut };
}

/** The request with the fields that stand behind the version. */
function withFields(
  request: { readonly method: string; readonly path: string },
  lines: readonly string[],
  leftOut: string[],
): HttpCheck {
  const check: { method: string; path: string; host?: string } = { ...request };
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name = '', text = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
    if (name !== '') setField(check, headers, { name, text, leftOut });
  }
  return Object.keys(headers).length === 0 ? check : { ...check, headers };
}

/** Reads the words after `http-check`. */
export function readHttpCheck(before: CheckSettings, words: readonly string[]): CheckReading {
  const [action = '', ...rest] = words;
  if (action === 'comment') return { ok: true, settings: before, why: 'a remark', leftOut: [] };
  const settings = before.isInherited === true ? withoutSteps(before) : before;
  if (action === 'send') return readSend(settings, rest);
  if (action === 'expect') return readExpect(settings, rest);
  if (action === 'connect') return readConnect(settings, rest);
  return { ok: false, why: `"http-check ${action}" is not served by this version` };
}

function withoutSteps({ send: _send, expect: _expect, port: _port, ...rest }: CheckSettings): CheckSettings {
  return { ...rest, isInherited: false };
}

function readSend(settings: CheckSettings, words: readonly string[]): CheckReading {
  if (settings.send !== undefined) {
    return { ok: false, why: 'a check has one request and one answer in this version: those of the first step' };
  }
  const check: { method?: string; path?: string; host?: string } = {};
  const headers: Record<string, string> = {};
  const leftOut: string[] = [];
  for (let at = 0; at < words.length; at += 2) {
    const word = words[at] ?? '';
    const value = words[at + 1] ?? '';
    if (word === 'meth' && METHOD.test(value)) check.method = value;
    else if (word === 'uri' && PATH.test(value)) check.path = value;
    else if (word === 'hdr') {
      at += 1;
      setField(check, headers, { name: value, text: words[at + 1] ?? '', leftOut });
    } else if (word !== 'ver') leftOut.push(`${word} ${value}`);
    else if (value !== 'HTTP/1.1') leftOut.push(`${value} (it is HTTP/1.1)`);
  }
  const send: HttpCheck = Object.keys(headers).length === 0 ? check : { ...check, headers };
  return { ok: true, settings: { ...settings, send }, why: 'the request of the check', leftOut };
}

interface Field {
  readonly name: string;
  readonly text: string;
  readonly leftOut: string[];
}

function setField(check: { host?: string }, headers: Record<string, string>, { name, text, leftOut }: Field): void {
  const value = text.trim();
  const framing = /^(?:connection|content-length|transfer-encoding)$/i.test(name);
  if (name.toLowerCase() === 'host' && HOST.test(value)) check.host = value;
  // The proxy closes the connection of a check itself.
  else if (name.toLowerCase() === 'connection' && value.toLowerCase() === 'close') return;
  else if (framing || name.toLowerCase() === 'host' || !NAME.test(name) || !VALUE.test(value) || value.includes('%['))
    leftOut.push(`${name}: ${value}`);
  else headers[name] = value;
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
  const expect = kind === '!' ? readUnwanted(rest) : readExpected(kind, rest);
  if (typeof expect === 'string') return { ok: false, why: expect };
  const [twice] = Object.keys(expect).filter((key) => key in (settings.expect ?? {}));
  if (twice !== undefined)
    return { ok: false, why: `a check wants one ${twice} in this version, and a line above has it` };
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

const PLAIN = /^[^\p{Cc}]{1,1024}$/u;

/** What must not come, where it can be said by what must. */
function readUnwanted(words: readonly string[]): Record<string, FlowValue> | string {
  const [kind = '', ...rest] = words;
  const text = rest.join(' ');
  const family = kind === 'rstatus' ? /^\^?([1-5])(?:\.\.)?$/.exec(text)?.[1] : undefined;
  const [, from = '', to = from] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(kind === 'status' ? text : '') ?? [];
  const first = family === undefined ? Number(from) : Number(family) * 100;
  const last = family === undefined ? Number(to) : first + 99;
  if (!(first >= 100 && last >= first))
    return 'what must not come cannot be said in this version: write what must come';
  const ranges = [...(first > 100 ? [`100-${first - 1}`] : []), ...(last < 599 ? [`${last + 1}-599`] : [])];
  return ranges.length === 0 ? 'no status is left that may come' : { status: ranges };
}

function readExpected(kind: string, words: readonly string[]): Record<string, FlowValue> | string {
  const text = words.join(' ');
  switch (kind) {
    case 'status':
      return /^[1-5]\d\d(?:-[1-5]\d\d)?(?:,[1-5]\d\d(?:-[1-5]\d\d)?)*$/.test(text)
        ? { status: text.split(',').map((part) => (part.includes('-') ? part : Number(part))) }
        : 'statuses are from 100 to 599';
    case 'rstatus': {
      const range = STATUS_PATTERNS.find(([form]) => form.test(text))?.[1];
      return range === undefined
        ? 'statuses are written as numbers and ranges here: expect: { status: [200, "300-399"] }'
        : { status: [range] };
    }
    case 'string':
      return PLAIN.test(text) ? { bodyContains: text } : 'a text has 1 to 1024 characters, and no control characters';
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
  return known && NAME.test(name) && VALUE.test(value.join(' '))
    ? { header: { name, contains: value.join(' ') } }
    : 'a header is named, and its value has a text in it: hdr name NAME value -m sub TEXT';
}

/** Reads the words after `tcp-check`. */
export function readTcpCheck(settings: CheckSettings, words: readonly string[]): CheckReading {
  const [action = '', ...rest] = words;
  const say = (step: Readonly<Record<string, string>>, why: string): CheckReading => ({
    ok: true,
    settings: { ...settings, dialogue: [...(settings.dialogue ?? []), step] },
    why,
    leftOut: [],
  });
  if (action === 'connect') return readConnect(settings, rest);
  if (action === 'comment') return { ok: true, settings, why: 'a remark', leftOut: [] };
  const bytes = bytesOf(action, rest);
  if (bytes !== undefined) {
    const isGood = bytes !== '' && bytes.length <= 1024;
    if (!isGood) return { ok: false, why: 'a step of a dialogue has 1 to 1024 bytes' };
    return say(action === 'expect' ? { expect: bytes } : { send: bytes }, 'a step of the dialogue');
  }
  return {
    ok: false,
    why: `"tcp-check ${action} ${rest[0] ?? ''}" is not served by this version: send and expect text or bytes`,
  };
}

/** The bytes of a step as the new file writes them; undefined when it is another kind of step. */
function bytesOf(action: string, words: readonly string[]): string | undefined {
  const [kind, ...rest] = words;
  if (action === 'send') return escapeBytes(words.join(' '));
  if (action === 'expect' && kind === 'string') return escapeBytes(rest.join(' '));
  const hex =
    action === 'send-binary' ? words.join('') : action === 'expect' && kind === 'binary' ? rest.join('') : undefined;
  return hex === undefined ? undefined : /^(?:[0-9a-f]{2})+$/i.test(hex) ? hexBytes(hex) : '';
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
    const { http: _http, send: _send, expect: _expect, isHttp: _isHttp, ...rest } = settings;
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
  const { expect, dialogue, isHttp = false } = settings;
  const port = settings.port ?? params.checkPort;
  return {
    type: isHttp ? 'http' : 'tcp',
    ...(isHttp ? requestOf(settings) : {}),
    ...(port === undefined ? {} : { port }),
    ...makeTiming(params, pair),
    ...(isHttp && expect !== undefined ? { expect: wantedOf(expect) } : {}),
    ...(dialogue === undefined || isHttp ? {} : { dialogue }),
  };
}

function requestOf({ http = {}, send = {} }: CheckSettings): Record<string, FlowValue> {
  const headers = { ...http.headers, ...send.headers };
  const host = send.host ?? http.host;
  return {
    method: send.method ?? http.method ?? 'OPTIONS',
    path: send.path ?? http.path ?? '/',
    ...(host === undefined ? {} : { host }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
  };
}

/** In HAProxy a check that wants a text or a header takes any status. */
function wantedOf(expect: Readonly<Record<string, FlowValue>>): Record<string, FlowValue> {
  return 'status' in expect ? { ...expect } : { status: ['100-599'], ...expect };
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
