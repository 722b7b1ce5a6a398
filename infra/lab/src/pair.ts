// The product in the lab: LB1 and LB2 run `tospann` with the founding article's configuration, imported by the product
// itself, in front of two web servers. Knows the product only by its command line, its log events and its addresses.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { monotonicMs, pause, until } from './clock.ts';
import { AddressWatch, startOrigin } from './instruments.ts';
import { createLab, type Lab, type LabNode } from './lab.ts';
import type { ExitStatus, LabProcess, OutputLine } from './process.ts';
import { childrenOf, environmentOf } from './system.ts';
import { NODE_ADDRESSES, PAIR_TOPOLOGY, VIP, type PairNodeName } from './topology.ts';

/** Exit code of a command that a pre-check refused. */
const REFUSED = 6;
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const ARTICLE = fileURLToPath(new URL('../article/', import.meta.url));

/**
 * The command that runs the product: TOSPANN_BIN, else dist/tospann. TOSPANN_FROM_SOURCE=1 runs the sources.
 *
 * @throws {Error} When there is no built executable.
 */
export function productCommand(): string[] {
  if (process.env['TOSPANN_FROM_SOURCE'] === '1') {
    const main = join(ROOT, 'apps/appliance/src/main.ts');
    return [process.execPath, '--conditions=@tospann/source', '--disable-warning=ExperimentalWarning', main];
  }
  const binary = process.env['TOSPANN_BIN'] ?? join(ROOT, 'dist/tospann');
  if (!existsSync(binary)) throw new Error(`Cannot find "${binary}": run scripts/build first`);
  return [binary];
}

