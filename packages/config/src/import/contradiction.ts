// Two lines of the old files that cannot both be true: one problem that names both.
import { problemAt, type ConfigProblem } from '../problem.ts';
import { maskSecrets, type ImportReport, type SourceLine } from './report.ts';

/** Makes the problem and answers both lines. */
export function contradiction(
  report: ImportReport,
  about: { readonly what: string; readonly path: readonly string[]; readonly target: string },
  sides: readonly [
    { readonly shown: string; readonly line: SourceLine },
    { readonly shown: string; readonly line: SourceLine },
  ],
): ConfigProblem {
  const [first, second] = sides;
  for (const [own, other] of [sides, [second, first] as const]) {
    const why = `contradicts ${placeOf(other.line)} ("${maskSecrets(other.line.text)}"): nothing is chosen between them`;
    report.answer(own.line, { verdict: 'refused', why, target: about.target });
  }
  const params = {
    what: about.what,
    first: first.shown,
    firstPlace: placeOf(first.line),
    second: second.shown,
    secondPlace: placeOf(second.line),
  };
  const finding = {
    severity: 'error',
    code: 'LB_IMPORT_CONTRADICTION',
    path: about.path,
    at: 'value',
    params,
  } as const;
  return problemAt(finding, { file: second.line.file, line: second.line.line, column: 1 });
}

function placeOf(line: SourceLine): string {
  return `${line.file}:${line.line}`;
}
