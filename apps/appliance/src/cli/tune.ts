// `tospann tune`: the machine's facts, the configuration's wishes, and what the tuner makes of them. Root is needed for
// apply, confirm and revert only. Side effects: those of the tuner.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig, type PairConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { monotonicMs } from '@tospann/linux';
import {
  applyPlan,
  auditSysctl,
  censusFindings,
  changesOf,
  confirmApply,
  findingsOf,
  makePlan,
  notrackFlowsOf,
  openFilesFor,
  parseSysctl,
  portsLeft,
  readCensus,
  readCounters,
  readDriftedKeys,
  readFacts,
  readTunerStatus,
  revertAll,
  settleIfExpired,
  socketsByState,
  SystemRoot,
  USUAL_WISHES,
  tunerDirectory,
  wantedOf,
  type Facts,
  type Profile,
  type TunerPlace,
  type Wanted,
} from '@tospann/tuner';
import { parseDurationMs } from '../core/duration.ts';
import {
  renderApplied,
  renderAudit,
  renderPlan,
  renderReport,
  renderReverted,
  renderTunerStatus,
  type TuneReport,
} from '../core/render-tune.ts';
import { version } from '../version.ts';
import { Exit, type ExitCode, out, outJson, say } from './exit.ts';
import { guardUntilSettled, startGuard } from './tune-guard.ts';
import { sayProblems } from './validate.ts';

export interface TuneOptions {
  readonly config: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly profile?: Profile;
  readonly json?: boolean;
  readonly check?: boolean;
  readonly all?: boolean;
  readonly sample?: string;
  readonly confirmWithin?: string;
}
export type AuditOptions = TuneOptions;

export async function reportCommand(options: TuneOptions): Promise<ExitCode> {
  const sampleMs = parseDurationMs(options.sample ?? '1s');
  if (sampleMs === undefined || sampleMs === 0 || sampleMs > 600_000)
    return usage('--sample must be a duration up to 10m, for instance 5s');
  const asked = await wishes(options);
  if (asked === undefined) return Exit.configInvalid;
  const place = placeOf(options);
  const before = readCounters(place.root, monotonicMs());
  await new Promise((resolve) => setTimeout(resolve, sampleMs));
  const after = readCounters(place.root, monotonicMs());
  const status = readTunerStatus(place);
  const facts = factsFor(asked.wanted, place, options.runDir);
  const census = readCensus(place.root);
  const left = portsLeft(census, {
    range: facts.values['net.ipv4.ip_local_port_range']?.raw ?? '',
    reserved: facts.values['net.ipv4.ip_local_reserved_ports']?.raw ?? '',
  });
  const files = {
    wanted: openFilesFor(asked.wanted),
    ...(facts.openFiles === undefined ? {} : { limit: facts.openFiles }),
  };
  const report: TuneReport = {
    facts,
    plan: makePlan(facts, asked.wanted),
    findings: [...findingsOf(before, after), ...censusFindings(left, census, files)],
    portsLeft: left,
    sockets: socketsByState(census),
    status,
    sampleSeconds: sampleMs / 1000,
  };
  if (options.json === true) outJson(report);
  else out(renderReport(report, options.all === true));
  return report.findings.some(({ level }) => level === 'dropping') ? Exit.degraded : Exit.ok;
}

export async function planCommand(options: TuneOptions): Promise<ExitCode> {
  const asked = await wishes(options);
  if (asked === undefined) return Exit.configInvalid;
  const facts = factsFor(asked.wanted, placeOf(options));
  const plan = makePlan(facts, asked.wanted);
  if (options.json === true) outJson({ facts, plan });
  else out(renderPlan(plan, facts));
  return options.check === true && changesOf(plan).length > 0 ? Exit.degraded : Exit.ok;
}

export async function applyCommand(options: TuneOptions): Promise<ExitCode> {
  const within = confirmWithin(options);
  if (within === undefined) return usage('--confirm-within must be a duration of 1s to 1h, for instance 60s');
  needRoot();
  const asked = await wishes(options);
  if (asked === undefined) return Exit.configInvalid;
  const notrack = asked.config?.tuner?.notrack === true ? { notrack: notrackFlowsOf(asked.config) } : {};
  if ('notrack' in notrack && !('confirmWithinSeconds' in within))
    return usage('tuner.notrack changes firewall rules: apply with --confirm-within, for instance 60s');
  const place = placeOf(options);
  const report = await applyPlan({
    ...place,
    ...notrack,
    ...within,
    plan: () => makePlan(factsFor(asked.wanted, place), asked.wanted),
    conntrackIsModule: readFacts().conntrack.isModule,
    at: new Date().toISOString(),
    startGuard: () => startGuard(options.stateDir),
  });
  if (options.json === true) outJson(report);
  else out(renderApplied(report));
  return report.outcomes.some(({ outcome }) => outcome === 'refused') ? Exit.failed : Exit.ok;
}

