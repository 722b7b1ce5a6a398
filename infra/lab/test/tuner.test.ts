// The tuner against the real /proc/sys of a network namespace and a private /etc: the article's sysctl.conf line by line,
// apply killed in the middle, the way back byte for byte, nobody confirming, two at once. Host-wide keys are never written
// in such a namespace, so this machine's own settings are not touched; the last test proves it.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../src/index.ts';

const binary = fileURLToPath(new URL('../../../dist/tospann', import.meta.url));
const article = fileURLToPath(new URL('../article/sysctl.conf', import.meta.url));
const CRASH = [
  '--conditions=@tospann/source',
  '--disable-warning=ExperimentalWarning',
  fileURLToPath(new URL('../../../packages/tuner/test/crash.ts', import.meta.url)),
];
const folder = mkdtempSync(join(tmpdir(), 'tospann-tune-'));
const state = join(folder, 'state');
const sysctlFile = join(folder, 'sysctl.d', '60-tospann.conf');
const hostBefore = allKeys([]);
let holder: ChildProcess;
let inside: readonly [string, ...string[]];

beforeAll(async () => {
  for (const name of ['sysctl.d', 'modules-load.d']) mkdirSync(join(folder, name));
  // Namespaces that live as long as this process; what is mounted in them is seen by nobody else.
  const mounts = `mount --bind ${folder}/sysctl.d /etc/sysctl.d && mount --bind ${folder}/modules-load.d /etc/modules-load.d`;
  holder = spawn('unshare', ['-n', '-m', 'sh', '-c', `ip link set lo up && ${mounts} && echo up && exec sleep 100000`]);
  await new Promise<void>((resolve, reject) => {
    holder.stdout?.once('data', () => resolve());
    holder.once('exit', () => reject(new Error('unshare failed: these tests need root')));
  });
  inside = ['nsenter', '-t', String(holder.pid), '-n', '-m'];
});

