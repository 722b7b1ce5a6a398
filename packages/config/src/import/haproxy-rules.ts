// HAProxy's rules of a section: tcp-request, http-request, http-response, redirect and use_backend, as rules of the new
// file. HAProxy runs them by kind, so they are gathered by kind here and joined in that order. A rule behind an `allow`
// applies to what was not allowed.
import { done, no, type Action } from './haproxy-action.ts';
import { refusal, requestAction, responseAction, SILENT, type ActionUse } from './haproxy-actions.ts';
import { allOf, anyOf, notOf, readCondition, type AclWork, type Truth } from './haproxy-condition.ts';
import type { HaproxyContext } from './haproxy-context.ts';
import { isGuard, refuseGuard } from './haproxy-guards.ts';
import { readMapFetch } from './haproxy-map.ts';
import { NameTable } from './haproxy-names.ts';
import { readOldRule } from './haproxy-old-rules.ts';
import { redirectAction } from './haproxy-redirect.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { AclDraft, RuleDraft } from './pair-draft.ts';

/** The kinds of rules in the order in which HAProxy runs them. */
export const KINDS = [
  'connection',
  'session',
  'content',
  'monitor',
  'block',
  'request',
  'old',
  'response',
  'redirects',
  'routes',
] as const;
export type Kind = (typeof KINDS)[number];

/** Rules of one kind while lines are read. */
export interface RuleList {
  readonly rules: RuleDraft[];
  /** What an `allow` above has let past. */
  readonly allowed: Truth[];
  /** An `allow` above that could not be taken: what stands below it would apply to more than before. */
  doubt?: HaproxyLine;
  /** A rule above takes everything. */
  end?: HaproxyLine;
  /** Behind an `allow` a rule has changed the request. */
  isEdited?: boolean;
}

/** Rules of a frontend or backend while its lines are read. */
export interface RuleWork extends AclWork {
  readonly owner: {
    readonly name: string;
    readonly mode: 'http' | 'tcp';
    readonly acls: AclDraft[];
    readonly rules: RuleDraft[];
  };
  /** `frontends.main` or `backends.app`. */
  readonly target: string;
  /** `timeout tarpit` of the section. */
  readonly tarpit: string;
  readonly lists: Readonly<Record<Kind, RuleList>>;
  /** Lines that change fields of answers, with the names of the fields. */
  readonly answerEdits: { readonly line: HaproxyLine; readonly names: readonly string[] }[];
}

/** Begins a section whose lines are read. */
export function beginRules(
  owner: RuleWork['owner'],
  section: { readonly target: string; readonly tarpit: string },
): RuleWork {
  const lists = Object.fromEntries(KINDS.map((kind) => [kind, { rules: [], allowed: [] } satisfies RuleList]));
  return {
    owner,
    ...section,
    acls: new Map(),
    inline: new Map(),
    names: new NameTable(),
    answerEdits: [],
    lists: lists as unknown as Record<Kind, RuleList>, // one for each kind, by construction
  };
}

/** All rules in the order in which HAProxy runs them. */
export function joinRules(work: RuleWork): RuleDraft[] {
  return KINDS.flatMap((kind) => work.lists[kind].rules);
}

/** A line as a rule, before its condition is read. */
export interface Parsed {
  readonly action: Action | 'allow';
  /** `if ...` or `unless ...`. */
  readonly condition: readonly string[];
  readonly kind: Kind;
  /** How ACLs of conditions in braces are called. */
  readonly base: string;
}

/** Answers a line that is a rule; false when it is another one. */
export function answerRule(context: HaproxyContext, line: HaproxyLine, work: RuleWork): boolean {
  const parsed = parseRule(context, line, work);
  if (parsed === undefined) return false;
  const target = `${work.target}.rules`;
  const list = work.lists[parsed.kind];
  if (list.end !== undefined) {
    const why = `never reached: line ${list.end.line} takes everything`;
    context.report.answer(line, { verdict: 'not-needed', why, target });
    return true;
  }
  const refuse = (why: string, action?: RuleDraft): true => {
    refuseRule(context, { line, work, parsed, why, ...(action === undefined ? {} : { action }) });
    return true;
  };
  if (line.fault !== undefined) return refuse(line.fault);
  if (parsed.action !== 'allow' && !parsed.action.ok) return refuse(parsed.action.why);
  const action = parsed.action === 'allow' ? undefined : parsed.action.action;
  if (action !== undefined && work.owner.mode === 'tcp' && !isForTcp(action)) {
    return refuse('in mode tcp a rule can only use a backend, deny or silentDrop');
  }
  const phase = parsed.kind === 'response' ? 'response' : 'request';
  const condition = readCondition(work, parsed.condition, { base: parsed.base, phase });
  if (!condition.ok) return refuse(condition.why, action);
  if (condition.isLess && guards(context, line)) return refuse(condition.remarks.join('; '), action);
  if (list.doubt !== undefined) {
    return refuse(`line ${list.doubt.line}, which lets some past it, could not be taken`, action);
  }
  takeRule(context, line, { work, parsed, condition: condition.condition, remarks: condition.remarks });
  return true;
}

