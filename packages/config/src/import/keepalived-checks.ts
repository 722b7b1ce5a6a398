// The checks of the new file from vrrp_script and track_interface: what asks for haproxy is built in, the rest becomes
// failover.scripts of both nodes.
import type { ConfigProblem } from '../problem.ts';
import { formatDuration } from '../units.ts';
import { contradiction } from './contradiction.ts';
import { freeName } from './keepalived-addresses.ts';
import type { Setting, Tracking } from './keepalived-instance.ts';
import type { Script } from './keepalived-scripts.ts';
import type { KeepalivedFile } from './keepalived.ts';
import type { FlowValue, PairDraft } from './pair-draft.ts';
import type { Answer, ImportReport } from './report.ts';
import { commandWords } from './shell-words.ts';

const PROBE =
  'each node sends a real request through its own listener to a live server, and gives up the address when that fails';

/** Longest interval and time-out of a script in the new file; keepalived's times are seconds. */
const secondMs = 1000;
const shortestIntervalMs = 100;
const longestIntervalMs = 3_600_000;
const longestTimeoutMs = 600_000;
const mostRuns = 100;

interface Checks {
  readonly files: readonly KeepalivedFile[];
  readonly draft: PairDraft;
  readonly report: ImportReport;
  readonly names: Set<string>;
}

/** Adds the scripts; contradictions between the two files are returned. */
export function makeChecks(files: readonly KeepalivedFile[], draft: PairDraft, report: ImportReport): ConfigProblem[] {
  const checks: Checks = { files, draft, report, names: new Set() };
  const names = new Set(files.flatMap((file) => file.scripts.map(({ name }) => name)));
  const problems = [...names].flatMap((name) => makeCheck(name, checks));
  answerTracking(names, checks);
  makeLinkChecks(checks);
  return problems;
}

function trackings(file: KeepalivedFile): readonly Tracking[] {
  return [...file.instances, ...file.syncGroups];
}

function isTracked(name: string, file: KeepalivedFile): boolean {
  return trackings(file).some(({ scripts }) => scripts.some(({ value }) => value.name === name));
}

function isForHaproxy(command: string): boolean {
  return /haproxy/i.test(command);
}

interface Side {
  readonly file: KeepalivedFile;
  readonly script: Script;
}

/** Whether it becomes a script of the new file; answers it when not. */
function isWritten({ file, script }: Side, report: ImportReport): boolean {
  const command = script.settings['script']?.value.trim() ?? '';
  const isUsed = command !== '' && isTracked(script.name, file);
  if (isForHaproxy(command)) answerBuiltIn(script, command, report);
  else if (!isUsed) answerUnused(script, command, report);
  return isUsed && !isForHaproxy(command);
}

function makeCheck(name: string, checks: Checks): ConfigProblem[] {
  const { files, report } = checks;
  const sides = files.flatMap((file) => {
    const script = file.scripts.find((candidate) => candidate.name === name);
    return script === undefined ? [] : [{ file, script }];
  });
  const written = sides.filter((side) => isWritten(side, report));
  const [first, second] = written;
  if (first === undefined) return [];
  const target = `failover.scripts.${name}`;
  const values = valuesOf(first.script, first.file);
  const others = second === undefined ? undefined : valuesOf(second.script, second.file);
  const isOther = others !== undefined && JSON.stringify(others.run) !== JSON.stringify(values.run);
  checks.draft.scripts[freeName(name, checks.names)] = isOther ? { ...values, run: ['FILL-IN-the-command'] } : values;
  for (const { script } of written) {
    answerWritten(script, { target, values, isAlone: second === undefined && files.length > 1, isOther }, report);
  }
  const [a, b] = [first.script, second?.script].map((script) => script?.settings['script']);
  if (!isOther || a === undefined || b === undefined) return [];
  const about = { what: `the command of vrrp_script "${name}"`, path: ['failover', 'scripts', name, 'run'], target };
  return [
    contradiction(report, about, [
      { shown: a.value, line: a.line },
      { shown: b.value, line: b.line },
    ]),
  ];
}

