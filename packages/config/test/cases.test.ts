// The golden cases of parseConfig: after the dashes stands the exact text of all problems and warnings, or, when it
// begins with `{`, a part of the model as JSON.
import { expect, test } from 'vitest';
import { formatProblem, parseConfig } from '../src/index.ts';
import { readCases } from './case-files.ts';

const cases = readCases('cases');

test('parseConfig() has its golden cases', () => {
  // A folder that was not found would make a test run that proves nothing.
  expect(cases.map(({ name }) => name)).toContain('many-at-once');
});

test.each(cases)('parseConfig() says what the case says: $name', ({ input, expected }) => {
  const result = parseConfig(input, { file: 'tospann.yaml' });
  const said = [...(result.ok ? [] : result.problems), ...result.warnings].map(formatProblem).join('\n');
  if (expected.startsWith('{')) {
    expect(said).toBe('');
    expect(result).toMatchObject({ ok: true, config: JSON.parse(expected) as object });
  } else {
    expect(`${said}\n`).toBe(expected);
    expect(result.ok).toBe(!/: LB_/.test(expected));
  }
});
