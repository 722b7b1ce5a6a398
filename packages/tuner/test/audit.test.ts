// auditSysctl: every line gets a verdict and a sentence; sysctl.d's precedence.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { adviceFor, oldAdvice } from '../src/core/advice.ts';
import { auditSysctl } from '../src/core/audit.ts';
import { applyOrder, parseSysctl, settingsOf } from '../src/core/sysctl-file.ts';
import { factsOf, kernels, usual, wantedFor } from './machine.ts';

const article = fileURLToPath(new URL('../../../infra/lab/article/sysctl.conf', import.meta.url));

function audit(text: string, facts = factsOf(usual)): readonly string[] {
  return auditSysctl({ file: 'x', text }, facts, wantedFor(3000)).map(({ verdict, why }) => `${verdict}: ${why}`);
}

test("auditSysctl() has a word for each line of the article's file, on every kernel", () => {
  const text = readFileSync(article, 'utf8');
  for (const kernel of kernels) {
    const lines = auditSysctl({ file: article, text }, factsOf({ ...usual, kernel }), wantedFor(3000));
    expect(lines.map(({ line, verdict }) => `${line} ${verdict}`)).toEqual([
      '2 kept',
      '4 gone',
      '6 better',
      '8 kept',
      '10 kept',
    ]);
    expect(lines[2]?.better).toBe('15000 64999');
  }
});

test.each([
  ['net.ipv4.tcp_tw_recycle = 1', /^gone: .*NAT/],
  ['net.ipv4.tcp_timestamps=0', /^harmful: /],
  ['net.ipv4.tcp_timestamps=1', /^kept: /],
  ['net.ipv4.tcp_sack = 0', /^harmful: /],
  ['net.ipv4.tcp_syncookies = 0', /^harmful: .*SYN flood/],
  ['net.ipv4.tcp_fin_timeout = 5', /^harmful: .*TIME_WAIT/],
  ['net.ipv4.tcp_fin_timeout = 30', /^kept: /],
  ['net.ipv4.tcp_mem = 134217728 134217728 134217728', /^harmful: .*pages, not bytes/],
  ['net.ipv4.tcp_rmem = 4096 16777216 16777216', /^harmful: .*every socket/],
  ['net.ipv4.tcp_rmem = 4096 87380 4194304', /^lowers: this kernel has 4096 131072 33554432/],
  ['net.core.netdev_max_backlog = 250000', /^harmful: .*latency/],
  ['net.core.busy_poll = 50', /^harmful: /],
  ['net.ipv4.conf.all.rp_filter = 1', /^harmful: /],
  ['vm.min_free_kbytes = 1048576', /^harmful: .*tenth/],
  ['net.ipv4.tcp_low_latency = 1', /^no-effect: /],
  ['net.ipv4.ip_conntrack_max = 65536', /^gone: .*nf_conntrack/],
  ['net.core.somaxconn = 128', /^lowers: this kernel has 4096/],
  ['net.core.somaxconn = 65535', /^kept: the tuner wants/],
  ['net.ipv4.tcp_max_tw_buckets = 5000', /^lowers: /],
  ['net.netfilter.nf_conntrack_max = 1000000', /^no-effect: .*_buckets/],
  ['net.netfilter.nf_conntrack_max = 1000000\nnet.netfilter.nf_conntrack_buckets = 1000000', /^kept: /],
  ['net.nf_conntrack_max = 1024', /^lowers: /],
  ['net.ipv4.tcp_congestion_control = cubic', /^kept: the tuner leaves it/],
  ['net.ipv4.tcp_synack_retries = 300', /^wrong: it must be a whole number from 0 to 255/],
  ['net.ipv4.tcp_tw_reuze = 1', /^unknown: .*spelling/],
  ['kernel.sched_rt_period_us = 1000000', /^kept: the tuner does not touch it/],
  ['net/ipv4/tcp_sack=0', /^harmful: /],
  ['net.ipv4.tcp_sack = 0\nnet.ipv4.tcp_sack = 1', /^no-effect: line 2 sets the same key again/],
  ['just words', /^wrong: it is not "key = value"/],
  ['net.ipv4.conf.*.rp_filter = 2', /^kept: a pattern/],
])('auditSysctl() of %j', (text, said) => {
  expect(audit(text)[0]).toMatch(said);
});

test('auditSysctl() says what this kernel does not have', () => {
  const old = factsOf({ ...usual, kernel: kernels[0] ?? usual.kernel });
  expect(audit('net.ipv4.tcp_rto_min_us = 200000', old)[0]).toMatch(/^absent: .*5\.10.*came with Linux 6\.11/);
  // A key of 5.14 that Debian's 5.10 has: the file decides, not the version.
  expect(audit('net.ipv4.tcp_migrate_req = 1', old)[0]).toMatch(/^kept/);
  const without = factsOf({ ...usual, conntrack: false });
  expect(audit('net.netfilter.nf_conntrack_max = 1000000', without)[0]).toMatch(
    /^absent: connection tracking is not loaded/,
  );
});

test('auditSysctl() does not take what a file set for what the kernel has by itself', () => {
  const facts = factsOf(usual);
  const key = 'net.core.somaxconn';
  const values = { ...facts.values, [key]: { raw: '65535\n', writable: 'yes' as const } };
  const setBy = { [key]: [{ file: '/etc/sysctl.d/90.conf', line: 1, value: '65535' }] };
  expect(audit(`${key} = 16384`, { ...facts, values, setBy })[0]).toMatch(/^kept/);
  expect(audit(`${key} = 16384`, { ...facts, values })[0]).toMatch(/^lowers/);
});

test('every piece of old advice says why, and none is meant for good values', () => {
  const facts = factsOf(usual);
  for (const { why } of oldAdvice) expect(why).toMatch(/^[a-z0-9].*[^.]$/);
  for (const [key, { raw }] of Object.entries(facts.values)) {
    const advice = adviceFor({ key, value: raw }, facts);
    // A kernel's own values are never harmful.
    expect(advice?.verdict === 'harmful' ? `${key} ${raw} ${advice.why}` : '').toBe('');
  }
});

test('parseSysctl() and applyOrder() read sysctl.d as sysctl does', () => {
  expect(parseSysctl('# c\n; c\n\n-net.core.somaxconn=5\n net.ipv4.tcp_rmem = 1 2\t3 \n')).toEqual([
    { line: 4, text: '-net.core.somaxconn=5', key: 'net.core.somaxconn', value: '5' },
    { line: 5, text: 'net.ipv4.tcp_rmem = 1 2\t3', key: 'net.ipv4.tcp_rmem', value: '1 2\t3' },
  ]);
  const order = applyOrder({
    '/usr/lib/sysctl.d': ['50-default.conf', '99-x.conf', 'README'],
    '/etc/sysctl.d': ['50-default.conf', '60-tospann.conf'],
    '/run/sysctl.d': ['70-run.conf'],
  });
  expect(order).toEqual([
    '/etc/sysctl.d/50-default.conf',
    '/etc/sysctl.d/60-tospann.conf',
    '/run/sysctl.d/70-run.conf',
    '/usr/lib/sysctl.d/99-x.conf',
  ]);
  const settings = settingsOf([
    { file: 'a', text: 'net.core.somaxconn = 1' },
    { file: 'b', text: 'net/core/somaxconn = 2' },
  ]);
  expect(settings['net.core.somaxconn']?.map(({ file, value }) => `${file} ${value}`)).toEqual(['a 1', 'b 2']);
});
