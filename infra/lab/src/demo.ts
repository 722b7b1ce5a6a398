// The demo: the whole product on this machine. `--once` plays the story and ends with PASS or FAIL, exit code 0 or 1;
// without it the pair runs until Ctrl-C and a line a second says who owns the address, requests and errors.
// Everything lives in namespaces of this process and goes with it.
import { createInterface } from 'node:readline';

import { monotonicMs, pause } from './clock.ts';
import { openDoor } from './door.ts';
import { Load } from './instruments.ts';
import { Pair } from './pair.ts';
import { describeExit, type OutputLine } from './process.ts';
import { playStory } from './story.ts';
import { NODE_ADDRESSES, VIP } from './topology.ts';

const CONSOLE_PORT = 9443;
const LIVE_RPS = 50;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function once(): Promise<boolean> {
  const startMs = monotonicMs();
  await using pair = await Pair.create();
  printImport(pair);
  const good = await playStory(pair, {
    act: (title) => print(`\n${title}`),
    finding: ({ ok, text }) => print(`  ${ok ? 'ok  ' : 'FAIL'} ${text}`),
  }).catch((error: unknown) => {
    print(`  FAIL ${error instanceof Error ? error.message : String(error)}`);
    return false;
  });
  print(`\n${good ? 'PASS' : 'FAIL'} in ${Math.round((monotonicMs() - startMs) / 1000)} s`);
  return good;
}

/** Each line of the old files in the report: `FILE:LINE: VERDICT: TEXT`, then the reason on a line of its own. */
const REPORTED = /^\S+?([^/\s]+:\d+): (taken|changed|not-needed|refused) +(.*)$/;

function printImport(pair: Pair): void {
  const verdicts = new Map<string, number>();
  const lines = pair.imported.stderr.split('\n');
  const refused: string[] = [];
  for (const line of lines) {
    const [, place = '', verdict = '', text = ''] = REPORTED.exec(line) ?? [];
    if (verdict === '') continue;
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    if (verdict === 'refused') refused.push(`  refused ${place.padEnd(24)} ${text}`);
  }
  const counts = [...verdicts].map(([verdict, count]) => `${count} ${verdict}`).join(', ');
  print(`The founding article's four files, imported line by line: ${counts}`);
  for (const line of refused) print(line);
}

async function live(): Promise<void> {
  await using pair = await Pair.create();
  await pair.start();
  await pair.waitForOwner(pair.lb1, 30_000);
  using siteDoor = await openDoor(pair.client, `${VIP}:80`, 8080);
  using lb1Door = await openDoor(pair.client, `${NODE_ADDRESSES.lb1}:${CONSOLE_PORT}`, 9441);
  using lb2Door = await openDoor(pair.client, `${NODE_ADDRESSES.lb2}:${CONSOLE_PORT}`, 9442);
  print(`Floating address  http://${VIP}/             from this machine: http://127.0.0.1:${siteDoor.port}/`);
  print(
    `Console of LB1    https://${NODE_ADDRESSES.lb1}:${CONSOLE_PORT}/     from this machine: https://127.0.0.1:${lb1Door.port}/`,
  );
  print(
    `Console of LB2    https://${NODE_ADDRESSES.lb2}:${CONSOLE_PORT}/     from this machine: https://127.0.0.1:${lb2Door.port}/`,
  );
  print(`Console token     ${pair.token()}`);
  print(`Configuration     ${pair.configFile}`);
  print(`As the client     ip netns exec ${pair.client.namespace} bash`);
  print('Type here         kill lb1, start lb1, stop lb1 (or lb2), failover; Ctrl-C ends and removes everything\n');
  takeOrders(pair);
  await using load = new Load(
    pair.client,
    { target: `${VIP}:80`, rps: LIVE_RPS, seconds: 1e9, timeoutMs: 5_000 },
    { keepLines: 100, onLine: (line) => printSecond(pair, line) },
  );
  await load.started();
  await new Promise<never>(() => undefined);
}

/** Reads orders for the pair from the keyboard; each answers with a line. */
function takeOrders(pair: Pair): void {
  createInterface({ input: process.stdin }).on('line', (line) => {
    carryOut(pair, line.trim()).then(print, (error: unknown) => print(`Cannot do that: ${String(error)}`));
  });
}

async function carryOut(pair: Pair, order: string): Promise<string> {
  const [verb = '', name = ''] = order.split(/\s+/);
  switch (verb) {
    case 'kill':
      pair.member(name).node.killGroup('SIGKILL');
      return `${name} is killed`;
    case 'start':
      await pair.member(name).start(pair.configFile);
      return `${name} is ready`;
    case 'stop':
      return `${name} has ended with ${describeExit(await pair.member(name).stop())}`;
    case 'failover': {
      const owner = await pair.waitForOwner(undefined, 1_000);
      const result = await owner.command(['failover']);
      return (result.stdout + result.stderr).trim();
    }
    default:
      return order === '' ? '' : `Cannot understand "${order}": known are kill, start, stop with a node, and failover`;
  }
}

let previous = { sent: 0, failed: 0 };

function printSecond(pair: Pair, line: OutputLine): void {
  if (line.json?.['event'] !== 'load-second') return;
  const sent = Number(line.json['sent']);
  const failed = Number(line.json['failed']);
  const owners = pair.watch.owners;
  const owner = owners.length === 0 ? 'nobody' : owners.join(' and ');
  print(
    `${new Date().toISOString().slice(11, 19)}  owner ${owner.padEnd(8)} requests ${String(sent).padStart(6)} ` +
      `(${sent - previous.sent}/s)  errors ${failed} (${failed - previous.failed}/s)`,
  );
  previous = { sent, failed };
}

if (process.argv.includes('--once')) {
  const good = await once();
  // Lines that are still in the pipe are written before the process ends.
  await pause(10);
  process.exit(good ? 0 : 1);
} else {
  await live();
}
