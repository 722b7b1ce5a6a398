// The lab: network namespaces of this machine joined by bridges, each a small host of its own. It makes them, starts
// processes in them, breaks the network between them on request, and removes everything in every exit path.
// Needs root, iproute2 and nftables. No interface appears outside the lab's own namespaces.
import { monotonicMs } from './clock.ts';
import { Faults } from './faults.ts';
import { LabProcess, type StartOptions } from './process.ts';
import { closeAtExit, forgetCloser, makeLabFolder, newLabName, removeLab, removeStaleLabs } from './registry.ts';
import { portName, type LabSpec, type NodeSpec } from './spec.ts';
import { environmentOf, ipBatch, pidsInNamespace, run, signalAll } from './system.ts';

/** Marks the lab's own processes in their environment. */
const INSTRUMENT = 'TOSPANN_LAB_INSTRUMENT';

/** A host of the lab: a network namespace with its own loopback, interfaces, ports and sysctls under net. */
export class LabNode {
  readonly name: string;
  readonly namespace: string;
  readonly spec: NodeSpec;

  constructor(spec: NodeSpec, namespace: string) {
    this.name = spec.name;
    this.spec = spec;
    this.namespace = namespace;
  }

  /** The command line that runs `command` in this node and dies with the process that starts it. */
  command(command: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.namespace, 'setpriv', '--pdeathsig', 'KILL', '--', ...command];
  }

  /** Starts a process in this node. */
  spawn(title: string, command: readonly string[], options: StartOptions = {}): LabProcess {
    return new LabProcess(`${this.name}/${title}`, this.command(command), options);
  }

  /** Runs a command in this node to its end and returns its output; throws when it fails. */
  run(command: readonly string[], input?: string): string {
    const [file = '', ...args] = this.command(command);
    return run(file, args, input);
  }

  /** Starts an instrument: it lives in this node but is none of its processes, so `killGroup` passes it over. */
  spawnInstrument(title: string, command: readonly string[], options: StartOptions = {}): LabProcess {
    const env = { ...options.env, [INSTRUMENT]: '1' };
    return this.spawn(title, command, { ...options, env });
  }

  /** Pids of what runs in this node now, without the lab's instruments. */
  pids(): number[] {
    return pidsInNamespace(this.namespace).filter((pid) => environmentOf(pid, INSTRUMENT) === undefined);
  }

  /**
   * Signals every process of this node, and returns the time (monotonic ms) at which it began. Before SIGKILL all
   * are stopped, so that none can do a last thing when its parent dies: the node ends as a whole.
   */
  killGroup(signal: NodeJS.Signals): number {
    const pids = this.pids();
    const atMs = monotonicMs();
    if (signal === 'SIGKILL') signalAll(pids, 'SIGSTOP');
    signalAll(pids, signal);
    return atMs;
  }

  /** Stops every process of this node as a stolen CPU or a live migration does; `thaw` lets them go on. */
  freeze(): number {
    return this.killGroup('SIGSTOP');
  }

  thaw(): number {
    return this.killGroup('SIGCONT');
  }

  /** IPv4 addresses on an interface of this node, as CIDR. */
  addresses(device = 'eth0'): string[] {
    const shown = JSON.parse(run('ip', ['-n', this.namespace, '-j', '-4', 'addr', 'show', 'dev', device])) as {
      readonly addr_info?: readonly { readonly local: string; readonly prefixlen: number }[];
    }[];
    return shown.flatMap((link) => (link.addr_info ?? []).map((entry) => `${entry.local}/${entry.prefixlen}`));
  }

  /** Tells whether one of this node's interfaces has `address` (no prefix length). */
  has(address: string): boolean {
    return this.spec.links.some((_, index) =>
      this.addresses(`eth${index}`).some((entry) => entry.startsWith(`${address}/`)),
    );
  }
}

export class Lab implements AsyncDisposable {
  readonly name: string;
  /** A folder for this lab's files; it is removed with the lab. */
  readonly folder: string;
  readonly faults: Faults;
  readonly #nodes = new Map<string, LabNode>();
  readonly #close: () => void;

  constructor(spec: LabSpec) {
    removeStaleLabs();
    this.name = newLabName();
    this.#close = () => removeLab(this.name);
    closeAtExit(this.#close);
    this.folder = makeLabFolder(this.name);
    const hub = `${this.name}-hub`;
    try {
      makeHub(hub, spec);
      for (const node of spec.nodes) this.#nodes.set(node.name, makeNode(hub, this.name, node));
      this.faults = new Faults(hub, spec);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The node with this name; throws when the lab has none. */
  node(name: string): LabNode {
    const node = this.#nodes.get(name);
    if (node === undefined)
      throw new Error(`Cannot find node "${name}": the lab has ${[...this.#nodes.keys()].join(', ')}`);
    return node;
  }

  get nodes(): readonly LabNode[] {
    return [...this.#nodes.values()];
  }

  /** Kills everything inside, removes namespaces and files. Safe to call twice. */
  close(): void {
    this.#close();
    forgetCloser(this.#close);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await Promise.resolve();
  }
}

/**
 * Makes a lab; use with `await using`.
 *
 * @throws {Error} When `ip` or `nft` refuse; what was made by then is removed.
 */
export function createLab(spec: LabSpec): Lab {
  return new Lab(spec);
}

function makeHub(hub: string, spec: LabSpec): void {
  run('ip', ['netns', 'add', hub]);
  const bridges = new Set(spec.nodes.flatMap((node) => node.links.map((link) => link.bridge)));
  ipBatch(
    hub,
    [...bridges].flatMap((bridge) => [
      `link add br-${bridge} type bridge mcast_snooping 0`,
      `link set br-${bridge} up`,
    ]),
  );
}

function makeNode(hub: string, labName: string, spec: NodeSpec): LabNode {
  const namespace = `${labName}-${spec.name}`;
  run('ip', ['netns', 'add', namespace]);
  ipBatch(
    hub,
    spec.links.flatMap((link, index) => [
      `link add ${portName(spec.name, index)} type veth peer name eth${index} netns ${namespace}`,
      `link set ${portName(spec.name, index)} master br-${link.bridge} up`,
    ]),
  );
  ipBatch(namespace, [
    'link set lo up',
    ...spec.links.flatMap((link, index) => [
      ...link.addresses.map((address) => `addr add ${address} dev eth${index}`),
      `link set eth${index} up`,
    ]),
  ]);
  return new LabNode(spec, namespace);
}
