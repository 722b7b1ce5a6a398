// The `if` of a rule: the name of an ACL, `!NAME`, or a mapping with all, any or not, nested to a bounded depth.
// Reading only; whether the ACLs exist is a check of lint/.
import type { ConditionConfig } from '../model.ts';
import type { ShapeProblem } from './fields.ts';

/** Deeper conditions are a mistake: no file that people read needs them. */
const MAX_DEPTH = 8;

const MUST =
  'the name of an ACL, "!" and a name, or a mapping with one of all, any (lists of conditions) and not (one condition)';
const NAME = /^!?\w[\w.:-]{0,63}$/;

/** A condition that was read; `condition` counts only when there are no problems. */
export interface ConditionReading {
  readonly value: ConditionConfig;
  readonly problems: readonly ShapeProblem[];
}

/** Reads a condition as written in the file. */
export function readCondition(raw: unknown): ConditionReading {
  const problems: ShapeProblem[] = [];
  return { value: read(raw, [], problems), problems };
}

const NOTHING: ConditionConfig = { any: [] };
/** What `import` leaves for a person to write; it is no name of an ACL. */
const PLACEHOLDER = 'FILL-IN';

function read(raw: unknown, path: readonly (string | number)[], problems: ShapeProblem[]): ConditionConfig {
  if (typeof raw === 'string' && NAME.test(raw) && !raw.startsWith(PLACEHOLDER)) {
    return raw.startsWith('!') ? { not: { acl: raw.slice(1) } } : { acl: raw };
  }
  const isMapping = typeof raw === 'object' && raw !== null && !Array.isArray(raw);
  const [[key, inner] = ['', undefined], ...others] = isMapping ? Object.entries(raw as Mapping) : [];
  if (others.length > 0 || !['all', 'any', 'not'].includes(key)) {
    problems.push({ path, must: MUST });
    return NOTHING;
  }
  if (path.length >= 2 * MAX_DEPTH) {
    problems.push({ path, must: `a condition that nests no deeper than ${MAX_DEPTH} levels` });
    return NOTHING;
  }
  if (key === 'not') return { not: read(inner, [...path, key], problems) };
  const parts = readList(inner, [...path, key], problems);
  return key === 'all' ? { all: parts } : { any: parts };
}

function readList(raw: unknown, path: readonly (string | number)[], problems: ShapeProblem[]): ConditionConfig[] {
  if (Array.isArray(raw) && raw.length >= 1 && raw.length <= 64) {
    return raw.map((part: unknown, index) => read(part, [...path, index], problems));
  }
  problems.push({ path, must: 'a list of 1 to 64 conditions' });
  return [];
}

type Mapping = Readonly<Record<string, unknown>>;

/** The names of the ACLs in a condition, each once. */
export function aclsOf(condition: ConditionConfig): readonly string[] {
  if ('acl' in condition) return [condition.acl];
  if ('not' in condition) return aclsOf(condition.not);
  return [...new Set(('all' in condition ? condition.all : condition.any).flatMap(aclsOf))];
}
