// Failover beside keepalived: the same events on both pairs, the outage as a client sees it that opens a connection
// every 5 ms, and how long two nodes had the address.
//   node --conditions=@tospann/source infra/bench/src/failover.ts [--repeat 3] [--advert 1000] [--systems tospann,keepalived]
//     [--events stop,kill,crash,freeze,kill-proxy]
// Needs root, keepalived, haproxy. An event takes about 15 s at 1 s adverts.
import { parseArgs } from 'node:util';

import { monotonicMs, pause, Prober, signalAll, until, VIP, type ProbeReport } from '@tospann/lab';

import { keepalivedPair, tospannPair, type System } from './failover-systems.ts';
import { median } from './statistics.ts';

const { values } = parseArgs({
  options: {
    repeat: { type: 'string', default: '3' },
    advert: { type: 'string', default: '1000' },
    systems: { type: 'string', default: 'tospann,keepalived' },
    events: { type: 'string', default: 'stop,kill,crash,freeze,kill-proxy' },
  },
});
const ADVERT_MS = Number(values.advert);

interface Event {
  readonly title: string;
  /** Does it to lb1, which owns the address; returns what undoes it. */
  readonly happen: (system: System) => Promise<() => Promise<void>>;
}

const EVENTS: Readonly<Record<string, Event>> = {
  stop: {
    title: 'owner ends on purpose (SIGTERM)',
    happen: async (system) => {
      await system.stop('lb1');
      return async () => await system.start('lb1');
    },
  },
  kill: {
    title: 'all its processes killed (SIGKILL)',
    happen: async (system) => {
      system.lab.node('lb1').killGroup('SIGKILL');
      await Promise.resolve();
      return async () => {
        // A person has to remove what keepalived left on the dead node before it may start again.
        system.lab.node('lb1').run(['ip', 'addr', 'flush', 'dev', 'eth0', 'to', `${VIP}/32`]);
        await system.start('lb1');
      };
    },
  },
  crash: {
    title: 'node gone from the network',
    happen: async (system) => {
      const heal = system.lab.faults.isolate('lb1');
      await Promise.resolve();
      return async () => await Promise.resolve(heal());
    },
  },
  freeze: {
    title: 'node frozen for 6 s (SIGSTOP), then thawed',
    happen: async (system) => {
      system.lab.node('lb1').freeze();
      await pause(6_000);
      system.lab.node('lb1').thaw();
      return async () => await Promise.resolve();
    },
  },
  'kill-proxy': {
    title: 'its proxy process killed (SIGKILL)',
    happen: async (system) => {
      signalAll(system.proxyPids(), 'SIGKILL');
      await Promise.resolve();
      return async () => {
        if (system.name === 'tospann') return;
        system.lab.node('lb1').killGroup('SIGTERM');
        await until('its end', () => system.lab.node('lb1').pids().length === 0, { timeoutMs: 10_000 });
        await system.start('lb1');
      };
    },
  },
};

interface Outcome {
  readonly report: ProbeReport;
  readonly overlapMs: number;
}

async function once(system: System, event: Event): Promise<Outcome> {
  await until('lb1 as the only owner', () => system.watch.owners.join() === 'lb1', { timeoutMs: 60_000, everyMs: 50 });
  await using prober = new Prober(system.lab.node('client'), { target: `${VIP}:80` });
  await prober.started();
  await until('answers', () => prober.probes.slice(-50).filter((probe) => probe.ok).length === 50, {
    timeoutMs: 60_000,
  });
  const atMs = monotonicMs();
  const undo = await event.happen(system);
  await pause(4 * ADVERT_MS + 2_000);
  await prober.finish();
  const outcome = { report: prober.report(atMs - 20), overlapMs: system.watch.overlapMs(atMs) };
  await undo();
  return outcome;
}

function summary(numbers: readonly number[]): string {
  const [least, middle, most] = [Math.min(...numbers), median(numbers), Math.max(...numbers)].map(Math.round);
  return `${String(least)} / ${String(middle)} / ${String(most)}`;
}

process.stdout.write(`adverts every ${ADVERT_MS} ms, ${values.repeat} times each, ms, least / median / most:\n\n`);
process.stdout.write('| event | pair | longest outage | lost of all probes | two owners |\n|---|---|---|---|---|\n');
for (const name of values.systems.split(',')) {
  await using system = name === 'tospann' ? await tospannPair(ADVERT_MS) : await keepalivedPair(ADVERT_MS);
  await Promise.all([system.start('lb1'), system.start('lb2')]);
  for (const key of values.events.split(',')) {
    const event = EVENTS[key];
    if (event === undefined) throw new Error(`Cannot measure "${key}": known are ${Object.keys(EVENTS).join(', ')}`);
    const outcomes: Outcome[] = [];
    for (let count = 0; count < Number(values.repeat); count++) outcomes.push(await once(system, event));
    const cells = [
      event.title,
      system.name,
      summary(outcomes.map((outcome) => outcome.report.longestOutageMs)),
      summary(outcomes.map((outcome) => outcome.report.failed)),
      summary(outcomes.map((outcome) => outcome.overlapMs)),
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
}
