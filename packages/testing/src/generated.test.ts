import { describe, expect, it } from 'vitest';
import { generatedCase, validRequest } from './generated.ts';
import { mutate, mutations } from './mutations.ts';
import { SeededRandom } from './random.ts';
import { readRequest } from './strict-reader.ts';

const numbers = Array.from({ length: 400 }, (_, i) => i);

describe('validRequest()', () => {
  it('is read by the strict reader to its last byte', () => {
    const random = new SeededRandom(1);
    for (const i of numbers) {
      const text = validRequest(random, `n${i}`);
      const result = readRequest(text);
      if (result.kind !== 'message') throw new Error(`${JSON.stringify(result)} of ${JSON.stringify(text)}`);
      expect(result.message.length).toBe(text.length);
    }
  });
});

describe('generatedCase()', () => {
  it('is the same for the same seed and number, and another for another', () => {
    expect(generatedCase(7, 3)).toEqual(generatedCase(7, 3));
    const texts = new Set(numbers.map((i) => generatedCase(7, i).text));
    expect(texts.size).toBeGreaterThan(numbers.length * 0.95);
    expect(generatedCase(8, 3).text).not.toBe(generatedCase(7, 3).text);
  });

  it('damages most cases and leaves some whole', () => {
    const damaged = numbers.filter((i) => generatedCase(1, i).kinds.length > 0).length;
    expect(damaged).toBeGreaterThan(numbers.length / 2);
    expect(damaged).toBeLessThan(numbers.length);
  });
});

describe('mutate()', () => {
  it.each(Object.keys(mutations))('changes a message: %s', (kind) => {
    const text = 'POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc';
    const random = new SeededRandom(5);
    const results = new Set(numbers.slice(0, 50).map(() => mutations[kind]!(text, random)));
    results.delete(text);
    expect(results.size).toBeGreaterThan(1);
  });

  it('leaves an empty text alone', () => {
    expect(mutate('', new SeededRandom(1), 3)).toEqual({ text: '', kinds: [] });
  });
});
