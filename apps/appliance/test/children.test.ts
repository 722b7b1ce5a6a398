// What surrounds traffic on one node, with the built executable: children that hang or that say what they must not, a supervisor
// that hangs, and directories that somebody removes or that take no writes.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { answering, ask, freePort, RunningNode } from './running-node.ts';

const roles = ['proxy', 'vrrp', 'admin'] as const;

test('children that hang are ended and others serve; a supervisor that hangs is no fault of its children', async () => {
  const port = await freePort();
  await using node = await RunningNode.start({ rest: answering(port) });
  const first = roles.map((role) => node.children(role));
  // Every thread, those too that Node itself has started: no new rights, and a filter of system calls.
  for (const role of ['proxy', 'admin'] as const) {
    const [pid] = node.children(role);
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      expect([role, /NoNewPrivs:\t(\d)/.exec(status)?.[1], /Seccomp:\t(\d)/.exec(status)?.[1]]).toEqual([
        role,
        '1',
        '2',
      ]);
    }
  }

  node.process.kill('SIGSTOP');
  await expect
    .poll(async () => (await node.command('status')).stdout, { timeout: 30_000 })
    .toContain('supervisor of this node does not');
  expect(await ask(port)).toBe(200);
  node.process.kill('SIGCONT');
  await expect
    .poll(async () => (await node.command('status')).stdout, { timeout: 30_000 })
    .not.toContain('supervisor of this node');
  expect(roles.map((role) => node.children(role))).toEqual(first);

  for (const [pid] of first) process.kill(pid ?? -1, 'SIGSTOP');
  for (const role of roles) {
    await node.event('child-faulty', (line) => line['role'] === role);
  }
  await node.event('proxy-ready', () => true, 2);
  await node.event('admin-ready', () => true, 2);
  expect(await ask(port)).toBe(200);
  expect(
    node.lines.some((line) => line['event'] === 'child-faulty' && String(line['msg']).includes('said nothing')),
  ).toBe(true);
  const { stdout } = await node.command('events', '--json');
  expect(stdout).toMatch(/"event":"child".*said nothing/);
});

test('a run directory that is removed is made again, and the command line reaches the node', async () => {
  const port = await freePort();
  await using node = await RunningNode.start({ rest: answering(port) });
  rmSync(node.runDir, { recursive: true });
  const [admin = -1] = node.children('admin');
  process.kill(admin, 'SIGKILL');
  await node.event('admin-ready', () => true, 2);
  expect(await node.command('servers', 'list')).toMatchObject({ code: 0 });
  // Also while the admin process lives.
  rmSync(node.runDir, { recursive: true });
  await node.event('admin-ready', () => true, 3);
  expect(await node.command('servers', 'list')).toMatchObject({ code: 0 });
  expect(readFileSync(`${node.runDir}/tospann.pid`, 'utf8')).toContain(String(node.pid));
  expect(await ask(port)).toBe(200);
});
