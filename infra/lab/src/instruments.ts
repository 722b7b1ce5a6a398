// The lab's instruments as objects: prober, load generator, web server, address watch. Each is a process of its own
// inside a node; results come as JSON lines and are evaluated here.
import { fileURLToPath } from 'node:url';

import { monotonicMs } from './clock.ts';
import { evaluateProbes, type Probe, type ProbeReport } from './gaps.ts';
import type { LabNode } from './lab.ts';
import type { LabProcess, OutputLine, StartOptions } from './process.ts';

/** The command line that runs one of the programs in src/tools with this Node. */
export function tool(name: string, args: Readonly<Record<string, string | number>> = {}): string[] {
  const file = fileURLToPath(new URL(`./tools/${name}.ts`, import.meta.url));
  const options = Object.entries(args).flatMap(([key, value]) => [`--${key}`, String(value)]);
  return [process.execPath, '--disable-warning=ExperimentalWarning', file, ...options];
}

/** Starts a web server on a node and waits until it accepts. */
export async function startOrigin(
  node: LabNode,
  options: { readonly port?: number; readonly record?: boolean; readonly name?: string } = {},
  start: StartOptions = {},
): Promise<LabProcess> {
  const origin = node.spawn(
    'origin',
    tool('origin', {
      name: options.name ?? node.name,
      port: options.port ?? 80,
      record: options.record === true ? 1 : 0,
    }),
    start,
  );
  await origin.waitForEvent('ready');
  return origin;
}

/** Sends one request every few ms over a new connection each, from start to `finish()`. */
export class Prober implements AsyncDisposable {
  readonly process: LabProcess;
  readonly #probes: Probe[] = [];

