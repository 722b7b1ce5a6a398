// A node whose surroundings are broken serves on, and says what is broken: a state directory that takes nothing, a file that is
// broken at a start, streams that nobody reads.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Scratch } from './binary.ts';
import { answering, ask, freePort, RunningNode } from './running-node.ts';

test('with a state directory that is empty and read-only a node starts, serves, and can be asked', async () => {
  const port = await freePort();
  const scratch = new Scratch();
  const mount = 'mkdir -p "$0" && mount -t tmpfs -o ro tmpfs "$0" && exec "$@"';
  const wrap = ['unshare', '-m', 'sh', '-c', mount, join(scratch.dir, 'state')];
  await using node = new RunningNode({ rest: answering(port), wrap }, scratch);
  await node.event('ready');
  await node.event('admin-ready');
  expect(await ask(port)).toBe(200);
  expect(await node.command('servers', 'list')).toMatchObject({ code: 0 });
  expect(node.lines.filter((line) => line['event'] === 'child-exit')).toEqual([]);
});

test('a file that is broken at a start costs nothing: what served last serves, and everybody hears of it', async () => {
  const port = await freePort();
  const scratch = new Scratch();
  const first = new RunningNode({ rest: answering(port) }, scratch);
  await first.event('ready');
  await expect
    .poll(() => execFileSync('ls', [first.stateDir], { encoding: 'utf8' }), { timeout: 30_000 })
    .toContain('last-good');
  // Seen while it runs, too.
  first.write('frontends: [oops');
  await first.event('configuration', (line) => line['broken'] !== '');
  expect((await first.command('status')).stdout).toMatch(/configuration file is broken/);
  expect(await first.command('reload')).toMatchObject({ code: 3 });
  first.process.kill('SIGTERM');
  await once(first.process, 'exit');

  await using second = new RunningNode({ rest: 'frontends: [oops' }, scratch);
  await second.event('ready');
  expect(await ask(port)).toBe(200);
  await expect
    .poll(async () => (await second.command('status')).stdout, { timeout: 30_000 })
    .toMatch(/configuration file is broken/);
  expect((await second.command('events', '--json')).stdout).toMatch(/"severity":"alarm".*is broken/);
  // Put right, it is taken as ever.
  second.write(answering(port, 'timeouts: { client: 31s }\n'));
  expect(await second.command('reload')).toMatchObject({ code: 0 });
  await expect
    .poll(async () => (await second.command('status')).stdout, { timeout: 30_000 })
    .not.toMatch(/configuration file/);
});

test('a node whose output nobody reads serves, and ends when it is told to', async () => {
  const port = await freePort();
  const scratch = new Scratch();
  const fifo = join(scratch.dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const end = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  const rest = answering(port).replace('log: { access: { enabled: false } }', 'log: { access: { enabled: true } }');
  const wrap = ['sh', '-c', 'exec "$@" >"$0" 2>"$0"', fifo];
  const node = new RunningNode({ rest, wrap, spawn: { stdio: 'ignore' } }, scratch);
  await expect.poll(async () => await ask(port), { timeout: 60_000 }).toBe(200);
  fill(end);
  for (let i = 0; i < 200; i++) expect(await ask(port)).toBe(200);
  const ended = once(node.process, 'exit');
  node.process.kill('SIGTERM');
  // Nothing is under way: what nobody reads must not make it wait as a connection would.
  const drainLimit = new Promise((_resolve, reject) =>
    setTimeout(() => reject(new Error('it does not end')), 25_000).unref(),
  );
  expect(await Promise.race([ended, drainLimit])).toEqual([0, null]);
  closeSync(end);
  scratch[Symbol.dispose]();
});

function fill(fd: number): void {
  for (;;) {
    try {
      writeSync(fd, 'x'.repeat(4096));
    } catch {
      return; // full
    }
  }
}