/** What a command of the product printed, and its exit code. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the product outside of any namespace: `version`, `validate`, `import`, `token`. */
export function tospann(args: readonly string[]): CommandResult {
  const [file = '', ...rest] = [...productCommand(), ...args];
  const result = spawnSync(file, rest, { encoding: 'utf8', timeout: 60_000 });
  if (result.error !== undefined) throw new Error(`Cannot run tospann ${args.join(' ')}`, { cause: result.error });
  return { code: result.status ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** Arguments of `tospann import` for the article's four files. */
export function articleImportArguments(output: string): string[] {
  const addresses = Object.entries(NODE_ADDRESSES).flatMap(([name, address]) => [
    '--node-address',
    `${name}=${address}`,
  ]);
  const haproxy = ['--haproxy', join(ARTICLE, 'haproxy.cfg')];
  const keepalived = ['lb1', 'lb2'].flatMap((name) => ['--keepalived', join(ARTICLE, `keepalived-${name}.conf`)]);
  const sysctl = ['--sysctl', join(ARTICLE, 'sysctl.conf')];
  return ['import', ...haproxy, ...keepalived, ...sysctl, ...addresses, '-o', output];
}

/** One node of the pair: its place in the lab, its folders, and the running product. */
export class PairMember {
  readonly name: PairNodeName;
  readonly node: LabNode;
  readonly runDir: string;
  readonly stateDir: string;
  #process: LabProcess | undefined;

  constructor(name: PairNodeName, node: LabNode, folder: string) {
    this.name = name;
    this.node = node;
    this.runDir = join(folder, name, 'run');
    this.stateDir = join(folder, name, 'state');
    for (const directory of [this.runDir, this.stateDir]) mkdirSync(directory, { recursive: true });
  }

  /** The running product; throws when it was never started. */
  get process(): LabProcess {
    if (this.#process === undefined) throw new Error(`Cannot find the process of ${this.name}: it was not started`);
    return this.#process;
  }

  /** Starts `tospann run` and returns at once. `prefix` is a command that starts it, for instance setpriv. */
  launch(
    configFile: string,
    options: { readonly prefix?: readonly string[]; readonly onLine?: (line: OutputLine) => void } = {},
  ): LabProcess {
    const run = ['run', '-c', configFile, '--node', this.name, '--run-dir', this.runDir, '--state-dir', this.stateDir];
    const command = [...(options.prefix ?? []), ...productCommand(), ...run];
    this.#process = this.node.spawn('tospann', command, options.onLine === undefined ? {} : { onLine: options.onLine });
    return this.#process;
  }

  /** Starts `tospann run` and waits for `"event":"ready"`. */
  async start(configFile: string, options: { readonly prefix?: readonly string[] } = {}): Promise<LabProcess> {
    const process = this.launch(configFile, options);
    await process.waitForEvent('ready', () => true, { timeoutMs: 20_000 });
    return process;
  }

  /** Runs a command of the product on this node, `--run-dir` added. Other processes' lines keep their times meanwhile. */
  async command(args: readonly string[]): Promise<CommandResult> {
    const process = this.node.spawnInstrument('command', [...productCommand(), ...args, '--run-dir', this.runDir]);
    const status = await process.exited;
    return { code: status.code ?? -1, stdout: process.text('stdout'), stderr: process.text('stderr') };
  }

  /**
   * Runs `tospann failover` on this node. While the pre-check refuses it (exit 6: the other node is not ready) it is
   * asked again for up to `patienceMs`, as an operator would; on a busy machine a node may need a moment.
   */
  async failover(patienceMs = 15_000): Promise<CommandResult> {
    const deadlineMs = monotonicMs() + patienceMs;
    for (;;) {
      const result = await this.command(['failover', '--json']);
      if (result.code !== REFUSED || monotonicMs() > deadlineMs) return result;
      await pause(300);
    }
  }

  /** Pids of a child of the supervisor, by its role. */
  childPids(role: 'proxy' | 'vrrp' | 'admin'): number[] {
    // A child's own helpers, nft for instance, have the same environment: only the supervisor's children count.
    return childrenOf(this.process.pid).filter((pid) => environmentOf(pid, 'TOSPANN_ROLE') === role);
  }

  /** Ends the node as an operator does and returns how it ended. */
  async stop(): Promise<ExitStatus> {
    return await this.process.stop({ signal: 'SIGTERM', timeoutMs: 40_000 });
  }
}

export interface PairOptions {
  /** Changes the imported configuration before it is used. */
  readonly configure?: (yaml: string) => string;
  /** The web servers print each request as an event. @default false */
  readonly recordRequests?: boolean;
}

export class Pair implements AsyncDisposable {
  readonly lab: Lab;
  readonly configFile: string;
  readonly imported: CommandResult;
  readonly lb1: PairMember;
  readonly lb2: PairMember;
  readonly origins: readonly LabProcess[];
  readonly watch: AddressWatch;

  private constructor(parts: Pick<Pair, 'lab' | 'configFile' | 'imported' | 'lb1' | 'lb2' | 'origins' | 'watch'>) {
    this.lab = parts.lab;
    this.configFile = parts.configFile;
    this.imported = parts.imported;
    this.lb1 = parts.lb1;
    this.lb2 = parts.lb2;
    this.origins = parts.origins;
    this.watch = parts.watch;
  }

  /** Makes the lab, imports the article's files, starts the web servers; the two nodes are not started yet. */
  static async create(options: PairOptions = {}): Promise<Pair> {
    const lab = createLab(PAIR_TOPOLOGY);
    try {
      const configFile = join(lab.folder, 'tospann.yaml');
      const imported = tospann(articleImportArguments(configFile));
      if (imported.code !== 0) throw new Error(`Cannot import the article: exit ${imported.code}\n${imported.stderr}`);
      const configure = options.configure;
      if (configure !== undefined) writeFileSync(configFile, configure(readFileSync(configFile, 'utf8')));
      const lb1 = new PairMember('lb1', lab.node('lb1'), lab.folder);
      const lb2 = new PairMember('lb2', lab.node('lb2'), lab.folder);
      shareClusterKey(lb1, lb2);
      const record = options.recordRequests === true;
      const [origins, watch] = await Promise.all([
        Promise.all(['web1', 'web2'].map(async (name) => await startOrigin(lab.node(name), { record }))),
        AddressWatch.start([lb1.node, lb2.node], VIP),
      ]);
      return new Pair({ lab, configFile, imported, lb1, lb2, origins, watch });
    } catch (error) {
      lab.close();
      throw error;
    }
  }

  get client(): LabNode {
    return this.lab.node('client');
  }

  /** `lb1` or `lb2` by name; throws for another name. */
  member(name: string): PairMember {
    if (name === 'lb1') return this.lb1;
    if (name === 'lb2') return this.lb2;
    throw new Error(`Cannot find node "${name}": the pair has lb1 and lb2`);
  }

  other(member: PairMember): PairMember {
    return member === this.lb1 ? this.lb2 : this.lb1;
  }

  /** Starts lb1 and, once it is ready, lb2; waits until one owns the address. Returns the owner. */
  async start(): Promise<PairMember> {
    await this.lb1.start(this.configFile);
    await this.lb2.start(this.configFile);
    return await this.waitForOwner();
  }

  /** Waits until exactly one node has the address, and it is `wanted` when that is given. */
  async waitForOwner(wanted?: PairMember, timeoutMs = 20_000): Promise<PairMember> {
    const what = wanted === undefined ? `one owner of ${VIP}` : `${wanted.name} as the only owner of ${VIP}`;
    return await until(
      what,
      () => {
        const [only, ...more] = this.watch.owners;
        if (only === undefined || more.length > 0) return undefined;
        const owner = this.member(only);
        return wanted === undefined || owner === wanted ? owner : undefined;
      },
      { timeoutMs, everyMs: 10 },
    ).catch((error: unknown) => {
      const logs = [this.lb1, this.lb2].map((member) => `${member.name}:\n${member.process.tail(15)}`).join('\n');
      throw new Error(`${String(error)}; owners now: "${this.watch.owners.join(' ')}"\n${logs}`, { cause: error });
    });
  }

  /** The console's token, the same on both nodes. */
  token(): string {
    const result = tospann(['token', '--state-dir', this.lb1.stateDir]);
    if (result.code !== 0) throw new Error(`Cannot get the token: ${result.stderr}`);
    return result.stdout.trim();
  }

  /** When the address was taken from a node last, monotonic ms; undefined when it still has it or never had it. */
  releasedAtMs(member: PairMember, afterMs: number): number | undefined {
    return this.watch.changes.find((change) => change.node === member.name && !change.present && change.atMs >= afterMs)
      ?.atMs;
  }

  /** When a node got the address first after a time, monotonic ms. */
  ownedAtMs(member: PairMember, afterMs: number): number | undefined {
    return this.watch.changes.find((change) => change.node === member.name && change.present && change.atMs >= afterMs)
      ?.atMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watch[Symbol.asyncDispose]();
    this.lab.close();
  }
}

/** Both nodes of a pair have the same cluster key: made on the first, copied to the other, as the manual says. */
function shareClusterKey(one: PairMember, other: PairMember): void {
  const made = tospann(['token', '--state-dir', one.stateDir]);
  if (made.code !== 0) throw new Error(`Cannot make the cluster key: ${made.stderr}`);
  copyFileSync(join(one.stateDir, 'cluster.key'), join(other.stateDir, 'cluster.key'));
}
