// HAProxy's `balance`, `hash-type`, `hash-balance-factor` and `cookie` lines of a backend.
import { formatDuration } from '../units.ts';
import { readHaproxyTime } from './haproxy-text.ts';
import type { FlowValue } from './pair-draft.ts';
import type { Answer } from './report.ts';

/** How servers are chosen, as far as lines said it. */
export interface BalanceSettings {
  readonly balance: string;
  readonly hash?: Readonly<Record<string, FlowValue>>;
}

// Algorithms without options.
const SIMPLE: Readonly<Record<string, readonly [balance: string, why: string]>> = {
  roundrobin: ['roundrobin', 'in turn, by weight'],
  'static-rr': ['roundrobin', 'in turn, by weight'],
  leastconn: ['leastconn', 'the server with the fewest connections'],
  source: ['source', 'by the hash of the address of the client'],
  first: ['first', 'the first server that has room'],
  random: ['random2', 'the better of two servers drawn by lot'],
  'random(2)': ['random2', 'the better of two servers drawn by lot'],
};

const REFUSED: Readonly<Record<string, string>> = {
  url_param:
    'a parameter of the query is not hashed by this version: requests go in turn; balance: uri with wholeUri hashes the whole query',
  'rdp-cookie':
    'RDP is not looked into by this version: connections go in turn; balance: source keeps a client on its server',
};

interface BalanceReading {
  readonly settings?: BalanceSettings;
  readonly answer: Answer;
}

/** Reads what stands behind `balance`. */
export function readBalance(words: readonly string[]): BalanceReading {
  const [algorithm = '', ...options] = words;
  const simple = Object.hasOwn(SIMPLE, algorithm) ? SIMPLE[algorithm] : undefined;
  if (simple !== undefined) return taken({ balance: simple[0] }, simple[1], []);
  const header = /^hdr\(([\w-]+)\)$/i.exec(algorithm)?.[1];
  if (header !== undefined) {
    return taken({ balance: 'header', hash: { name: header } }, 'by the hash of the header', options);
  }
  if (/^random\(\d+\)$/.test(algorithm)) {
    return { settings: { balance: 'random2' }, answer: { verdict: 'changed', why: 'two servers are drawn, always' } };
  }
  if (algorithm === 'uri') {
    const whole = options.includes('whole');
    const left = options.filter((option) => option !== 'whole');
    return whole
      ? taken({ balance: 'uri', hash: { wholeUri: true } }, 'by the hash of path and query', left)
      : taken({ balance: 'uri' }, 'by the hash of the path', left);
  }
  const name = algorithm.replace(/\(.*/, '');
  const why = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
  const other = `"${algorithm}" is not served by this version: requests go in turn (roundrobin)`;
  return { answer: { verdict: 'refused', why: why ?? other } };
}

function taken(settings: BalanceSettings, why: string, leftOut: readonly string[]): BalanceReading {
  if (leftOut.length === 0) return { settings, answer: { verdict: 'taken', why } };
  return { settings, answer: { verdict: 'changed', why: `${why}; left out: ${leftOut.join(' ')}` } };
}

/** Reads `hash-balance-factor N`; undefined when N has no counterpart. */
export function readHashFactor(text: string): string | undefined {
  const factor = Number(text);
  const fits = /^\d+$/.test(text) && (factor === 0 || (factor > 100 && factor <= 1000));
  return fits ? `${factor}%` : undefined;
}

const COOKIE_MODES: readonly string[] = ['rewrite', 'prefix'];
const COOKIE_FLAGS: readonly string[] = ['preserve', 'httponly', 'secure'];

/** Reads what stands behind `cookie`; the words left out are returned too. */
export function readCookie(words: readonly string[]): {
  readonly cookie?: Record<string, FlowValue>;
  readonly leftOut: readonly string[];
} {
  const [name = '', ...options] = words;
  if (options.includes('dynamic')) return { leftOut: ['dynamic'] };
  const mode = COOKIE_MODES.find((word) => options.includes(word));
  const cookie: Record<string, FlowValue> = {
    name,
    ...(mode === undefined ? { insert: options.includes('insert') } : { mode }),
    indirect: options.includes('indirect'),
    nocache: options.includes('nocache'),
  };
  const leftOut: string[] = [];
  for (let at = 0; at < options.length; at += 1) {
    const option = options[at] ?? '';
    const value = options[at + 1] ?? '';
    if (['insert', 'indirect', 'nocache', ...COOKIE_MODES].includes(option)) continue;
    if (COOKIE_FLAGS.includes(option)) cookie[option] = true;
    else if (!['domain', 'maxidle', 'maxlife', 'attr'].includes(option)) leftOut.push(option);
    else {
      at += 1;
      const setting = readCookieValue(option, value);
      if (setting === undefined || (option === 'domain' && 'domain' in cookie)) leftOut.push(`${option} ${value}`);
      else Object.assign(cookie, setting);
    }
  }
  return { cookie, leftOut };
}

const DOMAIN = /^\.?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,20}$/i;

function readCookieValue(option: string, value: string): Record<string, FlowValue> | undefined {
  if (option === 'domain') return DOMAIN.test(value) ? { domain: value } : undefined;
  if (option === 'attr') {
    const site = /^SameSite=(Strict|Lax|None)$/i.exec(value)?.[1]?.toLowerCase();
    return site === undefined ? undefined : { sameSite: `${site[0]?.toUpperCase() ?? ''}${site.slice(1)}` };
  }
  // Plain numbers are seconds in these two.
  const timeMs = readHaproxyTime(/^\d+$/.test(value) ? `${value}s` : value);
  if (timeMs === undefined || timeMs < 1000 || timeMs > 365 * 86_400_000) return undefined;
  return { [option === 'maxidle' ? 'maxIdle' : 'maxLife']: formatDuration(timeMs) };
}
