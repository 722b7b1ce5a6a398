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
import { placeBackendRules } from './haproxy-backend-rules.ts';
import type { HaproxyContext } from './haproxy-context.ts';
import {
  addBinds,
  answerCompression,
  answerErrorFile,
  answerFrontend,
  answerUnusedAcls,
  beginFrontendWork,
} from './haproxy-frontend.ts';
import { answerGlobal, answerGlobalMaxconn } from './haproxy-global.ts';
import { joinRules, type RuleWork } from './haproxy-rules.ts';
import { answerShared } from './haproxy-shared.ts';
import { importStats, refuseStatsLine } from './haproxy-stats.ts';
import { readHaproxy, type HaproxyLine, type HaproxySection } from './haproxy-text.ts';
import type { BackendDraft, FrontendDraft, PairDraft } from './pair-draft.ts';
import { maskSecrets, type ImportReport } from './report.ts';

/** Imports the files of the old nodes; the first one is taken, the others are compared with it. */
export function importHaproxy(
  sources: readonly { readonly file: string; readonly text: string }[],
  draft: PairDraft,
  report: ImportReport,
): void {
  const [first, ...others] = sources.map(readHaproxy);
  if (first === undefined) return;
  for (const line of linesOf(first)) report.register(line);
  const context: HaproxyContext = {
    draft,
    report,
    inherited: { checks: {}, defaultServer: {} },
    pairWide: new Map(),
    frontends: [],
    backendRules: [],
  };
  for (const section of first) importSection(context, section);
  placeBackendRules(context);
  answerGlobalMaxconn(context);
  for (const other of others) compare(first, other, report);
}

function linesOf(sections: readonly HaproxySection[]): HaproxyLine[] {
  return sections.flatMap((section) => (section.keyword === '' ? section.lines : [section.header, ...section.lines]));
}

function importSection(context: HaproxyContext, section: HaproxySection): void {
  const { report } = context;
  for (const line of [section.header, ...section.lines]) {
    if (line.fault !== undefined)
      report.answer(line, { verdict: 'refused', why: `the line cannot be read: ${line.fault}` });
  }
  const lines = section.lines.filter((line) => line.fault === undefined);
  switch (section.keyword) {
    case 'global':
      report.answer(section.header, { verdict: 'taken', why: 'its lines are answered one by one' });
      for (const line of lines) answerGlobal(context, line);
      return;
    case 'defaults':
      importDefaults(context, section, lines);
      return;
    case 'frontend':
    case 'backend':
    case 'listen':
      importProxy(context, section, lines);
      return;
    case '':
      for (const line of lines) report.answer(line, { verdict: 'refused', why: 'it stands before the first section' });
      return;
    default:
      for (const line of [section.header, ...lines]) {
        report.answer(line, {
          verdict: 'refused',
          why: `a "${section.keyword}" section has no counterpart in this version`,
        });
      }
  }
}

function importDefaults(context: HaproxyContext, section: HaproxySection, lines: readonly HaproxyLine[]): void {
  const { report } = context;
  report.answer(section.header, {
    verdict: 'taken',
    why: 'time-outs, HTTP and log settings hold for the whole pair here',
  });
  context.inherited = { checks: {}, defaultServer: {} };
  for (const line of lines) {
    const [keyword = '', second = ''] = line.words;
    if (keyword === 'mode') {
      context.inherited.mode = second;
      report.answer(line, { verdict: 'taken', why: 'of the frontends below', target: 'frontends.*.mode' });
    } else if (keyword === 'maxconn') {
      context.inherited.maxConnections = Number(second);
      report.answer(line, {
        verdict: 'taken',
        why: 'of each frontend below, on each node',
        target: 'frontends.*.maxConnections',
      });
    } else if (keyword === 'default_backend') {
      context.inherited.defaultBackend = second;
      report.answer(line, { verdict: 'taken', why: 'of the frontends below', target: 'frontends.*.defaultBackend' });
    } else if (keyword === 'balance') {
      const balance = answerBalance(context, line, 'backends.*');
      if (balance !== undefined) context.inherited.balance = balance;
    } else if (keyword === 'compression') {
      const compression = answerCompression(context, line, context.inherited.compression);
      if (compression !== undefined) context.inherited.compression = compression;
    } else if (keyword === 'errorfile') {
      const target = `http.errorPages.${second}`;
      answerErrorFile(context, line, { pages: context.draft.errorPages, target, file: line.words[2] ?? '' });
    } else if (keyword === 'stats') {
      refuseStatsLine(context, line);
    } else if (!answerCheckLine(context, line, context.inherited)) {
      answerShared(context, line);
    }
  }
}

