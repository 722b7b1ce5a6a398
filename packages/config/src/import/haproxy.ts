// One or two haproxy.cfg files into the draft: section by section, each line answered. The second file, of the other
// old node, is only compared with the first: the pair has one configuration.
import {
  answerBackend,
  answerBalance,
  answerCheckLine,
  beginBackend,
  finishBackend,
  type BackendWork,
} from './haproxy-backend.ts';
import { nothingInherited, type HaproxyContext, type Inherited } from './haproxy-context.ts';
import {
  addBinds,
  answerCompression,
  answerFrontend,
  readMaxconn,
  takeErrorFile,
  type FrontendOwner,
} from './haproxy-frontend.ts';
import { answerGlobal, answerGlobalMaxconn } from './haproxy-global.ts';
import { formatDuration } from '../units.ts';
import { isTarpitTime } from './haproxy-actions.ts';
import { isGuard } from './haproxy-guards.ts';
import { answeringOf, closedListens, modesOf } from './haproxy-modes.ts';
import { NameTable } from './haproxy-names.ts';
import { finishRules, placeSections } from './haproxy-places.ts';
import { answerRule, beginRules, type RuleWork } from './haproxy-rules.ts';
import { settleSettings, type SettingSection } from './haproxy-settings.ts';
import { answerShared } from './haproxy-shared.ts';
import { importStats, refuseStatsLine } from './haproxy-stats.ts';
import {
  readHaproxy,
  readHaproxyTime,
  type HaproxyFile,
  type HaproxyLine,
  type HaproxySection,
  type HaproxyText,
} from './haproxy-text.ts';
import type { FrontendDraft, PairDraft } from './pair-draft.ts';
import { maskSecrets, type ImportReport } from './report.ts';

