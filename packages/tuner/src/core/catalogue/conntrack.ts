// Catalogue: connection tracking. Where nothing tracks, nothing is set; not tracking the load balancer's own connections
// (tuner.notrack) is better than a larger table.
import type { CatalogueEntry, Facts, Wanted } from '../model.ts';
import { CONNTRACK_TIME_WAIT_S, conntrackEntries, currentNumber, entry, flag, number, powerOfTwo } from './entry.ts';

const PREFIX = 'net.netfilter.nf_conntrack_';
const SOURCE = 'kernel: Documentation/networking/nf_conntrack-sysctl.rst';

/** Proposed only where something tracks connections. */
function whereTracked(value: (facts: Facts, wanted: Wanted) => string) {
  return (facts: Facts, wanted: Wanted): string | undefined =>
    facts.conntrack.available && facts.conntrack.entries > 0 ? value(facts, wanted) : undefined;
}

function conntrack(of: Omit<Parameters<typeof entry>[0], 'theme'>): CatalogueEntry {
  return entry({ theme: 'conntrack', module: 'nf_conntrack', source: SOURCE, ...of, key: `${PREFIX}${of.key}` });
}

/** Time-outs of closed and half-open connections: key, value, the kernel's own value and what the entry is good for. */
const TIMEOUTS: readonly (readonly [key: string, seconds: number, normal: number, what: string])[] = [
  ['tcp_timeout_time_wait', CONNTRACK_TIME_WAIT_S, 120, 'closed connections leave the table after half a minute'],
  ['tcp_timeout_fin_wait', 30, 120, 'connections that one end has closed'],
  ['tcp_timeout_close_wait', 30, 60, 'connections that one end has closed'],
  ['tcp_timeout_last_ack', 15, 30, 'connections that both ends have closed'],
  ['tcp_timeout_syn_sent', 30, 120, 'connections that nobody answered'],
  ['tcp_timeout_syn_recv', 30, 60, 'connections that were never completed: a SYN flood fills the table with them'],
  ['tcp_timeout_max_retrans', 120, 300, 'connections whose other end is silent'],
  ['tcp_timeout_unacknowledged', 120, 300, 'connections whose data nobody confirms'],
];

export const conntrackEntryList: readonly CatalogueEntry[] = [
  conntrack({
    key: 'buckets',
    scope: 'host',
    unit: 'chains',
    policy: 'raise',
    form: number(1, 67_108_864),
    propose: whereTracked((facts, wanted) => {
      const entries = Math.max(conntrackEntries(facts, wanted), currentNumber(facts, `${PREFIX}max`) ?? 0);
      // An entry stands in two chains: half as many chains as entries would be four to look through.
      return String(Math.min(powerOfTwo(entries), 67_108_864));
    }),
    why: 'Chains of the table: more entries than chains make every packet look through long ones.',
    risk: '8 bytes each',
    evidence: ['/proc/net/stat/nf_conntrack search_restart', '/proc/net/stat/nf_conntrack chaintoolong'],
    order: 40,
  }),
  conntrack({
    key: 'max',
    scope: 'host',
    unit: 'entries',
    policy: 'raise',
    form: number(0),
    propose: whereTracked((facts, wanted) => String(conntrackEntries(facts, wanted))),
    why: 'A full table drops new connections without a word; both sides of the wanted connections must fit, and closed ones.',
    risk: '320 bytes each; a tenth of the memory at most',
    evidence: ['/proc/net/stat/nf_conntrack drop', 'kernel log: nf_conntrack: table full'],
    conflicts: 'nf_conntrack_buckets is raised before it',
    order: 41,
  }),
  conntrack({
    key: 'tcp_timeout_established',
    unit: 's',
    policy: 'set',
    form: number(1),
    propose: whereTracked((facts) =>
      String(Math.min(7200, currentNumber(facts, `${PREFIX}tcp_timeout_established`) ?? 7200)),
    ),
    mayLower: 'the default is five days: dead connections would fill the table',
    why: 'Two hours are more than any time-out of the proxy; five days keep the dead.',
    risk: 'A connection of another service that is silent for longer, where NAT tracks it, is cut',
    evidence: ['/proc/net/stat/nf_conntrack drop'],
  }),
  ...TIMEOUTS.map(([key, seconds, normal, what]) =>
    conntrack({
      key,
      unit: 's',
      policy: 'set',
      form: number(1),
      propose: whereTracked((facts) => String(Math.min(seconds, currentNumber(facts, `${PREFIX}${key}`) ?? seconds))),
      mayLower: 'shorter is what frees the table',
      why: `${seconds} s instead of ${normal} s: ${what}.`,
      evidence: ['/proc/net/stat/nf_conntrack drop'],
    }),
  ),
  conntrack({
    key: 'tcp_loose',
    unit: 'flag',
    policy: 'set',
    form: flag,
    propose: whereTracked(() => '1'),
    why: 'Connections that began on the other node are taken up after a take-over.',
  }),
  conntrack({
    key: 'tcp_be_liberal',
    unit: 'flag',
    policy: 'set',
    form: flag,
    propose: (facts, wanted) => (wanted.vips > 0 ? whereTracked(() => '1')(facts, wanted) : undefined),
    why: 'Packets of connections that this node did not see from the start are not called invalid after a take-over.',
    risk: 'Forged packets outside the window pass the filter; TCP itself drops them',
  }),
  conntrack({
    key: 'tcp_ignore_invalid_rst',
    unit: 'flag',
    form: flag,
    since: [5, 15],
    why: 'Only for networks that reorder resets.',
  }),
  conntrack({ key: 'events', unit: 'choice', form: number(0, 2), why: 'On when somebody listens: costs nothing.' }),
  conntrack({ key: 'acct', unit: 'flag', form: flag, why: 'Counters of each connection cost memory and time.' }),
  conntrack({ key: 'timestamp', unit: 'flag', form: flag, why: 'Times of each connection cost memory and time.' }),
];