function answerBuiltIn(script: Script, command: string, report: ImportReport): void {
  report.answer(script.line, { verdict: 'changed', why: `built in: ${PROBE}` });
  const existence = /\b(?:killall\s+-0|pidof|pgrep|kill\s+-0|killall\s+-s\s*0)\b/.test(command);
  for (const [keyword, setting] of Object.entries(script.settings)) {
    if (setting === undefined) continue;
    if (keyword === 'script') {
      const why = existence
        ? `it says that a process exists, not that requests are served: a hung haproxy passes; instead ${PROBE}`
        : `it asks for haproxy, which runs no more; instead ${PROBE}; if it checks more, write that as failover.scripts`;
      report.answer(setting.line, { verdict: 'refused', why });
    } else if (keyword === 'user') report.answer(setting.line, { verdict: 'not-needed', why: 'no script is run' });
    else {
      const why = 'the built-in probe has its own rhythm, several times a second';
      report.answer(setting.line, { verdict: 'changed', why });
    }
  }
}

function answerUnused(script: Script, command: string, report: ImportReport): void {
  const why =
    script.condition !== undefined && command === ''
      ? `its script counts in some configurations only (${script.condition})`
      : command === ''
        ? 'it has no script line, so it checked nothing'
        : 'no vrrp_instance tracks it, so keepalived never ran it; to run it, write it as failover.scripts';
  for (const line of [script.line, ...Object.values(script.settings).flatMap((setting) => setting?.line ?? [])]) {
    report.answer(line, { verdict: 'refused', why });
  }
}

interface Values {
  readonly [key: string]: FlowValue;
  readonly run: readonly string[];
  readonly interval: string;
  readonly timeout: string;
  readonly rise: number;
  readonly fall: number;
}

/** With keepalived's defaults, which differ from those of the new file. */
function valuesOf({ settings }: Script, file: KeepalivedFile): Values {
  const intervalMs = clamp(seconds(settings['interval']) ?? secondMs, shortestIntervalMs, longestIntervalMs);
  const timeoutMs = clamp(seconds(settings['timeout']) ?? intervalMs, shortestIntervalMs, longestTimeoutMs);
  const user = settings['user']?.value ?? file.scriptUser?.value;
  return {
    run: commandWords(settings['script']?.value ?? ''),
    interval: formatDuration(intervalMs),
    timeout: formatDuration(timeoutMs),
    rise: runs(settings['rise']),
    fall: runs(settings['fall']),
    ...(user !== undefined && /^[a-z_][\w-]{0,31}$/.test(user) ? { user } : {}),
  };
}

/** keepalived's default is 1. */
function runs(setting: Setting<string> | undefined): number {
  const count = Number(setting?.value ?? 1);
  return Number.isInteger(count) ? clamp(count, 1, mostRuns) : 1;
}

function seconds(setting: Setting<string> | undefined): number | undefined {
  const ms = Math.round(Number(setting?.value ?? Number.NaN) * secondMs);
  return Number.isInteger(ms) && ms > 0 ? ms : undefined;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.round(value)));
}

function answerWritten(
  script: Script,
  about: { readonly target: string; readonly values: Values; readonly isAlone: boolean; readonly isOther: boolean },
  report: ImportReport,
): void {
  const { target, values, isAlone } = about;
  const alone = isAlone ? '; only one file has it: here it runs on both nodes' : '';
  const why = `a check of your own: a node that fails it gives way to one that is better off${alone}`;
  report.answer(script.line, { verdict: isAlone ? 'changed' : 'taken', why, target });
  for (const [keyword, setting] of Object.entries(script.settings)) {
    if (setting === undefined || (keyword === 'script' && about.isOther)) continue;
    report.answer(setting.line, {
      ...answerSetting(keyword, setting.value, values),
      target: targetOf(target, keyword),
    });
  }
}

function targetOf(target: string, keyword: string): string {
  return `${target}.${keyword === 'script' ? 'run' : keyword}`;
}

function answerSetting(keyword: string, value: string, values: Values): Answer {
  if (keyword === 'script') return commandAnswer(values.run);
  const written = values[keyword];
  const shown = typeof written === 'number' || typeof written === 'string' ? `${written}` : '';
  if (shown === '') return { verdict: 'refused', why: `"${value}" is no name of a user that the new file can have` };
  const own =
    keyword === 'interval' || keyword === 'timeout' ? formatDuration(Math.round(Number(value) * secondMs) || 0) : value;
  const isSame = shown === own;
  return {
    verdict: isSame ? 'taken' : 'changed',
    why: isSame ? own : `${shown} on both nodes`,
  };
}

