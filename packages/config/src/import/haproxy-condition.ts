// What stands after `if` and `unless` in HAProxy's rules, as a condition of the new file. Conditions in braces get
// ACLs of their own; an ACL whose lines differ in case is several ACLs here, joined by any.
import { addToAcl, readCriterion, type AclReading } from './haproxy-acl.ts';
import type { FlowValue, FrontendDraft } from './pair-draft.ts';

/** The ACLs of a frontend while its lines are read. */
export interface AclWork {
  readonly frontend: FrontendDraft;
  /** The ACLs here that make up one of the old file. */
  readonly parts: Map<string, string[]>;
  /** Names of which a line was refused, so that they match less than before. */
  readonly incomplete: Set<string>;
  /** Conditions in braces that have an ACL already, by their words. */
  readonly inline: Map<string, string>;
}

/** A condition, or why there can be none. `condition` absent: always. */
export type ConditionReading =
  | { readonly ok: true; readonly condition?: FlowValue; readonly remarks: readonly string[] }
  | { readonly ok: false; readonly why: string };

interface Term {
  readonly negated: boolean;
  readonly name?: string;
  readonly words?: readonly string[];
}

/** Reads `if a !b or { path_beg /c }`; `base` names the ACLs of conditions in braces. */
export function readCondition(work: AclWork, words: readonly string[], base: string): ConditionReading {
  const [keyword, ...rest] = words;
  if (keyword === undefined) return { ok: true, remarks: [] };
  if (keyword !== 'if' && keyword !== 'unless') return { ok: false, why: `"${keyword}" is not understood here` };
  const groups = splitTerms(rest);
  if (typeof groups === 'string') return { ok: false, why: groups };
  const remarks: string[] = [];
  const alternatives: FlowValue[] = [];
  for (const group of groups) {
    const parts = group.map((term) => readTerm(work, term, { base, isNegated: keyword === 'unless' }));
    const bad = parts.find((part) => 'why' in part);
    if (bad !== undefined) return { ok: false, why: bad.why };
    const values = parts.flatMap((part) => ('value' in part ? [part.value] : []));
    remarks.push(...parts.flatMap((part) => ('value' in part ? (part.remark ?? []) : [])));
    alternatives.push(values.length === 1 ? (values[0] ?? '') : { all: values });
  }
  const condition = alternatives.length === 1 ? (alternatives[0] ?? '') : { any: alternatives };
  return { ok: true, condition: keyword === 'if' ? condition : negate(condition), remarks };
}

function negate(condition: FlowValue): FlowValue {
  if (typeof condition !== 'string') return { not: condition };
  return condition.startsWith('!') ? condition.slice(1) : `!${condition}`;
}

function splitTerms(words: readonly string[]): Term[][] | string {
  const groups: Term[][] = [[]];
  let negated = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === 'or' || word === '||') {
      groups.push([]);
    } else if (word === '!') {
      negated = !negated;
    } else if (word === '{' || word === '!{') {
      const end = words.indexOf('}', at);
      if (end === -1) return 'the brace { is never closed';
      groups.at(-1)?.push({ negated: negated !== (word === '!{'), words: words.slice(at + 1, end) });
      negated = false;
      at = end;
    } else {
      const name = word.replace(/^!/, '');
      groups.at(-1)?.push({ negated: negated !== word.startsWith('!'), name });
      negated = false;
    }
  }
  return groups.some((group) => group.length === 0) ? 'a condition is missing' : groups;
}

/** HAProxy's predefined ACLs (manual, section 7.4) that have a meaning here. */
const PREDEFINED: Readonly<Record<string, readonly string[]>> = {
  METH_CONNECT: ['method', 'CONNECT'],
  METH_DELETE: ['method', 'DELETE'],
  METH_GET: ['method', 'GET', 'HEAD'],
  METH_HEAD: ['method', 'HEAD'],
  METH_OPTIONS: ['method', 'OPTIONS'],
  METH_POST: ['method', 'POST'],
  METH_PUT: ['method', 'PUT'],
  METH_TRACE: ['method', 'TRACE'],
  LOCALHOST: ['src', '127.0.0.1/8', '::1'],
};

type TermReading = { readonly value: FlowValue; readonly remark?: string } | { readonly why: string };

function readTerm(
  work: AclWork,
  term: Term,
  rule: { readonly base: string; readonly isNegated: boolean },
): TermReading {
  const { name, negated } = term;
  if (name === undefined) {
    const named = nameInline(work, term.words ?? [], rule.base);
    return 'why' in named ? named : { value: negated ? `!${named.name}` : named.name };
  }
  const predefined = PREDEFINED[name];
  if (!work.parts.has(name) && predefined !== undefined) {
    const reading = readAcl(work, predefined);
    if (reading.ok) addAclLine(work, name, reading);
  }
  const parts = work.parts.get(name);
  if (parts === undefined || parts.length === 0) return { why: `its ACL "${name}" was not taken` };
  const value = parts.length === 1 ? (parts[0] ?? '') : { any: parts };
  const reading = { value: negated ? negate(value) : value };
  if (!work.incomplete.has(name)) return reading;
  // What matches less than before must not be turned round.
  if (negated !== rule.isNegated)
    return { why: `a line of its ACL "${name}" was refused, so the rule would match more` };
  return { ...reading, remark: `a line of its ACL "${name}" was refused, so it matches less` };
}

/** Reads a criterion for the mode of the frontend. */
export function readAcl(work: AclWork, words: readonly string[]): AclReading {
  const reading = readCriterion(words);
  if (!reading.ok || work.frontend.mode === 'http') return reading;
  const foreign = Object.keys(reading.lists).some((key) => key !== 'source' && key !== 'port');
  return foreign || reading.match !== undefined
    ? { ok: false, why: `"${words[0] ?? ''}" is in HTTP messages, and this is mode tcp` }
    : reading;
}

/** Takes one `acl` line; a line with another case rule begins a further ACL of the same meaning. */
export function addAclLine(work: AclWork, name: string, reading: AclReading & { readonly ok: true }): string {
  const parts = work.parts.get(name) ?? [];
  const last = parts.at(-1);
  work.parts.set(name, parts);
  if (last !== undefined && addToAcl(work.frontend.acls, last, reading)) return last;
  const part = freeName(work, name, true);
  parts.push(part);
  addToAcl(work.frontend.acls, part, reading);
  return part;
}

function nameInline(
  work: AclWork,
  words: readonly string[],
  base: string,
): { readonly name: string } | { readonly why: string } {
  const key = words.join(' ');
  const known = work.inline.get(key);
  if (known !== undefined) return { name: known };
  const reading = readAcl(work, words);
  if (!reading.ok) return { why: reading.why };
  const name = freeName(work, base);
  addToAcl(work.frontend.acls, name, reading);
  work.inline.set(key, name);
  return { name };
}

/** A name that no ACL has; `own` names of the old file may be taken by their own first part. */
function freeName(work: AclWork, base: string, own = false): string {
  const isFree = (name: string): boolean =>
    work.frontend.acls.every((acl) => acl.name !== name) && ((own && name === base) || !work.parts.has(name));
  if (isFree(base)) return base;
  let count = 2;
  while (!isFree(`${base}_${count}`)) count += 1;
  return `${base}_${count}`;
}
