// Settings of network interfaces: queues and receive packet steering. They are in /sys, differ by driver and host, and
// help only where one processor is full of softirq work: advice with the command, never written. Pure.
import type { Facts, PlanItem } from './model.ts';

type Interface = Facts['interfaces'][number];

/** After all keys: they are advice. */
const order = 90;
const shared = { policy: 'advise', scope: 'host', order, evidence: ['softirq squeezed', 'softirq drops'] } as const;

/** What could be done for each interface with a device behind it. */
export function nicItems(facts: Pick<Facts, 'interfaces' | 'cpus'>): readonly PlanItem[] {
  return facts.interfaces.flatMap((nic) => [queues(nic, facts.cpus), steering(nic, facts.cpus)]);
}

function queues({ name, rxQueues }: Interface, cpus: number): PlanItem {
  const base = {
    ...shared,
    key: `nic.${name}.queues`,
    unit: 'queues',
    current: String(rxQueues),
    risk: 'The link goes down for a moment while the number changes; do it on the node that owns no address',
  };
  if (rxQueues >= cpus) return { ...base, action: 'keep', why: 'One receive queue for each processor.' };
  const why = `Packets are received on ${rxQueues} of ${cpus} processors. If the host gives more ("ethtool -l ${name}"): ethtool -L ${name} combined ${cpus}.`;
  return { ...base, action: 'advise', proposed: String(cpus), why };
}

function steering({ name, rxQueues, rpsCpus }: Interface, cpus: number): PlanItem {
  const all = ((1n << BigInt(cpus)) - 1n).toString(16);
  const base = {
    ...shared,
    key: `nic.${name}.rps_cpus`,
    unit: 'bit mask of processors',
    current: rpsCpus,
    risk: 'Costs an interrupt between processors for each packet; on two processors measure before and after',
  };
  const isOff = /^[0,]*$/.test(rpsCpus);
  if (rxQueues >= cpus || !isOff) return { ...base, action: 'keep', why: 'Packets are spread over the processors.' };
  const why = `Spreads packets of one queue over all processors. Only when one of them is above 70 % softirq: echo ${all} > /sys/class/net/${name}/queues/rx-0/rps_cpus.`;
  return { ...base, action: 'advise', proposed: all, why };
}
