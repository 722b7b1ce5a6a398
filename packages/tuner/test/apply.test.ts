// Apply, confirm and revert on a fake machine: every key as before, byte for byte, wherever it is interrupted; what
// somebody else changed is left alone; nobody confirming puts everything back.
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { changesOf, makePlan } from '../src/core/plan.ts';
import { MODULES_FILE, SYSCTL_FILE } from '../src/core/persist.ts';
import { applyPlan, confirmApply, type ApplyOptions } from '../src/io/apply.ts';
import { readFacts } from '../src/io/facts.ts';
import { Journal } from '../src/io/journal.ts';
import { revertAll, settleIfExpired } from '../src/io/revert.ts';
import { readDriftedKeys, readTunerStatus } from '../src/io/status.ts';
import { lockTuner } from '../src/io/tuner-lock.ts';
import { FakeMachine, factsOf, listingOf, usual, wantedFor } from './machine.ts';

const at = '2026-01-02T03:04:05Z';
const values = listingOf(usual);
const wanted = wantedFor(3000);

function place(machine: FakeMachine): Pick<ApplyOptions, 'root' | 'directory' | 'version'> {
  return { root: machine.root, directory: machine.directory, version: '0' };
}

function options(machine: FakeMachine, more: Partial<ApplyOptions> = {}): ApplyOptions {
  const plan = (): ReturnType<typeof makePlan> => {
    const drifted = readDriftedKeys(place(machine));
    return makePlan({ ...factsOf(usual), values: readFacts({ root: machine.root }).values, drifted }, wanted);
  };
  return { ...place(machine), plan, conntrackIsModule: true, at, startGuard: async () => undefined, ...more };
}

const keys = changesOf(makePlan(factsOf(usual), wanted)).map(({ key }) => key);
const files = [SYSCTL_FILE, MODULES_FILE];

/** Everything that apply touches. */
function everything(machine: FakeMachine): Record<string, string | undefined> {
  return { ...machine.bytes(Object.keys(values)), ...Object.fromEntries(files.map((f) => [f, machine.root.read(f)])) };
}

test('applyPlan() writes each change and one file that says why; revertAll() puts every byte back', async () => {
  using machine = new FakeMachine(values);
  const before = everything(machine);
  const report = await applyPlan(options(machine));
  expect(report.outcomes.map(({ key, outcome }) => `${outcome} ${key}`)).toEqual(keys.map((key) => `set ${key}`));
  const text = machine.root.read(SYSCTL_FILE) ?? '';
  for (const { key, wanted: value } of report.outcomes) expect(text).toContain(`-${key} = ${value}\n`);
  expect(text).toContain('# Before: 32768 60999\n');
  expect(machine.root.read(MODULES_FILE)).toContain('nf_conntrack\n');
  expect(readTunerStatus(place(machine)).keys.every(({ state }) => state === 'in-force')).toBe(true);
  expect((await applyPlan(options(machine))).outcomes).toEqual([]);
  expect(revertAll(place(machine)).every(({ outcome }) => outcome === 'restored')).toBe(true);
  expect(everything(machine)).toEqual(before);
  expect(revertAll(place(machine))).toEqual([]);
});

/** Every point at which apply announces what it does. */
async function stepsOf(): Promise<readonly string[]> {
  using machine = new FakeMachine(values);
  const steps: string[] = [];
  await applyPlan(options(machine, { onStep: (step) => steps.push(step) }));
  return steps;
}

test('revertAll() restores every byte after a crash at any step of apply, and after a second crash while reverting', async () => {
  const steps = await stepsOf();
  expect(steps.length).toBeGreaterThan(3 * keys.length);
  for (let crash = 0; crash < steps.length; crash++) {
    using machine = new FakeMachine(values);
    const before = everything(machine);
    let step = 0;
    const onStep = (): void => {
      if (step++ === crash) throw new Error('crash');
    };
    await expect(applyPlan(options(machine, { onStep }))).rejects.toThrow('crash');
    // The journal's last line may be cut off by a power loss as well: then what it announced was not done.
    if (crash % 2 === 0) appendFileSync(join(machine.directory, 'journal.jsonl'), '{"type":"key","ke');
    let restored = 0;
    try {
      revertAll({
        ...place(machine),
        onStep: () => {
          if (restored++ === 1) throw new Error('crash');
        },
      });
    } catch (error) {
      expect(error).toMatchObject({ message: 'crash' });
    }
    revertAll(place(machine));
    expect(everything(machine), steps[crash]).toEqual(before);
  }
});

