// Catalogue: how packets get from the interface into the kernel.
import type { CatalogueEntry, Facts } from '../model.ts';
import { entry, number } from './entry.ts';

/** Rounds of packet processing that ended with work left, a second since boot; above 1 the budget is too small. */
function squeezesPerSecond(facts: Facts): number {
  return facts.counters.timeSqueeze / Math.max(1, facts.uptimeSeconds);
}

export const softirqEntries: readonly CatalogueEntry[] = [
  entry({
    key: 'net.core.netdev_max_backlog',
    theme: 'softirq',
    scope: 'host',
    unit: 'packets',
    policy: 'raise',
    form: number(0),
    propose: (facts, wanted) =>
      facts.counters.softnetDropped > 0 || wanted.profile === 'high-connections' ? '5000' : undefined,
    why: 'The queue between interface and processor with veth, bridges or RPS; raised only when it overflowed here.',
    risk: 'Greater values add latency instead of throughput',
    evidence: ['/proc/net/softnet_stat column 2'],
    source: 'kernel: Documentation/admin-guide/sysctl/net.rst',
  }),
  entry({
    key: 'net.core.netdev_budget',
    theme: 'softirq',
    scope: 'host',
    unit: 'packets',
    policy: 'raise',
    form: number(1),
    propose: (facts) => (squeezesPerSecond(facts) > 1 ? '600' : undefined),
    why: 'Packets in one round of the network interrupt; raised only when rounds ended with work left more than once a second.',
    risk: 'Programs wait longer for the processor',
    evidence: ['/proc/net/softnet_stat column 3'],
    source: 'kernel: Documentation/admin-guide/sysctl/net.rst',
  }),
  entry({
    key: 'net.core.netdev_budget_usecs',
    theme: 'softirq',
    scope: 'host',
    unit: 'us',
    policy: 'raise',
    form: number(1),
    propose: (facts) => (squeezesPerSecond(facts) > 1 ? '8000' : undefined),
    why: 'Time of one round of the network interrupt; goes with netdev_budget.',
    risk: 'Programs wait longer for the processor',
    evidence: ['/proc/net/softnet_stat column 3'],
    source: 'kernel: Documentation/admin-guide/sysctl/net.rst',
  }),
  entry({
    key: 'net.core.busy_poll',
    theme: 'softirq',
    scope: 'host',
    unit: 'us',
    policy: 'advise',
    form: number(0),
    propose: () => '0',
    mayLower: 'it is off by default',
    why: 'Polling burns the processor that a virtual machine shares with others, and gets it taken away.',
    source: 'kernel: Documentation/admin-guide/sysctl/net.rst',
  }),
  entry({
    key: 'net.core.busy_read',
    theme: 'softirq',
    scope: 'host',
    unit: 'us',
    policy: 'advise',
    form: number(0),
    propose: () => '0',
    mayLower: 'it is off by default',
    why: 'As busy_poll, for reads.',
    source: 'kernel: Documentation/admin-guide/sysctl/net.rst',
  }),
  entry({
    key: 'net.core.rps_sock_flow_entries',
    theme: 'softirq',
    scope: 'host',
    unit: 'flows',
    form: number(0),
    why: 'Goes with RPS, which helps when one processor is bound by the interrupts of a single queue: measure first.',
    evidence: ['/proc/softirqs NET_RX by processor'],
    source: 'kernel: Documentation/networking/scaling.rst',
  }),
];
