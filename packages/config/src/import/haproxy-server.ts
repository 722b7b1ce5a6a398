// The `server` and `default-server` lines of HAProxy: an address and a row of parameters.
import { readEndpoint } from '../units.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import { readHaproxyTime } from './haproxy-text.ts';

/** Parameters of a server that this version serves; absent: not written. */
export interface ServerParams {
  check?: boolean;
  cookie?: string;
  weight?: number;
  maxConnections?: number;
  intervalMs?: number;
  fastIntervalMs?: number;
  downIntervalMs?: number;
  rise?: number;
  fall?: number;
  checkPort?: number;
  slowStartMs?: number;
  maxQueue?: number;
  backup?: boolean;
  sendProxy?: 'v1' | 'v2';
  observe?: 'connection' | 'http';
  errorLimit?: number;
  onError?: string;
  closesSessions?: boolean;
  agent?: boolean;
  agentPort?: number;
  agentIntervalMs?: number;
  agentSend?: string;
  /** What makes that the server cannot be taken, by parameter; empty: switched off again. */
  refusals?: Readonly<Record<string, string>>;
}

export interface ServerLine {
  readonly name: string;
  readonly address: string;
  readonly params: ServerParams;
  /** Why its address cannot be taken; empty when it can. */
  readonly refusal: string;
  /** Parameters that are left out although the server is taken. */
  readonly leftOut: readonly string[];
}

// Without these the server would do something else than the operator meant, so it is refused with them.
const DECISIVE: Readonly<Record<string, string>> = {
  disabled: 'a disabled server would become an active one here: add it, and take it out with "tospann servers maint"',
  ssl: 'TLS to servers is not served by this version, and it is never spoken to in plain',
  'check-ssl': 'its checks are over TLS, which is not served by this version',
  'send-proxy-v2-ssl': 'TLS is not served by this version',
  'send-proxy-v2-ssl-cn': 'TLS is not served by this version',
  socks4: 'SOCKS is not served by this version',
  proto: 'another protocol than HTTP/1.1 is not served by this version',
};

// Parameters with one argument that are left out; others are taken to have none.
const WITH_ARGUMENT: ReadonlySet<string> = new Set([
  'addr',
  'agent-addr',
  'alpn',
  'ca-file',
  'crt',
  'ciphers',
  'id',
  'init-addr',
  'log-proto',
  'max-reuse',
  'minconn',
  'namespace',
  'on-marked-down',
  'on-marked-up',
  'pool-low-conn',
  'pool-max-conn',
  'pool-purge-delay',
  'proto',
  'redir',
  'resolve-net',
  'resolve-opts',
  'resolve-prefer',
  'resolvers',
  'shard',
  'sni',
  'socks4',
  'source',
  'tcp-ut',
  'track',
  'usesrc',
  'verify',
  'verifyhost',
  'ws',
]);

/** Reads `server NAME ADDRESS PARAMS...`. */
export function readServerLine(line: HaproxyLine): ServerLine {
  const [, name = '', written = '', ...words] = line.words;
  const { params, leftOut } = readParams(words);
  const address = writtenAddress(written);
  return { name, address, params, leftOut, refusal: line.fault ?? addressRefusal(address) };
}

/** Reads the parameters of `default-server` or of a `server` line after its address. */
export function readParams(words: readonly string[]): {
  readonly params: ServerParams;
  readonly leftOut: readonly string[];
} {
  const params: ServerParams = {};
  const leftOut: string[] = [];
  const refusals: Record<string, string> = {};
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const argument = words[at + 1];
    if (Object.hasOwn(FLAGS, word)) {
      Object.assign(params, FLAGS[word]);
    } else if (isDecisive(word, refusals)) {
      if (WITH_ARGUMENT.has(word)) at += 1;
    } else if (argument !== undefined && setParam(params, word, argument)) {
      at += 1;
    } else if (WITH_ARGUMENT.has(word) || Object.hasOwn(VALUES, word)) {
      at += 1;
      leftOut.push(Object.hasOwn(VALUES, word) ? `${word} ${argument ?? ''}` : word);
    } else {
      leftOut.push(word);
    }
  }
  if (Object.keys(refusals).length > 0) params.refusals = refusals;
  return { params, leftOut };
}

/** Notes what decides whether the server can be taken, or takes it back. */
function isDecisive(word: string, refusals: Record<string, string>): boolean {
  const known = Object.hasOwn(DECISIVE, word) ? DECISIVE[word] : undefined;
  const off = Object.hasOwn(SWITCHED_OFF, word) ? SWITCHED_OFF[word] : undefined;
  if (known !== undefined) refusals[word] = `"${word}": ${known}`;
  else if (off !== undefined) refusals[off] = '';
  return known !== undefined || off !== undefined;
}

