// The kernel's table of tracked connections is filled on purpose: the alarm comes before the first drop, says when and
// by whom; and with the load balancer's own ports left out of tracking such a load fills nothing. nf_conntrack_max is
// one value for all namespaces, which only the first may write: it is lowered and put back.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { monotonicMs, pause, productCommand, Single, SINGLE_ADDRESS, tool, until } from '../src/index.ts';

const LIMIT_FILE = '/proc/sys/net/netfilter/nf_conntrack_max';
/** 26 s at the rate below: long enough for a slope at half fill, short enough for a test. */
const LIMIT = 4000;
const RATE = 150;
const limitBefore = readFileSync(LIMIT_FILE, 'utf8');
const restore = (): void => writeFileSync(LIMIT_FILE, limitBefore);

const CONFIG = `
frontends: { main: { bind: ["*:80"], maxConnections: 20000, defaultBackend: app } }
backends: { app: { servers: { web1: { address: "10.10.10.1:80" } } } }
tuner: { conntrackAlarmPercent: 80, notrack: true }
`;

let single: Single;

beforeAll(async () => {
  process.once('exit', restore);
  single = await Single.create();
  // The kernel tracks as soon as one rule asks for it.
  const rules = 'table inet lab { chain c { type filter hook input priority 0; ct state invalid counter; }; }';
  single.node.run(['nft', '-f', '-'], rules);
  writeFileSync(LIMIT_FILE, String(LIMIT));
  await single.start(CONFIG);
});

afterAll(async () => {
  restore();
  process.off('exit', restore);
  await single[Symbol.asyncDispose]();
});

interface Look {
  readonly atMs: number;
  readonly entries: number;
  readonly dropped: number;
  /** Seconds; undefined: it does not grow. */
  readonly fullIn: number | undefined;
  readonly alarms: readonly string[];
  readonly sources: readonly { readonly source: string; readonly share: number }[];
  readonly stealRatio: number | undefined;
}

/** What the running node says of its table. */
async function look(): Promise<Look> {
  const { stdout } = await single.command(['status', '--json']);
  const { self } = JSON.parse(stdout) as {
    readonly self: {
      readonly host: {
        readonly conntrackEntries: number;
        readonly conntrackDroppedTotal: number;
        readonly conntrackFullInSeconds?: number;
        readonly conntrackSources: Look['sources'];
        readonly cpuStealRatio?: number;
        readonly alarms: readonly { readonly name: string; readonly text: string }[];
      };
    };
  };
  const { host } = self;
  return {
    atMs: monotonicMs(),
    entries: host.conntrackEntries,
    dropped: host.conntrackDroppedTotal,
    fullIn: host.conntrackFullInSeconds,
    alarms: host.alarms.map(({ text }) => text),
    sources: host.conntrackSources,
    stealRatio: host.cpuStealRatio,
  };
}

function tracked(): number {
  return Number(single.node.run(['cat', '/proc/sys/net/netfilter/nf_conntrack_count']));
}

/** Runs `tospann tune` commands in the node. They see empty folders in memory in place of the machine's own of /etc. */
function tune(...commands: readonly string[]): void {
  const folders = ['/etc/sysctl.d', '/etc/modules-load.d'].map((folder) => `mount -t tmpfs none ${folder}`);
  const state = join(single.lab.folder, 'state');
  const calls = commands.map((command) => `"$@" tune ${command} --state-dir ${state}`);
  const script = [...folders, ...calls].join(' && ');
  single.node.run(['unshare', '--mount', 'sh', '-c', script, 'sh', ...productCommand()]);
}

test('with the own ports left out of tracking a load tracks nothing', async () => {
  tune(`apply -c ${single.configFile} --confirm-within 10m`, 'confirm');
  try {
    expect(single.node.run(['nft', 'list', 'tables'])).toContain('tospann_notrack');
    const before = tracked();
    const load = single.client.spawn(
      'load',
      tool('idle', { target: `${SINGLE_ADDRESS}:80`, count: 1000, mode: 'answered' }),
    );
    await load.waitForEvent('ready', () => true, { timeoutMs: 30_000 });
    await pause(1000);
    expect(tracked() - before).toBeLessThan(20);
    await load.stop();
  } finally {
    tune('revert');
  }
  expect(single.node.run(['nft', 'list', 'tables'])).not.toContain('tospann_notrack');
});

test('the alarm comes before the first drop, the forecast at half fill is right, and the source is named', async () => {
  const target = `${SINGLE_ADDRESS}:80`;
  const many = single.client.spawn('many', tool('idle', { target, count: 5000, rate: RATE * 0.75 }));
  const few = single.lab.node('web2').spawn('few', tool('idle', { target, count: 5000, rate: RATE * 0.25 }));
  const looks: Look[] = [];
  await until(
    'the first drop',
    async () => {
      const now = await look();
      looks.push(now);
      return now.dropped > 0;
    },
    { timeoutMs: 120_000, everyMs: 300 },
  );
  const alarmed = looks.find(({ alarms }) => alarms.some((text) => text.startsWith('Connection tracking is')));
  const full = looks.find(({ entries }) => entries >= LIMIT * 0.99) ?? looks.at(-1)!;
  expect(alarmed, JSON.stringify(looks.at(-1))).toBeDefined();
  expect(alarmed!.atMs).toBeLessThan(full.atMs);
  expect(alarmed!.dropped).toBe(0);

  const half = looks.find(({ entries }) => entries >= LIMIT / 2)!;
  const real = (full.atMs - half.atMs) / 1000;
  expect(half.fullIn).toBeDefined();
  expect(Math.abs(half.fullIn! - real) / real, `forecast ${half.fullIn} s, really ${real} s`).toBeLessThan(0.2);

  const last = looks.at(-1)!;
  expect(last.stealRatio).toBeGreaterThanOrEqual(0);
  expect(last.sources[0]?.source).toBe('10.10.10.9');
  expect(last.sources[0]?.share).toBeGreaterThan(0.6);
  expect(last.alarms.some((text) => text.includes('% from 10.10.10.9'))).toBe(true);
  const { stdout } = await single.command(['events', '--kind', 'tuner', '--json']);
  const alarms = stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { readonly evidence: { readonly alarm: string } }).evidence.alarm);
  expect(alarms[0]).toBe('conntrack-filling');
  expect(alarms).toContain('conntrack-full');
  for (const idle of [many, few]) await idle.stop();
});