function importProxy(context: HaproxyContext, section: HaproxySection, lines: readonly HaproxyLine[]): void {
  const { report } = context;
  const serves = lines.some((line) => ['server', 'use_backend', 'default_backend'].includes(line.words[0] ?? ''));
  const isStats = lines.some((line) => line.words[0] === 'stats') && !serves;
  if (section.keyword !== 'backend' && isStats) {
    importStats(context, section, lines);
    return;
  }
  const mode = lines.findLast((line) => line.words[0] === 'mode')?.words[1] ?? context.inherited.mode ?? 'tcp';
  if (mode !== 'http' && mode !== 'tcp') {
    const why = `mode ${mode} is not served by this version: keep the balancer that you have for "${section.name}"`;
    for (const line of [section.header, ...lines]) report.answer(line, { verdict: 'refused', why });
    return;
  }
  // A `listen` section is both.
  const frontend = section.keyword === 'backend' ? undefined : beginFrontend(context, section, mode);
  const backend = section.keyword === 'frontend' ? undefined : beginBackend(context, section.name, mode);
  for (const line of lines) answerProxyLine(context, line, { frontend, backend });
  if (frontend !== undefined) {
    frontend.frontend.rules.push(...joinRules(frontend));
    answerUnusedAcls(context, lines, frontend);
    finishFrontend(context, section, frontend);
  }
  if (backend !== undefined) {
    finishBackend(context, backend);
    addBackend(context, section, backend.draft);
  }
}

function answerProxyLine(
  context: HaproxyContext,
  line: HaproxyLine,
  proxy: { readonly frontend: RuleWork | undefined; readonly backend: BackendWork | undefined },
): void {
  if (proxy.frontend !== undefined && answerFrontend(context, line, proxy.frontend)) return;
  if (proxy.backend !== undefined && answerBackend(context, line, proxy.backend)) return;
  if (answerShared(context, line)) return;
  if (line.words[0] === 'stats') refuseStatsLine(context, line);
}

function addBackend(context: HaproxyContext, section: HaproxySection, backend: BackendDraft): void {
  const target = `backends.${section.name}`;
  if (backend.servers.length === 0) {
    context.report.answer(section.header, { verdict: 'refused', why: 'none of its servers could be taken', target });
    refuseRest(context, section, 'its backend is not taken, as no server of it is');
    return;
  }
  context.draft.backends.push(backend);
  context.report.answer(section.header, { verdict: 'taken', why: 'a group of servers', target });
}

// What a section sets for the whole pair stays, also when the section itself falls away.
function refuseRest(context: HaproxyContext, section: HaproxySection, why: string): void {
  if (section.keyword === 'listen') return;
  for (const line of section.lines) {
    const answer = context.report.answerOf(line);
    const forPair = /^(?:timeouts|http|log)\./.test(answer?.target ?? '');
    if (!forPair && answer?.verdict !== 'refused') context.report.answer(line, { verdict: 'refused', why });
  }
}

function beginFrontend(context: HaproxyContext, section: HaproxySection, mode: 'http' | 'tcp'): RuleWork {
  const { inherited } = context;
  const frontend: FrontendDraft = { name: section.name, mode, binds: [], acls: [], rules: [], errorPages: {} };
  if (inherited.maxConnections !== undefined) frontend.maxConnections = inherited.maxConnections;
  if (inherited.compression !== undefined && mode === 'http') frontend.compression = inherited.compression;
  if (section.keyword === 'listen') frontend.defaultBackend = section.name;
  else if (inherited.defaultBackend !== undefined) frontend.defaultBackend = inherited.defaultBackend;
  // HAProxy 1.4 had the address on the section's own line.
  if (section.rest.length > 0) addBinds(context, section.header, { frontend, words: section.rest });
  return beginFrontendWork(frontend);
}

function finishFrontend(context: HaproxyContext, section: HaproxySection, work: RuleWork): void {
  const { frontend } = work;
  const target = `frontends.${section.name}`;
  if (frontend.binds.length === 0) {
    context.report.answer(section.header, { verdict: 'refused', why: 'none of its listeners could be taken', target });
    refuseRest(context, section, 'its frontend is not taken, as no listener of it is');
    return;
  }
  context.draft.frontends.push(frontend);
  context.frontends.push(work);
  const answer =
    frontend.defaultBackend === undefined
      ? ({ verdict: 'changed', why: 'it needs a defaultBackend here: "validate" asks for one' } as const)
      : ({ verdict: 'taken', why: 'a place where clients connect' } as const);
  context.report.answer(section.header, { ...answer, target });
}

function compare(first: readonly HaproxySection[], other: readonly HaproxySection[], report: ImportReport): void {
  const open = new Map<string, HaproxyLine[]>();
  for (const { key, line } of keyed(first)) open.set(key, [...(open.get(key) ?? []), line]);
  const unmatched: { readonly section: string; readonly line: HaproxyLine }[] = [];
  for (const { key, section, line } of keyed(other)) {
    report.register(line);
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
    keyed(first).filter(({ key, line }) => open.get(key)?.includes(line) === true),
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
