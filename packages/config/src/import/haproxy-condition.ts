// What stands after `if` and `unless` in HAProxy's rules, as a condition of the new file. Conditions in braces get
// ACLs of their own; an ACL whose lines differ in case is several ACLs here, joined by any. What can never be true here,
// such as TLS on a listener without it, falls away.
import { addToAcl, readCriterion, type AclReading } from './haproxy-acl.ts';
import type { NameTable } from './haproxy-names.ts';
import type { AclDraft, FlowValue } from './pair-draft.ts';

/** A condition of the new file; true and false where it is always so. */
export type Truth = FlowValue;

/** When a rule is run: what the request was is gone when the answer comes. */
export type Phase = 'request' | 'response';

/** The ACLs of a frontend or backend while its lines are read. */
export interface AclWork {
  readonly owner: { readonly name: string; readonly mode: 'http' | 'tcp'; readonly acls: AclDraft[] };
  /** What makes up each ACL of the old file. */
  readonly acls: Map<string, KnownAcl>;
  /** Conditions in braces that have an ACL already, by their words. */
  readonly inline: Map<string, KnownAcl>;
  /** Names of ACLs here. */
  readonly names: NameTable;
}

/** An ACL of the old file. */
export interface KnownAcl {
  /** The ACLs here that make it up, and true where one of its lines always is. */
  readonly parts: Truth[];
  /** A line was refused, so that it matches less than before. */
  isIncomplete: boolean;
  /** Of lines that ask for the request, and of others. */
  asksRequest: boolean;
  asksOther: boolean;
  /** Why a part of it is always so here. */
  remark?: string;
}

/** A condition, or why there can be none. */
export type ConditionReading =
  | { readonly ok: true; readonly condition: Truth; readonly remarks: readonly string[]; readonly isLess: boolean }
  | { readonly ok: false; readonly why: string };

interface Term {
  readonly negated: boolean;
  readonly name?: string;
  readonly words?: readonly string[];
}

/** How a rule names ACLs for its braces, and when it is run. */
export interface ConditionUse {
  readonly base: string;
  readonly phase: Phase;
}

/** Reads `if a !b or { path_beg /c }`; without words it is always true. */
export function readCondition(work: AclWork, words: readonly string[], use: ConditionUse): ConditionReading {
  const [keyword, ...rest] = words;
  if (keyword === undefined) return { ok: true, condition: true, remarks: [], isLess: false };
  if (keyword !== 'if' && keyword !== 'unless') return { ok: false, why: `"${keyword}" is not understood here` };
  const groups = splitTerms(rest);
  if (typeof groups === 'string') return { ok: false, why: groups };
  const isUnless = keyword === 'unless';
  const remarks: string[] = [];
  let isLess = false;
  const alternatives: Truth[] = [];
  for (const group of groups) {
    const parts = group.map((term) => readTerm(work, term, { ...use, isUnless }));
    const bad = parts.find((part) => 'why' in part);
    if (bad !== undefined) return { ok: false, why: bad.why };
    const good = parts.filter((part) => 'value' in part);
    remarks.push(...good.flatMap((part) => part.remark ?? []));
    isLess ||= good.some((part) => part.isLess === true);
    alternatives.push(allOf(good.map((part) => part.value)));
  }
  const condition = anyOf(alternatives);
  const value = isUnless ? notOf(condition) : condition;
  return sizeOf(value) > MAX_SIZE
    ? { ok: false, why: 'it joins more conditions than one rule takes here' }
    : { ok: true, condition: value, remarks: [...new Set(remarks)], isLess };
}

/** A list of conditions has so many entries at most. */
const MAX_SIZE = 64;

function sizeOf(value: Truth): number {
  if (typeof value !== 'object') return 1;
  const lists = Array.isArray(value) ? [value as readonly FlowValue[]] : Object.values(value);
  return lists.reduce<number>((most, inner) => {
    const parts = Array.isArray(inner) ? (inner as readonly FlowValue[]) : [inner];
    return Math.max(most, parts.length, ...parts.map(sizeOf));
  }, 1);
}

/** All of them. */
export function allOf(values: readonly Truth[]): Truth {
  if (values.includes(false)) return false;
  const asked = values.filter((value) => value !== true).flatMap((value) => partsOf(value, 'all'));
  return asked.length < 2 ? (asked[0] ?? true) : { all: asked };
}

/** Any of them. */
export function anyOf(values: readonly Truth[]): Truth {
  if (values.includes(true)) return true;
  const asked = values.filter((value) => value !== false).flatMap((value) => partsOf(value, 'any'));
  return asked.length < 2 ? (asked[0] ?? false) : { any: asked };
}

function partsOf(value: Truth, key: 'all' | 'any'): readonly Truth[] {
  const inner =
    typeof value === 'object' && !Array.isArray(value)
      ? (value as Readonly<Record<string, FlowValue>>)[key]
      : undefined;
  return Array.isArray(inner) ? (inner as readonly FlowValue[]) : [value];
}

/** The opposite. */
export function notOf(value: Truth): Truth {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string') return value.startsWith('!') ? value.slice(1) : `!${value}`;
  const inner = (value as Readonly<Record<string, FlowValue>>)['not'];
  return inner ?? { not: value };
}

