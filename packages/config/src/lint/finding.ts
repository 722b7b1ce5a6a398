// Short ways to make findings, shared by the lint files.
import type { ErrorCode, ErrorParams } from '@tospann/errors';
import type { Finding, Path } from '../problem.ts';

/** An error at a value. */
export function errorAt(path: Path, code: ErrorCode, params: ErrorParams): Finding {
  return { severity: 'error', code, path, at: 'value', params };
}

/** A warning at a key. */
export function warningAt(path: Path, code: ErrorCode, params: ErrorParams): Finding {
  return { severity: 'warning', code, path, at: 'key', params };
}

/** Calls `twice` for each item whose key an earlier item has. */
export function eachDuplicate<T>(
  items: readonly T[],
  keyOf: (item: T) => string | undefined,
  twice: (item: T, first: T) => Finding,
): Finding[] {
  const seen = new Map<string, T>();
  const findings: Finding[] = [];
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, item);
    else findings.push(twice(item, first));
  }
  return findings;
}
