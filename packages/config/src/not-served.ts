// Keys and values of the file format that a later version serves. Each is an error of its own here, so that a
// person learns that the spelling was right; nothing of it is ignored in silence.
import type { RawMap, Raw } from './document.ts';
import type { Finding, Path } from './problem.ts';
import { showValue } from './problem.ts';

interface NotServed {
  /** `*` stands for any name. */
  readonly path: readonly string[];
  /** Only these values; absent: the key as such. */
  readonly values?: readonly string[];
  readonly advice: string;
}

const NOT_SERVED: readonly NotServed[] = [
  {
    path: ['frontends', '*', 'mode'],
    values: ['tcp'],
    advice: 'Use mode http; keep the balancer that you have for TCP services.',
  },
  {
    path: ['backends', '*', 'balance'],
    values: ['leastconn', 'random2', 'random', 'source', 'uri', 'header', 'first'],
    advice: 'Use balance: roundrobin, with a cookie if clients must stay on their server.',
  },
  {
    path: ['tuner'],
    advice: 'Remove this section, and keep the kernel settings in /etc/sysctl.d.',
  },
  {
    path: ['admin', 'stats'],
    advice: 'Remove this key; the console on admin.bind and its /metrics show the same figures.',
  },
  { path: ['groups'], advice: 'Remove this section; all VIPs of the pair move together.' },
  { path: ['vips', '*', 'group'], advice: 'Remove this key; all VIPs of the pair move together.' },
  { path: ['vips', '*', 'groups'], advice: 'Remove this key; all VIPs of the pair move together.' },
  { path: ['vips', '*', 'announce'], advice: 'Remove this key; the address is announced by VRRP and gratuitous ARP.' },
];

/**
 * Finds keys and values that a later version serves, and removes them, so that the schema does not report them again.
 *
 * @param root The file's top mapping; changed in place.
 */
export function takeNotServed(root: RawMap): Finding[] {
  return NOT_SERVED.flatMap((entry) => takeOne(root, entry, []));
}

function takeOne(map: RawMap, entry: NotServed, walked: Path): Finding[] {
  const [part = '', ...rest] = entry.path.slice(walked.length);
  const keys = part === '*' ? Object.keys(map) : [part].filter((key) => key in map);
  return keys.flatMap((key) => {
    const value = map[key] ?? null;
    const path = [...walked, key];
    if (rest.length > 0) return isRawMap(value) ? takeOne(value, entry, path) : [];
    if (entry.values !== undefined && !entry.values.some((word) => word === value)) return [];
    delete map[key];
    return [notServed(path, entry.values === undefined ? `key "${key}"` : `${key}: ${showPlain(value)}`, entry)];
  });
}

function notServed(path: Path, what: string, entry: NotServed): Finding {
  const at = entry.values === undefined ? 'key' : 'value';
  return { severity: 'error', code: 'LB_CONFIG_NOT_SUPPORTED', path, at, params: { what, advice: entry.advice } };
}

function showPlain(value: Raw): string {
  return typeof value === 'string' ? value : showValue(value);
}

/** Tells a mapping of the file from its other values. */
export function isRawMap(value: Raw | undefined): value is RawMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