const BASH =
  '/bin/bash -c runs it: it needs what only bash has, such as "&>"; where sh is another shell, as on Debian, "&" puts the check into the background and it never fails';

function commandAnswer([program = '']: readonly string[]): Answer {
  if (program === '/usr/bin/env')
    return { verdict: 'changed', why: 'no PATH is searched here, so /usr/bin/env finds the program' };
  if (program === '/bin/bash') return { verdict: 'changed', why: BASH };
  if (program === '/bin/sh') return { verdict: 'changed', why: `${program} -c runs it, because it needs a shell` };
  return { verdict: 'taken', why: 'run without a shell; exit 0 is good' };
}

/** Answers the lines of track_script. */
function answerTracking(names: ReadonlySet<string>, { files, draft, report }: Checks): void {
  for (const file of files) {
    for (const { value, line } of trackings(file).flatMap(({ scripts }) => scripts)) {
      const isOwn = Object.hasOwn(draft.scripts, value.name);
      if (!names.has(value.name)) {
        report.answer(line, { verdict: 'refused', why: 'no vrrp_script has this name' });
      } else {
        report.answer(line, trackingAnswer(value.name, { isOwn, isBuiltIn: isBuiltIn(value.name, files) }));
      }
    }
  }
}

function isBuiltIn(name: string, files: readonly KeepalivedFile[]): boolean {
  return files.some(({ scripts }) =>
    scripts.some((script) => script.name === name && isForHaproxy(script.settings['script']?.value ?? '')),
  );
}

function trackingAnswer(name: string, script: { readonly isOwn: boolean; readonly isBuiltIn: boolean }): Answer {
  if (script.isOwn) {
    const why = 'every election of the node follows it, without a weight';
    return { verdict: 'changed', why, target: `failover.scripts.${name}` };
  }
  return script.isBuiltIn
    ? { verdict: 'changed', why: 'built in: every VIP follows what its node can serve' }
    : { verdict: 'refused', why: 'its vrrp_script was not taken, so nothing follows it' };
}

/** The interfaces of nodes and VIPs are watched anyway; others by a script that reads their state. */
function makeLinkChecks({ files, draft, report, names }: Checks): void {
  for (const [index, file] of files.entries()) {
    const own = [draft.nodes[index]?.interface, ...file.instances.flatMap(devices)];
    for (const { value, line } of trackings(file).flatMap(({ interfaces }) => interfaces)) {
      const others = files.filter((other) => other !== file);
      const everywhere = others.every((other) =>
        trackings(other).some(({ interfaces }) => interfaces.some((tracked) => tracked.value === value)),
      );
      if (own.includes(value)) {
        const why = 'the interfaces of the node and of its VIPs are always watched';
        report.answer(line, { verdict: 'not-needed', why });
      } else if (!everywhere || !/^[\w.:@-]{1,15}$/.test(value)) {
        const why =
          'a check runs on both nodes, and only this one has it: write a script (failover.scripts) that knows the interface of each node (TOSPANN_NODE)';
        report.answer(line, { verdict: 'refused', why });
      } else {
        const name = `link-${value}`;
        if (!Object.hasOwn(draft.scripts, name)) draft.scripts[freeName(name, names)] = linkCheck(value);
        const why = 'no VIP is on it, so a script asks for its state; a node where it is down gives way';
        report.answer(line, { verdict: 'changed', why, target: `failover.scripts.${name}` });
      }
    }
  }
}

function devices({ interface: network, addresses }: KeepalivedFile['instances'][number]): string[] {
  const named = addresses.flatMap(({ value: { words } }) => {
    const at = words.indexOf('dev');
    return at === -1 ? [] : (words[at + 1] ?? []);
  });
  return network === undefined ? named : [network.value, ...named];
}

function linkCheck(network: string): FlowValue {
  const run = ['/usr/bin/grep', '-qxE', 'up|unknown', `/sys/class/net/${network}/operstate`];
  return { run, interval: '1s', timeout: '1s', rise: 1, fall: 1 };
}