test('applyPlan() can be finished after a crash at any step, and the way back still leads to the beginning', async () => {
  const steps = await stepsOf();
  for (let crash = 0; crash < steps.length; crash += 3) {
    using machine = new FakeMachine(values);
    const before = everything(machine);
    let step = 0;
    const onStep = (): void => {
      if (step++ === crash) throw new Error('crash');
    };
    await expect(applyPlan(options(machine, { onStep }))).rejects.toThrow('crash');
    await applyPlan(options(machine));
    expect(changesOf(options(machine).plan())).toEqual([]);
    revertAll(place(machine));
    expect(everything(machine), steps[crash]).toEqual(before);
  }
});

test('revertAll() leaves what somebody else changed, and restores a file that was there before', async () => {
  using machine = new FakeMachine(values);
  machine.write(SYSCTL_FILE, '# of somebody\n');
  await applyPlan(options(machine));
  machine.write('/proc/sys/net/ipv4/tcp_mtu_probing', '2\n');
  expect(readDriftedKeys(place(machine))).toEqual(['net.ipv4.tcp_mtu_probing']);
  // Drift is not fought over.
  expect((await applyPlan(options(machine))).outcomes).toEqual([]);
  const outcomes = revertAll(place(machine));
  expect(outcomes.find(({ what }) => what === 'net.ipv4.tcp_mtu_probing')).toMatchObject({ outcome: 'left' });
  expect(outcomes.filter(({ outcome }) => outcome === 'left').length).toBe(1);
  expect(machine.root.read('/proc/sys/net/ipv4/tcp_mtu_probing')).toBe('2\n');
  expect(machine.root.read(SYSCTL_FILE)).toBe('# of somebody\n');
});

test('applyPlan() names a key that disappears or is refused, and the rest goes on', async () => {
  using machine = new FakeMachine(values);
  const gone = 'net.ipv4.tcp_notsent_lowat';
  const plan = options(machine).plan();
  const path = join(machine.dir, '/proc/sys/net/ipv4/tcp_notsent_lowat');
  writeFileSync(`${path}.moved`, '');
  const onStep = (step: string): void => {
    if (step === `announced ${gone}`) rmKey(path);
  };
  const report = await applyPlan(options(machine, { plan: () => plan, onStep }));
  expect(report.outcomes.find(({ key }) => key === gone)).toMatchObject({ outcome: 'refused', detail: /ENOENT/ });
  expect(report.outcomes.filter(({ outcome }) => outcome === 'set').length).toBe(keys.length - 1);
  expect(readTunerStatus(place(machine)).keys.some(({ key }) => key === gone)).toBe(false);
});

test('applyPlan() changes nothing in a container whose /proc/sys is read-only', async () => {
  using machine = new FakeMachine(values);
  const facts = factsOf(usual);
  const readOnly = Object.fromEntries(
    Object.entries(facts.values).map(([key, { raw }]) => [key, { raw, writable: 'read-only' as const }]),
  );
  const plan = makePlan({ ...facts, values: readOnly }, wanted);
  await expect(applyPlan(options(machine, { plan: () => plan }))).rejects.toMatchObject({ code: 'LB_TUNER_READ_ONLY' });
  expect(existsSync(join(machine.directory, 'journal.jsonl'))).toBe(false);
});

test('applyPlan() puts back what it did when its journal cannot be written any more', async () => {
  using machine = new FakeMachine(values);
  const before = everything(machine);
  const journal = join(machine.directory, 'journal.jsonl');
  let text = '';
  const onStep = (step: string): void => {
    if (step !== `journaled ${keys[3]}`) return;
    // A directory in its place: what root may do to a file with mode 0 is still everything.
    text = readFileSync(journal, 'utf8');
    rmKey(journal);
    machine.write('/state/journal.jsonl/x', '');
  };
  await expect(applyPlan(options(machine, { onStep }))).rejects.toMatchObject({ code: 'LB_TUNER_JOURNAL' });
  rmKey(journal);
  writeFileSync(journal, text);
  revertAll(place(machine));
  expect(everything(machine)).toEqual(before);
});

