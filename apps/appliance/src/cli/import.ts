// `tospann import`: the old files become one pair configuration; the report says what became of every line.
import { lstatSync, readFileSync } from 'node:fs';
import { formatImportReport, importConfig, parseConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { createFile, replaceFile } from '@tospann/linux';
import { auditSysctl, parseSysctl, readFacts, USUAL_WISHES, wantedOf, type AuditLine } from '@tospann/tuner';
import { withAudit } from '../core/audit-import.ts';
import { Exit, type ExitCode, out, outJson, say } from './exit.ts';
import { sayProblems } from './validate.ts';

export interface ImportOptions {
  readonly haproxy: readonly string[];
  readonly keepalived: readonly string[];
  readonly sysctl: readonly string[];
  readonly nodeAddress: readonly string[];
  readonly env: readonly string[];
  readonly output?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export async function importCommand(options: ImportOptions): Promise<ExitCode> {
  if (options.haproxy.length + options.keepalived.length === 0) {
    say('Cannot import: name at least one file with --haproxy or --keepalived');
    return Exit.usage;
  }
  const nodeAddresses = parsePairs(options.nodeAddress, ',');
  if (nodeAddresses === undefined) {
    say('Cannot import: --node-address must be NAME=ADDRESS, for instance lb1=10.10.0.11');
    return Exit.usage;
  }
  const environment = parsePairs(options.env);
  if (environment === undefined) {
    say('Cannot import: --env must be NAME=VALUE, for instance SITE=shop.example');
    return Exit.usage;
  }
  keepOutput(options);
  const sysctl = read(options.sysctl);
  const made = importConfig({
    haproxy: read(options.haproxy),
    keepalived: read(options.keepalived),
    sysctl,
    nodeAddresses,
    environment,
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

/** What is there may be the work of a person, or in use: it is kept unless the caller says otherwise. */
function keepOutput({ output, force }: ImportOptions): void {
  if (output === undefined || force === true) return;
  if (isThere(output)) {
    throw new TospannError('LB_IMPORT_OUTPUT_EXISTS', { file: output });
  }
}

/** A place that cannot be looked at is told of when it is written. */
function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function write(yaml: string, options: ImportOptions): void {
  const { output: file } = options;
  if (file === undefined) {
    if (options.json !== true) out(yaml.trimEnd().split('\n'));
    return;
  }
  // A VRRP password of the old pair is for root alone.
  const mode = /\bpassword: /.test(yaml) ? 0o600 : 0o644;
  try {
    const put = options.force === true ? replaceFile : createFile;
    put(file, yaml, { mode, temporary: `${file}.new` });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new TospannError('LB_IMPORT_OUTPUT', { file, detail }, { cause: error });
  }
  say(`Wrote ${file}`);
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

/** NAME=VALUE pairs; several values of a name are joined where that means something, else the last counts. */
function parsePairs(pairs: readonly string[], joined?: string): Readonly<Record<string, string>> | undefined {
  const entries = pairs.map((pair) => /^([^=]+)=(.*)$/s.exec(pair));
  if (entries.includes(null)) return undefined;
  const values: Record<string, string> = {};
  for (const [, name = '', value = ''] of entries.flatMap((entry) => (entry === null ? [] : [entry]))) {
    if (joined !== undefined && value === '') return undefined;
    values[name] = joined !== undefined && Object.hasOwn(values, name) ? `${values[name]}${joined}${value}` : value;
  }
  return values;
}
