// What people and programs are told over failovers: the log, the event stream, a hook, the FIFO and a mover agree on
// what happened and in which order; hooks work while the admin process hangs; the history survives restarts.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { type LabProcess, Pair, type PairMember, productCommand, until } from '../src/index.ts';

type Fields = Readonly<Record<string, unknown>>;
interface EventLine extends Fields {
  readonly seq: number;
  readonly node: string;
  readonly event: string;
  readonly monotonicMs: number;
  readonly evidence: Fields;
}

const folder = mkdtempSync(join(tmpdir(), 'tospann-told-'));
const fifo = join(folder, 'notify');
const closers: (() => Promise<void>)[] = [];
let pair: Pair;
let lines: LabProcess;
const followers = new Map<string, LabProcess>();

beforeAll(async () => {
  script('record', `{ cat; echo; } >> ${folder}/record-$TOSPANN_NODE`);
  // The first attempt on each node fails: it is made again.
  script(
    'move',
    `echo "$TOSPANN_NODE $TOSPANN_VIP $TOSPANN_ADDRESS $TOSPANN_TERM" >> ${folder}/moves
[ $(grep -c "^$TOSPANN_NODE " ${folder}/moves) -gt 1 ]`,
  );
  pair = await Pair.create({
    configure: (yaml) => {
      const announce = `announce: { hook: { run: [${folder}/move], timeout: 5s, retries: 3, retryInterval: 200ms } }`;
      const hooks = `hooks: { record: { on: [vrrp-state, handover], run: [${folder}/record], timeout: 20s } }`;
      return `${yaml.replace('preferred: lb1', `preferred: lb1, ${announce}`)}\nevents:\n  ${hooks}\n  fifo: ${fifo}\n`;
    },
  });
  closers.push(async () => await pair[Symbol.asyncDispose]());
  await pair.start();
  await pair.waitForOwner(pair.lb1, 30_000);
  lines = pair.client.spawnInstrument('fifo', ['cat', fifo]);
  for (const member of [pair.lb1, pair.lb2]) {
    const args = ['events', '--follow', '--json', '--since', '0', '--run-dir', member.runDir];
    followers.set(member.name, member.node.spawnInstrument('events', [...productCommand(), ...args]));
  }
});

afterAll(async () => {
  for (const close of closers) await close();
  rmSync(folder, { recursive: true, force: true });
});

test('a planned move is told on both nodes, by every way, in the same order', async () => {
  await until('both servers and the link', async () => (await pair.lb1.command(['status'])).code === 0, {
    timeoutMs: 30_000,
    everyMs: 200,
  });
  expect((await pair.lb1.failover()).code).toBe(0);
  await pair.waitForOwner(pair.lb2, 10_000);
  for (const member of [pair.lb1, pair.lb2]) await agree(member);
  await seen('the move of lb2', () => moves().filter((move) => move.startsWith('lb2')).length === 2);
  // Told by the admin process, with what it took: it reaches the hook in the agent's process through the supervisor.
  const handovers = (list: readonly EventLine[]): readonly EventLine[] =>
    list.filter(({ event }) => event === 'handover');
  await seen('the hand-over at the hook', () => handovers(recorded(pair.lb1)).length === 1);
  expect(handovers(streamed(pair.lb1))).toMatchObject([{ evidence: { from: 'lb1', to: 'lb2', vips: 'VI_1' } }]);
});

test('while the admin process hangs, the death of the other node reaches hook, FIFO and mover; the stream follows', async () => {
  const [admin = 0] = pair.lb1.childPids('admin');
  process.kill(admin, 'SIGSTOP');
  const before = recorded(pair.lb1).length;
  try {
    pair.lb2.node.killGroup('SIGKILL');
    await seen('the hook of lb1', () => recorded(pair.lb1).length > before);
    expect(recorded(pair.lb1).at(-1)).toMatchObject({ event: 'vrrp-state', evidence: { to: 'master' } });
    await seen('the FIFO', () => /MASTER 100\n.*MASTER 150\n$/s.test(lines.text('stdout')));
    await seen('the mover of lb1', () => moves().at(-1)?.startsWith('lb1 VI_1 192.168.1.200 ') === true);
    expect(lastState(pair.lb1)?.evidence['to']).toBe('backup');
  } finally {
    process.kill(admin, 'SIGCONT');
  }
  await agree(pair.lb1);
  const won = lastState(pair.lb1);
  expect(won).toMatchObject({ severity: 'warning', vip: 'VI_1', evidence: { from: 'backup', to: 'master' } });
  for (const key of ['term', 'lastAdvertMs', 'lateMs', 'stealPercent']) expect(won?.evidence[key]).toBeTypeOf('number');
});

