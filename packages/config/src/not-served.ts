// Keys of the file format that a later version serves. Each is an error of its own here, so that a
// person learns that the spelling was right; nothing of it is ignored in silence.
import type { RawMap, Raw } from './document.ts';
import type { Finding, Path } from './problem.ts';

interface NotServed {
  /** `*` stands for any name. */
  readonly path: readonly string[];
  readonly advice: string;
}

const NOT_SERVED: readonly NotServed[] = [
  {
    path: ['tuner'],
    advice: 'Remove this section, and keep the kernel settings in /etc/sysctl.d.',
  },
  { path: ['groups'], advice: 'Remove this section; all VIPs of the pair move together.' },
  { path: ['vips', '*', 'group'], advice: 'Remove this key; all VIPs of the pair move together.' },
  { path: ['vips', '*', 'groups'], advice: 'Remove this key; all VIPs of the pair move together.' },
  { path: ['vips', '*', 'announce'], advice: 'Remove this key; the address is announced by VRRP and gratuitous ARP.' },
];

/**
 * Finds keys that a later version serves, and removes them, so that the schema does not report them again.
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
    delete map[key];
    const params = { what: `key "${key}"`, advice: entry.advice };
    return [{ severity: 'error', code: 'LB_CONFIG_NOT_SUPPORTED', path, at: 'key', params }];
  });
}

/** Tells a mapping of the file from its other values. */
export function isRawMap(value: Raw | undefined): value is RawMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
