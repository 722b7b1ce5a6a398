// Connection storms against one node, with the kernel's stock settings and with others, in turn: what is turned away,
// what is sent again, how long clients wait.
//   node --conditions=@tospann/source infra/bench/src/storm.ts --settings FILE [--pairs 5] [--seconds 4] [--each]
//     [--storms clients,servers,burst,stall]
// FILE has lines `key = value` (what `tospann tune plan` proposes); --each plays every key alone, too. Only keys of a
// network namespace can be set here. Needs root, wrk.
//   clients  a new connection for each request        servers  a new connection to a server for each request
//   burst    thousands of connections at one moment   stall    the same while the proxy's processor is taken away for one and a half seconds
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { Single, SINGLE_ADDRESS } from '@tospann/lab';

import { compareRuns, median } from './statistics.ts';
import { playStorm, type StormName, type StormResult } from './storms.ts';

const { values } = parseArgs({
  options: {
    settings: { type: 'string' },
    pairs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    storms: { type: 'string', default: 'clients,servers,burst,stall' },
    each: { type: 'boolean', default: false },
  },
});

interface Setting {
  readonly key: string;
  readonly value: string;
}

function readSettings(file: string): Setting[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => /^\s*([a-z][\w.]*)\s*=\s*(.*?)\s*$/.exec(line))
    .flatMap((match) => (match === null ? [] : [{ key: match[1] ?? '', value: match[2] ?? '' }]));
}

function read(single: Single, key: string): string | undefined {
  try {
    return single.node.run(['cat', `/proc/sys/${key.replaceAll('.', '/')}`]).trim();
  } catch {
    return undefined;
  }
}

/** Writes settings; gives back what was there. Keys that this namespace does not have, or may not write, are left out. */
function apply(single: Single, settings: readonly Setting[]): Setting[] {
  return settings.flatMap(({ key, value }) => {
    const before = read(single, key);
    if (before === undefined) return [];
    try {
      single.node.run(['sysctl', '-qw', `${key}=${value}`]);
    } catch {
      return [];
    }
    return [{ key, value: before }];
  });
}

/** The listeners take their backlog from net.core.somaxconn when they are opened, so the node starts anew each time. */
async function once(storm: StormName, settings: readonly Setting[]): Promise<StormResult> {
  await using single = await Single.create();
  apply(single, settings);
  return await playStorm(single, { storm, address: SINGLE_ADDRESS, seconds: Number(values.seconds) });
}

interface Pair {
  readonly stock: StormResult;
  readonly tuned: StormResult;
}

async function play(storm: StormName, settings: readonly Setting[]): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let count = 0; count < Number(values.pairs); count++)
    pairs.push({ stock: await once(storm, []), tuned: await once(storm, settings) });
  return pairs;
}

function row(title: string, pairs: readonly Pair[]): string {
  const both = (pick: (result: StormResult) => number, digits = 0): string =>
    `${median(pairs.map(({ stock }) => pick(stock))).toFixed(digits)} → ${median(pairs.map(({ tuned }) => pick(tuned))).toFixed(digits)}`;
  const p99 = compareRuns(
    pairs.map(({ tuned }) => tuned.p99Ms),
    pairs.map(({ stock }) => stock.p99Ms),
  );
  const cells = [
    title,
    both(({ perSecond }) => perSecond),
    both(({ failed }) => failed),
    both(({ overflows }) => overflows),
    both(({ retransmits }) => retransmits),
    both(({ p99Ms }) => p99Ms, 1),
    `${p99.median.toFixed(2)} (${p99.least.toFixed(2)} - ${p99.greatest.toFixed(2)})`,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Which of the keys can be played at all: they are in a namespace and differ from the stock value. */
async function playable(settings: readonly Setting[]): Promise<Setting[]> {
  await using single = await Single.create();
  return settings.filter((setting) => {
    const before = apply(single, [setting]);
    return before.length > 0 && before[0]?.value !== read(single, setting.key);
  });
}

const settings = readSettings(values.settings ?? '/etc/sysctl.d/60-tospann.conf');
const used = await playable(settings);
const left = settings.filter((setting) => !used.includes(setting)).map(({ key }) => key);
process.stdout.write(
  `${values.pairs} pairs, stock → with the settings, medians. Played: ${used.map(({ key }) => key).join(', ')}.\n`,
);
if (left.length > 0) process.stdout.write(`Stock already, or not of a network namespace: ${left.join(', ')}.\n`);
process.stdout.write(
  '\n| storm | requests/s | failed | accept queue overflows | segments sent again | p99 ms | p99 ratio |\n|---|---|---|---|---|---|---|\n',
);
for (const name of values.storms.split(',')) {
  const storm = name as StormName;
  process.stdout.write(`${row(storm, await play(storm, used))}\n`);
  if (!values.each) continue;
  for (const setting of used)
    process.stdout.write(`${row(`${storm}: ${setting.key}`, await play(storm, [setting]))}\n`);
}
