// The service as the appliance uses it, in this process and without a network of its own: what can be told without
// owning anything. Needs root for the raw sockets.
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { startVrrp, type VrrpLogLine, type VrrpService } from '../src/index.ts';
import { pairConfig } from './pair-config.ts';

const execArgv = ['--conditions=@tospann/source', '--disable-warning=ExperimentalWarning'];

function start(node: string): { service: VrrpService; lines: VrrpLogLine[] } {
  const lines: VrrpLogLine[] = [];
  const service = startVrrp({
    // An interface that no machine has: the agent must wait for it, in fault.
    config: pairConfig({
      nodes: { lb1: '10.99.0.2', lb2: '10.99.0.3' },
      interface: 'tE-none',
      vips: { public: { address: '10.99.0.100', routerId: 51 } },
    }),
    node,
    startWorker: (name, workerData) =>
      new Worker(new URL(`../src/io/${name}.ts`, import.meta.url), { execArgv, workerData }),
    onEvent: () => {},
    log: (line) => lines.push(line),
    onFatal: (error) => {
      throw error;
    },
  });
  return { service, lines };
}

test('startVrrp() throws LB_VRRP_NODE_UNKNOWN for a node that the pair does not have', () => {
  expect(() => start('lb3')).toThrow(expect.objectContaining({ code: 'LB_VRRP_NODE_UNKNOWN' }));
});

test('startVrrp() waits for a missing interface, refuses failover and stops', async () => {
  const { service, lines } = start('lb1');
  await service.ready;
  expect(lines).toContainEqual(expect.objectContaining({ event: 'vrrp-problem', code: 'LB_KERNEL_NO_INTERFACE' }));
  expect(service.snapshot().vips[0]).toMatchObject({
    name: 'public',
    address: '10.99.0.100',
    state: 'init',
    owner: '',
  });
  await expect(service.failover()).rejects.toMatchObject({ code: 'LB_VRRP_NOT_OWNER' });
  await service.stop();
  await service.ended;
  await expect(service.failover()).rejects.toMatchObject({ code: 'LB_VRRP_AGENT_ENDED' });
});

test('close() ends the agent at once', async () => {
  const { service } = start('lb2');
  await service.ready;
  await service.close();
  expect(service.snapshot().vips[0]?.state).toBe('init');
});