  constructor(
    node: LabNode,
    options: {
      readonly target: string;
      readonly intervalMs?: number;
      readonly timeoutMs?: number;
      readonly path?: string;
    },
  ) {
    const command = tool('probe', {
      target: options.target,
      interval: options.intervalMs ?? 5,
      timeout: options.timeoutMs ?? 1000,
      path: options.path ?? '/',
    });
    this.process = node.spawnInstrument('probe', command, { keepLines: 100, onLine: (line) => this.#take(line) });
  }

  /** Resolves when the first probe is on its way. */
  async started(): Promise<void> {
    await this.process.waitForEvent('ready');
  }

  /** Probes whose result has come so far. */
  get probes(): readonly Probe[] {
    return this.#probes;
  }

  /** Evaluates the probes that started in a span of monotonic time. */
  report(fromMs = -Infinity, toMs = Infinity): ProbeReport {
    return evaluateProbes(this.#probes.filter((probe) => probe.atMs >= fromMs && probe.atMs < toMs));
  }

  /** Ends the probing, waits for the last results and evaluates all. */
  async finish(): Promise<ProbeReport> {
    await this.process.stop({ timeoutMs: 5_000 });
    return this.report();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop({ signal: 'SIGKILL' });
  }

  #take(line: OutputLine): void {
    if (line.json?.['event'] === 'probe') this.#probes.push(line.json as unknown as Probe);
  }
}

/** What a load run came to: `sent` is always `ok` + `failed`. */
export interface LoadReport {
  readonly sent: number;
  readonly ok: number;
  readonly failed: number;
  /** Of the good ones, those whose client went away on purpose. */
  readonly aborted: number;
  /** Failed requests by how far they came: no connection; on a new one; on one that had served a request before. */
  readonly failedToConnect: number;
  readonly lostUnderWay: number;
  readonly lostOnReusedConnection: number;
  readonly failures: Readonly<Record<string, number>>;
  /** Good and bad answers by the address from which the web server was asked. */
  readonly servedBy: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export interface LoadOptions {
  readonly target: string;
  readonly rps: number;
  readonly seconds: number;
  readonly keepAlive?: boolean;
  readonly path?: string;
  readonly method?: 'GET' | 'POST';
  readonly timeoutMs?: number;
  /** Every request has a path of its own: `path/NUMBER`. */
  readonly unique?: boolean;
  /** So many percent of the clients go away in the middle of their answer. */
  readonly abortPercent?: number;
  /** What the body of a good answer has in it. */
  readonly expect?: string;
}

/** Open-loop load from a node; `finish()` ends it early. */
export class Load implements AsyncDisposable {
  readonly process: LabProcess;

  constructor(node: LabNode, options: LoadOptions, start: StartOptions = {}) {
    this.process = node.spawnInstrument(
      'load',
      tool('load', {
        target: options.target,
        rps: options.rps,
        seconds: options.seconds,
        keepalive: options.keepAlive === true ? 1 : 0,
        path: options.path ?? '/',
        method: options.method ?? 'GET',
        timeout: options.timeoutMs ?? 10_000,
        unique: options.unique === true ? 1 : 0,
        abort: options.abortPercent ?? 0,
        expect: options.expect ?? '',
      }),
      start,
    );
  }

  /** Resolves when the first request is on its way. */
  async started(): Promise<void> {
    await this.process.waitForEvent('ready');
  }

  /** Waits for the end of the run and returns its account. */
  async ended(timeoutMs = 60_000): Promise<LoadReport> {
    const line = await this.process.waitForEvent('load-end', () => true, { timeoutMs });
    return line.json as unknown as LoadReport;
  }

  /** Sends no more, waits for what is under way and returns the account. */
  async finish(): Promise<LoadReport> {
    this.process.signal('SIGTERM');
    return await this.ended(15_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop({ signal: 'SIGKILL' });
  }
}

/** One change of an address on a node, as its kernel told it. */
export interface AddressChange {
  readonly atMs: number;
  readonly node: string;
  readonly present: boolean;
}

/** Watches who has an address, by the kernels' own notifications, from start to disposal. */
export class AddressWatch implements AsyncDisposable {
  readonly changes: AddressChange[] = [];
  readonly #monitors: LabProcess[] = [];
  readonly #owners = new Set<string>();
  readonly #address: string;

  private constructor(address: string) {
    this.#address = address;
  }

  /** Starts the watch on eth0 of these nodes; returns once it sees changes. */
  static async start(nodes: readonly LabNode[], address: string): Promise<AddressWatch> {
    const watch = new AddressWatch(address);
    for (const node of nodes) await watch.#watch(node);
    return watch;
  }

  /** Names of the nodes that have the address now. */
  get owners(): string[] {
    return [...this.#owners];
  }

  /** Time in ms within [fromMs, toMs) during which more than one node had the address. */
  overlapMs(fromMs: number, toMs: number = monotonicMs()): number {
    return this.#timeWith((count) => count > 1, fromMs, toMs);
  }

  /** Time in ms within [fromMs, toMs) during which no node had the address. */
  ownerlessMs(fromMs: number, toMs: number = monotonicMs()): number {
    return this.#timeWith((count) => count === 0, fromMs, toMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#monitors.map(async (monitor) => await monitor.stop({ signal: 'SIGKILL' })));
  }

  async #watch(node: LabNode): Promise<void> {
    const pattern = new RegExp(`inet ${this.#address.replaceAll('.', '\\.')}/`);
    const monitor = node.spawnInstrument('ip-monitor', ['ip', '-o', '-4', 'monitor', 'address', 'dev', 'eth0'], {
      onLine: (line) => {
        if (pattern.test(line.text)) this.#note(node.name, !line.text.startsWith('Deleted'), line.atMs);
      },
    });
    this.#monitors.push(monitor);
    // The monitor says nothing at start: an address of our own tells that it listens.
    const marker = `127.255.${Math.floor(Math.random() * 250) + 1}.1`;
    const telltale = `inet ${marker}/32`;
    for (let round = 0; ; round++) {
      node.run(['ip', 'addr', 'replace', `${marker}/32`, 'dev', 'eth0']);
      try {
        await monitor.waitForLine('its marker', (line) => line.text.includes(telltale), { timeoutMs: 100 });
        break;
      } catch (error) {
        if (round === 50) throw error;
        node.run(['ip', 'addr', 'del', `${marker}/32`, 'dev', 'eth0']);
      }
    }
    node.run(['ip', 'addr', 'del', `${marker}/32`, 'dev', 'eth0']);
    if (node.has(this.#address)) this.#note(node.name, true, monotonicMs());
  }

  #note(node: string, present: boolean, atMs: number): void {
    if (this.#owners.has(node) === present) return;
    if (present) this.#owners.add(node);
    else this.#owners.delete(node);
    this.changes.push({ atMs, node, present });
  }

  #timeWith(wanted: (owners: number) => boolean, fromMs: number, toMs: number): number {
    const names = new Set<string>();
    let sum = 0;
    let sinceMs = fromMs;
    const account = (untilMs: number): void => {
      const end = Math.min(untilMs, toMs);
      if (end > sinceMs && wanted(names.size)) sum += end - sinceMs;
      sinceMs = Math.max(sinceMs, end);
    };
    for (const change of this.changes) {
      account(change.atMs);
      if (change.present) names.add(change.node);
      else names.delete(change.node);
    }
    account(toMs);
    return sum;
  }
}
