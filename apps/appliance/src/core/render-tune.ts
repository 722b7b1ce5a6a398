// The texts of `tospann tune`: pure, within 100 columns, no colour.
import type {
  ApplyReport,
  AuditLine,
  Facts,
  Finding,
  Plan,
  PlanItem,
  RevertOutcome,
  TunerStatus,
} from '@tospann/tuner';
import { changesOf } from '@tospann/tuner';
import { table } from './render-status.ts';

const WIDTH = 100;
const INDENT = '    ';

/** Breaks a text between words; every line begins with `indent`. */
export function wrap(text: string, indent = INDENT): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length > indent.length && line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = indent;
    }
    line = line.length === indent.length ? `${line}${word}` : `${line} ${word}`;
  }
  return [...lines, line];
}

/** What would change, what cannot, and what is only advised. */
export function renderPlan(plan: Plan, facts: Facts): readonly string[] {
  const changes = changesOf(plan);
  const of = (action: PlanItem['action']): readonly PlanItem[] => plan.items.filter((item) => item.action === action);
  const lines = [...wrap(`${machine(facts)}. Profile ${plan.profile}.`, '')];
  for (const limit of facts.virtualisation.limits) lines.push(...wrap(limit, '  '));
  lines.push('', changes.length === 0 ? 'Nothing to change.' : `${count(changes.length, 'change')}, in this order:`);
  for (const item of changes) lines.push(...change(item));
  lines.push(...section('Cannot be set here:', of('impossible')));
  lines.push(...section('Refused:', of('refused')));
  lines.push(...section('Left alone:', of('yours')));
  const advised = of('advise');
  if (advised.length > 0) lines.push('', 'Worth a thought, never set by itself:');
  for (const item of advised) lines.push(...change(item));
  return lines;
}

function section(title: string, items: readonly PlanItem[]): readonly string[] {
  if (items.length === 0) return [];
  return ['', title, ...items.flatMap((item) => [`  ${pair(item)}`, ...wrap(item.why)])];
}

function change(item: PlanItem): readonly string[] {
  const lines = [`  ${pair(item)}`, ...wrap(item.why)];
  if (item.risk !== '' && item.risk !== 'none known') lines.push(...wrap(`Risk: ${item.risk}.`));
  if (item.setBy !== undefined) lines.push(...wrap(`Set by ${item.setBy.file}:${item.setBy.line}.`));
  if (item.winsAtBoot !== undefined) {
    const { file, line, value } = item.winsAtBoot;
    lines.push(...wrap(`At boot ${file}:${line} comes after ours and sets ${value}: take that line out.`));
  }
  return lines;
}

function pair({ key, current, proposed }: PlanItem): string {
  if (proposed === undefined) return `${key}  ${current ?? '-'}`;
  return `${key}  ${empty(current ?? '-')} -> ${empty(proposed)}`;
}

function empty(value: string): string {
  return value === '' ? '(empty)' : value;
}

function machine({ kernel, cpus, memoryMib, virtualisation, initialNetns }: Facts): string {
  const where =
    virtualisation.kind === 'none'
      ? 'on hardware'
      : `${virtualisation.kind.replace('-', ' ')} (${virtualisation.name})`;
  const space = initialNetns ? '' : ', in a network namespace of its own';
  return `Linux ${kernel.release}, ${count(cpus, 'processor')}, ${memoryMib} MiB, ${where}${space}`;
}

/** How the keys of a plan were written. */
export function renderApplied(report: ApplyReport): readonly string[] {
  if (report.outcomes.length === 0 && !report.notrack) return ['Nothing to change: every key is as the plan wants it.'];
  const rows = report.outcomes.map(({ key, outcome, before, now }) => [
    outcome,
    key,
    `${empty(before)} -> ${empty(now)}`,
  ]);
  const lines = [...table([['', 'KEY', 'VALUE'], ...rows])];
  for (const { key, outcome, detail } of report.outcomes) {
    if (outcome !== 'set') lines.push(...wrap(`${key}: ${detail}`, '  '));
  }
  if (report.notrack) lines.push('The connections of this node are not tracked any more.');
  for (const file of report.files) lines.push(`Wrote ${file}`);
  if (report.confirmWithinSeconds !== undefined) {
    lines.push(
      `Everything is put back in ${report.confirmWithinSeconds} s unless you run "tospann tune confirm" before.`,
    );
  }
  return lines;
}

/** What was put back. */
export function renderReverted(outcomes: readonly RevertOutcome[]): readonly string[] {
  if (outcomes.length === 0) return ['Nothing to put back: the tuner has changed nothing.'];
  return table([['', 'WHAT', ''], ...outcomes.map(({ what, outcome, detail }) => [outcome, what, detail])]);
}