function splitTerms(words: readonly string[]): Term[][] | string {
  const groups: Term[][] = [[]];
  let negated = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === 'or' || word === '||' || word === 'OR') {
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
  FALSE: ['always_false'],
  HTTP: ['always_true'],
  METH_CONNECT: ['method', 'CONNECT'],
  METH_DELETE: ['method', 'DELETE'],
  METH_GET: ['method', 'GET', 'HEAD'],
  METH_HEAD: ['method', 'HEAD'],
  METH_OPTIONS: ['method', 'OPTIONS'],
  METH_POST: ['method', 'POST'],
  METH_PUT: ['method', 'PUT'],
  METH_TRACE: ['method', 'TRACE'],
  HTTP_URL_SLASH: ['path_beg', '/'],
  LOCALHOST: ['src', '127.0.0.1/8', '::1'],
  TRUE: ['always_true'],
  WAIT_END: ['always_true'],
};

type TermReading =
  | { readonly value: Truth; readonly remark?: string; readonly isLess?: boolean }
  | { readonly why: string };

interface TermUse extends ConditionUse {
  readonly isUnless: boolean;
}

function readTerm(work: AclWork, term: Term, use: TermUse): TermReading {
  const known = term.name === undefined ? inlineAcl(work, term.words ?? [], use.base) : namedAcl(work, term.name);
  if ('why' in known) return known;
  const name = term.name ?? '';
  if (known.parts.length === 0) return { why: `its ACL "${name}" was not taken` };
  if (use.phase === 'response' && known.asksRequest) return readGone(known, term.negated);
  const value = anyOf(known.parts);
  const remark = known.remark === undefined ? {} : { remark: known.remark };
  const reading = { value: term.negated ? notOf(value) : value, ...remark };
  if (!known.isIncomplete) return reading;
  // What matches less than before must not be turned round.
  if (term.negated !== use.isUnless)
    return { why: `a line of its ACL "${name}" was refused, so the rule would match more` };
  return { ...reading, remark: `a line of its ACL "${name}" was refused, so it matches less`, isLess: true };
}

// HAProxy warns of it at its start: a condition on what is gone is never true.
function readGone(known: KnownAcl, negated: boolean): TermReading {
  if (known.asksOther) return { why: 'it asks for the request and for other things when the answer comes' };
  const remark = 'HAProxy never finds the request any more when the answer comes, so this condition was never true';
  return { value: negated, remark };
}

function namedAcl(work: AclWork, name: string): KnownAcl | { readonly why: string } {
  const predefined = Object.hasOwn(PREDEFINED, name) ? PREDEFINED[name] : undefined;
  if (!work.acls.has(name) && predefined !== undefined) {
    const reading = readAcl(work, predefined);
    if (reading.ok) addAclLine(work, name, reading);
  }
  return work.acls.get(name) ?? { why: `its ACL "${name}" was not taken` };
}

/** Reads a criterion for the mode of its section. */
export function readAcl(work: AclWork, words: readonly string[]): AclReading {
  const reading = readCriterion(words);
  if (!reading.ok || work.owner.mode === 'http') return reading;
  const foreign = Object.keys(reading.lists).some((key) => key !== 'source' && key !== 'port');
  return foreign || reading.match !== undefined
    ? { ok: false, why: `"${words[0] ?? ''}" is in HTTP messages, and this is mode tcp` }
    : reading;
}

/** Notes that a line of an ACL was refused. */
export function addRefusedLine(work: AclWork, name: string): void {
  const known = work.acls.get(name) ?? emptyAcl();
  known.isIncomplete = true;
  work.acls.set(name, known);
}

/** Takes one `acl` line; a line with another case rule begins a further ACL of the same meaning, whose name is given back. */
export function addAclLine(work: AclWork, name: string, reading: AclReading & { readonly ok: true }): string {
  const known = work.acls.get(name) ?? emptyAcl();
  work.acls.set(name, known);
  return addPart(work, known, { name, reading });
}

function addPart(
  work: AclWork,
  known: KnownAcl,
  line: { readonly name: string; readonly reading: AclReading & { readonly ok: true } },
): string {
  const { reading, name } = line;
  if (reading.asksRequest) known.asksRequest = true;
  else known.asksOther = true;
  if (reading.constant !== undefined) {
    known.parts.push(reading.constant);
    if (reading.remark !== undefined) known.remark = reading.remark;
    return name;
  }
  const last = known.parts.findLast((part) => typeof part === 'string');
  if (last !== undefined && addToAcl(work.owner.acls, last, reading)) return last;
  const part = work.names.free(name);
  known.parts.push(part);
  addToAcl(work.owner.acls, part, reading);
  return part;
}

function emptyAcl(): KnownAcl {
  return { parts: [], isIncomplete: false, asksRequest: false, asksOther: false };
}

function inlineAcl(work: AclWork, words: readonly string[], base: string): KnownAcl | { readonly why: string } {
  const key = words.join(' ');
  const before = work.inline.get(key);
  if (before !== undefined) return before;
  const reading = readAcl(work, words);
  if (!reading.ok) return { why: reading.why };
  const known = emptyAcl();
  addPart(work, known, { name: base, reading });
  work.inline.set(key, known);
  return known;
}