test('lockTuner() lets one process at a time, and says which', () => {
  using machine = new FakeMachine({});
  {
    using _first = lockTuner(machine.directory, 'tune apply');
    expect(() => lockTuner(machine.directory, 'tune revert')).toThrow(
      expect.objectContaining({ code: 'LB_TUNER_BUSY', message: expect.stringContaining(`process ${process.pid}`) }),
    );
  }
  using _second = lockTuner(machine.directory, 'tune revert');
});

test('what nobody confirms is put back when its time is over, what is confirmed lasts', async () => {
  using machine = new FakeMachine(values);
  const before = everything(machine);
  await applyPlan(options(machine, { confirmWithinSeconds: 60 }));
  // Until it is confirmed no file makes it last: a restart of the machine puts it back too.
  expect(machine.root.exists(SYSCTL_FILE)).toBe(false);
  await expect(applyPlan(options(machine))).rejects.toMatchObject({ code: 'LB_TUNER_UNCONFIRMED' });
  machine.write('/proc/uptime', '1059.00 1.00\n');
  expect(settleIfExpired(place(machine))).toBeUndefined();
  machine.write('/proc/uptime', '1060.00 1.00\n');
  expect(settleIfExpired(place(machine))?.length).toBe(keys.length);
  expect(everything(machine)).toEqual(before);

  await applyPlan(options(machine, { confirmWithinSeconds: 60 }));
  expect(confirmApply({ ...place(machine), conntrackIsModule: false, at }).files).toEqual([SYSCTL_FILE]);
  machine.write('/proc/uptime', '9999.00 1.00\n');
  expect(settleIfExpired(place(machine))).toBeUndefined();
  expect(readTunerStatus(place(machine)).keys.every(({ state }) => state === 'in-force')).toBe(true);
  revertAll(place(machine));
  expect(everything(machine)).toEqual(before);
});

test('an apply that waits to be confirmed goes back to the one before it, not to the beginning', async () => {
  using machine = new FakeMachine(values);
  const before = everything(machine);
  await applyPlan(options(machine));
  const first = everything(machine);
  const more = makePlan(readFactsOf(machine), wantedFor(400_000, { profile: 'high-connections' }));
  await applyPlan(options(machine, { plan: () => more, confirmWithinSeconds: 5 }));
  expect(everything(machine)).not.toEqual(first);
  machine.write('/proc/sys/kernel/random/boot_id', 'boot-2\n');
  expect(settleIfExpired(place(machine))).toBeDefined();
  expect(everything(machine)).toEqual(first);
  revertAll(place(machine));
  expect(everything(machine)).toEqual(before);
});

test('confirmApply() says when there is nothing to confirm, and when it comes too late', async () => {
  using machine = new FakeMachine(values);
  const confirm = (): unknown => confirmApply({ ...place(machine), conntrackIsModule: false, at });
  expect(confirm).toThrow(expect.objectContaining({ code: 'LB_TUNER_NOTHING_TO_CONFIRM' }));
  await applyPlan(options(machine, { confirmWithinSeconds: 5 }));
  machine.write('/proc/uptime', '2000.00 1.00\n');
  expect(confirm).toThrow(/put back/);
  expect(new Journal(machine.directory).applies()).toEqual([]);
});

test('a guard that does not come up keeps everything as it is', async () => {
  using machine = new FakeMachine(values);
  const before = everything(machine);
  const startGuard = async (): Promise<void> => await Promise.reject(new Error('no memory'));
  await expect(applyPlan(options(machine, { confirmWithinSeconds: 5, startGuard }))).rejects.toMatchObject({
    code: 'LB_TUNER_NO_GUARD',
  });
  expect(everything(machine)).toEqual(before);
});

function readFactsOf(machine: FakeMachine): ReturnType<typeof factsOf> {
  return { ...factsOf(usual), values: readFacts({ root: machine.root }).values };
}

function rmKey(path: string): void {
  rmSync(path, { recursive: true });
}