/** What the tuner holds and what became of it. */
export function renderTunerStatus(status: TunerStatus): readonly string[] {
  if (status.applied.length === 0) return ['The tuner has changed nothing on this machine.'];
  const lines = status.applied.map(({ at, profile, complete }) => {
    return `Applied at ${at}, profile ${profile}${complete ? '' : ', interrupted: run "tospann tune revert" or apply again'}`;
  });
  const seconds = status.confirmWithinSeconds;
  if (seconds !== undefined) {
    lines.push(
      seconds > 0
        ? `Put back in ${seconds} s unless you run "tospann tune confirm".`
        : 'Nobody confirmed in time: it is being put back.',
    );
  }
  const rows = status.keys.map(({ key, before, ours, now, state }) => [
    state,
    key,
    empty(ours),
    empty(now),
    empty(before),
  ]);
  if (rows.length > 0) lines.push('', ...table([['STATE', 'KEY', 'OURS', 'NOW', 'BEFORE'], ...rows]));
  for (const { path, state } of status.files) lines.push(`${path}: ${state}`);
  if (status.notrack !== undefined) lines.push(`Rules against tracking: ${status.notrack}`);
  return lines;
}

/** Each line of an old file with its verdict. */
export function renderAudit(lines: readonly AuditLine[]): readonly string[] {
  return lines.flatMap(({ file, line, verdict, text, why }) => [
    `${file}:${line}: ${verdict.padEnd(9)} ${text}`,
    ...wrap(why),
  ]);
}

/** What `tospann tune report` is made of. */
export interface TuneReport {
  readonly facts: Facts;
  readonly plan: Plan;
  readonly findings: readonly Finding[];
  readonly portsLeft: readonly {
    readonly from: string;
    readonly to: string;
    readonly used: number;
    readonly left: number;
  }[];
  readonly sockets: readonly (readonly [state: string, count: number])[];
  readonly status: TunerStatus;
  readonly sampleSeconds: number;
}

/** The report for a terminal; `all`: also what is only shown or good as it is. */
export function renderReport(report: TuneReport, all: boolean): readonly string[] {
  const { facts, plan, findings } = report;
  const bad = findings.filter(({ level }) => level !== 'ok');
  const dropping = findings.filter(({ level }) => level === 'dropping');
  const lines = [...wrap(machine(facts), ''), `Judged by ${facts.virtualisation.evidence}.`];
  for (const limit of facts.virtualisation.limits) lines.push(...wrap(limit, '  '));
  lines.push('', verdict(dropping, bad.length, report.sampleSeconds));
  for (const { level, what, value, detail } of bad) lines.push(...wrap(`${level}: ${what} ${value}: ${detail}`, '  '));
  lines.push('', ...findingTable(findings));
  if (report.portsLeft.length > 0) {
    const rows = report.portsLeft.map(({ from, to, used, left }) => [to, from, String(used), String(left)]);
    lines.push('', ...table([['TO', 'FROM', 'PORTS USED', 'LEFT'], ...rows]));
  }
  if (report.sockets.length > 0) {
    lines.push('', ...wrap(`Sockets: ${report.sockets.map(([state, number]) => `${number} ${state}`).join(', ')}`, ''));
  }
  lines.push('', ...keyTable(plan, all));
  return lines;
}

function verdict(dropping: readonly Finding[], bad: number, seconds: number): string {
  if (dropping.length > 0) {
    return `Users are affected now: ${dropping.map(({ what }) => what).join(', ')} grew within ${seconds} s.`.slice(
      0,
      WIDTH,
    );
  }
  return bad > 0 ? `Nothing is dropped now; ${count(bad, 'warning')}:` : `Nothing was dropped within ${seconds} s.`;
}

function findingTable(findings: readonly Finding[]): readonly string[] {
  const rows = findings.map(({ what, value, detail }) => [what, value, detail]);
  return table([['WHAT', 'NOW', ''], ...rows]).map((line) =>
    line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line,
  );
}

function keyTable(plan: Plan, all: boolean): readonly string[] {
  const shown = plan.items.filter((item) => all || (item.action !== 'show' && item.action !== 'keep'));
  const rest = plan.items.length - shown.length;
  const lines: string[] = [];
  if (shown.length > 0) lines.push('Settings (now, then recommended where that differs):');
  for (const item of shown) {
    const by = item.setBy === undefined ? 'nobody: the default' : `${item.setBy.file}:${item.setBy.line}`;
    lines.push(`  ${item.action.padEnd(10)} ${pair(item)}`, ...wrap(`${item.why} Set by ${by}.`, '             '));
  }
  if (rest > 0) lines.push(`${rest} more settings are good as they are, or only shown: --all lists them.`);
  return lines;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
