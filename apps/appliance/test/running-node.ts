// One node of the built executable on loopback, for the tests of what surrounds traffic: its log as events, its children by
// role, its command line, and a question over HTTP.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer, get as httpGet } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { binary, Scratch, type Ran } from './binary.ts';

export type LogLine = Readonly<Record<string, unknown>>;

export interface NodeOptions {
  /** Sections after `version` and `cluster`. */
  readonly rest: string;
  /** Command before the executable: `unshare`, `prlimit`. */
  readonly wrap?: readonly string[];
  readonly spawn?: SpawnOptions;
}

export class RunningNode implements AsyncDisposable {
  readonly scratch: Scratch;
  readonly file: string;
  readonly runDir: string;
  readonly stateDir: string;
  readonly process: ChildProcess;
  readonly lines: LogLine[] = [];
  /** All that it has written, for messages. */
  text = '';
  readonly #waiters = new Set<() => void>();

  constructor({ rest, wrap = [], spawn: options = {} }: NodeOptions, scratch = new Scratch()) {
    this.scratch = scratch;
    this.file = this.scratch.file('tospann.yaml', configurationOf(rest));
    this.runDir = join(this.scratch.dir, 'run');
    this.stateDir = join(this.scratch.dir, 'state');
    const run = [
      binary,
      'run',
      '-c',
      this.file,
      '--node',
      'one',
      '--run-dir',
      this.runDir,
      '--state-dir',
      this.stateDir,
    ];
    const [command = binary, ...args] = [...wrap, ...run];
    this.process = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
    let open = '';
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
      const lines = (open + text).split('\n');
      open = lines.pop() ?? '';
      for (const line of lines) this.#take(line);
    });
    this.process.once('exit', () => this.#wake());
  }

  static async start(options: NodeOptions): Promise<RunningNode> {
    const node = new RunningNode(options);
    try {
      await node.event('ready');
      return node;
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Waits for a log line with this event, the `nth` of them. @throws When the node ends first. */
  async event(name: string, where: (line: LogLine) => boolean = () => true, nth = 1): Promise<LogLine> {
    for (;;) {
      const found = this.lines.filter((line) => line['event'] === name && where(line))[nth - 1];
      if (found !== undefined) return found;
      if (!this.isRunning) throw new Error(`the node ended before "${name}":\n${this.text.slice(-4000)}`);
      await new Promise<void>((resolve) => this.#waiters.add(resolve));
    }
  }

  /** Processes of this node in a role. */
  children(role: string): readonly number[] {
    return readdirSync('/proc').flatMap((entry) => {
      if (!/^\d+$/.test(entry)) return [];
      try {
        const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const environment = readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0');
        const isOurs = Number(parent) === this.pid && state !== 'Z' && environment.includes(`TOSPANN_ROLE=${role}`);
        return isOurs ? [Number(entry)] : [];
      } catch {
        return [];
      }
    });
  }

  /** Runs a command of the command line against this node, beside everything else. */
  async command(...args: readonly string[]): Promise<Ran> {
    const child = spawn(binary, [...args, '--run-dir', this.runDir], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    await once(child, 'close');
    return { code: child.exitCode, stdout, stderr };
  }

  /** Changes the configuration file. */
  write(rest: string): void {
    this.scratch.file('tospann.yaml', configurationOf(rest));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) {
      this.process.kill('SIGTERM');
      // A second one ends at once what hangs.
      const again = setTimeout(() => this.process.kill('SIGTERM'), 5000);
      const never = setTimeout(() => this.process.kill('SIGKILL'), 8000);
      await once(this.process, 'exit');
      clearTimeout(again);
      clearTimeout(never);
    }
    this.scratch[Symbol.dispose]();
  }

  #take(line: string): void {
    try {
      this.lines.push(JSON.parse(line.replace(/^<\d>/, '')) as LogLine);
    } catch {
      return; // not a line of the log
    }
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
    this.#waiters.clear();
  }
}

function configurationOf(rest: string): string {
  return `version: 1\ncluster: { name: t, nodes: { one: { address: 127.0.0.1, interface: lo } } }\n${rest}`;
}

/** Sections of a node that answers by itself on one port. */
export function answering(port: number, more = ''): string {
  return `frontends: { main: { bind: ["127.0.0.1:${port}"], rules: [{ return: { status: 200, body: ok } }], defaultBackend: app } }
backends: { app: { servers: { s1: { address: "127.0.0.1:1" } } } }
log: { access: { enabled: false } }
proxy: { threads: 1 }
${more}`;
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The status of an answer; 0: none. */
export async function ask(port: number, host = '127.0.0.1'): Promise<number> {
  return await new Promise<number>((resolve) => {
    const question = httpGet({ host, port, path: '/', agent: false, timeout: 5000 }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    question.on('timeout', () => question.destroy());
    question.on('error', () => resolve(0));
  });
}
