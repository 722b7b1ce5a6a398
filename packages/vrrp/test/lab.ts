// A small lab for the agent's tests: namespaces a, b and c on one bridge, agents and keepalived in them, a client that
// asks the floating address every 5 ms. Needs root. Everything is removed when the lab is disposed.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { VrrpSnapshot } from '../src/index.ts';
import type { GroupShape, PairShape, VipShape } from './pair-config.ts';

export type Place = 'a' | 'b' | 'c';
export const nodeAddress: Readonly<Record<Place, string>> = { a: '10.99.0.2', b: '10.99.0.3', c: '10.99.0.10' };
export const vip = '10.99.0.100';
export const nodeAddress6: Readonly<Record<Place, string>> = { a: 'fd00:99::2', b: 'fd00:99::3', c: 'fd00:99::a' };
export const vip6 = 'fd00:99::100';

/** Where the lab's HTTP servers listen. */
export const tcpPort = 25_080;

const nodeFlags = ['--conditions=@tospann/source', '--disable-warning=ExperimentalWarning'];

export interface AgentLine {
  readonly event: string;
  readonly [key: string]: unknown;
}

/** Runs a program that must succeed; returns its standard output. */
export function run(file: string, ...args: readonly string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A process in a namespace whose standard output is JSON lines or plain lines. */
export class LabProcess {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  readonly #news = new Set<() => void>();

  constructor(namespace: string, command: readonly string[]) {
    this.child = spawn('ip', ['netns', 'exec', namespace, ...command], { stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr])
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => {
          this.lines.push(line);
          for (const wake of this.#news) wake();
        });
    this.child.on('exit', () => {
      for (const wake of this.#news) wake();
    });
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Waits for a line, from line number `from` on. */
  async line(
    matches: (line: string) => boolean,
    options: { readonly withinMs: number; readonly from?: number },
  ): Promise<string> {
    const deadline = performance.now() + options.withinMs;
    for (;;) {
      const found = this.lines.slice(options.from ?? 0).find(matches);
      if (found !== undefined) return found;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`no such line within ${options.withinMs} ms:\n${this.lines.join('\n')}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#news.add(resolve);
      await Promise.race([promise, sleep(leftMs, undefined, { ref: false })]);
      this.#news.delete(resolve);
    }
  }

  say(text: string): void {
    this.child.stdin?.write(`${text}\n`);
  }

  /** Sends a signal to the process itself: `ip netns exec` has replaced itself by it. */
  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async kill(): Promise<void> {
    if (this.ended) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGCONT');
    this.child.kill('SIGKILL');
    await gone;
  }
}

export class AgentProcess extends LabProcess {
  get events(): AgentLine[] {
    return this.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as AgentLine);
  }

  /** Waits until the first VIP (or the named one) has changed to a state; returns that event. */
  async becomes(
    state: string,
    options: { readonly withinMs: number; readonly from?: number; readonly vip?: string },
  ): Promise<AgentLine> {
    const isIt = (event: AgentLine): boolean =>
      event.event === 'vrrp-state' &&
      event['to'] === state &&
      (options.vip === undefined || event['vip'] === options.vip);
    const line = await this.line((text) => text.startsWith('{') && isIt(JSON.parse(text) as AgentLine), options);
    return JSON.parse(line) as AgentLine;
  }

  async snapshot(): Promise<VrrpSnapshot> {
    const from = this.lines.length;
    this.say('snapshot');
    const line = await this.line((text) => text.includes('"event":"snapshot"'), { withinMs: 5000, from });
    return (JSON.parse(line) as { snapshot: VrrpSnapshot }).snapshot;
  }
}

export class Lab implements AsyncDisposable {
  readonly prefix = `tE${process.pid.toString(36)}${Math.floor(Math.random() * 1296).toString(36)}`;
  readonly directory = mkdtempSync(join(tmpdir(), 'tospann-vrrp-'));
  readonly #processes: LabProcess[] = [];
  readonly #namespaces: string[] = [];

  constructor(places: readonly Place[] = ['a', 'b', 'c']) {
    this.#addNamespace('sw');
    run('ip', '-n', this.namespace('sw'), 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
    run('ip', '-n', this.namespace('sw'), 'link', 'set', 'br0', 'up');
    for (const place of places) {
      this.#addNamespace(place);
      this.connect(place);
    }
  }

  namespace(place: Place | 'sw'): string {
    return `${this.prefix}-${place}`;
  }

  /** Gives a place its eth0 on the bridge; again after `ip link del eth0`. */
  connect(place: Place): void {
    const own = this.namespace(place);
    const sw = this.namespace('sw');
    run('ip', '-n', sw, 'link', 'add', `p-${place}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', own);
    run('ip', '-n', sw, 'link', 'set', `p-${place}`, 'master', 'br0', 'up');
    run('ip', '-n', own, 'link', 'set', 'eth0', 'up');
    run('ip', '-n', own, 'addr', 'add', `${nodeAddress[place]}/24`, 'dev', 'eth0');
    run('ip', '-n', own, 'addr', 'add', `${nodeAddress6[place]}/64`, 'dev', 'eth0', 'nodad');
  }

  /** Gives places a second network: `eth1` without an address of its own. */
  connectInside(places: readonly Place[]): void {
    const sw = this.namespace('sw');
    run('ip', '-n', sw, 'link', 'add', 'br1', 'type', 'bridge', 'mcast_snooping', '0');
    run('ip', '-n', sw, 'link', 'set', 'br1', 'up');
    for (const place of places) {
      const own = this.namespace(place);
      run('ip', '-n', sw, 'link', 'add', `q-${place}`, 'type', 'veth', 'peer', 'name', 'eth1', 'netns', own);
      run('ip', '-n', sw, 'link', 'set', `q-${place}`, 'master', 'br1', 'up');
      run('ip', '-n', own, 'link', 'set', 'eth1', 'up');
    }
  }

  /** Cuts or mends the cable at the switch without the node's carrier going down: a silent loss. */
  cable(place: Place, state: 'cut' | 'whole'): void {
    const change = state === 'cut' ? 'nomaster' : 'master';
    const target = state === 'cut' ? [] : ['br0'];
    run('ip', '-n', this.namespace('sw'), 'link', 'set', `p-${place}`, change, ...target);
  }

  hasVip(place: Place, address = vip): boolean {
    return run('ip', '-n', this.namespace(place), '-o', 'addr', 'show').includes(` ${address}/`);
  }

  async startAgent(place: Place, options: AgentOptions = {}): Promise<AgentProcess> {
    const agent = this.spawnAgent(place, options);
    await agent.line((line) => line.includes('"event":"ready"'), { withinMs: 60_000 });
    if (options.serves !== false) agent.say('serves');
    return agent;
  }

  spawnAgent(place: Place, options: AgentOptions = {}): AgentProcess {
    const shape: PairShape & { node: string } = {
      node: place === 'a' ? 'lb1' : 'lb2',
      nodes: { lb1: nodeAddress.a, lb2: nodeAddress.b },
      nodes6: { lb1: nodeAddress6.a, lb2: nodeAddress6.b },
      ...(options.groups === undefined ? {} : { groups: options.groups }),
      vips: options.vips ?? { public: { address: vip, ...options.vip } },
      guard: options.guard ?? false,
      port: tcpPort,
    };
    const script = fileURLToPath(new URL('run-agent.ts', import.meta.url));
    const command = [...(options.wrap ?? []), process.execPath, ...nodeFlags, script, JSON.stringify(shape)];
    return this.keep(new AgentProcess(this.namespace(place), command));
  }

  start(place: Place, command: readonly string[]): LabProcess {
    return this.keep(new LabProcess(this.namespace(place), command));
  }

  script(place: Place, name: string, ...args: readonly string[]): LabProcess {
    const file = fileURLToPath(new URL(name, import.meta.url));
    return this.start(place, [process.execPath, ...nodeFlags, file, ...args]);
  }

  /** Starts keepalived with one instance of router id 51; `six`: for IPv6; `password`: version 2 at 1 s. */
  keepalived(
    place: 'a' | 'b',
    options: {
      readonly priority: number;
      readonly unicast: boolean;
      readonly state: string;
      readonly six?: boolean;
      readonly password?: string;
    },
  ): LabProcess {
    const own = options.six === true ? nodeAddress6 : nodeAddress;
    const peer = place === 'a' ? own.b : own.a;
    const two = options.password !== undefined;
    const auth = two ? `authentication {\n auth_type PASS\n auth_pass ${options.password}\n }` : '';
    const unicast = options.unicast ? `unicast_src_ip ${own[place]}\n unicast_peer {\n ${peer}\n }` : '';
    const file = join(this.directory, `keepalived-${place}.conf`);
    writeFileSync(
      file,
      `global_defs {\n vrrp_version ${two ? 2 : 3}\n}\nvrrp_instance VI_1 {\n interface eth0\n state ${options.state}\n` +
        ` virtual_router_id 51\n priority ${options.priority}\n advert_int ${two ? 1 : 0.1}\n ${auth}\n ${unicast}\n` +
        ` virtual_ipaddress {\n ${options.six === true ? `${vip6}/128` : `${vip}/32`}\n }\n}\n`,
    );
    const pid = (name: string): string => join(this.directory, `${place}-${name}.pid`);
    return this.start(place, [
      'keepalived',
      '-n',
      '-l',
      '-D',
      '-P',
      '-f',
      file,
      '-p',
      pid('parent'),
      '-r',
      pid('vrrp'),
    ]);
  }

  keep<P extends LabProcess>(process: P): P {
    this.#processes.push(process);
    return process;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes.toReversed()) await process.kill();
    for (const name of this.#namespaces) {
      // What a killed parent left behind (keepalived's child) lives in the namespace: end it there.
      const left = run('ip', 'netns', 'pids', name).split('\n').filter(Boolean);
      for (const pid of left) process.kill(Number(pid), 'SIGKILL');
      run('ip', 'netns', 'del', name);
    }
    rmSync(this.directory, { recursive: true });
  }

  #addNamespace(place: Place | 'sw'): void {
    const name = this.namespace(place);
    run('ip', 'netns', 'add', name);
    this.#namespaces.push(name);
    run('ip', '-n', name, 'link', 'set', 'lo', 'up');
  }
}

export interface AgentOptions {
  readonly vip?: Partial<VipShape>;
  readonly vips?: Readonly<Record<string, VipShape>>;
  readonly groups?: Readonly<Record<string, GroupShape>>;
  readonly guard?: boolean;
  /** Tell the agent at once that its node serves. Default true. */
  readonly serves?: boolean;
  /** A program that runs the agent, for instance setpriv. */
  readonly wrap?: readonly string[];
}

/** Waits until a condition holds; polls every 10 ms. */
export async function until(what: string, holds: () => boolean, withinMs: number): Promise<number> {
  const start = performance.now();
  while (!holds()) {
    if (performance.now() - start > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(10);
  }
  return performance.now() - start;
}
