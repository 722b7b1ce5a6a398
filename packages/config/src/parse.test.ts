import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EXAMPLE_CONFIG, formatProblem, parseConfig, type ConfigResult } from './index.ts';
import { MAX_CONFIG_BYTES } from './document.ts';
import { configError } from './parse.ts';

const file = 'tospann.yaml';
// More for a long run: TOSPANN_PROPERTY_RUNS=20000.
const numRuns = Number(process.env['TOSPANN_PROPERTY_RUNS'] ?? 300);

function expectPlaced(result: ConfigResult, text: string): void {
  const lines = text.split('\n');
  const problems = result.ok ? result.warnings : [...result.problems, ...result.warnings];
  if (!result.ok) expect(result.problems.length).toBeGreaterThan(0);
  for (const problem of problems) {
    expect(problem.line).toBeGreaterThanOrEqual(1);
    expect(problem.line).toBeLessThanOrEqual(lines.length);
    expect(problem.column).toBeGreaterThanOrEqual(1);
    expect(problem.column).toBeLessThanOrEqual((lines[problem.line - 1] ?? '').length + 1);
    // A place that a message does not fill stays visible as {name}.
    expect(formatProblem(problem)).not.toMatch(
      /\{(?:key|value|field|constraint|example|detail|advice|suggestion|what)\}/,
    );
  }
}

/** Edits that people and broken editors make. */
const mutation = fc.record({
  at: fc.nat(),
  remove: fc.integer({ min: 0, max: 12 }),
  insert: fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      '\n',
      '\t',
      ':',
      ': ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '#',
      '&a ',
      '*a',
      '!!x ',
      '|',
      '>',
      '%',
      '@',
      '\r',
      '\u0000',
      '~',
      '0',
      '-1',
      '1e9',
      '.inf',
      'null',
      '\u{1F434}',
    ),
    fc.string({ maxLength: 8 }),
  ),
});

test('parseConfig() never throws, and places every problem inside the file, whatever is done to a valid file', () => {
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      let text = EXAMPLE_CONFIG;
      for (const { at, remove, insert } of mutations) {
        const from = at % (text.length + 1);
        text = text.slice(0, from) + insert + text.slice(from + remove);
      }
      expectPlaced(parseConfig(text, { file }), text);
    }),
    { numRuns },
  );
});

test('parseConfig() never throws on lines in another order', () => {
  const lines = EXAMPLE_CONFIG.split('\n');
  fc.assert(
    fc.property(fc.shuffledSubarray(lines), (subset) => {
      const text = subset.join('\n');
      expectPlaced(parseConfig(text, { file }), text);
    }),
    { numRuns: Math.ceil(numRuns / 3) },
  );
});

test('parseConfig() never throws on any values in the places of the file', () => {
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 4 }),
      fc.constantFrom('cluster', 'vips', 'frontends', 'backends', 'http', 'admin'),
      (json, key) => {
        const text = `version: 1\n${key}: ${json}\n`;
        expectPlaced(parseConfig(text, { file }), text);
      },
    ),
    { numRuns: Math.ceil(numRuns / 3) },
  );
});

test('parseConfig() refuses text that nests too deep without ending the stack', () => {
  for (const text of ['['.repeat(100_000), `a: ${'{a: '.repeat(50_000)}`, `a: ${'['.repeat(40)}${']'.repeat(40)}\n`]) {
    const result = parseConfig(text, { file });
    expect(result.ok ? [] : result.problems.map(({ code }) => code)).toContain('LB_CONFIG_SYNTAX');
  }
});

test('parseConfig() refuses a file over 1 MiB', () => {
  const result = parseConfig(`${EXAMPLE_CONFIG}#${'x'.repeat(MAX_CONFIG_BYTES)}`, { file });
  expect(result.ok ? [] : result.problems.map(({ code }) => code)).toEqual(['LB_CONFIG_TOO_LARGE']);
});

test('parseConfig() reads files with CR LF line ends', () => {
  const unix = parseConfig(EXAMPLE_CONFIG, { file });
  const windows = parseConfig(EXAMPLE_CONFIG.replaceAll('\n', '\r\n'), { file });
  expect(windows).toEqual(unix);
  expect(unix.ok).toBe(true);
});

test('parseConfig() gives the same hash to files that mean the same', () => {
  const other = EXAMPLE_CONFIG.replace('interval: 2s', 'interval: 2000ms')
    .replace('    lb1: { address: 10.10.0.11, interface: eth0 }\n', '')
    .replace('vips:', '    lb1: { interface: eth0, address: 10.10.0.11 }\nvips:')
    .replace('timeouts: {', '# a comment\ntimeouts: {')
    .replace(', tunnel: 1h', '');
  const [a, b] = [parseConfig(EXAMPLE_CONFIG, { file }), parseConfig(other, { file })];
  expect(other).not.toBe(EXAMPLE_CONFIG);
  expect(a.ok && b.ok && a.config.hash === b.config.hash).toBe(true);
  expect(a.ok && /^[0-9a-f]{64}$/.test(a.config.hash)).toBe(true);
});

test('parseConfig() gives another hash when a server changes its place or its weight', () => {
  const hashes = [
    EXAMPLE_CONFIG,
    EXAMPLE_CONFIG.replace('weight: 100', 'weight: 99'),
    EXAMPLE_CONFIG.replace('10.10.10.2:80', '10.10.10.2:81'),
  ].map((text) => {
    const result = parseConfig(text, { file });
    return result.ok ? result.config.hash : '';
  });
  expect(new Set(hashes).size).toBe(3);
  expect(hashes).not.toContain('');
});

test('formatProblem() writes FILE:LINE:COL: CODE path: message and a hint line', () => {
  const result = parseConfig(EXAMPLE_CONFIG.replace('client: 1m', 'client: 10'), { file: '/etc/tospann/tospann.yaml' });
  expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([
    '/etc/tospann/tospann.yaml:34:64: LB_CONFIG_BAD_TYPE timeouts.client: Cannot use this value as client must be a duration with a unit (ms, s, m, h, d): current value is 10\n  hint: Write it like "client: 1m".',
  ]);
});

test('configError() names the first problem and how many there are', () => {
  const result = parseConfig('version: 2\n', { file });
  const error = configError(result.ok ? [] : result.problems);
  expect(error.code).toBe('LB_CONFIG_INVALID');
  expect(error.message).toMatch(/^Cannot use the configuration: it has 4 problems, the first is tospann\.yaml:1: /);
});

test.each([
  { many: 'aliases', begin: 'a: &a 1\nb:\n', tested: '  - *a\n', plain: '  - 1\n' },
  { many: 'anchors', begin: '', tested: 'k#: &a# 1\nl#: *a#\n', plain: 'k#: 1\nl#: 1\n' },
])('parseConfig() reads many $many in a time that grows with their number', ({ begin, tested, plain }) => {
  const cpuMs = (item: string): number => {
    const items = Array.from({ length: 5000 }, (_, i) => item.replaceAll('#', String(i)));
    const before = process.cpuUsage();
    parseConfig(`${begin}${items.join('')}`, { file: 'x.yaml' });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const [one, other] = [cpuMs(plain), cpuMs(tested)];
  // A walk over the file for each of them costs a hundred times as much.
  expect(other, `${one} ms without`).toBeLessThan(10 * one);
});
