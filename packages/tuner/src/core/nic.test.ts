import { expect, test } from 'vitest';
import { nicItems } from './nic.ts';

const nic = { name: 'eth0', rxQueues: 1, txQueues: 1, rpsCpus: '00000000' };

test('one queue and several processors: advice with the command, nothing that apply would write', () => {
  const items = nicItems({ cpus: 4, interfaces: [nic] });
  expect(items.map(({ key, action, current, proposed }) => [key, action, current, proposed])).toEqual([
    ['nic.eth0.queues', 'advise', '1', '4'],
    ['nic.eth0.rps_cpus', 'advise', '00000000', 'f'],
  ]);
  expect(items[0]?.why).toContain('ethtool -L eth0 combined 4');
  expect(items[1]?.why).toContain('echo f > /sys/class/net/eth0/queues/rx-0/rps_cpus');
});

test('a queue for each processor, or steering that somebody has set, is left as it is', () => {
  expect(nicItems({ cpus: 2, interfaces: [{ ...nic, rxQueues: 2 }] }).map(({ action }) => action)).toEqual([
    'keep',
    'keep',
  ]);
  expect(nicItems({ cpus: 4, interfaces: [{ ...nic, rpsCpus: '0,0000000e' }] })[1]?.action).toBe('keep');
  expect(nicItems({ cpus: 1, interfaces: [nic] }).every(({ action }) => action === 'keep')).toBe(true);
  expect(nicItems({ cpus: 4, interfaces: [] })).toEqual([]);
});
