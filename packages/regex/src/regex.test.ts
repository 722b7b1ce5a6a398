// The engine against JavaScript's own on what both know; what it refuses; and that its work grows with the input only.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRegex, compileRegex } from './index.ts';

const utf8 = new TextEncoder();

function matches(pattern: string, input: string, ignoreCase = false): boolean {
  const bytes = utf8.encode(`((${input}))`);
  return compileRegex(pattern, { ignoreCase }).test(bytes, 2, bytes.length - 2);
}

/** Patterns of the common language; depth and inputs are small, as JavaScript's engine may need exponential time. */
const { pattern } = fc.letrec<{ pattern: string; sequence: string; piece: string; atom: string }>((tie) => ({
  pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('|')),
  sequence: fc.array(tie('piece'), { maxLength: 4 }).map((parts) => parts.join('')),
  piece: fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(tie('atom'), fc.constantFrom('', '', '', '*', '+', '?', '*?', '{2}', '{1,2}', '{0,}', '{0}'))
        .map((parts) => parts.join('')),
    },
    { weight: 1, arbitrary: fc.constantFrom('^', '$') },
  ),
  atom: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('a', 'b', 'A', '.', '-', '_', ' ', '{', 'é', '€'),
    fc.constantFrom(
      String.raw`\d`,
      String.raw`\w`,
      String.raw`\s`,
      String.raw`\D`,
      String.raw`\W`,
      String.raw`\.`,
      String.raw`\x41`,
      String.raw`\n`,
    ),
    fc.constantFrom('[ab]', '[^a]', '[a-c1]', '[-a]', '[a-]', String.raw`[\d_]`, String.raw`[^\s.]`, '[b]'),
    tie('pattern').map((inner) => `(${inner})`),
    tie('pattern').map((inner) => `(?:${inner})`),
    tie('pattern')
      .map((inner) => `(?<n>${inner})`)
      .filter((text) => text.split('?<n>').length === 2),
  ),
}));

