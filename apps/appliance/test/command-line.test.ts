// The command line of the built binary, from outside: what it prints, where, and with which exit code.
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { asNobody, binary, Scratch, tospann } from './binary.ts';

const article = fileURLToPath(new URL('../../../infra/lab/article/', import.meta.url));
const articleFiles = [
  '--haproxy',
  'haproxy.cfg',
  '--keepalived',
  'keepalived-lb1.conf',
  '--keepalived',
  'keepalived-lb2.conf',
  '--sysctl',
  'sysctl.conf',
];
const articleImport = [
  'import',
  ...articleFiles.map((word) => (word.startsWith('--') ? word : join(article, word))),
  '--node-address',
  'lb1=192.168.1.11',
  '--node-address',
  'lb2=192.168.1.12',
];

test('version prints the version of package.json', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const ran = tospann('version', '--json');
  expect(ran.code).toBe(0);
  expect(JSON.parse(ran.stdout)).toMatchObject({ version });
});

test('an unknown command and an unknown option exit with 2 and say so on standard error', () => {
  for (const args of [['runn'], ['status', '--nope'], ['import']]) {
    const ran = tospann(...args);
    expect(ran.code, args.join(' ')).toBe(2);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).not.toBe('');
  }
});

test('events refuses what it does not know, says what it knows, and exits with 5 when no node runs', () => {
  using scratch = new Scratch();
  const since = tospann('events', '--since', 'yesterday', '--run-dir', scratch.dir);
  expect(since).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('42 or 10m') });
  const kind = tospann('events', '--kind', 'vrrp-state,nope', '--run-dir', scratch.dir);
  expect(kind).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('no kind "nope"') });
  const nobody = tospann('events', '--follow', '--run-dir', scratch.dir, '--state-dir', scratch.dir);
  expect(nobody).toMatchObject({ code: 5, stdout: '' });
});

test('events of a node that does not run are read from what it kept', () => {
  using scratch = new Scratch();
  const event = (seq: number, kind: string, text: string): string =>
    JSON.stringify({
      seq,
      node: 'lb1',
      timeMs: 1_795_348_800_000,
      monotonicMs: seq,
      event: kind,
      severity: 'info',
      text,
    });
  const lines = [event(1, 'node', 'It starts'), event(2, 'vrrp-state', 'It owns v'), event(3, 'child', 'admin died')];
  scratch.file('events.jsonl', `${lines.join('\n')}\n{"seq":4,"torn`);
  const read = (...args: string[]) =>
    tospann('events', ...args, '--run-dir', join(scratch.dir, 'run'), '--state-dir', scratch.dir);
  const all = read();
  expect(all).toMatchObject({ code: 0, stderr: expect.stringContaining('The node does not run') });
  expect(
    all.stdout
      .trim()
      .split('\n')
      .map((line) => line.slice(-10).trim()),
  ).toEqual(['It starts', 'It owns v', 'admin died']);
  expect(read('--since', '2').stdout).toMatch(/^[^\n]*admin died\n$/);
  expect(read('--kind', 'vrrp-state', '--json').stdout).toBe(`${lines[1]}\n`);
});

test('status exits with 5 and a hint when no node runs', () => {
  using scratch = new Scratch();
  const ran = tospann('status', '--run-dir', scratch.dir);
  expect(ran.code).toBe(5);
  expect(ran.stderr).toMatch(/LB_OPERATION_NOT_REACHABLE.*\n {2}hint: Start it with "tospann run"/);
});

test('import keeps a file that is there unless it is told otherwise, and says where it cannot write', () => {
  using scratch = new Scratch();
  const target = join(scratch.dir, 'tospann.yaml');
  writeFileSync(target, 'mine\n');
  const kept = tospann(...articleImport, '-o', target);
  expect(kept).toMatchObject({ code: 1, stderr: expect.stringContaining('LB_IMPORT_OUTPUT_EXISTS') });
  expect(readFileSync(target, 'utf8')).toBe('mine\n');
  expect(tospann(...articleImport, '-o', target, '--force').code).toBe(0);
  expect(readFileSync(target, 'utf8')).toContain('version: 1');
  expect(tospann(...articleImport).stdout).toBe(readFileSync(target, 'utf8'));
  for (const nowhere of [join(scratch.dir, 'nodir', 'x'), join(target, 'x'), scratch.dir]) {
    const ran = tospann(...articleImport, '-o', nowhere, '--force');
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringMatching(/LB_IMPORT_OUTPUT.*\n {2}hint: /) });
    expect(ran.stderr).not.toMatch(/\n\s+at /);
  }
});

test('import makes a valid pair of the files of the founding article and accounts for every line', () => {
  using scratch = new Scratch();
  const target = join(scratch.dir, 'tospann.yaml');
  const ran = tospann(...articleImport, '-o', target);
  expect(ran.stderr).toContain('tcp_tw_recycle');
  expect(ran.code).toBe(0);
  for (const file of readdirSync(article).filter((name) => /\.(cfg|conf)$/.test(name))) {
    readFileSync(join(article, file), 'utf8')
      .split('\n')
      .forEach((line, i) => {
        const significant = line.trim() !== '' && !line.trim().startsWith('#') && line.trim() !== '}';
        if (significant) expect(ran.stderr, `${file}:${i + 1}: ${line}`).toContain(`${file}:${i + 1}: `);
      });
  }
  expect(readFileSync(target, 'utf8')).not.toContain('SuperSecretPassword');
  expect(tospann(...articleImport).stdout).toBe(readFileSync(target, 'utf8'));
  const checked = tospann('validate', '-c', target);
  expect(checked).toMatchObject({ code: 0 });
});

