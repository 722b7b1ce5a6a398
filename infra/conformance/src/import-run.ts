// The importer beside HAProxy: each configuration through `tospann import` and one running Tospann, which takes it by
// reload, and through HAProxy; the same requests to both. What the report refuses is left out at HAProxy, too; what it
// calls changed is allowed to differ only as the case says.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabProcess, productCommand, run, until } from '@tospann/lab';
import { compareSeen, type ImportDifference } from './import-compare.ts';
import { requestsFor, textOf, type CasePlace, type ImportCase, type ImportRequest } from './import-cases.ts';
import { EchoServer, sendTo } from './import-wire.ts';
import { canConnect } from './targets.ts';

/** A difference that nothing announces. */
export interface Surprise extends ImportDifference {
  readonly name: string;
  readonly request: ImportRequest;
}

export interface ImportOutcome {
  readonly name: string;
  readonly requests: number;
  readonly surprises: readonly Surprise[];
  /** Kinds of differences that were seen and are allowed. */
  readonly allowed: ReadonlySet<string>;
  /** Lines that were taken, changed, refused or not needed. */
  readonly verdicts: Readonly<Record<string, number>>;
}

interface ReportLine {
  readonly line: number;
  readonly verdict: string;
}

const HAPROXY = '127.201.0.1';
const TOSPANN = '127.202.0.1';
const PORTS = { a: 28_901, b: 28_902 } as const;

/** A running Tospann, a server, and a HAProxy for each configuration. */
export class ImportRunner implements AsyncDisposable {
  readonly #folder: string;
  readonly #origin: EchoServer;
  readonly #tospann: LabProcess;

  private constructor(folder: string, origin: EchoServer, tospann: LabProcess) {
    this.#folder = folder;
    this.#origin = origin;
    this.#tospann = tospann;
  }

  static async open(): Promise<ImportRunner> {
    const folder = mkdtempSync(join(tmpdir(), 'tospann-imports-'));
    // Maps are read by a process that has given up its rights.
    chmodSync(folder, 0o755);
    const origin = await EchoServer.open();
    for (const name of ['run', 'state']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'tospann.yaml'), frame(''));
    const folders = ['--run-dir', join(folder, 'run'), '--state-dir', join(folder, 'state')];
    const command = [...productCommand(), 'run', '-c', join(folder, 'tospann.yaml'), '--node', 'lb1', ...folders];
    const tospann = new LabProcess('tospann', ['setpriv', '--pdeathsig', 'KILL', '--', ...command]);
    const runner = new ImportRunner(folder, origin, tospann);
    const ready = async (): Promise<boolean> =>
      existsSync(join(folder, 'run', 'admin.sock')) && (await canConnect(28_900, TOSPANN));
    await until('Tospann is ready', ready, { timeoutMs: 30_000, everyMs: 50 });
    return runner;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tospann.stop({ signal: 'SIGTERM' });
    await this.#origin[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Plays one configuration. */
  async play(entry: ImportCase, requests: number): Promise<ImportOutcome> {
    const place = (address: string): CasePlace => ({
      address,
      ports: PORTS,
      originPort: this.#origin.port,
      folder: this.#folder,
    });
    const report = this.#import(textOf(entry, place(TOSPANN)));
    const refused = new Set(report.filter(({ verdict }) => verdict === 'refused').map(({ line }) => line));
    const kept = textOf(entry, place(HAPROXY))
      .split('\n')
      .map((line, index) => (refused.has(index + 1) ? `# ${line}` : line));
    writeFileSync(join(this.#folder, 'haproxy.cfg'), `global\n  nbthread 1\n${kept.join('\n')}\n`);
    const haproxy = new LabProcess('haproxy', [
      'setpriv',
      '--pdeathsig',
      'KILL',
      '--',
      'haproxy',
      '-db',
      '-f',
      join(this.#folder, 'haproxy.cfg'),
    ]);
    try {
      for (const [name, port] of Object.entries(PORTS)) {
        if (!entry.text.includes(`@${name}`)) continue;
        for (const address of [HAPROXY, TOSPANN]) {
          const what = `${entry.name}: ${address}:${port}\n${haproxy.tail()}${this.#tospann.tail()}`;
          await until(what, async () => await canConnect(port, address), { timeoutMs: 10_000, everyMs: 20 });
        }
      }
      return await compareAll(entry, requestsFor(entry, requests), report);
    } finally {
      await haproxy.stop({ signal: 'SIGKILL' });
    }
  }

  #import(text: string): readonly ReportLine[] {
    const file = join(this.#folder, 'old.cfg');
    writeFileSync(file, text);
    const command = [...productCommand(), 'import', '--haproxy', file, '--node-address', 'lb1=127.0.0.1', '--json'];
    const made = JSON.parse(run('sh', ['-c', `${command.map((word) => `'${word}'`).join(' ')} 2>/dev/null; true`])) as {
      readonly yaml: string;
      readonly report: readonly ReportLine[];
    }; // as the command documents it
    writeFileSync(join(this.#folder, 'tospann.yaml'), frame(made.yaml));
    const [program = '', ...words] = productCommand();
    run(program, [...words, 'reload', '--run-dir', join(this.#folder, 'run')]);
    return made.report;
  }
}

/** The imported file with what this machine needs, without what a person would have to decide. */
function frame(yaml: string): string {
  const probe = `  probe: { bind: ["${TOSPANN}:28900"], rules: [{ return: { status: 204 } }] }`;
  const base =
    yaml === ''
      ? `version: 1\ncluster: { nodes: { lb1: { address: 127.0.0.1, interface: lo } } }\nfrontends:\nbackends: {}\nproxy: {}\n`
      : yaml;
  return base
    .replace('FILL-IN-interface-of-lb1', 'lo')
    .replace(/^ +- \{ if: FILL-IN.*\n/gm, '')
    .replace(/^admin: .*\n/gm, '')
    .replace(/^proxy: .*$/m, 'proxy: { threads: 1, user: nobody }')
    .replace(/^frontends:$/m, `frontends:\n${probe}`);
}

async function compareAll(
  entry: ImportCase,
  requests: readonly ImportRequest[],
  report: readonly ReportLine[],
): Promise<ImportOutcome> {
  const surprises: Surprise[] = [];
  const allowed = new Set<string>();
  for (const request of requests) {
    const port = PORTS[request.listener];
    const [haproxy, tospann] = await Promise.all([sendTo(HAPROXY, port, request), sendTo(TOSPANN, port, request)]);
    const differences = compareSeen(haproxy, tospann);
    // What follows from another backend or status is no difference of its own.
    const excused = differences.some(({ kind }) => isAllowed(entry, kind) && /^(?:backend|status)$/.test(kind));
    for (const difference of differences) {
      if (excused || isAllowed(entry, difference.kind)) allowed.add(difference.kind);
      else surprises.push({ ...difference, name: entry.name, request });
    }
  }
  const verdicts: Record<string, number> = {};
  for (const { verdict } of report) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  return { name: entry.name, requests: requests.length, surprises, allowed, verdicts };
}

function isAllowed({ allowed }: ImportCase, kind: string): boolean {
  return allowed.some((allowance) => allowance.kind === kind);
}
