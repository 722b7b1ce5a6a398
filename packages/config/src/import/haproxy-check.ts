// HAProxy's health check settings of a backend (`option httpchk`, `http-check send`, inter/rise/fall of servers) as
// one check for all servers of the backend.
import { formatDuration } from '../units.ts';
import type { CheckDraft } from './pair-draft.ts';
import type { ServerParams } from './haproxy-server.ts';

/** The request of an HTTP check. */
export interface HttpCheck {
  method: string;
  path: string;
  host?: string;
}

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

/** Reads `http-check send ...` over what was set before; the words left out are returned too. */
export function readHttpCheckSend(
  before: HttpCheck,
  words: readonly string[],
): { readonly check: HttpCheck; readonly leftOut: string[] } {
  const check = { ...before };
  const leftOut: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const value = words[at + 1] ?? '';
    at += 1;
    if (word === 'meth') check.method = value;
    else if (word === 'uri') check.path = value;
    else if (word === 'hdr' && value.toLowerCase() === 'host') check.host = words[(at += 1)] ?? '';
    else if (word === 'hdr') leftOut.push(`hdr ${value} ${words[(at += 1)] ?? ''}`);
    else if (word !== 'ver') leftOut.push(`${word} ${value}`);
  }
  return { check, leftOut };
}

/**
 * Makes the backend's check from the parameters of its checked servers: the first one decides.
 *
 * @param hasTimeout whether `timeout check` is set; without it HAProxy gives a check the time of its interval.
 */
export function makeCheck(params: ServerParams, http: HttpCheck | undefined, hasTimeout: boolean): CheckDraft {
  const intervalMs = params.intervalMs ?? INTERVAL_MS;
  const fastMs = params.fastIntervalMs;
  return {
    type: http === undefined ? 'tcp' : 'http',
    ...http,
    interval: formatDuration(intervalMs),
    ...(fastMs === undefined || fastMs > intervalMs ? {} : { fastInterval: formatDuration(fastMs) }),
    ...(hasTimeout ? {} : { timeout: formatDuration(intervalMs) }),
    rise: params.rise ?? RISE,
    fall: params.fall ?? FALL,
  };
}

/** Which timing parameters of a server differ from those that the backend's check has. */
export function timingDifferences(params: ServerParams, deciding: ServerParams): string[] {
  const keys = ['intervalMs', 'fastIntervalMs', 'rise', 'fall'] as const;
  const names = { intervalMs: 'inter', fastIntervalMs: 'fastinter', rise: 'rise', fall: 'fall' };
  return keys.filter((key) => params[key] !== deciding[key]).map((key) => names[key]);
}