// Parameters that take back what `default-server` says.
const SWITCHED_OFF: Readonly<Record<string, string>> = {
  'no-ssl': 'ssl',
  'no-check-ssl': 'check-ssl',
  enabled: 'disabled',
};

/** Parameters of a server under those of the `default-server` lines above it. */
export function withDefaults(defaults: ServerParams, params: ServerParams): ServerParams {
  const refusals = { ...defaults.refusals, ...params.refusals };
  return { ...defaults, ...params, ...(Object.keys(refusals).length === 0 ? {} : { refusals }) };
}

/** Why a server with these parameters cannot be taken; empty when it can. */
export function refusalOf({ refusals = {} }: ServerParams): string {
  return Object.values(refusals)
    .filter((why) => why !== '')
    .join('; ');
}

const COOKIE = /^[!#-+\--:<-[\]-~]{1,64}$/;
const MILLION = 1_000_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

// Parameters without an argument.
const FLAGS: Readonly<Record<string, ServerParams>> = {
  check: { check: true },
  'no-check': { check: false },
  backup: { backup: true },
  'no-backup': { backup: false },
  'send-proxy': { sendProxy: 'v1' },
  'send-proxy-v2': { sendProxy: 'v2' },
  'agent-check': { agent: true },
  'no-agent-check': { agent: false },
  stick: {},
  'non-stick': {},
};

// Parameters with an argument: what it becomes, or undefined when it has no counterpart.
const VALUES: Readonly<Record<string, (argument: string) => ServerParams | undefined>> = {
  cookie: (cookie) => (COOKIE.test(cookie) ? { cookie } : undefined),
  weight: whole(0, 256, (weight) => ({ weight })),
  maxconn: whole(0, MILLION, (maxConnections) => ({ maxConnections })),
  maxqueue: whole(0, MILLION, (maxQueue) => (maxQueue === 0 ? {} : { maxQueue })),
  rise: whole(1, 1000, (rise) => ({ rise })),
  fall: whole(1, 1000, (fall) => ({ fall })),
  port: whole(1, 65_535, (checkPort) => ({ checkPort })),
  'error-limit': whole(1, 100_000, (errorLimit) => ({ errorLimit })),
  'agent-port': whole(1, 65_535, (agentPort) => ({ agentPort })),
  inter: time(10, DAY_MS, (intervalMs) => ({ intervalMs })),
  fastinter: time(10, DAY_MS, (fastIntervalMs) => ({ fastIntervalMs })),
  downinter: time(10, DAY_MS, (downIntervalMs) => ({ downIntervalMs })),
  'agent-inter': time(10, DAY_MS, (agentIntervalMs) => ({ agentIntervalMs })),
  slowstart: time(1, HOUR_MS, (slowStartMs) => ({ slowStartMs: Math.max(100, slowStartMs) })),
  'agent-send': (agentSend) => ({ agentSend }),
  observe: (layer) => {
    const known: Readonly<Record<string, 'connection' | 'http'>> = { layer4: 'connection', layer7: 'http' };
    const observe = known[layer];
    return observe === undefined ? undefined : { observe };
  },
  'on-error': (word) => {
    // sudden-death makes one more failed check fatal; nothing here does just that.
    const known: Readonly<Record<string, string>> = {
      fastinter: 'fast-check',
      'fail-check': 'fail-check',
      'mark-down': 'mark-down',
    };
    const onError = known[word];
    return onError === undefined ? undefined : { onError };
  },
  'on-marked-down': (word) => (word === 'shutdown-sessions' ? { closesSessions: true } : undefined),
};

type Reader = (argument: string) => ServerParams | undefined;

function whole(min: number, max: number, make: (count: number) => ServerParams): Reader {
  return (argument) => {
    const count = Number(argument);
    return /^\d{1,9}$/.test(argument) && count >= min && count <= max ? make(count) : undefined;
  };
}

// HAProxy reads plain numbers as milliseconds.
function time(minMs: number, maxMs: number, make: (timeMs: number) => ServerParams): Reader {
  return (argument) => {
    const timeMs = readHaproxyTime(argument);
    return timeMs === undefined || timeMs < minMs || timeMs > maxMs ? undefined : make(timeMs);
  };
}

function setParam(params: ServerParams, word: string, argument: string): boolean {
  const read = Object.hasOwn(VALUES, word) ? VALUES[word] : undefined;
  const set = read?.(argument);
  if (set === undefined) return false;
  Object.assign(params, set);
  return true;
}

/** The address as the new file writes it: IPv6 in brackets. */
function writtenAddress(address: string): string {
  const [, host = '', port = ''] = /^(?:ipv[46]@)?(.*):(\d+)$/.exec(address) ?? [];
  if (host === '') return address;
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}

function addressRefusal(address: string): string {
  if (readEndpoint(address).ok) return '';
  if (!/:\d/.test(address)) return 'a server needs its port here: write ADDRESS:PORT';
  return 'only an address or host name with a port can be used in this version';
}
