// Failover beside keepalived: the same events on both pairs; how long nobody answers, as clients see it that send a
// datagram and open a connection every 5 ms, and how long two nodes have the address. Results are appended to a file of
// JSON lines, one for each repetition, and what is there is not measured again: a run may be ended and continued.
//   node --conditions=@tospann/source infra/bench/src/failover.ts [--repeat 8] [--advert 1000,100,10]
//     [--systems tospann,keepalived] [--events crash,graceful,...] [--file failover.jsonl]
//     --render [--into docs/failover.md]    the table out of the file, measures nothing
//     --hours 1                             30 % loss with 100 ms and 10 missed adverts, in steps of a minute
// Needs root, keepalived, haproxy, a built dist/tospann, and a quiet machine.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { monotonicMs, pause, Prober, tool, until, VIP, type LabProcess } from '@tospann/lab';

import { events, settled, type Happening } from './failover-events.ts';
import { downMs, longestOutageMs, type FailoverResult } from './failover-result.ts';
import { keepalivedPair, tospannPair, type PairTiming, type System } from './failover-systems.ts';
import { placeTable, renderFailover } from './failover-table.ts';
import { startEcho, UdpProbe } from './failover-udp.ts';

const { values } = parseArgs({
  options: {
    repeat: { type: 'string', default: '8' },
    advert: { type: 'string', default: '1000,100,10' },
    systems: { type: 'string', default: 'tospann,keepalived' },
    events: { type: 'string', default: Object.keys(events).join(',') },
    file: { type: 'string', default: 'failover.jsonl' },
    render: { type: 'boolean', default: false },
    into: { type: 'string' },
    hours: { type: 'string' },
  },
});

/** What of a lost answer may still come. */
const lateMs = 1100;
/** How long a client may be without an answer after a freeze before it is given up. */
const longestWaitMs = 60_000;
const lossMinuteMs = 60_000;
/** Upgraded connections that a client keeps open, and how long it may take until all of their lines are back. */
const openConnections = 20;
const lastLineMs = 60_000;

function kept(): FailoverResult[] {
  if (!existsSync(values.file)) return [];
  const lines = readFileSync(values.file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as FailoverResult);
}

/** A pair with its probers, for all events at one interval. */
class Rig implements AsyncDisposable {
  readonly #system: System;
  readonly #advertMs: number;
  readonly #udp: UdpProbe;
  #http: Prober;
  #open: LabProcess | undefined;

  private constructor(system: System, advertMs: number) {
    this.#system = system;
    this.#advertMs = advertMs;
    const client = system.lab.node('client');
    this.#udp = new UdpProbe(client, VIP);
    this.#http = new Prober(client, { target: `${VIP}:80` });
  }

  static async start(name: string, timing: PairTiming): Promise<Rig> {
    if (name !== 'tospann' && name !== 'keepalived')
      throw new Error(`Cannot measure "${name}": known are tospann and keepalived`);
    const system = name === 'tospann' ? await tospannPair(timing) : await keepalivedPair(timing);
    await Promise.all([startEcho(system.lab.node('lb1')), startEcho(system.lab.node('lb2'))]);
    await system.start('lb1');
    await system.start('lb2');
    const rig = new Rig(system, timing.advertMs);
    await Promise.all([rig.#udp.started(), rig.#http.started()]);
    return rig;
  }

  async measure(event: string): Promise<FailoverResult> {
    const happen = events[event];
    if (happen === undefined) throw new Error(`Cannot measure "${event}": known are ${Object.keys(events).join(', ')}`);
    const owner = await this.#ready();
    const happening = await happen({
      system: this.#system,
      advertMs: this.#advertMs,
      owner,
      other: owner === 'lb1' ? 'lb2' : 'lb1',
    });
    return await this.#finish(event, happening);
  }

  /** A minute of loss; started over and over, so that an hour of it may be ended and continued. */
  async lossMinute(): Promise<FailoverResult> {
    await this.#ready();
    const heal = this.#system.lab.faults.loss('lb1', 'lb2', 30);
    const fromMs = monotonicMs();
    await pause(lossMinuteMs);
    const toMs = monotonicMs();
    heal();
    return await this.#finish('loss-long', { fromMs, toMs, undo: async () => await Promise.resolve() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http[Symbol.asyncDispose]();
    await this.#open?.stop({ signal: 'SIGKILL' });
    await this.#system[Symbol.asyncDispose]();
  }

  async #ready(): Promise<'lb1' | 'lb2'> {
    const owner = await settled(this.#system, this.#advertMs);
    await this.#answering();
    // Memory stays as it is: nobody asks again about what was before.
    this.#udp.forget(monotonicMs());
    await this.#http[Symbol.asyncDispose]();
    this.#http = new Prober(this.#system.lab.node('client'), { target: `${VIP}:80` });
    await this.#http.started();
    const clients = tool('long-lived', { target: `${VIP}:80`, tunnels: openConnections, downloads: 0 });
    this.#open = this.#system.lab.node('client').spawnInstrument('long-lived', clients);
    await this.#open.waitForEvent('ready');
    await pause(200);
    return owner;
  }

  /** Until every question of the last second was answered. */
  async #answering(): Promise<void> {
    const good = (): boolean => {
      const toMs = monotonicMs() - lateMs;
      const http = this.#http.probes.filter(({ atMs }) => atMs >= toMs - 1000 && atMs < toMs);
      const udp = this.#udp.answers(toMs - 1000, toMs);
      return http.length > 100 && http.every(({ ok }) => ok) && udp.length > 100 && udp.every(({ ok }) => ok);
    };
    await until('answers', good, { timeoutMs: longestWaitMs, everyMs: 100 });
  }

  async #finish(event: string, { fromMs, toMs: endMs, undo }: Happening): Promise<FailoverResult> {
    const happenedMs = endMs ?? monotonicMs();
    await pause(lateMs);
    // Without an end it lasts until all is answered again.
    if (endMs === undefined) await this.#answering().catch(() => {});
    const toMs = endMs ?? Math.max(happenedMs, monotonicMs() - lateMs);
    const udp = this.#udp.answers(fromMs - 5, toMs);
    const http = this.#http.report(fromMs - 5, toMs);
    const { watch, name } = this.#system;
    const result: FailoverResult = {
      system: name,
      advertMs: this.#advertMs,
      event,
      at: new Date().toISOString(),
      udpAsked: udp.length,
      udpLost: udp.filter(({ ok }) => !ok).length,
      udpOutageMs: longestOutageMs(udp),
      httpAsked: http.total,
      httpFailed: http.failed,
      httpOutageMs: http.longestOutageMs,
      twoOwnersMs: watch.overlapMs(fromMs, toMs),
      nobodyMs: watch.ownerlessMs(fromMs, toMs),
      takeOvers: watch.changes.filter(({ atMs, present }) => present && atMs >= fromMs && atMs < toMs).length,
    };
    const open = await this.#openOnes();
    await undo();
    return { ...result, ...open };
  }

