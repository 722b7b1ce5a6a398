// The lines of `frontend`, and of `listen` as far as it is one: listeners, limits, ACLs and rules.
import { readBind } from '../units.ts';
import { addToAcl, readAlternatives, readCondition } from './haproxy-acl.ts';
import type { HaproxyContext } from './haproxy-context.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { FrontendDraft } from './pair-draft.ts';

// Parameters of `bind` that decide what the listener speaks; the others only tune it.
const DECISIVE_BIND: Readonly<Record<string, string>> = {
  ssl: 'TLS is not served by this version',
  'accept-proxy': 'the PROXY protocol is not served by this version',
  proto: 'another protocol than HTTP/1.1 is not served by this version',
};

/** Answers one line of a frontend; false when it is another kind of line. */
export function answerFrontend(context: HaproxyContext, line: HaproxyLine, frontend: FrontendDraft): boolean {
  const [keyword = '', value = ''] = line.words;
  const target = `frontends.${frontend.name}`;
  switch (keyword) {
    case 'bind':
      addBinds(context, line, { frontend, words: line.words.slice(1) });
      return true;
    case 'mode':
      context.report.answer(line, { verdict: 'taken', why: 'HTTP', target: `${target}.mode` });
      return true;
    case 'maxconn':
      frontend.maxConnections = Number(value);
      context.report.answer(line, { verdict: 'taken', why: 'on each node', target: `${target}.maxConnections` });
      return true;
    case 'default_backend':
      frontend.defaultBackend = value;
      context.report.answer(line, {
        verdict: 'taken',
        why: 'takes what no rule takes',
        target: `${target}.defaultBackend`,
      });
      return true;
    case 'acl':
      answerAcl(context, line, frontend);
      return true;
    case 'use_backend':
      answerUseBackend(context, line, frontend);
      return true;
    default:
      return false;
  }
}

/** Takes the addresses of a `bind` line, or of an old `listen NAME ADDRESS` line. */
export function addBinds(
  context: HaproxyContext,
  line: HaproxyLine,
  bind: { readonly frontend: FrontendDraft; readonly words: readonly string[] },
): void {
  const [addresses = '', ...params] = bind.words;
  const target = `frontends.${bind.frontend.name}.bind`;
  const decisive = params.find((param) => Object.hasOwn(DECISIVE_BIND, param));
  if (decisive !== undefined) {
    context.report.answer(line, { verdict: 'refused', why: `"${decisive}": ${DECISIVE_BIND[decisive]}`, target });
    return;
  }
  for (const address of addresses.split(',')) {
    const written = address
      .replace(/^(?:ipv4@)?(?=:\d)/, '*')
      .replace(/^ipv4@/, '')
      .replace(/^0\.0\.0\.0:/, '*:');
    if (!readBind(written).ok) {
      const why = `"${address}": one IPv4 address or "*" with one port can be listened on in this version`;
      context.report.answer(line, { verdict: 'refused', why, target });
      continue;
    }
    bind.frontend.binds.push(written);
    context.report.answer(line, { verdict: 'taken', why: `listens on ${written}`, target });
  }
  if (params.length > 0) {
    const why = `the parameters "${params.join(' ')}" are left out: they tune the old listener`;
    context.report.answer(line, { verdict: 'changed', why, target });
  }
}

function answerAcl(context: HaproxyContext, line: HaproxyLine, frontend: FrontendDraft): void {
  const [, name = '', ...words] = line.words;
  const target = `frontends.${frontend.name}.acls.${name}`;
  const reading = readCondition(words);
  if (!reading.ok) {
    context.report.answer(line, { verdict: 'refused', why: reading.why, target });
    return;
  }
  if (!addToAcl(frontend.acls, name, reading)) {
    const why = 'an ACL compares with or without case as a whole, and an earlier line of this one does otherwise';
    context.report.answer(line, { verdict: 'refused', why, target });
    return;
  }
  context.report.answer(line, {
    verdict: 'taken',
    why: 'a condition on the path',
    target: `${target}.${reading.list}`,
  });
}

function answerUseBackend(context: HaproxyContext, line: HaproxyLine, frontend: FrontendDraft): void {
  const [, use = '', keyword, ...condition] = line.words;
  const target = `frontends.${frontend.name}.rules`;
  const refuse = (why: string): void => context.report.answer(line, { verdict: 'refused', why, target });
  if (use.includes('%[')) {
    refuse('a backend name made from the request is not served by this version');
    return;
  }
  if (keyword !== 'if') {
    refuse(
      keyword === undefined
        ? 'a rule without condition is a default: write it as defaultBackend'
        : `"${keyword}" is not served by this version: write the rule with "if"`,
    );
    return;
  }
  const alternatives = readAlternatives(condition);
  if (typeof alternatives === 'string') {
    refuse(alternatives);
    return;
  }
  const names: string[] = [];
  for (const alternative of alternatives) {
    const name = 'acl' in alternative ? alternative.acl : nameCondition(frontend, use, alternative.condition);
    if (name.includes(' ')) {
      refuse(name);
      return;
    }
    if (!frontend.acls.some((acl) => acl.name === name)) {
      refuse(`its ACL "${name}" was not taken`);
      return;
    }
    names.push(name);
  }
  frontend.rules.push(...names.map((name) => ({ if: name, use })));
  const why = names.length === 1 ? 'a routing rule' : 'one rule for each alternative';
  context.report.answer(line, { verdict: 'taken', why, target: `${target}[${frontend.rules.length - names.length}]` });
}

/** Gives a condition in braces a name of its own; a sentence (with blanks) when it cannot be taken. */
function nameCondition(frontend: FrontendDraft, use: string, words: readonly string[]): string {
  const reading = readCondition(words);
  if (!reading.ok) return reading.why;
  let name = `to_${use}`;
  for (let count = 2; frontend.acls.some((acl) => acl.name === name); count += 1) name = `to_${use}_${count}`;
  addToAcl(frontend.acls, name, reading);
  return name;
}

/** Says of ACLs that no rule names why they are kept; run when the frontend is complete. */
export function answerUnusedAcls(
  context: HaproxyContext,
  lines: readonly HaproxyLine[],
  frontend: FrontendDraft,
): void {
  const used = new Set(frontend.rules.map((rule) => rule.if));
  for (const line of lines) {
    const name = line.words[1] ?? '';
    const taken = context.report.answerOf(line)?.verdict === 'taken';
    if (line.words[0] !== 'acl' || used.has(name) || !taken) continue;
    const usedBefore = lines.some(
      ({ words }) => words[0] !== 'acl' && words.some((word) => word.replace('!', '') === name),
    );
    const why = usedBefore
      ? 'kept although the rules that used it were refused'
      : 'kept although no rule uses it: requests for it went to the default backend before, too';
    context.report.answer(line, { verdict: 'taken', why });
  }
}
