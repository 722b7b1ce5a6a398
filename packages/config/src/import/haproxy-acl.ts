// HAProxy's `acl` and `use_backend` lines, as far as conditions on the path go.
import type { AclDraft } from './pair-draft.ts';

/** The patterns of one `acl` line, or why it cannot be taken. */
export type AclReading =
  | {
      readonly ok: true;
      readonly list: 'pathExact' | 'pathPrefix' | 'pathSuffix';
      readonly ignoreCase: boolean;
      readonly patterns: readonly string[];
    }
  | { readonly ok: false; readonly why: string };

const CRITERIA: Readonly<Record<string, 'pathExact' | 'pathPrefix' | 'pathSuffix'>> = {
  path: 'pathExact',
  path_beg: 'pathPrefix',
  path_end: 'pathSuffix',
};

const MATCHES: Readonly<Record<string, 'pathExact' | 'pathPrefix' | 'pathSuffix'>> = {
  str: 'pathExact',
  beg: 'pathPrefix',
  end: 'pathSuffix',
};

/** Reads the criterion and patterns of an ACL: `path_beg -i /static /images`. */
export function readCondition(words: readonly string[]): AclReading {
  const [criterion = '', ...rest] = words;
  let list = CRITERIA[criterion];
  if (list === undefined) {
    return { ok: false, why: `"${criterion}" is not served by this version: conditions are on the path only` };
  }
  let ignoreCase = false;
  let at = 0;
  for (; at < rest.length; at += 1) {
    const flag = rest[at] ?? '';
    if (flag === '-i') {
      ignoreCase = true;
    } else if (flag === '-m') {
      list = MATCHES[rest[at + 1] ?? ''];
      if (list === undefined) {
        return { ok: false, why: `the match "-m ${rest[at + 1] ?? ''}" is not served by this version` };
      }
      at += 1;
    } else if (flag === '--') {
      at += 1;
      break;
    } else if (flag.startsWith('-')) {
      return { ok: false, why: `the flag "${flag}" is not served by this version` };
    } else {
      break;
    }
  }
  const patterns = rest.slice(at);
  const why = whyNever(list, patterns);
  if (why !== undefined) return { ok: false, why };
  return { ok: true, list, ignoreCase, patterns };
}

function whyNever(list: 'pathExact' | 'pathPrefix' | 'pathSuffix', patterns: readonly string[]): string | undefined {
  if (patterns.length === 0) return 'it has no pattern';
  if (patterns.some((pattern) => /\s/.test(pattern))) return 'a path has no blanks, so this pattern can never match';
  if (list !== 'pathSuffix' && patterns.some((pattern) => !pattern.startsWith('/'))) {
    return 'a path begins with "/", so this pattern can never match';
  }
  return undefined;
}

/** Adds patterns to the ACL of a name; false when the name has the other case rule already. */
export function addToAcl(acls: AclDraft[], name: string, reading: AclReading & { readonly ok: true }): boolean {
  let acl = acls.find((known) => known.name === name);
  if (acl === undefined) {
    acl = { name, pathExact: [], pathPrefix: [], pathSuffix: [], ignoreCase: reading.ignoreCase };
    acls.push(acl);
  }
  if (acl.ignoreCase !== reading.ignoreCase) return false;
  acl[reading.list].push(...reading.patterns);
  return true;
}

/** What stands after `if`: one ACL name or one condition in braces for each alternative. */
export type Alternative = { readonly acl: string } | { readonly condition: readonly string[] };

/** Splits `a or { path_beg /b }` into alternatives; text when it needs more than this version has. */
export function readAlternatives(words: readonly string[]): readonly Alternative[] | string {
  const groups: string[][] = [[]];
  for (const word of words) {
    if (word === 'or' || word === '||') groups.push([]);
    else groups.at(-1)?.push(word);
  }
  const alternatives: Alternative[] = [];
  for (const group of groups) {
    if (group.some((word) => word.startsWith('!'))) return 'a negated condition is not served by this version';
    if (group[0] === '{' && group.indexOf('}') === group.length - 1) {
      alternatives.push({ condition: group.slice(1, -1) });
    } else if (group.length === 1 && group[0] !== undefined) {
      alternatives.push({ acl: group[0] });
    } else {
      return 'a rule names one ACL in this version, not several that must all be true';
    }
  }
  return alternatives;
}