  /** What became of the connections that were open all the time; one that stands still for ten seconds is broken. */
  async #openOnes(): Promise<Pick<FailoverResult, 'open'>> {
    const clients = this.#open;
    if (clients === undefined) return {};
    this.#open = undefined;
    clients.signal('SIGTERM');
    const end = await clients.waitForEvent('long-lived-end', () => true, { timeoutMs: lastLineMs });
    await clients.stop({ signal: 'SIGKILL' });
    const { broken } = end.json as unknown as { readonly broken: readonly string[] };
    return { open: { count: openConnections, broken: broken.length } };
  }
}

/** Measures what the file lacks, one pair after the other. */
async function measureAll(): Promise<void> {
  for (const advertMs of values.advert.split(',').map(Number)) {
    for (const system of values.systems.split(',')) {
      const missing = values.events.split(',').flatMap((event) => {
        const had = kept().filter(
          (one) => one.system === system && one.advertMs === advertMs && one.event === event,
        ).length;
        return Array.from({ length: Math.max(0, Number(values.repeat) - had) }, () => event);
      });
      if (missing.length > 0) await measureOn(system, { advertMs }, missing);
    }
  }
}

/** A pair that an event has left in disorder is thrown away; the event is told and the next pair goes on after it. */
async function measureOn(system: string, timing: PairTiming, wanted: readonly string[]): Promise<void> {
  const left = [...wanted];
  while (left.length > 0) {
    await using rig = await Rig.start(system, timing);
    for (let event = left.shift(); event !== undefined; event = left.shift()) {
      const startMs = monotonicMs();
      try {
        keep(await rig.measure(event), startMs);
      } catch (error) {
        process.stdout.write(`${system} ${timing.advertMs} ms ${event}: FAILED ${String(error)}\n`);
        break;
      }
    }
  }
}

async function measureHours(hours: number): Promise<void> {
  const timing = { advertMs: 100, missed: 10 };
  for (const system of values.systems.split(',')) {
    const had = kept().filter((one) => one.system === system && one.event === 'loss-long').length;
    const minutes = Math.round(hours * 60) - had;
    if (minutes <= 0) continue;
    await using rig = await Rig.start(system, timing);
    for (let minute = 0; minute < minutes; minute++) keep(await rig.lossMinute(), monotonicMs() - lossMinuteMs);
  }
}

function keep(result: FailoverResult, startMs: number): void {
  appendFileSync(values.file, `${JSON.stringify(result)}\n`);
  const { system, advertMs, event, udpLost, udpOutageMs, httpFailed, twoOwnersMs, takeOvers, open } = result;
  const two = Math.round(twoOwnersMs);
  const numbers = [udpLost, Math.round(udpOutageMs), httpFailed, two, takeOvers, open?.broken ?? ''].join(' ');
  const seconds = ((monotonicMs() - startMs) / 1000).toFixed(1);
  process.stdout.write(`${system} ${advertMs} ms ${event}: ${numbers} (${seconds} s)\n`);
}

if (values.render) {
  const table = renderFailover(kept());
  if (values.into === undefined) process.stdout.write(`${table}\n`);
  else writeFileSync(values.into, placeTable(readFileSync(values.into, 'utf8'), table));
} else {
  process.stdout.write(
    `a down interval: ${values.advert
      .split(',')
      .map((ms) => Math.round(downMs(Number(ms))))
      .join(', ')} ms\n`,
  );
  process.stdout.write(
    'lost, outage ms, failed connections, two owners ms, take-overs, open ones broken (seconds it took)\n',
  );
  await (values.hours === undefined ? measureAll() : measureHours(Number(values.hours)));
}