test('the lines of the FIFO are those of the states, and terms grow from owner to owner', async () => {
  const told = lines.text('stdout').trim().split('\n');
  // lb1 has 150, lb2 100. Lines of the start may have come before.
  expect(told.slice(-3)).toEqual([
    expect.stringMatching(/^INSTANCE "VI_1" (MASTER 100|BACKUP 150)$/),
    expect.stringMatching(/^INSTANCE "VI_1" (MASTER 100|BACKUP 150)$/),
    'INSTANCE "VI_1" MASTER 150',
  ]);
  expect(new Set(told.slice(-3)).size).toBe(3);
  const terms = moves().map((move) => Number(move.split(' ')[3]));
  expect(terms).toEqual([...terms].sort((a, b) => a - b));
  // Three take-overs: lb1 at its start, lb2, lb1 again.
  expect(new Set(terms).size).toBe(3);
  const status = JSON.parse((await pair.lb1.command(['status', '--json'])).stdout) as {
    self: { vrrp: { movers: readonly Fields[] } };
  };
  expect(status.self.vrrp.movers).toMatchObject([{ vip: 'VI_1', outcome: 'done', term: terms.at(-1) }]);
  expect((await pair.lb1.command(['events', '--kind', 'mover'])).stdout).toMatch(
    /192\.168\.1\.200 of VI_1 was moved to lb1 in \d+ ms, at attempt 2/,
  );
});

test('after the end of a node its history is there again, and numbers go on', async () => {
  const before = streamed(pair.lb1);
  await pair.lb1.stop();
  expect(recorded(pair.lb1).at(-1)).toMatchObject({ event: 'vrrp-state', evidence: { to: 'init' } });
  await pair.lb1.start(pair.configFile);
  const asked = await pair.lb1.command(['events', '--json']);
  const after = asked.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as EventLine);
  expect(after.slice(0, before.length)).toEqual(before);
  expect(after.map(({ seq }) => seq)).toEqual(after.map((_, i) => i + 1));
  // Who follows has gone on by itself, without a gap and without anything twice.
  await seen('the follower', () => streamed(pair.lb1).length >= after.length);
  expect(streamed(pair.lb1).slice(0, after.length)).toEqual(after);
});

/** The state changes of this life of a node: in its log, in the stream, at the hook. */
async function agree(member: PairMember): Promise<void> {
  const logged = member.process.events('vrrp-state').map(({ json }) => factsOf(json ?? {}, json ?? {}));
  expect(logged.length).toBeGreaterThan(1);
  const statesOf = (list: readonly EventLine[]): readonly unknown[] =>
    list.filter(({ event }) => event === 'vrrp-state').map((event) => factsOf(event, event.evidence));
  for (const [what, read] of [
    ['the stream', streamed],
    ['the hook', recorded],
  ] as const) {
    await seen(`${what} of ${member.name}`, () => statesOf(read(member)).length >= logged.length);
    expect(statesOf(read(member)), what).toEqual(logged);
  }
  const numbers = streamed(member).map(({ seq }) => seq);
  expect(numbers).toEqual(numbers.map((_, i) => i + 1));
}

function factsOf(event: Fields, change: Fields): Fields {
  const { vip, group, monotonicMs } = event;
  const { from, to, reason } = change;
  return { vip, group, monotonicMs, from, to, reason };
}

function streamed(member: PairMember): readonly EventLine[] {
  return (followers.get(member.name)?.lines ?? []).flatMap(({ from, json }) =>
    from === 'stdout' && json !== undefined ? [json as EventLine] : [],
  );
}

function lastState(member: PairMember): EventLine | undefined {
  return streamed(member).findLast(({ event }) => event === 'vrrp-state');
}

function recorded(member: PairMember): readonly EventLine[] {
  return linesOf(join(folder, `record-${member.name}`)).map((line) => JSON.parse(line) as EventLine);
}

function moves(): readonly string[] {
  return linesOf(join(folder, 'moves'));
}

async function seen(what: string, condition: () => boolean): Promise<void> {
  await until(what, condition, { timeoutMs: 30_000 });
}

/** Whole lines of a file. */
function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

function script(name: string, body: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}
