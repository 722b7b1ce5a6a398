// An upgrade of the program on one node: what could end it in the moment without handlers, and what does not fit into an
// environment string. The address and the traffic are in infra/lab/test/reload.test.ts.
import { expect, test } from 'vitest';
import { ask, freePort, RunningNode } from './running-node.ts';

/** More than one environment string holds, which ends at 128 KiB. */
const BINDS = 1320;
const SIGNALS = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

function manyBinds(port: number): string {
  const frontends = Array.from({ length: 22 }, (_, frontend) => {
    const binds = Array.from({ length: BINDS / 22 }, (__, i) => `"127.0.${frontend + 1}.${i + 1}:${port}"`);
    const name = `frontend-of-a-customer-with-a-name-as-long-as-names-may-be-${String(frontend).padStart(2, '0')}`;
    return `  ${name}: { bind: [${binds.join(', ')}], rules: [{ return: { status: 200, body: ok } }], defaultBackend: app }`;
  });
  return `backends: { app: { servers: { s1: { address: "127.0.0.1:1" } } } }
log: { access: { enabled: false } }
proxy: { threads: 1 }
frontends:
${frontends.join('\n')}
`;
}

test(`upgrade with ${BINDS} binds and a signal every 5 ms keeps the process and every answer`, async () => {
  const port = await freePort();
  await using node = await RunningNode.start({ rest: manyBinds(port) });
  const before = node.children('proxy');
  const upgrade = node.command('upgrade', '--force');
  let turn = 0;
  const shower = setInterval(() => node.process.kill(SIGNALS[turn++ % 3]), 5);
  try {
    await node.event('upgrade');
    await node.event('ready', () => true, 2);
  } finally {
    clearInterval(shower);
  }
  const { code, stderr } = await upgrade;
  expect(code, `${stderr}\n${node.text.slice(-2000)}`).toBe(0);
  expect(node.isRunning, node.text.slice(-2000)).toBe(true);
  expect(before.every((pid) => !node.children('proxy').includes(pid) || node.children('proxy').length === 2)).toBe(
    true,
  );
  expect(await ask(port, '127.0.22.60')).toBe(200);

  // The next one finds the program that runs.
  const proxies = node.children('admin');
  const again = await node.command('upgrade');
  expect(again).toMatchObject({ code: 0, stderr: expect.stringMatching(/runs already.*\n.*--force/s) });
  expect(node.children('admin')).toEqual(proxies);
});
