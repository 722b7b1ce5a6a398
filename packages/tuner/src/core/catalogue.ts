// The catalogue: every setting that the tuner knows, by theme, in the order in which reports show them.
import type { CatalogueEntry } from './model.ts';
import { acceptEntries } from './catalogue/accept.ts';
import { addressEntries } from './catalogue/addresses.ts';
import { conntrackEntryList } from './catalogue/conntrack.ts';
import { machineEntries } from './catalogue/machine.ts';
import { portEntries } from './catalogue/ports.ts';
import { softirqEntries } from './catalogue/softirq.ts';
import { tcpEntries } from './catalogue/tcp.ts';

export const catalogue: readonly CatalogueEntry[] = [
  ...acceptEntries,
  ...portEntries,
  ...tcpEntries,
  ...softirqEntries,
  ...addressEntries,
  ...conntrackEntryList,
  ...machineEntries,
];

const byKey = new Map(catalogue.map((entry) => [entry.key, entry]));

/** The entry of a key, also by the second name that some keys have. */
export function entryOf(key: string): CatalogueEntry | undefined {
  return byKey.get(canonicalKey(key));
}

/** `net.nf_conntrack_max` and `net/ipv4/...` are other spellings of the same keys. */
export function canonicalKey(key: string): string {
  const dotted = key.includes('/') && !key.includes('.') ? key.replaceAll('/', '.') : key;
  return dotted === 'net.nf_conntrack_max' ? 'net.netfilter.nf_conntrack_max' : dotted;
}
