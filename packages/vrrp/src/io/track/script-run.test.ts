// Track scripts as real processes: the three ways to go wrong, the time limit on a whole group, bounded output, the user.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runScript, type ScriptRun } from './script-run.ts';

const isRoot = process.getuid?.() === 0;

function start(
  run: readonly string[],
  overrides: { readonly timeoutMs?: number; readonly users?: readonly string[] } = {},
): ScriptRun {
  return runScript({
    run,
    timeoutMs: overrides.timeoutMs ?? 20_000,
    users: overrides.users ?? ['nobody'],
    environment: { PATH: '/usr/bin:/bin', TOSPANN_NODE: 'lb1' },
  });
}

const sh = (text: string): readonly string[] => ['/bin/sh', '-c', text];

test('runScript() tells passed, failed with its code, killed by a signal, and not started', async () => {
  expect((await start(['/bin/true']).result).outcome).toEqual({ type: 'passed' });
  expect((await start(sh('exit 3')).result).outcome).toEqual({ type: 'failed', how: 'exit code 3' });
  expect((await start(sh('kill -9 $$')).result).outcome).toEqual({ type: 'failed', how: 'signal SIGKILL' });
  expect((await start(['/no/such/program']).result).outcome).toMatchObject({ type: 'not-started' });
  expect((await start(['/etc/passwd']).result).outcome).toMatchObject({ type: 'not-started' });
});

test('runScript() keeps the end of what was printed, and no more', async () => {
  const { output } = await start(sh('i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo the end >&2'))
    .result;
  expect(output).toContain('the end');
  expect(output.length).toBeLessThanOrEqual(2048);
});

test('runScript() ends the whole group after its time, even one that ignores SIGTERM', async () => {
  const run = start(sh(`trap '' TERM; sleep 600 & echo $! $$; wait`), { timeoutMs: 300 });
  const { outcome, output } = await run.result;
  expect(outcome).toEqual({ type: 'timed-out', afterMs: 300 });
  const pids = output.split(/\s+/).map(Number);
  expect(pids).toHaveLength(2);
  await expect.poll(() => pids.filter(lives), { timeout: 10_000 }).toEqual([]);
});

test('runScript() does not wait for a grandchild that keeps the pipes open', async () => {
  const { outcome, output } = await start(sh('sleep 600 & echo $!')).result;
  expect(outcome).toEqual({ type: 'passed' });
  process.kill(Number(output), 'SIGKILL');
});

test.runIf(isRoot)(
  'runScript() runs as the user that is named, without root, and says when there is none',
  async () => {
    const { output } = await start(sh('id -u; id -G')).result;
    expect(output.split('\n')[0]).not.toBe('0');
    expect(output.split('\n')[1]?.split(' ')).not.toContain('0');
    const none = await start(['/bin/true'], { users: ['no-such-user'] }).result;
    expect(none.outcome).toEqual({ type: 'not-started', why: 'no user "no-such-user"' });
  },
);

/** A zombie has ended. */
function lives(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
