// An upgrade of the program on one node, in the second in which it has no handlers. The address and the traffic are in
// infra/lab/test/reload.test.ts.
import { expect, test } from 'vitest';
import { answering, ask, freePort, RunningNode } from './running-node.ts';

const SIGNALS = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

test('a signal every 5 ms during an upgrade ends nothing; the same program is not started again unasked', async () => {
  const port = await freePort();
  await using node = await RunningNode.start({ rest: answering(port) });
  const before = node.children('admin');
  const upgrade = node.command('upgrade', '--force');
  await node.event('upgrade');
  let turn = 0;
  const shower = setInterval(() => node.process.kill(SIGNALS[turn++ % 3]), 5);
  try {
    await node.event('ready', () => true, 2);
  } finally {
    clearInterval(shower);
  }
  const { code, stderr } = await upgrade;
  expect(code, `${stderr}\n${node.text.slice(-2000)}`).toBe(0);
  expect(node.isRunning, node.text.slice(-2000)).toBe(true);
  const admins = node.children('admin');
  expect(admins).not.toEqual(before);
  expect(await ask(port)).toBe(200);

  const again = await node.command('upgrade');
  expect(again).toMatchObject({ code: 0, stderr: expect.stringMatching(/runs already.*\n.*--force/s) });
  expect(node.children('admin')).toEqual(admins);
});