/** Empty without the option; undefined when it is no such duration. */
function confirmWithin(options: TuneOptions): { readonly confirmWithinSeconds?: number } | undefined {
  if (options.confirmWithin === undefined) return {};
  const ms = parseDurationMs(options.confirmWithin) ?? 0;
  return ms < 1000 || ms > 3_600_000 ? undefined : { confirmWithinSeconds: ms / 1000 };
}

export function confirmCommand(options: TuneOptions): ExitCode {
  needRoot();
  const { conntrack } = readFacts();
  const report = confirmApply({
    ...placeOf(options),
    conntrackIsModule: conntrack.isModule,
    at: new Date().toISOString(),
  });
  if (options.json === true) outJson(report);
  else out(['Kept.', ...report.files.map((file) => `Wrote ${file}`)]);
  return Exit.ok;
}

export function revertCommand(options: TuneOptions): ExitCode {
  needRoot();
  const outcomes = revertAll(placeOf(options));
  if (options.json === true) outJson(outcomes);
  else out(renderReverted(outcomes));
  return outcomes.some(({ outcome }) => outcome === 'failed') ? Exit.failed : Exit.ok;
}

export function tuneStatusCommand(options: TuneOptions): ExitCode {
  const place = placeOf(options);
  settleExpired(place);
  const status = readTunerStatus(place);
  if (options.json === true) outJson(status);
  else out(renderTunerStatus(status));
  const drift =
    status.keys.some(({ state }) => state !== 'in-force') ||
    status.files.some(({ state }) => state !== 'in-force') ||
    status.notrack === 'absent';
  return drift ? Exit.degraded : Exit.ok;
}

export async function auditCommand(files: readonly string[], options: AuditOptions): Promise<ExitCode> {
  const asked = await wishes(options);
  if (asked === undefined) return Exit.configInvalid;
  const sources = files.map((file) => ({ file, text: readText(file) }));
  const keys = sources.flatMap(({ text }) => parseSysctl(text).flatMap(({ key }) => (key === undefined ? [] : [key])));
  const facts = readFacts({ keys });
  const lines = sources.flatMap((source) => auditSysctl(source, facts, asked.wanted));
  if (options.json === true) outJson(lines);
  else out(renderAudit(lines));
  return lines.some(({ verdict }) => verdict !== 'kept' && verdict !== 'better') ? Exit.degraded : Exit.ok;
}

export async function guardCommand(options: { readonly stateDir: string }): Promise<ExitCode> {
  await guardUntilSettled(placeOf(options));
  return Exit.ok;
}

function placeOf({ stateDir }: { readonly stateDir: string }): TunerPlace {
  return { root: new SystemRoot(), directory: tunerDirectory(stateDir), version };
}

/** Facts with what somebody else changed after the tuner. */
function factsFor(wanted: Wanted, place: TunerPlace, runDir?: string): Facts {
  const pid = runDir === undefined ? undefined : nodePid(runDir);
  const keys = Object.keys(wanted.overrides);
  const facts = readFacts({ keys, ...(pid === undefined ? {} : { pid }) });
  return { ...facts, drifted: readDriftedKeys(place) };
}

/** What the configuration asks for; undefined when it is not valid, which has been said. */
async function wishes(
  options: TuneOptions,
): Promise<{ readonly wanted: Wanted; readonly config?: PairConfig } | undefined> {
  const profile = options.profile === undefined ? {} : { profile: options.profile };
  if (!existsSync(options.config)) {
    say(`No configuration at ${options.config}: sized for ${USUAL_WISHES.connections} connections`);
    return { wanted: { ...USUAL_WISHES, ...profile } };
  }
  const loaded = await loadConfig(options.config);
  if (!loaded.ok) {
    sayProblems([...loaded.problems, ...loaded.warnings]);
    return undefined;
  }
  return { wanted: { ...wantedOf(loaded.config), ...profile }, config: loaded.config };
}

/** A settled revert is said; one that is not ours to do is left to the guard. */
function settleExpired(place: TunerPlace): void {
  if (process.getuid?.() !== 0) return;
  const outcomes = settleIfExpired(place);
  if (outcomes !== undefined) say('Nobody confirmed the last apply in time: it has been put back.');
}

function needRoot(): void {
  if (process.getuid?.() !== 0) throw new TospannError('LB_TUNER_NOT_ALLOWED');
}

function nodePid(runDir: string): number | undefined {
  try {
    const pid = readFileSync(join(runDir, 'tospann.pid'), 'utf8').split(' ')[0] ?? '';
    return /^\d+$/.test(pid) ? Number(pid) : undefined;
  } catch {
    return undefined; // no node runs here
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new TospannError('LB_CONFIG_UNREADABLE', { file, detail }, { cause: error });
  }
}

function usage(text: string): ExitCode {
  say(`Cannot tune: ${text}`);
  return Exit.usage;
}
