// What can only be said when all sections of a haproxy.cfg are known: where frontends send what no rule takes, backends
// that have no servers because they only answer, guards of backends that pass bytes on.
import type { FrontendWork, HaproxyContext, TakenBackend } from './haproxy-context.ts';
import { allOf, type Truth } from './haproxy-condition.ts';
import { FILL_IN, refuseGuard } from './haproxy-guards.ts';
import { endsList, joinRules, type RuleWork } from './haproxy-rules.ts';
import { answerUnusedAcls } from './haproxy-section.ts';
import type { HaproxyLine, HaproxySection } from './haproxy-text.ts';
import type { BackendDraft, FlowValue, FrontendDraft, RuleDraft } from './pair-draft.ts';

/** Puts frontends and backends into the draft. */
export function placeSections(context: HaproxyContext): void {
  const frontends = reachable(context);
  for (const backend of context.backends) placeBackend(context, backend, frontends);
  for (const frontend of frontends) placeFrontend(context, frontend);
  for (const { draft } of frontends) context.draft.frontends.push(draft);
  for (const { settings, draft } of frontends) {
    settings.backends.push(...context.backends.flatMap((backend) => (isUsed(draft, backend) ? backend.settings : [])));
  }
}

// Without any listener that can be had, the first frontend needs a person who names one.
function reachable(context: HaproxyContext): FrontendWork[] {
  const taken = context.frontends.filter(({ draft }) => draft.binds.length > 0);
  const [first] = context.frontends;
  if (taken.length > 0 || first === undefined) {
    for (const frontend of context.frontends.filter(({ draft }) => draft.binds.length === 0)) refuse(context, frontend);
    return taken;
  }
  for (const frontend of context.frontends.slice(1)) refuse(context, frontend);
  first.draft.binds.push(`${FILL_IN}-address`);
  const why = `no listener of the file could be taken, so its bind is FILL-IN, which "validate" refuses until you have decided`;
  context.report.answer(first.section.header, { verdict: 'refused', why, decide: true });
  return [first];
}

function refuse(context: HaproxyContext, { section }: FrontendWork): void {
  const why = 'none of its listeners could be taken';
  context.report.answer(section.header, { verdict: 'refused', why, target: `frontends.${section.name}` });
  refuseRest(context, section, 'its frontend is not taken, as no listener of it is');
}

// What a section sets for the whole pair stays, also when the section itself falls away.
function refuseRest(context: HaproxyContext, section: HaproxySection, why: string): void {
  if (section.keyword === 'listen') return;
  for (const line of section.lines) {
    const answer = context.report.answerOf(line);
    const forPair = answer === undefined || /^(?:timeouts|http|log)\./.test(answer.target);
    if (!forPair && answer.verdict !== 'refused') context.report.answer(line, { verdict: 'refused', why });
  }
}

function isUsed({ rules, defaultBackend }: FrontendDraft, { work }: TakenBackend): boolean {
  const { name } = work.draft;
  return defaultBackend === name || rules.some((rule) => rule['use'] === name || typeof rule['use'] === 'object');
}

function placeBackend(context: HaproxyContext, backend: TakenBackend, frontends: readonly FrontendWork[]): void {
  const { work, section } = backend;
  const { draft, rules } = work;
  const users = frontends.filter((frontend) => isUsed(frontend.draft, backend));
  if (rules !== undefined) {
    draft.rules.push(...joinRules(rules));
    answerUnusedAcls(context, section.lines, rules);
    answerBoth(context, rules, users);
  }
  for (const line of work.guards) placeStreamGuard(context, line, users);
  const target = `backends.${draft.name}`;
  if (draft.servers.length > 0) {
    context.draft.backends.push(draft);
    const same = draft.name === section.name;
    const why = same ? 'a group of servers' : `a group of servers, called "${draft.name}" here`;
    context.report.answer(section.header, { verdict: same ? 'taken' : 'changed', why, target });
    return;
  }
  const named = users.filter(
    ({ draft: own }) => own.defaultBackend === draft.name || own.rules.some((rule) => rule['use'] === draft.name),
  );
  for (const user of named) inline(user, draft);
  if (section.keyword === 'listen') return;
  const names = named.map((user) => `"${user.draft.name}"`).join(', ');
  const why = `it has no servers: what it answers stands in the rules of ${names}`;
  const answer =
    named.length === 0
      ? { verdict: 'not-needed' as const, why: 'it has no servers, and nobody uses it' }
      : { verdict: 'changed' as const, why };
  context.report.answer(section.header, { ...answer, target });
}

// HAProxy runs the rules for answers of the backend first, those of the frontend behind them; here it is the other way.
function answerBoth(context: HaproxyContext, own: RuleWork, users: readonly FrontendWork[]): void {
  const names = new Set(users.flatMap(({ rules }) => rules.answerEdits.flatMap((edit) => edit.names)));
  for (const { line, names: changed } of own.answerEdits) {
    if (!changed.some((name) => names.has(name))) continue;
    const why =
      'a frontend changes this field, too: here the backend has the last word, in HAProxy the frontend has it';
    context.report.answer(line, { verdict: 'changed', why });
  }
}

