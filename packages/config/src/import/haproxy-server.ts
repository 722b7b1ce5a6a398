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
  rise?: number;
  fall?: number;
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
  backup: 'a backup server would become an active one here',
  disabled: 'a disabled server would become an active one here',
  ssl: 'TLS to servers is not served by this version',
  'send-proxy': 'the PROXY protocol is not served by this version',
  'send-proxy-v2': 'the PROXY protocol is not served by this version',
  'send-proxy-v2-ssl': 'the PROXY protocol is not served by this version',
  'send-proxy-v2-ssl-cn': 'the PROXY protocol is not served by this version',
  socks4: 'SOCKS is not served by this version',
  proto: 'another protocol than HTTP/1.1 is not served by this version',
};

// Parameters with one argument that are left out; others are taken to have none.
const WITH_ARGUMENT: ReadonlySet<string> = new Set([
  'addr',
  'agent-addr',
  'agent-inter',
  'agent-port',
  'agent-send',
  'alpn',
  'ca-file',
  'crt',
  'ciphers',
  'downinter',
  'error-limit',
  'id',
  'init-addr',
  'log-proto',
  'maxqueue',
  'max-reuse',
  'minconn',
  'namespace',
  'observe',
  'on-error',
  'on-marked-down',
  'on-marked-up',
  'pool-low-conn',
  'pool-max-conn',
  'pool-purge-delay',
  'port',
  'redir',
  'resolve-net',
  'resolve-opts',
  'resolve-prefer',
  'resolvers',
  'shard',
  'slowstart',
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
  const [, name = '', address = '', ...words] = line.words;
  const { params, leftOut, refusal } = readParams(words);
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
    if (word === 'check') {
      params.check = true;
    } else if (word === 'no-check') {
      params.check = false;
    } else if (argument !== undefined && setParam(params, word, argument)) {
      at += 1;
    } else if (DECISIVE[word] !== undefined) {
      refusal = `"${word}": ${DECISIVE[word]}`;
    } else {
      leftOut.push(word);
      if (WITH_ARGUMENT.has(word)) at += 1;
    }
  }
  return { params, leftOut, refusal };
}

function setParam(params: ServerParams, word: string, argument: string): boolean {
  const timeMs = readHaproxyTime(argument);
  const count = /^\d+$/.test(argument) ? Number(argument) : undefined;
  if (word === 'cookie') params.cookie = argument;
  else if (word === 'inter' && timeMs !== undefined) params.intervalMs = timeMs;
  else if (word === 'fastinter' && timeMs !== undefined) params.fastIntervalMs = timeMs;
  else if (count === undefined) return false;
  else if (word === 'weight') params.weight = count;
  else if (word === 'maxconn') params.maxConnections = count;
  else if (word === 'rise') params.rise = count;
  else if (word === 'fall') params.fall = count;
  else return false;
  return true;
}

function addressRefusal(address: string): string {
  if (readEndpoint(address).ok) return '';
  if (!address.includes(':')) return 'a server needs its port here: write ADDRESS:PORT';
  if (/[a-z]/i.test(address) && !address.includes('::')) {
    return 'host names of servers are not resolved by this version: write an IPv4 address';
  }
  return 'only an IPv4 address with a port can be used in this version';
}
