// One load balancer in the lab: a client, a node that runs the product (or HAProxy beside it), two web servers. For load
// and chaos: what it measures of the product's processes is memory, descriptors and CPU time.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { until } from './clock.ts';
import { startOrigin } from './instruments.ts';
import { createLab, type Lab, type LabNode } from './lab.ts';
import { productCommand, type CommandResult } from './pair.ts';
import type { LabProcess, StartOptions } from './process.ts';
import { descendantsOf, environmentOf } from './system.ts';

/** Address of the node under load. */
export const SINGLE_ADDRESS = '10.10.10.5';
/** An address of the inner network whose frames go nowhere: no answer, no refusal. */
export const BLACK_HOLE = '10.10.10.66';
const NOBODY = '02:00:00:00:00:66';

/** Memory and descriptors of the processes that serve. */
export interface Footprint {
  /** Pss in bytes. */
  readonly memoryBytes: number;
  readonly descriptors: number;
}

export class Single implements AsyncDisposable {
  readonly lab: Lab;
  readonly configFile: string;
  /** The web servers that were started last, by name. */
  readonly origins = new Map<string, LabProcess>();
  #product: LabProcess | undefined;

  private constructor(lab: Lab) {
    this.lab = lab;
    this.configFile = join(lab.folder, 'tospann.yaml');
  }

  /** Makes the network and starts the web servers; the product is not started yet. */
  static async create(): Promise<Single> {
    const host = (name: string, last: number): { name: string; links: { bridge: string; addresses: string[] }[] } => ({
      name,
      links: [{ bridge: 'inner', addresses: [`10.10.10.${last}/24`] }],
    });
    const lab = createLab({ nodes: [host('client', 9), host('lb', 5), host('web1', 1), host('web2', 2)] });
    try {
      const single = new Single(lab);
      lab.node('lb').run(['ip', 'neigh', 'replace', BLACK_HOLE, 'lladdr', NOBODY, 'dev', 'eth0', 'nud', 'permanent']);
      for (const name of ['web1', 'web2']) await single.startOrigin(name);
      return single;
    } catch (error) {
      lab.close();
      throw error;
    }
  }

  get client(): LabNode {
    return this.lab.node('client');
  }

  get node(): LabNode {
    return this.lab.node('lb');
  }

  /** Starts a web server, also again after its death. */
  async startOrigin(name: string, start: StartOptions = {}): Promise<LabProcess> {
    const origin = await startOrigin(this.lab.node(name), { record: start.onLine !== undefined }, start);
    this.origins.set(name, origin);
    return origin;
  }

  /** Starts the product with the given rest of a configuration (frontends and further), and waits until it is ready. */
  async start(rest: string): Promise<LabProcess> {
    writeFileSync(this.configFile, this.yaml(rest));
    const folders = ['run', 'state'].flatMap((name) => {
      mkdirSync(join(this.lab.folder, name), { recursive: true });
      return [`--${name}-dir`, join(this.lab.folder, name)];
    });
    const command = [...productCommand(), 'run', '-c', this.configFile, '--node', 'lb', ...folders];
    this.#product = this.node.spawn('tospann', command, { keepLines: 2000 });
    await this.#product.waitForEvent('ready', () => true, { timeoutMs: 30_000 });
    return this.#product;
  }

  /** A whole configuration. */
  yaml(rest: string): string {
    return `version: 1\ncluster: { name: load, nodes: { lb: { address: ${SINGLE_ADDRESS}, interface: eth0 } } }\n${rest}`;
  }

  /** Runs a command of the product against the running node. */
  async command(args: readonly string[]): Promise<CommandResult> {
    const runDir = join(this.lab.folder, 'run');
    const process = this.node.spawnInstrument('command', [...productCommand(), ...args, '--run-dir', runDir]);
    const status = await process.exited;
    return { code: status.code ?? -1, stdout: process.text('stdout'), stderr: process.text('stderr') };
  }

  /** Pids of the product's proxy process. */
  get proxyPids(): number[] {
    return descendantsOf(this.#product?.pid ?? 0).filter((pid) => environmentOf(pid, 'TOSPANN_ROLE') === 'proxy');
  }

  /** Starts Debian's HAProxy on a node with these sections, and waits until it accepts on the port. */
  async startHaproxy(sections: string, port: number): Promise<LabProcess> {
    const file = join(this.lab.folder, 'haproxy.cfg');
    writeFileSync(file, sections);
    const process = this.node.spawn('haproxy', ['haproxy', '-db', '-f', file]);
    const listens = (): boolean => {
      if (!process.running) throw new Error(`Cannot start haproxy:\n${process.tail()}`);
      return this.node.run(['ss', '-Hltn', `sport = :${port}`]).trim() !== '';
    };
    await until('haproxy listens', listens, { timeoutMs: 10_000, everyMs: 50 });
    return process;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.lab.close();
    await Promise.resolve();
  }
}

/** Memory and descriptors of processes; those that have ended count as nothing. */
export function footprintOf(pids: readonly number[]): Footprint {
  let memoryBytes = 0;
  let descriptors = 0;
  for (const pid of pids) {
    try {
      memoryBytes += 1024 * Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
      descriptors += readdirSync(`/proc/${pid}/fd`).length;
    } catch {
      // It has ended meanwhile.
    }
  }
  return { memoryBytes, descriptors };
}
