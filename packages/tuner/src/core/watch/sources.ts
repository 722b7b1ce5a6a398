// Who fills the connection tracking table? Entries of a sample, counted by source. A source is an IPv4 address or an
// IPv6 /64, as the data plane's limits count. Not the sampling (io/conntrack-sample.ts). Pure.

/** One source and its share of the sample, 0..1. */
export interface SourceShare {
  readonly source: string;
  readonly share: number;
}

/** What a look at the table found. `sampled` entries were looked at, not all of them. */
export interface SourceCount {
  readonly sampled: number;
  /** Largest first, at most as many as were asked for. */
  readonly top: readonly SourceShare[];
}

/**
 * Counts entries by source.
 *
 * @param sources The source address of each entry, canonical text; IPv6 addresses count by their first 64 bits.
 * @param most How many to name.
 */
export function countSources(sources: Iterable<string>, most: number): SourceCount {
  const counts = new Map<string, number>();
  let sampled = 0;
  for (const address of sources) {
    const source = address.includes(':') ? networkOf(address) : address;
    counts.set(source, (counts.get(source) ?? 0) + 1);
    sampled++;
  }
  const ordered = [...counts].toSorted(([one, a], [other, b]) => b - a || (one < other ? -1 : 1));
  return { sampled, top: ordered.slice(0, most).map(([source, count]) => ({ source, share: count / sampled })) };
}

/** The /64 of an IPv6 address, as text. */
function networkOf(address: string): string {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  const first = [...before, ...zeros, ...after].slice(0, 4);
  return `${first.map((part) => Number.parseInt(part, 16).toString(16)).join(':')}::/64`;
}
