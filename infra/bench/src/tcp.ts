// Byte streams through Tospann and its peers in mode tcp, in turn: CPU time of the proxy for a GiB (download) or for a
// round trip of 100 bytes (talk), and the ratio to HAProxy pair by pair.
//   node --conditions=@tospann/source infra/bench/src/tcp.ts [--what download|talk] [--pairs 7] [--connections 1]
//     [--gib 2] [--seconds 3] [--contenders tospann,haproxy,haproxy-splice] (also nginx, tospann-node, source) [--proxy-cpu 0] [--other-cpu 1]
// Needs root, haproxy; nginx with its stream module (libnginx-mod-stream) for nginx. `source` is the data plane alone, run
// from its sources. Nothing else should run on the machine.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { cpuNanoseconds, createLab, descendantsOf, pause, productCommand, until, type LabProcess } from '@tospann/lab';

import { compareRuns, median } from './statistics.ts';
import { streamContenders, type StreamContender } from './stream-contenders.ts';

const { values } = parseArgs({
  options: {
    what: { type: 'string', default: 'download' },
    pairs: { type: 'string', default: '7' },
    connections: { type: 'string', default: '1' },
    gib: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '3' },
    contenders: { type: 'string', default: 'tospann,haproxy,haproxy-splice' },
    'proxy-cpu': { type: 'string', default: '0' },
    'other-cpu': { type: 'string', default: '1' },
  },
});

const GIB = 2 ** 30;
const ADDRESS = '10.99.0.1';
const ORIGIN_PORT = 9001;
const PEER = fileURLToPath(new URL('./tools/stream-peer.ts', import.meta.url));
const peer = (...args: readonly string[]): string[] => [
  'taskset',
  '-c',
  values['other-cpu'],
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  PEER,
  ...args,
];

interface Run {
  readonly contender: string;
  /** CPU ms a GiB, or µs a round trip. */
  readonly cpu: number;
  /** GiB or round trips a second. */
  readonly rate: number;
}

await using lab = createLab({ nodes: [{ name: 'bench', links: [] }] });
const node = lab.node('bench');
node.run(['ip', 'addr', 'add', `${ADDRESS}/32`, 'dev', 'lo']);
mkdirSync(join(lab.folder, 'logs'));
node.spawn('origin', peer('serve', ADDRESS, String(ORIGIN_PORT)));

const site = { address: ADDRESS, originPort: ORIGIN_PORT, folder: lab.folder };
const chosen = streamContenders(site, values.contenders.split(','), productCommand);

async function start(contender: StreamContender): Promise<LabProcess> {
  for (const [name, text] of Object.entries(contender.files)) writeFileSync(join(lab.folder, name), text);
  const process = node.spawn(contender.name, ['taskset', '-c', values['proxy-cpu'], ...contender.command]);
  await until(
    `a byte through ${contender.name}`,
    async () => {
      if (!process.running) throw new Error(`Cannot start ${contender.name}:\n${process.tail()}`);
      const attempt = node.spawn('try', peer('download', ADDRESS, String(contender.port), '1', '1'));
      return (await attempt.exited).code === 0;
    },
    { timeoutMs: 20_000, everyMs: 100 },
  );
  return process;
}

async function load(port: number): Promise<Readonly<Record<string, number>>> {
  const amount = values.what === 'download' ? String(Number(values.gib) * GIB) : values.seconds;
  const client = node.spawn('client', peer(values.what, ADDRESS, String(port), values.connections, amount));
  const status = await client.exited;
  const line = client.lines.find(({ json }) => json?.['microseconds'] !== undefined);
  if (status.code !== 0 || line === undefined) throw new Error(`Cannot measure: the client failed\n${client.tail()}`);
  await pause(100);
  return line.json as Record<string, number>;
}

async function measure(contender: StreamContender, process: LabProcess): Promise<Run> {
  const before = cpuNanoseconds(descendantsOf(process.pid));
  const report = await load(contender.port);
  const nanoseconds = cpuNanoseconds(descendantsOf(process.pid)) - before;
  const seconds = report['microseconds']! / 1e6;
  if (values.what === 'download') {
    const gib = report['bytes']! / GIB;
    return { contender: contender.name, cpu: nanoseconds / 1e6 / gib, rate: gib / seconds };
  }
  const trips = report['roundTrips']!;
  return { contender: contender.name, cpu: nanoseconds / 1000 / trips, rate: trips / seconds };
}

const processes = new Map<string, LabProcess>();
const runs: Run[] = [];
for (const contender of chosen) {
  processes.set(contender.name, await start(contender));
  await measure(contender, processes.get(contender.name)!);
}
for (let pair = 1; pair <= Number(values.pairs); pair++) {
  for (const contender of chosen) {
    const run = await measure(contender, processes.get(contender.name)!);
    runs.push(run);
    process.stderr.write(`${pair} ${run.contender.padEnd(15)} CPU ${run.cpu.toFixed(2)}, ${run.rate.toFixed(2)}/s\n`);
  }
}
const cpuOf = (name: string): number[] => runs.filter(({ contender }) => contender === name).map(({ cpu }) => cpu);
const unit = values.what === 'download' ? ['CPU ms a GiB', 'GiB/s'] : ['CPU µs a round trip', 'round trips/s'];
const against = ['haproxy', 'haproxy-splice'].filter((name) => cpuOf(name).length > 0);
const lines = [
  `${values.what}, ${values.connections} connections, ${values.pairs} runs each in turn:`,
  '',
  `| proxy | ${unit[0]} | ${against.map((name) => `ratio to ${name}`).join(' | ')} | ${unit[1]} |`,
  `|---|---|${against.map(() => '---|').join('')}---|`,
  ...chosen.map(({ name }) => {
    const cpu = cpuOf(name);
    const ratios = against.map((reference) => {
      const ratio = compareRuns(cpu, cpuOf(reference));
      if (name === reference) return '';
      return `**${ratio.median.toFixed(2)}** (${ratio.least.toFixed(2)} - ${ratio.greatest.toFixed(2)})`;
    });
    const rate = median(runs.filter(({ contender }) => contender === name).map((run) => run.rate));
    const spread = `${median(cpu).toFixed(2)} (${Math.min(...cpu).toFixed(2)} - ${Math.max(...cpu).toFixed(2)})`;
    return `| ${name} | ${spread} | ${ratios.join(' | ')} | ${rate.toFixed(2)} |`;
  }),
];
process.stdout.write(`${lines.join('\n')}\n`);