describe('Regex.test()', () => {
  it('says what JavaScript says', () => {
    const input = fc.array(fc.constantFrom('a', 'b', 'c', 'A', '1', '_', ' ', '-', '.', '\n', '{'), { maxLength: 9 });
    fc.assert(
      fc.property(
        pattern,
        fc.array(input, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (text, inputs, ignoreCase) => {
          if (text.split('?<n>').length > 2) return; // a name twice, which JavaScript refuses
          const reference = new RegExp(text, ignoreCase ? 'i' : '');
          if (checkRegex(text, { ignoreCase })?.reason.includes('too large') === true) return;
          const own = compileRegex(text, { ignoreCase });
          for (const parts of inputs) {
            const bytes = utf8.encode(parts.join(''));
            expect([text, parts.join(''), own.test(bytes, 0, bytes.length)]).toEqual([
              text,
              parts.join(''),
              reference.test(parts.join('')),
            ]);
          }
        },
      ),
      { numRuns: 1500 },
    );
  });

  it.each([
    ['^/api/v[0-9]+/', '/api/v12/x', true],
    ['^/api/v[0-9]+/', '/x/api/v12/', false],
    [String.raw`\.(jpe?g|png)$`, '/a.JPG', false],
    [String.raw`(?i)\.(jpe?g|png)$`, '/a.JPG', true],
    [String.raw`a(?i:b)c`, 'aBc', true],
    [String.raw`a(?i:b)c`, 'aBC', false],
    ['(a(?i)b|c)d', 'Cd', true],
    ['(a(?i)b|c)d', 'CD', false],
    ['^ü+$', 'üü', true],
    ['^.{2}$', 'ü', true],
    ['^$', '', true],
    ['$^', '', true],
    ['', 'x', true],
    ['a{', 'a{', true],
    ['a{1,x}', 'a{1,x}', true],
    ['x{,2}', 'x{,2}', true],
    ['(^a|b$)c?', 'xb', true],
    ['(^a|b$)c', 'xbc', false],
    [String.raw`\x2e\t`, '.\t', true],
    ['[\\b]', '\b', true],
  ])('%s in %j: %s', (text, input, expected) => {
    expect(matches(text, input)).toBe(expected);
  });
});

describe('checkRegex()', () => {
  it.each([
    [String.raw`(a)\1`, 3, 'back-references'],
    [String.raw`\k<n>`, 0, 'back-references'],
    ['a(?=b)', 1, 'look-ahead'],
    ['a(?!b)', 1, 'look-ahead'],
    ['(?<=a)b', 0, 'look-behind'],
    ['(?<!a)b', 0, 'look-behind'],
    ['(?>a)', 0, 'atomic'],
    [String.raw`\bword`, 0, 'word boundaries'],
    [String.raw`\p{L}`, 0, 'not supported'],
    ['a(b', 1, 'not closed'],
    ['a)b', 1, 'no opening'],
    ['a[b', 1, 'not closed'],
    ['[]', 0, 'empty class'],
    ['[b-a]', 1, 'wrong order'],
    ['[ä]', 1, 'ASCII'],
    ['[[:alpha:]]', 1, 'POSIX'],
    ['*a', 0, 'nothing to repeat'],
    ['a**', 2, 'quantifier'],
    ['a++', 2, 'possessive'],
    ['a{3,2}', 1, 'wrong order'],
    ['a{1001}', 1, 'repetitions'],
    ['((a{100}){100}){100}', 0, 'too large'],
    ['(((){1000}){1000}){1000}', 0, 'too large'],
    ['(a|b)*a(a|b){40}c', 0, 'too large'],
    ['(a|b)*a(a|b){40}c', 0, 'too large'],
    ['(?x)a', 0, 'not supported'],
    ['a\\', 1, 'backslash'],
    [String.raw`\xg1`, 0, 'hexadecimal'],
    ['^*', 1, 'anchor'],
    ['('.repeat(60) + ')'.repeat(60), 50, 'groups'],
    ['a'.repeat(2001), 2000, 'longer'],
  ])('refuses %s at %i', (text, position, reason) => {
    const problem = checkRegex(text);
    expect(problem?.position).toBe(position);
    expect(problem?.reason).toContain(reason);
  });

  it('never throws anything else, whatever the text', () => {
    const text = fc.array(fc.constantFrom(...'ab()[]{}|*+?^$\\.-,12:<>=!ik', '(?', '[^', '{2,', 'é'), {
      maxLength: 14,
    });
    fc.assert(
      fc.property(text, (parts) => {
        const problem = checkRegex(parts.join(''));
        if (problem === undefined) return;
        expect(problem.position).toBeLessThanOrEqual(parts.join('').length);
        expect(problem.reason).not.toBe('');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the work of Regex.test()', () => {
  it.each(['(a*)*b', '(a|a)*b', '(a|aa)+$', '(.*)(.*)(.*)x', '(a?){30}a{30}b', '^(([a-z])+.)+[A-Z]([a-z])+$'])(
    'of %s is one step a byte',
    (text) => {
      const regex = compileRegex(text);
      const input = utf8.encode(`${'a'.repeat(100_000)}!`);
      regex.test(input, 0, input.length);
      expect(regex.steps).toBeLessThanOrEqual(input.length);
    },
  );

  it('ends as soon as it is decided', () => {
    const regex = compileRegex('^/api/');
    const input = utf8.encode(`/api/${'x'.repeat(1000)}`);
    expect([regex.test(input, 0, input.length), regex.steps]).toEqual([true, 5]);
    expect([regex.test(input, 1, input.length), regex.steps]).toEqual([false, 6]);
  });

  it('holds a list of words', () => {
    const words = Array.from({ length: 150 }, (_, i) => `bot${(i * 7919).toString(36)}`);
    const regex = compileRegex(words.join('|'), { ignoreCase: true });
    const input = utf8.encode(`Mozilla/5.0 (compatible; ${words[77]!.toUpperCase()}/1.0)`);
    expect(regex.test(input, 0, input.length)).toBe(true);
    expect(regex.test(input, 0, 30)).toBe(false);
  });
});