interface Refusal {
  readonly line: HaproxyLine;
  readonly work: RuleWork;
  readonly parsed: Parsed;
  readonly why: string;
  readonly action?: RuleDraft;
}

function refuseRule(context: HaproxyContext, { line, work, parsed, why, action }: Refusal): void {
  const target = `${work.target}.rules`;
  const list = work.lists[parsed.kind];
  if (parsed.action === 'allow') {
    list.doubt ??= line;
    const after = `${why}; what stands below it would apply to more than before, so it is not taken either`;
    context.report.answer(line, { verdict: 'refused', why: after, target, decide: true });
  } else if (guards(context, line)) {
    const guard = { line, mode: work.owner.mode, why, target, ...(action === undefined ? {} : { action }) };
    list.rules.push(refuseGuard(context, guard));
  } else context.report.answer(line, { verdict: 'refused', why, target });
}

/** What a backend without servers answers keeps somebody out, too. */
function guards({ answering }: HaproxyContext, { words }: HaproxyLine): boolean {
  return isGuard(words) || (words[0] === 'use_backend' && answering.has(words[1] ?? ''));
}

interface Taken {
  readonly work: RuleWork;
  readonly parsed: Parsed;
  readonly condition: Truth;
  readonly remarks: readonly string[];
}

function takeRule(context: HaproxyContext, line: HaproxyLine, { work, parsed, condition, remarks }: Taken): void {
  const target = `${work.target}.rules`;
  const list = work.lists[parsed.kind];
  const answer = (verdict: 'taken' | 'changed' | 'not-needed', why: string): void =>
    context.report.answer(line, { verdict, why, target });
  if (condition === false) {
    answer('not-needed', ['it never applies here', ...remarks].join('; '));
    return;
  }
  if (parsed.action === 'allow') {
    list.allowed.push(condition);
    if (condition === true) list.end = line;
    answer(remarks.length === 0 ? 'taken' : 'changed', ['the rules below apply to the others', ...remarks].join('; '));
    return;
  }
  if (parsed.action.ok) pushRule(parsed.action, { work, list, line, condition, remarks }, answer);
}

interface Pushed {
  readonly work: RuleWork;
  readonly list: RuleList;
  readonly line: HaproxyLine;
  readonly condition: Truth;
  readonly remarks: readonly string[];
}

function pushRule(
  { action, remark, after }: Action & { readonly ok: true },
  { work, list, line, condition, remarks }: Pushed,
  answer: (verdict: 'taken' | 'changed', why: string) => void,
): void {
  const when = allOf([notOf(anyOf(list.allowed)), condition]);
  const rule: RuleDraft = when === true ? {} : { if: when };
  list.rules.push({ ...rule, ...action }, ...(after === undefined ? [] : [{ ...rule, ...after }]));
  if (condition === true && endsList(action)) list.end = line;
  const names = answerFields(action);
  if (names.length > 0) work.answerEdits.push({ line, names });
  const all = [...(remark === undefined ? [] : [remark]), ...remarks];
  if (list.allowed.length > 0 && list.isEdited === true) all.push(AGAIN);
  if (list.allowed.length > 0 && EDITS.some((key) => key in action)) list.isEdited = true;
  answer(all.length === 0 ? 'taken' : 'changed', all.length === 0 ? 'a rule' : all.join('; '));
}

const EDITS: readonly string[] = ['setPath', 'replacePrefix', 'setHeader', 'addHeader', 'removeHeader'];
const AGAIN = 'whom the allow above lets past is asked here again, after what the rules between have changed';

const ENDING: readonly string[] = ['deny', 'redirect', 'return', 'tarpit', 'silentDrop'];

/** Names of the fields of answers that a rule changes, in lower case. */
function answerFields(action: RuleDraft): string[] {
  const set = Object.keys({ ...(action['setResponseHeader'] as object), ...(action['addResponseHeader'] as object) });
  const removed = (action['removeResponseHeader'] ?? []) as readonly string[];
  return [...set, ...removed].map((name) => name.toLowerCase());
}

