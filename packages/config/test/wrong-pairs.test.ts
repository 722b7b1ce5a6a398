// Pairs that people have configured wrong, one to a file: each is refused or corrected, with the line and the remedy. An
// input that begins with `===` are old files to import (see import.test.ts); of their report, what was not taken is shown.
import { expect, test } from 'vitest';
import { formatImportReport, formatProblem, importConfig, parseConfig } from '../src/index.ts';
import { readCases } from './case-files.ts';
import { readImport } from './import-input.ts';

const cases = readCases('wrong-pairs');

test('there are at least fifty wrong pairs', () => {
  expect(cases.length).toBeGreaterThanOrEqual(50);
});

test.each(cases)('a wrong pair is refused or corrected with line and remedy: $name', ({ input, expected }) => {
  const said = input.startsWith('===') ? sayImport(input) : sayConfig(input, 'tospann.yaml');
  expect(`${said}\n`).toBe(expected);
  expect(said).toMatch(/^\S+:\d+(?::\d+)?: /);
});

function sayConfig(text: string, file: string): string {
  const result = parseConfig(text, { file });
  const problems = [...(result.ok ? [] : result.problems), ...result.warnings];
  for (const { hint } of problems) expect(hint).not.toBe('');
  return problems.map(formatProblem).join('\n');
}

function sayImport(text: string): string {
  const result = importConfig(readImport(text));
  const left = result.report.filter(
    ({ file, verdict }) => file.startsWith('lb') && verdict !== 'taken' && verdict !== 'not-needed',
  );
  const fresh = sayConfig(result.yaml, 'tospann.yaml');
  return [formatImportReport(left), ...result.problems.map(formatProblem), ...(fresh === '' ? [] : [fresh])].join('\n');
}
