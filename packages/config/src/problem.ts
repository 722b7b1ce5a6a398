// What is wrong with a configuration, as plain data: where, which code, which field, what to do. Errors keep the
// configuration from being used; warnings do not. The text itself comes from the catalogue of @tospann/errors.
import { TospannError, type ErrorCode, type ErrorParams } from '@tospann/errors';

/** Keys and list indexes from the root of the file to a value. */
export type Path = readonly (string | number)[];

export interface ConfigProblem {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in characters. */
  readonly column: number;
  readonly code: ErrorCode;
  /** For instance `frontends.main.bind[0]`; `(root)` for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

/** A problem before it has a place: the checks make these, the document adds line and column. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly path: Path;
  /** `key`: point at the key (it should not be there, or lacks something); `value`: point at what it holds. */
  readonly at: 'key' | 'value';
  readonly params: ErrorParams;
}

/** Writes a path the way operators read it: `servers.web1`, `bind[0]`, `backends["my app"]`. */
export function formatPath(path: Path): string {
  if (path.length === 0) return '(root)';
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[\w-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** Puts a finding at a place in a file; message and hint come from the catalogue. */
export function problemAt(
  finding: Finding,
  place: { readonly file: string; readonly line: number; readonly column: number },
): ConfigProblem {
  const error = new TospannError(finding.code, finding.params);
  return {
    severity: finding.severity,
    file: place.file,
    line: place.line,
    column: place.column,
    code: finding.code,
    path: formatPath(finding.path),
    message: error.message,
    hint: error.hint,
  };
}

/**
 * Writes a problem as two lines: `FILE:LINE:COL: LB_CODE path: message`, then `  hint: ...`.
 * A warning has the word `warning` before its code. No final newline.
 */
export function formatProblem(problem: ConfigProblem): string {
  const mark = problem.severity === 'warning' ? 'warning ' : '';
  const place = `${problem.file}:${problem.line}:${problem.column}`;
  return `${place}: ${mark}${problem.code} ${problem.path}: ${problem.message}\n  hint: ${problem.hint}`;
}

/** Orders problems as they stand in the file. */
export function sortProblems(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column || compareText(a.code, b.code));
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Shows a value of the file inside a message: as JSON, at most 60 characters. */
export function showValue(value: unknown): string {
  if (value === null) return 'empty';
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