// Bytes have no requests that a rule of a backend could be for.
function placeStreamGuard(context: HaproxyContext, line: HaproxyLine, users: readonly FrontendWork[]): void {
  const why = 'rules stand in frontends in mode tcp';
  for (const { draft } of users) {
    const target = `frontends.${draft.name}.rules`;
    draft.rules.unshift(refuseGuard(context, { line, mode: 'tcp', why, target }));
  }
  if (users.length === 0) context.report.answer(line, { verdict: 'not-needed', why: 'no frontend uses its backend' });
}

/** Puts the answers of a backend without servers in the place of its uses. */
function inline({ draft, rules }: FrontendWork, backend: BackendDraft): void {
  const renamed = new Map<string, string>();
  for (const acl of backend.acls) {
    const name = rules.names.free(acl.name);
    renamed.set(acl.name, name);
    draft.acls.push({ ...acl, name });
  }
  const own = backend.rules.map((rule) => withAcls(rule, renamed));
  const answers = [...own, ...(isAnswered(own) ? [] : [unserved(draft)])];
  const joined = draft.rules.flatMap((rule) =>
    rule['use'] === backend.name ? answers.map((answer) => under(answer, rule['if'])) : [rule],
  );
  if (draft.defaultBackend === backend.name) {
    delete draft.defaultBackend;
    joined.push(...answers);
  }
  draft.rules.splice(0, draft.rules.length, ...joined);
}

/** What HAProxy says where there is no server. */
function unserved({ mode }: FrontendDraft): RuleDraft {
  return mode === 'http' ? { deny: 503 } : { silentDrop: true };
}

function isAnswered(rules: readonly RuleDraft[]): boolean {
  const last = rules.at(-1);
  return last !== undefined && last['if'] === undefined && endsList(last);
}

/** The rule under a further condition, which is asked first. */
function under(rule: RuleDraft, outer: FlowValue | undefined): RuleDraft {
  if (outer === undefined || rule['if'] === FILL_IN) return rule;
  const { if: own, ...action } = rule;
  return { if: own === undefined ? outer : allOf([outer, own]), ...action };
}

function withAcls(rule: RuleDraft, names: ReadonlyMap<string, string>): RuleDraft {
  const own = rule['if'];
  return own === undefined || own === FILL_IN ? rule : { ...rule, if: rename(own, names) };
}

function rename(condition: Truth, names: ReadonlyMap<string, string>): Truth {
  if (typeof condition === 'string') {
    const bare = condition.replace(/^!/, '');
    const name = names.get(bare) ?? bare;
    return condition.startsWith('!') ? `!${name}` : name;
  }
  if (Array.isArray(condition)) return (condition as readonly FlowValue[]).map((inner) => rename(inner, names));
  if (typeof condition !== 'object') return condition;
  return Object.fromEntries(Object.entries(condition).map(([key, inner]) => [key, rename(inner, names)]));
}

function placeFrontend(context: HaproxyContext, { draft, section, rules }: FrontendWork): void {
  const target = `frontends.${draft.name}`;
  dropUnknown(context, draft);
  endMaps(draft);
  const renamed = draft.name === section.name ? [] : [`it is called "${draft.name}" here`];
  const unanswered = draft.defaultBackend === undefined && !isAnswered(draft.rules);
  if (unanswered) draft.rules.push(unserved(draft));
  const why = [
    draft.defaultBackend === undefined && section.keyword === 'frontend'
      ? 'a place where clients connect; what no rule takes is answered 503, as before'
      : 'a place where clients connect',
    ...renamed,
  ].join('; ');
  context.report.answer(section.header, { verdict: renamed.length === 0 ? 'taken' : 'changed', why, target });
  answerUnusedAcls(context, section.lines, rules);
}

// A section that HAProxy itself would refuse, such as the second of a name, takes nothing.
function dropUnknown({ draft }: HaproxyContext, frontend: FrontendDraft): void {
  const names = new Set(draft.backends.map(({ name }) => name));
  const isKnown = (use: FlowValue | undefined): boolean => typeof use !== 'string' || names.has(use);
  const rules = frontend.rules.filter((rule) => isKnown(rule['use']));
  frontend.rules.splice(0, frontend.rules.length, ...rules);
  if (!isKnown(frontend.defaultBackend)) delete frontend.defaultBackend;
}

// HAProxy asks no further rule when a map has no entry: the request goes to the default backend.
function endMaps(draft: FrontendDraft): void {
  const { defaultBackend } = draft;
  const joined = draft.rules.flatMap((rule, index) => {
    const next = draft.rules[index + 1];
    const hasOwn =
      next !== undefined &&
      JSON.stringify(next['if']) === JSON.stringify(rule['if']) &&
      typeof next['use'] === 'string';
    if (typeof rule['use'] !== 'object' || hasOwn || next === undefined) return [rule];
    const { use: _use, '#': _remark, ...when } = rule;
    return [rule, { ...when, ...(defaultBackend === undefined ? unserved(draft) : { use: defaultBackend }) }];
  });
  draft.rules.splice(0, draft.rules.length, ...joined);
}

/** Rules of a frontend, in the order in which HAProxy runs them. */
export function finishRules(work: RuleWork): void {
  work.owner.rules.push(...joinRules(work));
}
