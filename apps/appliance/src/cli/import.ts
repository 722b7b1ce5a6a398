// `tospann import`: the old files become one pair configuration; the report says what became of every line.
import { readFileSync } from 'node:fs';
import { formatImportReport, importConfig, parseConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { replaceFile } from '@tospann/linux';
import { auditSysctl, parseSysctl, readFacts, USUAL_WISHES, wantedOf, type AuditLine } from '@tospann/tuner';
import { withAudit } from '../core/audit-import.ts';
import { Exit, type ExitCode, out, outJson, say } from './exit.ts';
import { sayProblems } from './validate.ts';

export interface ImportOptions {
  readonly haproxy: readonly string[];
  readonly keepalived: readonly string[];
  readonly sysctl: readonly string[];
  readonly nodeAddress: readonly string[];
  readonly output?: string;
  readonly json?: boolean;
}

export async function importCommand(options: ImportOptions): Promise<ExitCode> {
  if (options.haproxy.length + options.keepalived.length === 0) {
    say('Cannot import: name at least one file with --haproxy or --keepalived');
    return Exit.usage;
  }
  const nodeAddresses = parseNodeAddresses(options.nodeAddress);
  if (nodeAddresses === undefined) {
    say('Cannot import: --node-address must be NAME=ADDRESS, for instance lb1=10.10.0.11');
    return Exit.usage;
  }
  const sysctl = read(options.sysctl);
  const made = importConfig({
    haproxy: read(options.haproxy),
    keepalived: read(options.keepalived),
    sysctl,
    nodeAddresses,
  });
  const yaml = sysctl.length === 0 ? made.yaml : `${made.yaml}${TUNER_SECTION}`;
  const result = { ...made, yaml, report: withAudit(made.report, auditOf(sysctl, yaml)) };
  if (options.json === true) outJson(result);
  else say(formatImportReport(result.report).split('\n'));
  write(result.yaml, options);
  const check = parseConfig(result.yaml, { file: options.output ?? '(imported)' });
  // Contradictions between the old files come first: they are why the new file has places to fill in.
  const problems = [...result.problems, ...(check.ok ? [] : check.problems)];
  sayProblems([...problems, ...check.warnings]);
  return problems.length === 0 ? Exit.ok : Exit.configInvalid;
}

/** Takes the place of the old settings; nothing is written to the kernel before "tospann tune apply". */
const TUNER_SECTION = '\ntuner:\n  profile: balanced\n';

/** What the tuner says of the old settings, on this machine and for the new configuration as far as it is one. */
function auditOf(sources: readonly Source[], yaml: string): readonly AuditLine[] {
  if (sources.length === 0) return [];
  const check = parseConfig(yaml, { file: '(imported)' });
  const wanted = check.ok ? wantedOf(check.config) : USUAL_WISHES;
  const keys = sources.flatMap(({ text }) => parseSysctl(text).flatMap(({ key }) => (key === undefined ? [] : [key])));
  const facts = readFacts({ keys });
  return sources.flatMap((source) => auditSysctl(source, facts, wanted));
}

function write(yaml: string, options: ImportOptions): void {
  if (options.output === undefined) {
    if (options.json !== true) out(yaml.trimEnd().split('\n'));
    return;
  }
  // A VRRP password of the old pair is for root alone.
  const mode = /\bpassword: /.test(yaml) ? 0o600 : 0o644;
  replaceFile(options.output, yaml, { mode, temporary: `${options.output}.new` });
  say(`Wrote ${options.output}`);
}

interface Source {
  readonly file: string;
  readonly text: string;
}

function read(files: readonly string[]): readonly Source[] {
  return files.map((file) => {
    try {
      return { file, text: readFileSync(file, 'utf8') };
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new TospannError('LB_CONFIG_UNREADABLE', { file, detail }, { cause: error });
    }
  });
}

function parseNodeAddresses(pairs: readonly string[]): Readonly<Record<string, string>> | undefined {
  const entries = pairs.map((pair) => /^([^=]+)=([^=]+)$/.exec(pair));
  if (entries.includes(null)) return undefined;
  const addresses: Record<string, string> = {};
  for (const [, name = '', address = ''] of entries.flatMap((entry) => (entry === null ? [] : [entry]))) {
    addresses[name] = Object.hasOwn(addresses, name) ? `${addresses[name]},${address}` : address;
  }
  return addresses;
}
