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
}

export interface ServerLine {
  readonly name: string;
  readonly address: string;
  readonly params: ServerParams;
  /** Why the server cannot be taken; empty when it can. */
  readonly refusal: string;
  /** Parameters that are left out although the server is taken. */
  readonly leftOut: readonly string[];
}

// Without these the server would do something else than the operator meant, so it is refused with them.
const DECISIVE: Readonly<Record<string, string>> = {
  disabled: 'a disabled server would become an active one here: add it, and take it out with "tospann servers maint"',
  ssl: 'TLS to servers is not served by this version',
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
  'redir',
  'resolve-net',
  'resolve-opts',
  'resolve-prefer',
  'resolvers',
  'shard',
  'sni',
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
  const { params, leftOut, refusal } = readParams(words);
  const address = writtenAddress(written);
  return { name, address, params, leftOut, refusal: refusal === '' ? addressRefusal(address) : refusal };
}

/** Reads the parameters of `default-server` or of a `server` line after its address. */
export function readParams(words: readonly string[]): {
  readonly params: ServerParams;
  readonly leftOut: readonly string[];
  readonly refusal: string;
} {
  const params: ServerParams = {};
  const leftOut: string[] = [];
  let refusal = '';
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const argument = words[at + 1];
    if (Object.hasOwn(FLAGS, word)) {
      Object.assign(params, FLAGS[word]);
    } else if (Object.hasOwn(DECISIVE, word)) {
      refusal = `"${word}": ${DECISIVE[word] ?? ''}`;
    } else if (argument !== undefined && setParam(params, word, argument)) {
      at += 1;
    } else if (WITH_ARGUMENT.has(word) || Object.hasOwn(VALUES, word)) {
      at += 1;
      leftOut.push(Object.hasOwn(VALUES, word) ? `${word} ${argument ?? ''}` : word);
    } else {
      leftOut.push(word);
    }
  }
  return { params, leftOut, refusal };
}

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
};

// Parameters with an argument: what it becomes, or undefined when it has no counterpart.
const VALUES: Readonly<Record<string, (argument: string) => ServerParams | undefined>> = {
  cookie: (cookie) => ({ cookie }),
  weight: whole((weight) => ({ weight })),
  maxconn: whole((maxConnections) => ({ maxConnections })),
  maxqueue: whole((maxQueue) => (maxQueue === 0 ? {} : { maxQueue })),
  rise: whole((rise) => ({ rise })),
  fall: whole((fall) => ({ fall })),
  port: whole((checkPort) => ({ checkPort })),
  'error-limit': whole((errorLimit) => ({ errorLimit })),
  'agent-port': whole((agentPort) => ({ agentPort })),
  inter: time((intervalMs) => ({ intervalMs })),
  fastinter: time((fastIntervalMs) => ({ fastIntervalMs })),
  downinter: time((downIntervalMs) => ({ downIntervalMs })),
  'agent-inter': time((agentIntervalMs) => ({ agentIntervalMs })),
  slowstart: time((slowStartMs) => ({ slowStartMs: Math.max(100, slowStartMs) })),
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

function whole(make: (count: number) => ServerParams): (argument: string) => ServerParams | undefined {
  return (argument) => (/^\d{1,9}$/.test(argument) ? make(Number(argument)) : undefined);
}

// HAProxy reads plain numbers as milliseconds.
function time(make: (timeMs: number) => ServerParams): (argument: string) => ServerParams | undefined {
  return (argument) => {
    const timeMs = readHaproxyTime(argument);
    return timeMs === undefined ? undefined : make(timeMs);
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
