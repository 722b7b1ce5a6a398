// Catalogue: ports of outgoing connections and TIME_WAIT, which is what a load balancer runs out of towards its servers.
import type { CatalogueEntry, Facts, Wanted } from '../model.ts';
import { currentNumbers, entry, flag, memoryShare, number, tuple } from './entry.ts';
import { formatPorts, parsePorts } from '../ports.ts';

const RANGE = 'net.ipv4.ip_local_port_range';
/** A TIME_WAIT socket of TCP lasts so long, fixed in the kernel, s. */
const TIME_WAIT_S = 60;
/** Bytes of memory that one takes. */
const TIME_WAIT_BYTES = 256;
// Begins above the ports that services listen on as a rule; even and odd, since the kernel shares the range out by parity.
const WIDE = { low: 15_000, high: 64_999 };

/** The range as it should be: never narrower than it is. */
function widerRange(facts: Facts): readonly [number, number] | undefined {
  const [low, high] = currentNumbers(facts, RANGE);
  if (low === undefined || high === undefined) return undefined;
  return [Math.min(low, WIDE.low), Math.max(high, WIDE.high)];
}

/** Ports that connections to one server address use, at the wanted rate, when each lingers in TIME_WAIT. */
function portsNeeded(wanted: Wanted): number {
  return (wanted.upstreamRate * TIME_WAIT_S) / Math.max(1, wanted.upstreams);
}

function reservedPorts(facts: Facts, wanted: Wanted): string | undefined {
  const range = widerRange(facts);
  if (range === undefined) return undefined;
  const inRange = (port: number): boolean => port >= range[0] && port <= range[1];
  const before = parsePorts(facts.values['net.ipv4.ip_local_reserved_ports']?.raw ?? '') ?? [];
  return formatPorts([...before, ...[...wanted.ports, ...facts.listenPorts].filter(inRange)]);
}

export const portEntries: readonly CatalogueEntry[] = [
  entry({
    key: 'net.ipv4.ip_local_reserved_ports',
    theme: 'ports',
    unit: 'ports',
    policy: 'set',
    form: { type: 'ports' },
    propose: reservedPorts,
    why: 'Ports that something listens on are never given to outgoing connections, so a listener can always be opened again.',
    evidence: ['bind: EADDRINUSE in the log'],
    order: 20,
  }),
  entry({
    key: RANGE,
    theme: 'ports',
    unit: 'ports',
    policy: 'set',
    form: tuple(2, 65_535),
    propose: (facts) => widerRange(facts)?.join(' '),
    why: 'Each server address takes one port for each connection and for each of the last minute: 50 000 instead of 28 000.',
    risk: 'A service that starts later on a port from 15000 on may find it in use: reserve it',
    evidence: ['connect: EADDRNOTAVAIL in the log', 'ephemeral ports left, in this report'],
    conflicts: 'net.ipv4.ip_local_reserved_ports must name the listeners inside the range; it is written first',
    order: 30,
  }),
  entry({
    key: 'net.ipv4.tcp_tw_reuse',
    theme: 'ports',
    unit: 'choice',
    policy: 'set',
    form: number(0, 2),
    propose: (facts, wanted) => {
      const [low, high] = widerRange(facts) ?? [32_768, 60_999];
      return portsNeeded(wanted) > (high - low) / 2 ? '1' : undefined;
    },
    why: 'Lets an outgoing connection take a port whose last connection ended a second ago; set only when ports get tight.',
    risk: 'None for servers with TCP timestamps; others may refuse the connection once',
    evidence: ['ephemeral ports left, in this report'],
    conflicts: 'needs net.ipv4.tcp_timestamps=1 on both ends',
  }),
  entry({
    key: 'net.ipv4.tcp_tw_reuse_delay',
    theme: 'ports',
    unit: 'ms',
    form: number(1),
    since: [6, 14],
    why: 'How long a port must have rested before tcp_tw_reuse takes it; one second is right.',
  }),
  entry({
    key: 'net.ipv4.tcp_max_tw_buckets',
    theme: 'ports',
    unit: 'sockets',
    policy: 'raise',
    form: number(0),
    propose: (facts, wanted) => {
      const need = wanted.upstreamRate * TIME_WAIT_S * 1.2;
      return String(Math.floor(Math.min(need, memoryShare(facts, 0.02) / TIME_WAIT_BYTES)));
    },
    why: 'TIME_WAIT sockets beyond this are cut short, which lets old packets into new connections.',
    risk: '256 bytes each',
    evidence: ['TcpExt TCPTimeWaitOverflow'],
  }),
  entry({
    key: 'net.ipv4.tcp_fin_timeout',
    theme: 'ports',
    unit: 's',
    policy: 'advise',
    form: number(1),
    propose: () => '30',
    why: 'Only for closed connections whose other end never closes (FIN_WAIT_2); it does not shorten TIME_WAIT.',
    evidence: ['sockets in FIN-WAIT-2, in this report'],
  }),
  entry({
    key: 'net.ipv4.tcp_timestamps',
    theme: 'ports',
    unit: 'choice',
    policy: 'set',
    form: number(0, 2),
    // 2 is 1 without the random offset: not ours to change.
    propose: (facts) => (facts.values['net.ipv4.tcp_timestamps']?.raw.trim() === '0' ? '1' : undefined),
    why: 'Without timestamps the reuse of ports, measurement of round trips and protection against old packets end.',
    evidence: ['TcpExt PAWSActive', 'TcpExt PAWSEstab'],
  }),
  entry({
    key: 'net.ipv4.ip_nonlocal_bind',
    theme: 'ports',
    unit: 'flag',
    form: flag,
    why: 'Not needed: listeners on a VIP are opened with IP_FREEBIND; with 1 a typing error in an address is never noticed.',
  }),
  entry({
    key: 'net.ipv6.ip_nonlocal_bind',
    theme: 'ports',
    unit: 'flag',
    form: flag,
    why: 'Not needed: listeners on a VIP are opened with IP_FREEBIND.',
  }),
  entry({
    key: 'net.ipv4.ip_unprivileged_port_start',
    theme: 'ports',
    unit: 'port',
    form: number(0, 65_535),
    why: 'Not needed: the listeners are opened before privileges are given up.',
  }),
];
