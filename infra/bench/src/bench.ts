// Runs contenders in turn against one origin in a namespace of its own and measures each run: CPU time of all threads
// of all processes of the proxy, requests, latencies. It decides nothing; http.ts prints what it returns.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  cpuNanoseconds,
  createLab,
  descendantsOf,
  pause,
  until,
  type Lab,
  type LabNode,
  type LabProcess,
} from '@tospann/lab';

import {
  h2loadCommand,
  readH2load,
  readWrk,
  WRK_REPORT,
  wrkCommand,
  type LoadOptions,
  type LoadReport,
} from './clients.ts';
import { originConfig, type Contender, type Site } from './contenders.ts';

/** Address of the benchmark's interface. */
export const BENCH_ADDRESS = '10.99.0.1';

/** One run of one contender. Latencies are in microseconds, as the client saw them. */
export interface RunResult {
  readonly contender: string;
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly cpuMicrosecondsPerRequest: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Connection, read, write and time-out errors of the client, and answers that were not 2xx or 3xx. */
  readonly errors: number;
}

/** A namespace with the origin running in it; contenders are started in it and measured in turn. */
export class Bench implements AsyncDisposable {
  readonly site: Site;
  readonly #lab: Lab;
  readonly #node: LabNode;
  readonly #running = new Map<string, LabProcess>();
  readonly #cpus: { readonly proxy: string; readonly others: string };

  private constructor(lab: Lab, cpus: { readonly proxy: string; readonly others: string }, compress: boolean) {
    this.#lab = lab;
    this.#node = lab.node('bench');
    this.#cpus = cpus;
    this.site = { address: BENCH_ADDRESS, origins: [9001, 9002], folder: lab.folder, compress };
  }

  /** Makes the namespace and starts the origin with answers of `bodyBytes`. */
  static async create(options: {
    readonly bodyBytes: number;
    readonly compress: boolean;
    /** CPU lists as taskset takes them. */
    readonly proxyCpu: string;
    readonly otherCpu: string;
  }): Promise<Bench> {
    const lab = createLab({ nodes: [{ name: 'bench', links: [] }] });
    try {
      const bench = new Bench(lab, { proxy: options.proxyCpu, others: options.otherCpu }, options.compress);
      lab.node('bench').run(['ip', 'addr', 'add', `${BENCH_ADDRESS}/32`, 'dev', 'lo']);
      // With a new connection for each request the client must not run out of ports, whichever side closes first.
      lab.node('bench').run(['sysctl', '-qw', 'net.ipv4.tcp_tw_reuse=1', 'net.ipv4.ip_local_port_range=10000 65000']);
      await bench.#startOrigin(options.bodyBytes);
      return bench;
    } catch (error) {
      lab.close();
      throw error;
    }
  }

