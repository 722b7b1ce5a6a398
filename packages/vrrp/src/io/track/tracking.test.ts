// The conditions of a node as they are watched: what a configuration starts, what a reload disturbs, what is told.
import type { PairConfig, TrackScriptConfig } from '@tospann/config';
import { monotonicMs } from '@tospann/linux';
import { expect, test } from 'vitest';
import { Tracking, type TrackEvent } from './tracking.ts';

function script(name: string, run: readonly string[]): TrackScriptConfig {
  return { name, run, intervalMs: 50, timeoutMs: 20_000, rise: 1, fall: 1, user: 'nobody' };
}

function config(scripts: readonly TrackScriptConfig[]): PairConfig {
  return {
    hash: 'abcdef0123456789',
    cluster: { name: 'c', nodes: [{ name: 'lb1', address: '127.0.0.1', interface: 'lo' }] },
    failover: { requireServers: [], scripts, peerPort: 0, holdMs: 0, drainMs: 0 },
  } as unknown as PairConfig; // the parts that it reads
}

class Bench {
  readonly verdicts: string[] = [];
  readonly events: TrackEvent[] = [];
  readonly tracking = new Tracking({
    node: 'lb1',
    scriptUsers: ['nobody'],
    nowMs: monotonicMs,
    takeLatenessMs: () => 0,
    onVerdict: ({ ability }) => this.verdicts.push(ability),
    onEvent: (event) => this.events.push(event),
  });

  state(name: string): string | undefined {
    return this.tracking.conditions.find((condition) => condition.name === name)?.state;
  }
}

test('Tracking follows the configuration: what is unchanged goes on, what is gone is forgotten', async () => {
  const bench = new Bench();
  const { tracking } = bench;
  tracking.configure(config([script('good', ['/bin/true']), script('bad', ['/bin/false'])]), []);
  await expect.poll(() => bench.state('script bad'), { timeout: 20_000 }).toBe('impaired');
  await expect.poll(() => bench.state('script good'), { timeout: 20_000 }).toBe('ok');
  expect(tracking.verdict).toMatchObject({ ability: 'impaired', reason: expect.stringContaining('script bad') });
  const { sinceMs } = tracking.conditions.find(({ name }) => name === 'script good') ?? {};

  tracking.configure(config([script('good', ['/bin/true']), script('bad', ['/bin/true'])]), []);
  // The last finding holds until the changed script has run.
  expect(bench.state('script bad')).toBe('impaired');
  await expect.poll(() => bench.state('script bad'), { timeout: 20_000 }).toBe('ok');
  expect(tracking.conditions.find(({ name }) => name === 'script good')?.sinceMs).toBe(sinceMs);

  tracking.configure(config([]), []);
  expect(tracking.conditions.map(({ name }) => name)).toEqual(['configuration']);
  tracking.close();
  expect(bench.verdicts).toEqual(['serves', 'impaired', 'serves']);
  expect(bench.events.map(({ condition, from, to }) => [condition, from, to])).toEqual([
    ['script bad', 'waiting', 'impaired'],
    ['script bad', 'impaired', 'ok'],
  ]);
});

test('Tracking shows a link that is down, but leaves it to the loop to act', () => {
  const bench = new Bench();
  bench.tracking.configure(config([]), []);
  bench.tracking.note({ name: 'link', kind: 'link' }, { state: 'failed', sentence: 'eth0 is down' });
  expect(bench.verdicts).toEqual(['serves']);
  expect(bench.events).toMatchObject([{ condition: 'link', to: 'failed', sentence: 'eth0 is down' }]);
});