test('validate prints all problems at once with their places, and exits with 3', () => {
  using scratch = new Scratch();
  const file = scratch.file(
    'tospann.yaml',
    tospann(...articleImport)
      .stdout.replace('roundrobin', 'roundrobbin')
      .replace('retries:', 'retriess:'),
  );
  const ran = tospann('validate', '-c', file);
  expect(ran.code).toBe(3);
  const places = ran.stderr.split('\n').filter((line) => line.startsWith(`${file}:`) && !line.includes(': warning '));
  expect(places.length).toBeGreaterThanOrEqual(2);
  for (const place of places) expect(place).toMatch(/^.*\.yaml:\d+:\d+: LB_[A-Z_]+ \S+: [A-Z]/);
  expect(ran.stderr).toContain('retries');
});

test('run refuses a configuration that is not valid, and one that is not there, with exit code 3', () => {
  using scratch = new Scratch();
  const file = scratch.file('tospann.yaml', 'version: 1\nclutser: {}\n');
  expect(tospann('run', '-c', file, '--run-dir', scratch.dir, '--state-dir', scratch.dir)).toMatchObject({
    code: 3,
    stdout: '',
  });
  const missing = tospann(
    'run',
    '-c',
    join(scratch.dir, 'none.yaml'),
    '--run-dir',
    scratch.dir,
    '--state-dir',
    scratch.dir,
  );
  expect(missing.code).toBe(3);
  expect(missing.stderr).toContain('LB_CONFIG_UNREADABLE');
});

test('token is the same on every call, and on every node that has the key', () => {
  using one = new Scratch();
  using two = new Scratch();
  const first = tospann('token', '--state-dir', one.dir);
  expect(first.stdout.trim()).toMatch(/^[\w-]{43}$/);
  expect(tospann('token', '--state-dir', one.dir).stdout).toBe(first.stdout);
  two.file('cluster.key', readFileSync(join(one.dir, 'cluster.key'), 'utf8'));
  expect(tospann('token', '--state-dir', two.dir).stdout).toBe(first.stdout);
});

test('plan prints who owns the addresses after each fault, in 100 columns, and exits with 3 for a pair that cannot fail over', () => {
  using scratch = new Scratch();
  const text = `version: 1
cluster: { nodes: { lb1: { address: 10.0.0.1, interface: eth0 }, lb2: { address: 10.0.0.2, interface: eth0 } } }
vips: { public: { address: 192.168.1.200/24, routerId: 51 } }
frontends: { main: { bind: ["*:80"], defaultBackend: app } }
backends: { app: { servers: { web1: { address: "10.0.1.1:80" } } } }
failover: { scripts: { own: { run: [/usr/local/bin/check, --disk] } } }
admin: { bind: ["*:9443"] }
`;
  const good = tospann('plan', '-c', scratch.file('good.yaml', text), '--run-dir', scratch.dir);
  expect(good).toMatchObject({ code: 0, stderr: '' });
  expect(good.stdout).toMatch(/^ {2}node dead {2,}lb2 {2,}3\.61 s {2,}3 adverts of 1s and the skew are missed$/m);
  expect(Math.max(...good.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  const shared = scratch.file('shared.yaml', text.replace('--disk', 'http://10.0.1.1/health'));
  const bad = tospann('plan', '-c', shared, '--run-dir', scratch.dir, '--json');
  expect(bad.code).toBe(3);
  expect(JSON.parse(bad.stdout)).toMatchObject({
    valid: false,
    problems: [{ code: 'LB_CONFIG_SCRIPT_SHARED', line: 6 }],
  });
});

test('a user without rights is told so, with the way out and no stack trace, by every command', () => {
  using scratch = new Scratch();
  const text = `version: 1
cluster: { nodes: { lb1: { address: 127.0.0.1, interface: lo } } }
frontends: { main: { bind: ["127.0.0.1:1"], defaultBackend: app } }
backends: { app: { servers: { web1: { address: "127.0.0.1:2" } } } }
`;
  const config = scratch.file('tospann.yaml', text);
  const closed = join(scratch.dir, 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0o700);
  chmodSync(scratch.dir, 0o755);
  const stateDir = ['--state-dir', join(closed, 'state')];
  const runDir = ['--run-dir', join(closed, 'run')];
  for (const args of [
    ['run', '-c', config, ...stateDir, ...runDir],
    ['token', ...stateDir],
    ['status', ...runDir],
    ['failover', ...runDir],
    ['servers', 'list', ...runDir],
    ['tune', 'status', ...stateDir],
    ['validate', '-c', join(closed, 'x.yaml')],
  ]) {
    const ran = asNobody(...args);
    expect(ran.code, args.join(' ')).not.toBe(0);
    expect(ran.stderr, args.join(' ')).toMatch(/^LB_[A-Z_]+.*: .+\n {2}hint: Run the command with sudo/m);
    expect(ran.stderr, args.join(' ')).not.toMatch(/^ +at /m);
  }
});

test('a full disk behind the output is an error in words; a reader that has read enough is none', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(binary, ['version'], { encoding: 'utf8', stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^LB_OPERATION_OUTPUT: Cannot write the output: no space left on device \(write\)\n {2}hint: /,
  );
  const piped = spawnSync('bash', ['-c', `"$0" --help | true; exit "\${PIPESTATUS[0]}"`, binary], { encoding: 'utf8' });
  expect(piped).toMatchObject({ status: 0, stderr: '' });
});