  /** Starts a contender and waits until it serves. */
  async start(contender: Contender): Promise<void> {
    for (const [name, text] of Object.entries(contender.files)) writeFileSync(join(this.site.folder, name), text);
    const command = ['taskset', '-c', this.#cpus.proxy, ...contender.command];
    // A log on standard output goes straight to its file: a pipe through this process would cost others' time.
    const redirect = contender.name === 'haproxy' && contender.accessLog !== undefined;
    const shell = ['sh', '-c', 'exec "$@" > "$0"', contender.accessLog ?? '', ...command];
    const process = this.#node.spawn(contender.name, redirect ? shell : command);
    this.#running.set(contender.name, process);
    await until(
      `an answer of ${contender.name}`,
      () => {
        if (!process.running) throw new Error(`Cannot start ${contender.name}:\n${process.tail()}`);
        return this.#curl(contender, '/').includes(' 200');
      },
      { timeoutMs: 20_000, everyMs: 100 },
    );
  }

  /**
   * Checks by requests that a contender does what it is measured for.
   *
   * @returns What is wrong, in words; empty when all is there.
   */
  checkFeatures(contender: Contender): string[] {
    const problems: string[] = [];
    const fresh = this.#curl(contender, '/seen');
    if (!/^set-cookie: SERVERID=s[12]/im.test(fresh)) problems.push('no session cookie on a first answer');
    if (!fresh.includes(` ${this.site.address}|`)) problems.push('the origin got no X-Forwarded-For');
    const kept = [1, 2, 3].map(() => this.#curl(contender, '/seen', ['-H', 'Cookie: SERVERID=s2']));
    if (!kept.every((answer) => answer.includes(`\n${this.site.origins[1]} `)))
      problems.push('the cookie does not bind to its server');
    if (/^set-cookie:/im.test(this.#curl(contender, '/static/seen'))) problems.push('the path rule is not followed');
    return problems;
  }

  /** One run: the client loads this contender alone for some seconds. */
  async measure(contender: Contender, options: LoadOptions): Promise<RunResult> {
    const process = this.#running.get(contender.name);
    if (process === undefined) throw new Error(`Cannot measure ${contender.name}: it was not started`);
    const before = cpuNanoseconds(descendantsOf(process.pid));
    const report = await this.#load(contender, options);
    const cpuUsed = cpuNanoseconds(descendantsOf(process.pid)) - before;
    return {
      contender: contender.name,
      requests: report.requests,
      requestsPerSecond: report.requests / report.seconds,
      cpuMicrosecondsPerRequest: cpuUsed / 1000 / report.requests,
      p50: report.p50,
      p99: report.p99,
      p999: report.p999,
      errors: report.errors,
    };
  }

  /** Bytes of an answer's body as a client that takes gzip gets it. */
  compressedBytes(contender: Contender, path: string): number {
    const args = ['-H', 'Accept-Encoding: gzip', '-o', '/dev/null', '-w', '%{size_download}'];
    return Number(this.#curl(contender, path, args));
  }

  /** Lines in a contender's access log so far. */
  accessLogLines(contender: Contender): number {
    if (contender.accessLog === undefined) return 0;
    let lines = 0;
    for (const byte of readFileSync(contender.accessLog)) if (byte === 10) lines += 1;
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lab.close();
    await Promise.resolve();
  }

  async #startOrigin(bodyBytes: number): Promise<void> {
    const { folder } = this.site;
    mkdirSync(join(folder, 'www'));
    // The product's proxy process drops to an unprivileged user and opens its log anew after that.
    mkdirSync(join(folder, 'logs'));
    writeFileSync(join(folder, 'www/body'), this.site.compress ? textOf(bodyBytes) : Buffer.alloc(bodyBytes, 'x'));
    writeFileSync(join(folder, 'origin.conf'), originConfig(this.site, bodyBytes));
    writeFileSync(join(folder, 'report.lua'), WRK_REPORT);
    const command = ['nginx', '-p', folder, '-e', join(folder, 'origin.err'), '-c', join(folder, 'origin.conf')];
    const origin = this.#node.spawn('origin', ['taskset', '-c', this.#cpus.others, ...command]);
    await until(
      'the origin',
      () => {
        if (!origin.running) throw new Error(`Cannot start the origin:\n${origin.tail()}`);
        return this.#curl({ port: this.site.origins[0] }, '/').includes(' 200');
      },
      { timeoutMs: 10_000, everyMs: 50 },
    );
  }

  async #load(contender: Contender, options: LoadOptions): Promise<LoadReport> {
    const url = `http://${this.site.address}:${contender.port}${options.path}`;
    const { folder } = this.site;
    const logFile = join(folder, 'h2load.log');
    const isPaced = options.rate !== undefined;
    rmSync(logFile, { force: true }); // h2load appends
    const command = isPaced
      ? h2loadCommand(url, options, logFile)
      : wrkCommand(url, options, join(folder, 'report.lua'));
    const client = this.#node.spawn('client', ['taskset', '-c', this.#cpus.others, ...command]);
    const status = await client.exited;
    const line = client.lines.find((candidate) => candidate.json?.['requests'] !== undefined)?.json;
    if (status.code !== 0 || (!isPaced && line === undefined))
      throw new Error(`Cannot measure ${contender.name}: ${command[0]} failed\n${client.tail()}`);
    await pause(100);
    return isPaced ? readH2load(readFileSync(logFile, 'utf8'), options.seconds) : readWrk(line ?? {});
  }

  #curl(contender: { readonly port: number }, path: string, args: readonly string[] = []): string {
    try {
      return this.#node.run([
        'curl',
        '-s',
        '-i',
        '-m',
        '2',
        ...args,
        `http://${this.site.address}:${contender.port}${path}`,
      ]);
    } catch {
      return '';
    }
  }
}

/** Text as pages have it, of so many bytes: this repository's own documents, again and again when they are too short. */
function textOf(bytes: number): Buffer {
  const folder = new URL('../../../docs/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.md'));
  const text = Buffer.concat(names.map((name) => readFileSync(new URL(name, folder))));
  return Buffer.concat(Array.from({ length: Math.ceil(bytes / text.length) }, () => text)).subarray(0, bytes);
}