/** The files of the old nodes, and what is known of the environment of their processes. */
export interface HaproxyInput {
  readonly sources: readonly HaproxyText[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Imports the files of the old nodes; the first one is taken, the others are compared with it. */
export function importHaproxy({ sources, environment }: HaproxyInput, draft: PairDraft, report: ImportReport): void {
  const [first, ...others] = sources.map((source) => readHaproxy(source, environment));
  if (first === undefined) return;
  for (const line of first.lines) report.register(line);
  for (const { line, answer } of first.answered) report.answer(line, answer);
  const context = beginContext(first, draft, report);
  for (const section of first.sections) importSection(context, section);
  placeSections(context);
  const served = context.frontends.filter((frontend) => draft.frontends.includes(frontend.draft));
  const settings = [...served, ...context.backends].map((taken) => taken.settings);
  settleSettings([...new Set(settings)], context.settingLines, { draft, report });
  answerGlobalMaxconn(context);
  for (const other of others) compare(first, other, report);
}

function beginContext(file: HaproxyFile, draft: PairDraft, report: ImportReport): HaproxyContext {
  const backendNames = new NameTable();
  const modes = modesOf(file.sections);
  const closed = closedListens(file.sections);
  const inherited = nothingInherited();
  return {
    draft,
    report,
    defaults: new Map([['', inherited]]),
    inherited,
    settings: inherited.settings,
    settingLines: [],
    frontends: [],
    backends: [],
    frontendNames: new NameTable(),
    backendNames,
    modes,
    answering: answeringOf(file.sections),
    binds: [],
    pageFiles: new Map(),
    backendNamed: (written, mode) => {
      const its = modes.get(`backend ${written}`);
      if (its === undefined) return { ok: false, why: `there is no backend "${written}"` };
      if (closed.has(written))
        return { ok: false, why: `"${written}" is a listen section with rules, which are for its own listener here` };
      if (its !== mode) return { ok: false, why: `"${written}" is of mode ${its}, and this is mode ${mode}` };
      return { ok: true, name: backendNames.of(written) };
    },
  };
}

function importSection(context: HaproxyContext, section: HaproxySection): void {
  const { report } = context;
  const { header, lines } = section;
  const answerAll = (why: string): void => {
    const all = section.keyword === '' ? lines : [header, ...lines];
    for (const line of all) report.answer(line, { verdict: 'refused', why });
  };
  if (header.fault !== undefined) {
    answerAll(header.fault);
    return;
  }
  switch (section.keyword) {
    case 'global':
      report.answer(header, { verdict: 'taken', why: 'its lines are answered one by one' });
      for (const line of lines) {
        if (line.fault === undefined) answerGlobal(context, line);
        else report.answer(line, { verdict: 'refused', why: line.fault });
      }
      return;
    case 'defaults':
      importDefaults(context, section);
      return;
    case 'frontend':
    case 'backend':
    case 'listen':
      importProxy(context, section);
      return;
    case '':
      answerAll('it stands before the first section');
      return;
    default:
      answerAll(`a "${section.keyword}" section has no counterpart in this version`);
  }
}

/** What a section takes over; of a name that is not known, as if it had none. */
function inheritedBy(context: HaproxyContext, { from }: HaproxySection): Inherited {
  return context.defaults.get(from ?? '') ?? context.defaults.get('') ?? nothingInherited();
}

function importDefaults(context: HaproxyContext, section: HaproxySection): void {
  const { report } = context;
  report.answer(section.header, {
    verdict: 'taken',
    why: 'time-outs, HTTP and log settings hold for the whole pair here',
  });
  const from = section.from === undefined ? nothingInherited() : inheritedBy(context, section);
  const inherited: Inherited = { ...from, settings: new Map(from.settings) };
  context.inherited = inherited;
  context.settings = inherited.settings;
  for (const line of section.lines) {
    if (line.fault === undefined) importDefault(context, line, inherited);
    else if (isGuard(line.words)) inherited.rules = [...inherited.rules, line];
    else report.answer(line, { verdict: 'refused', why: line.fault });
  }
  context.defaults.set(section.name, inherited).set('', inherited);
}

// oxlint-disable-next-line complexity -- long: the table of keywords as a switch
function importDefault(context: HaproxyContext, line: HaproxyLine, inherited: Inherited): void {
  const { report } = context;
  const [keyword = '', second = '', third = ''] = line.words;
  switch (keyword) {
    case 'mode':
      inherited.mode = second;
      report.answer(line, { verdict: 'taken', why: 'of the frontends below', target: 'frontends.*.mode' });
      return;
    case 'maxconn':
      takeMaxconn(context, line, inherited);
      return;
    case 'default_backend':
      inherited.defaultBackend = second;
      report.answer(line, { verdict: 'taken', why: 'of the frontends below', target: 'frontends.*.defaultBackend' });
      return;
    case 'balance': {
      const balance = answerBalance(context, line, 'backends.*');
      if (balance !== undefined) inherited.balance = balance;
      return;
    }
    case 'compression': {
      const compression = answerCompression(context, line, inherited.compression);
      if (compression !== undefined) inherited.compression = compression;
      return;
    }
    case 'errorfile':
      inherited.errorFiles = new Map([...inherited.errorFiles, [second, line]]);
      return;
    case 'http-request':
    case 'http-response':
    case 'http-after-response':
    case 'tcp-request':
    case 'monitor-uri':
      inherited.rules = [...inherited.rules, line];
      return;
    case 'stats':
      refuseStatsLine(context, line);
      return;
    default:
      if (keyword === 'timeout' && second === 'tarpit') setTime(inherited, 'tarpitMs', third);
      if (keyword === 'timeout' && second === 'connect') setTime(inherited, 'connectMs', third);
      if (!answerCheckLine(context, line, inherited)) answerShared(context, line);
  }
}

function setTime(inherited: Inherited, key: 'tarpitMs' | 'connectMs', text: string): void {
  const timeMs = readHaproxyTime(text);
  if (timeMs !== undefined) inherited[key] = timeMs;
}

function takeMaxconn(context: HaproxyContext, line: HaproxyLine, inherited: Inherited): void {
  const count = readMaxconn(line.words[1] ?? '');
  if (count !== undefined) inherited.maxConnections = count;
  context.report.answer(line, {
    verdict: count === undefined ? 'refused' : 'taken',
    why: count === undefined ? 'a limit is from 1 to 1000000 here' : 'of each frontend below, on each node',
    target: 'frontends.*.maxConnections',
  });
}

function importProxy(context: HaproxyContext, section: HaproxySection): void {
  const { report } = context;
  const { lines, keyword, header } = section;
  context.inherited = inheritedBy(context, section);
  context.settings = new Map(context.inherited.settings);
  const serves = lines.some((line) => ['server', 'use_backend', 'default_backend'].includes(line.words[0] ?? ''));
  const isStats = lines.some((line) => line.words[0] === 'stats') && !serves;
  if (keyword !== 'backend' && isStats) {
    importStats(context, section, lines);
    return;
  }
  const mode = context.modes.get(`${keyword === 'backend' ? 'backend' : 'frontend'} ${section.name}`);
  const before = sameName(context, section);
  if (mode === undefined || before !== undefined) {
    const why =
      before === undefined
        ? `this mode is not served by this version: keep the balancer that you have for "${section.name}"`
        : `line ${before.line} begins a section of this name, and HAProxy itself refuses a second one`;
    for (const line of [header, ...lines]) report.answer(line, { verdict: 'refused', why });
    return;
  }
  importServed(context, section, mode);
}

function sameName(context: HaproxyContext, section: HaproxySection): HaproxyLine | undefined {
  const known = section.keyword === 'backend' ? context.backends : [...context.frontends, ...context.backends];
  return known.find((other) => other.section.name === section.name && isSameKind(other.section, section))?.section
    .header;
}

function isSameKind(a: HaproxySection, b: HaproxySection): boolean {
  return a.keyword === b.keyword || a.keyword === 'listen' || b.keyword === 'listen';
}

function importServed(context: HaproxyContext, section: HaproxySection, mode: 'http' | 'tcp'): void {
  const { keyword, lines } = section;
  const tarpit = tarpitOf(context, section);
  const settings: SettingSection = { name: section.name, keyword, mode, settings: context.settings, backends: [] };
  // A `listen` section is both.
  const frontend = keyword === 'backend' ? undefined : beginFrontend(context, section, { mode, tarpit });
  const backend =
    keyword === 'frontend'
      ? undefined
      : beginBackend(context, {
          name: context.backendNames.of(section.name),
          mode,
          ...(keyword === 'listen' ? {} : { tarpit }),
        });
  const proxy = { frontend, backend };
  if (frontend !== undefined) takeInheritedPages(context, section, frontend.owner);
  for (const line of context.inherited.rules) answerInheritedRule(context, line, proxy);
  for (const line of lines) answerProxyLine(context, line, proxy);
  if (frontend !== undefined) {
    finishRules(frontend);
    context.frontends.push({ section, draft: frontend.owner, rules: frontend, settings });
  }
  if (backend !== undefined) {
    finishBackend(context, backend);
    context.backends.push({ section, work: backend, settings });
  }
}

/** `timeout tarpit` of a section, wherever it stands; without one HAProxy takes `timeout connect`. */
function tarpitOf({ inherited }: HaproxyContext, { lines }: HaproxySection): string {
  const own = (key: string): number | undefined => {
    const line = lines.findLast(
      ({ words, fault }) => fault === undefined && words[0] === 'timeout' && words[1] === key,
    );
    return line === undefined ? undefined : readHaproxyTime(line.words[2] ?? '');
  };
  const timeMs = own('tarpit') ?? inherited.tarpitMs ?? own('connect') ?? inherited.connectMs;
  return timeMs !== undefined && isTarpitTime(timeMs) ? formatDuration(timeMs) : '10s';
}

interface Proxy {
  readonly frontend: (RuleWork & FrontendOwner) | undefined;
  readonly backend: BackendWork | undefined;
}

function answerInheritedRule(context: HaproxyContext, line: HaproxyLine, { frontend, backend }: Proxy): void {
  // In a backend they would be run a second time for requests of a frontend that has them, too.
  const work = frontend ?? backend?.rules;
  if (work !== undefined && work.owner.mode === 'http') answerRule(context, line, work);
}

function answerProxyLine(context: HaproxyContext, line: HaproxyLine, { frontend, backend }: Proxy): void {
  if (line.words[0] === 'dispatch') {
    const words = ['server', 'dispatch', ...line.words.slice(1)];
    context.report.answer(line, { verdict: 'changed', why: 'a backend with this one server' });
    if (backend !== undefined) answerBackend(context, { ...line, words }, backend);
    return;
  }
  if (line.fault !== undefined) {
    answerDoubtful(context, line, { frontend, backend });
    return;
  }
  if (frontend !== undefined && answerFrontend(context, line, frontend)) return;
  if (backend !== undefined && answerBackend(context, line, backend)) return;
  if (answerShared(context, line)) return;
  if (line.words[0] === 'stats') refuseStatsLine(context, line);
}

// What it says is not known: a condition may be missing, a listener, a server or a guard.
function answerDoubtful(context: HaproxyContext, line: HaproxyLine, { frontend, backend }: Proxy): void {
  const [keyword = ''] = line.words;
  const isOfBackend = keyword === 'server';
  const ofFrontend = keyword === 'bind' || keyword === 'acl' || isGuard(line.words);
  if (isOfBackend && backend !== undefined) answerBackend(context, line, backend);
  else if (ofFrontend && frontend !== undefined) answerFrontend(context, line, frontend);
  else if (ofFrontend && backend !== undefined) answerBackend(context, line, backend);
  else context.report.answer(line, { verdict: 'refused', why: line.fault ?? '' });
}

function beginFrontend(
  context: HaproxyContext,
  section: HaproxySection,
  { mode, tarpit }: { readonly mode: 'http' | 'tcp'; readonly tarpit: string },
): RuleWork & FrontendOwner {
  const { inherited } = context;
  const name = context.frontendNames.of(section.name);
  const frontend: FrontendDraft = { name, mode, binds: [], acls: [], rules: [], errorPages: {} };
  if (inherited.maxConnections !== undefined) frontend.maxConnections = inherited.maxConnections;
  if (inherited.compression !== undefined && mode === 'http') frontend.compression = inherited.compression;
  if (section.keyword === 'listen') frontend.defaultBackend = context.backendNames.of(section.name);
  else if (inherited.defaultBackend !== undefined) {
    const named = context.backendNamed(inherited.defaultBackend, mode);
    if (named.ok) frontend.defaultBackend = named.name;
  }
  // HAProxy 1.4 had the address on the section's own line.
  if (section.rest.length > 0) addBinds(context, section.header, { frontend, words: section.rest });
  return { ...beginRules(frontend, { target: `frontends.${name}`, tarpit }), owner: frontend };
}

// Pages of `defaults` are those of the pair where there is one such section.
function takeInheritedPages(context: HaproxyContext, { name }: HaproxySection, frontend: FrontendDraft): void {
  if (frontend.mode === 'tcp') return;
  const isOne = context.defaults.size <= 2;
  for (const [status, line] of context.inherited.errorFiles) {
    if (isOne) takeErrorFile(context, line, { pages: context.draft.errorPages, section: '', status });
    else takeErrorFile(context, line, { pages: frontend.errorPages, section: name, status });
  }
}

function linesOf(sections: readonly HaproxySection[]): HaproxyLine[] {
  return sections.flatMap((section) => (section.keyword === '' ? section.lines : [section.header, ...section.lines]));
}

function compare(first: HaproxyFile, other: HaproxyFile, report: ImportReport): void {
  const open = new Map<string, HaproxyLine[]>();
  for (const { key, line } of keyed(first.sections)) open.set(key, [...(open.get(key) ?? []), line]);
  const unmatched: { readonly section: string; readonly line: HaproxyLine }[] = [];
  for (const line of other.lines) report.register(line);
  for (const { line, answer } of other.answered) report.answer(line, answer);
  for (const { key, section, line } of keyed(other.sections)) {
    const same = open.get(key)?.shift();
    if (same === undefined) {
      unmatched.push({ section, line });
      continue;
    }
    const answer = report.answerOf(same);
    const why = `the same as ${same.file}:${same.line}`;
    report.answer(line, { verdict: answer?.verdict ?? 'refused', why, target: answer?.target ?? '' });
  }
  nameDifferences(
    keyed(first.sections).filter(({ key, line }) => open.get(key)?.includes(line) === true),
    unmatched,
    report,
  );
}

function nameDifferences(
  onlyFirst: readonly { readonly section: string; readonly line: HaproxyLine }[],
  onlyOther: readonly { readonly section: string; readonly line: HaproxyLine }[],
  report: ImportReport,
): void {
  for (const { section, line } of onlyOther) {
    const near = onlyFirst.find((entry) => entry.section === section && entry.line.words[0] === line.words[0]);
    const instead =
      near === undefined
        ? 'the first file has no such line'
        : `${near.line.file}:${near.line.line} has "${maskSecrets(near.line.text)}"`;
    report.answer(line, {
      verdict: 'refused',
      why: `the two nodes differ here and the pair has one configuration: ${instead}, and the first file counts`,
    });
  }
  for (const { section, line } of onlyFirst) {
    const near = onlyOther.find((entry) => entry.section === section && entry.line.words[0] === line.words[0]);
    const instead =
      near === undefined ? 'has no such line' : `line ${near.line.line} has "${maskSecrets(near.line.text)}"`;
    const verdict = report.answerOf(line)?.verdict ?? 'refused';
    report.answer(line, { verdict, why: `the two nodes differ here: the other file ${instead}` });
  }
}

function keyed(
  sections: readonly HaproxySection[],
): { readonly key: string; readonly section: string; readonly line: HaproxyLine }[] {
  return sections.flatMap((section) => {
    const name = `${section.keyword} ${section.name}`;
    return linesOf([section]).map((line) => ({ key: `${name}|${line.words.join(' ')}`, section: name, line }));
  });
}