/** Whether nothing is asked behind it. */
export function endsList(rule: RuleDraft): boolean {
  return ENDING.some((key) => key in rule);
}

function isForTcp(action: RuleDraft): boolean {
  return typeof action['use'] === 'string' || 'deny' in action || 'silentDrop' in action;
}

function parseRule(context: HaproxyContext, line: HaproxyLine, work: RuleWork): Parsed | undefined {
  const [keyword = '', second = '', ...rest] = line.words;
  const { words, condition } = splitCondition(rest);
  const use: ActionUse = { tarpit: work.tarpit, phase: 'request' };
  const base = `for_${second.replace(/\W.*$/, '').replace(/-/g, '_')}`;
  switch (keyword) {
    case 'http-request':
      return {
        action: second === 'allow' ? 'allow' : requestAction(second, words, use),
        condition,
        kind: 'request',
        base,
      };
    case 'http-response':
    case 'http-after-response':
      return { action: answerAction(keyword, second, words), condition, kind: 'response', base };
    case 'redirect': {
      const redirect = splitCondition(line.words.slice(1));
      return {
        action: redirectAction(redirect.words),
        condition: redirect.condition,
        kind: 'redirects',
        base: 'for_redirect',
      };
    }
    case 'use_backend':
      return {
        action: useAction(context, second, work.owner.mode),
        condition,
        kind: 'routes',
        base: `to_${second.replace(/\W/g, '_')}`,
      };
    case 'tcp-request':
      return tcpRule([second, ...words], condition);
    case 'monitor-uri':
      return monitorRule(second);
    default:
      return readOldRule(line, work.owner.mode);
  }
}

function monitorRule(path: string): Parsed {
  const remark = 'it answers with any query, too, and with text/plain';
  const condition = ['if', '{', 'path', path, '}'];
  return { action: done({ return: { status: 200 } }, remark), condition, kind: 'monitor', base: 'monitor' };
}

function answerAction(keyword: string, action: string, words: readonly string[]): Action {
  if (action === 'allow') return no('rules that end the list of rules for answers are not served by this version');
  const read = responseAction(action, words, { tarpit: '', phase: 'response' });
  if (keyword === 'http-response' || !read.ok) return read;
  const remark = 'not on answers that the proxy gives itself (redirects, denials, errors)';
  return { ...read, remark: read.remark === undefined ? remark : `${remark}; ${read.remark}` };
}

/** Splits words at the condition. */
export function splitCondition(words: readonly string[]): {
  readonly words: readonly string[];
  readonly condition: readonly string[];
} {
  const at = words.findIndex((word) => word === 'if' || word === 'unless');
  return at === -1 ? { words, condition: [] } : { words: words.slice(0, at), condition: words.slice(at) };
}

function useAction(context: HaproxyContext, backend: string, mode: 'http' | 'tcp'): Action {
  if (!backend.includes('%[')) {
    const named = context.backendNamed(backend, mode);
    return named.ok ? done({ use: named.name }) : no(named.why);
  }
  const map = readMapFetch(context.draft, backend);
  if (typeof map === 'string') return no(map);
  const remarks = [`a map: ${map.file} stays where it is, and both nodes need it`, ...map.remarks];
  const action = { use: { map: map.name, key: map.key } };
  // HAProxy asks no further rule: what has no entry goes to the default backend.
  const after = map.fallback === undefined ? undefined : context.backendNamed(map.fallback, mode);
  const found: Action = { ok: true, action, remark: remarks.join('; ') };
  return after?.ok === true ? { ...found, after: { use: after.name } } : found;
}

function tcpRule(words: readonly string[], condition: readonly string[]): Parsed {
  const [layer = '', action = ''] = words;
  const kind = layer === 'connection' || layer === 'session' ? layer : 'content';
  const parsed = { condition, kind, base: `for_${action.replace(/\W.*$/, '').replace(/-/g, '_')}` } as const;
  if (layer === 'inspect-delay') return { ...parsed, action: no('rules do not wait for bytes in this version') };
  if (action === 'accept') return { ...parsed, action: 'allow' };
  if (action === 'reject')
    return { ...parsed, action: done({ silentDrop: true }, 'decided with the rules of requests') };
  if (action === 'silent-drop') return { ...parsed, action: done({ silentDrop: true }, SILENT) };
  return { ...parsed, action: refusal(action) };
}