afterAll(() => {
  holder.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

// What a try before left must not be the next one's.
beforeEach(() => {
  if (existsSync(join(state, 'tuner', 'journal.jsonl'))) tune('revert');
});

/** All bytes of every key below net/ipv4, net/ipv6, net/core and net/netfilter, but for those that change by themselves. */
function allKeys(prefix: readonly string[]): string {
  const roots = ['core', 'ipv4', 'ipv6', 'netfilter'].map((name) => `/proc/sys/net/${name}`).join(' ');
  const skip = '-e _count: -e nexthop -e fastopen_key -e rss_key -e stable_secret -e hash_seed';
  const script = `grep -r . ${roots} /proc/sys/fs/file-max /proc/sys/fs/nr_open /proc/sys/vm/swappiness 2>/dev/null | grep -v ${skip} | sort`;
  const [file, ...words] = [...prefix, 'sh', '-c', script] as const;
  const text = execFileSync(file, words, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  // Other tests of this machine bring interfaces and take them away.
  return text
    .split('\n')
    .filter((line) => !/\/(?:conf|neigh)\/(?!all\/|default\/|lo\/)/.test(line))
    .join('\n');
}

function tune(...words: readonly string[]): {
  readonly code: number | null;
  readonly text: string;
  readonly json: unknown;
} {
  const [file, ...rest] = [...inside, binary, 'tune', ...words, '--state-dir', state];
  const ran = spawnSync(file, rest, { encoding: 'utf8', timeout: 120_000 });
  return {
    code: ran.status,
    text: ran.stdout + ran.stderr,
    json: words.includes('--json') ? JSON.parse(ran.stdout) : {},
  };
}

function keyInside(key: string): string {
  const path = `/proc/sys/${key.replaceAll('.', '/')}`;
  return execFileSync(inside[0], [...inside.slice(1), 'cat', path], { encoding: 'utf8' });
}

test("tune audit has a verdict for each line of the article's sysctl.conf", () => {
  const { code, text, json } = tune('audit', article, '--json');
  expect(code, text).toBe(4);
  const lines = json as readonly { readonly key: string; readonly verdict: string; readonly why: string }[];
  expect(lines.map(({ key, verdict }) => `${key.replace('net.ipv4.', '')} ${verdict}`)).toEqual([
    'tcp_tw_reuse kept',
    'tcp_tw_recycle gone',
    'ip_local_port_range better',
    'tcp_max_syn_backlog kept',
    'tcp_syncookies kept',
  ]);
  for (const { why } of lines) expect(why.length).toBeGreaterThan(20);
});

test('tune apply writes this namespace only, makes it last, and revert puts back every byte', () => {
  const before = allKeys(inside);
  const plan = tune('plan', '--check');
  expect(plan.code, plan.text).toBe(4);
  const applied = tune('apply');
  expect(applied.code, applied.text).toBe(0);
  expect(keyInside('net.ipv4.ip_local_port_range')).toBe('15000\t64999\n');
  expect(readFileSync(sysctlFile, 'utf8')).toMatch(
    /^# Written by "tospann tune apply"[^]*\n-net\.ipv4\.ip_local_port_range = 15000 64999\n/,
  );
  expect(tune('plan', '--check').code).toBe(0);
  expect(tune('status').code).toBe(0);
  // Drift is shown and left alone, also by revert.
  const path = '/proc/sys/net/ipv4/tcp_mtu_probing';
  execFileSync(inside[0], [...inside.slice(1), 'sh', '-c', `echo 2 > ${path}`]);
  const drift = tune('status');
  expect(drift.code, drift.text).toBe(4);
  expect(drift.text).toMatch(/changed +net\.ipv4\.tcp_mtu_probing/);
  const reverted = tune('revert');
  expect(reverted.code, reverted.text).toBe(0);
  expect(reverted.text).toMatch(/left +net\.ipv4\.tcp_mtu_probing/);
  execFileSync(inside[0], [...inside.slice(1), 'sh', '-c', `echo 0 > ${path}`]);
  expect(allKeys(inside)).toBe(before);
  expect(readdirSync(join(folder, 'sysctl.d'))).toEqual([]);
});

test.each([0, 1, 2, 9, 17, 26, 31])('kill -9 at step %i of apply: revert puts back every byte', (step) => {
  const before = allKeys(inside);
  const [file, ...words] = [...inside, process.execPath, ...CRASH, state, String(step)];
  const ran = spawnSync(file, words, { encoding: 'utf8', timeout: 60_000 });
  expect(ran.signal, ran.stdout + ran.stderr).toBe('SIGKILL');
  const status = tune('status', '--json').json as { readonly applied: readonly { readonly complete: boolean }[] };
  expect(status.applied.some(({ complete }) => complete)).toBe(false);
  if (step > 2) expect(allKeys(inside)).not.toBe(before);
  const reverted = tune('revert');
  expect(reverted.code, reverted.text).toBe(0);
  expect(allKeys(inside)).toBe(before);
  expect(readdirSync(join(folder, 'sysctl.d'))).toEqual([]);
});

test('what nobody confirms is put back by itself; what is confirmed stays', async () => {
  const before = allKeys(inside);
  const applied = tune('apply', '--confirm-within', '3s');
  expect(applied.code, applied.text).toBe(0);
  expect(allKeys(inside)).not.toBe(before);
  expect(readdirSync(join(folder, 'sysctl.d'))).toEqual([]);
  // Looked at from outside: no command of ours that could do it itself.
  const limit = { timeoutMs: 60_000, everyMs: 200 };
  await until('every key as before', () => allKeys(inside) === before, limit);
  expect(tune('confirm').text).toContain('LB_TUNER_NOTHING_TO_CONFIRM');

  expect(tune('apply', '--confirm-within', '10m').code).toBe(0);
  const second = tune('apply');
  expect(second.code).toBe(1);
  expect(second.text).toContain('LB_TUNER_UNCONFIRMED');
  expect(tune('confirm').code).toBe(0);
  expect(readFileSync(sysctlFile, 'utf8')).toContain('ip_local_port_range');
  expect(tune('revert').code).toBe(0);
  expect(allKeys(inside)).toBe(before);
});

test('two at once: the second is told who holds the lock', async () => {
  const lock = join(state, 'tuner', 'lock');
  mkdirSync(join(state, 'tuner'), { recursive: true });
  const script = `echo 'process 4711 ("tune apply")' > ${lock}; echo locked; exec sleep 100`;
  // A group of its own: the lock ends when the last process that has the file open has ended.
  const first = spawn('flock', [lock, 'sh', '-c', script], { detached: true });
  const ended = new Promise((resolve) => first.once('close', resolve));
  try {
    await new Promise((resolve) => first.stdout.once('data', resolve));
    const second = tune('apply');
    expect(second.code).toBe(1);
    expect(second.text).toMatch(/LB_TUNER_BUSY: .*process 4711 \("tune apply"\)/);
  } finally {
    process.kill(-(first.pid ?? 0), 'SIGKILL');
    await ended;
  }
});

test('tune report is within 100 columns, and says exit 4 while connections are dropped', async () => {
  const calm = tune('report', '--sample', '200ms');
  expect(calm.code, calm.text).toBe(0);
  for (const line of calm.text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  // A listener that never accepts, with room for one: whoever comes next is dropped.
  const script = [
    "const net = require('node:net');",
    "net.createServer().listen({ port: 8099, host: '127.0.0.1', backlog: 1 }, () => console.log('listening'));",
  ].join('\n');
  const file = join(folder, 'storm.cjs');
  writeFileSync(file, script);
  const [command, ...words] = [...inside, process.execPath, file];
  const storm = spawn(command, words);
  await new Promise((resolve) => storm.stdout.once('data', resolve));
  const pid = storm.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  const flood = spawn(inside[0], [
    ...inside.slice(1),
    process.execPath,
    '-e',
    "setInterval(() => { for (let i = 0; i < 5; i++) require('node:net').connect(8099, '127.0.0.1').on('error', () => {}); }, 50)",
  ]);
  try {
    await until('the drops', () => tune('report', '--sample', '500ms').code === 4, { timeoutMs: 60_000 });
  } finally {
    flood.kill('SIGKILL');
    storm.kill('SIGKILL');
  }
});

const CONFIG = `version: 1
cluster: { name: tune, nodes: { lb1: { address: 10.99.0.1, interface: lo } } }
frontends: { main: { bind: ["*:8098"], mode: http, maxConnections: 1000, defaultBackend: app } }
backends: { app: { servers: { web1: { address: "10.99.0.2:80" } } } }
tuner: { profile: balanced, notrack: true }
`;

test('notrack: connections to the load balancer are tracked no more, and a firewall that needs them tracked is a refusal', () => {
  const file = join(folder, 'tospann.yaml');
  writeFileSync(file, CONFIG);
  const shell = (script: string): string =>
    execFileSync(inside[0], [...inside.slice(1), 'bash', '-c', script], { encoding: 'utf8' });
  const tracked = (): number => Number(shell('cat /proc/sys/net/netfilter/nf_conntrack_count'));
  const rule = (name: string, text: string): string =>
    `nft 'table inet ${name} { chain in { type filter hook input priority 0; policy accept; ${text}; }; }'`;
  shell('nft flush ruleset; ip addr flush dev lo to 10.99.0.1');
  shell(`ip addr add 10.99.0.1/32 dev lo; ${rule('tracks', 'ct state established counter')}`);
  // Refused or accepted does not matter: the first packet is enough for an entry.
  const connect = 'for i in 1 2 3; do timeout 1 bash -c "echo > /dev/tcp/10.99.0.1/8098" 2> /dev/null; done; true';
  shell(
    `timeout 20 ${process.execPath} -e 'require("node:net").createServer().listen(8098)' & sleep 1; ${connect}; kill %1`,
  );
  expect(tracked()).toBeGreaterThanOrEqual(3);

  expect(tune('apply', '-c', file).code).toBe(2);
  shell(rule('firewall', 'tcp dport 22 drop'));
  const refused = tune('apply', '-c', file, '--confirm-within', '10m');
  expect(refused.code, refused.text).toBe(1);
  expect(refused.text).toMatch(/LB_TUNER_NOTRACK_REFUSED: .*inet firewall in.*ct state untracked accept/);
  expect(shell('nft list ruleset')).not.toContain('notrack');
  shell('nft delete table inet firewall');

  const applied = tune('apply', '-c', file, '--confirm-within', '10m');
  expect(applied.code, applied.text).toBe(0);
  const before = tracked();
  shell(
    `timeout 20 ${process.execPath} -e 'require("node:net").createServer().listen(8098)' & sleep 1; ${connect}; kill %1`,
  );
  expect(tracked()).toBeLessThanOrEqual(before);
  expect(tune('confirm').code).toBe(0);
  expect(tune('status').text).toContain('Rules against tracking: in-force');
  expect(tune('revert').code).toBe(0);
  expect(shell('nft list ruleset')).not.toContain('notrack');
  shell('nft flush ruleset; ip addr del 10.99.0.1/32 dev lo');
});

test("this machine's own settings were never touched", () => {
  expect(allKeys([])).toBe(hostBefore);
});
