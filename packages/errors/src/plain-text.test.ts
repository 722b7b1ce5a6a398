import { expect, test } from 'vitest';
import { plainData, plainJson, plainText } from './plain-text.ts';

test('plainText() lets nothing through that a terminal acts on, and shows that something was there', () => {
  expect(plainText('up # \u001b]0;owned\u0007\u001b[2K\rb/s1 fine')).toBe('up # \ufffd]0;owned\ufffd[2K b/s1 fine');
  expect(plainText('two\r\nlines\tand \u2028 more')).toBe('two lines and   more');
  expect(plainText('a\u009b31mb')).toBe('a\ufffd31mb');
  for (const hidden of ['\u202e', '\u2066', '\u200f', '\u061c', '\u200b', '\ufeff', '\u{e0041}', '\ud800'])
    expect(plainText(`a${hidden}b`), hidden).toBe('a\ufffdb');
  expect(plainText('Grüße, мир, 世界 🐎')).toBe('Grüße, мир, 世界 🐎');
});

test('plainText() leaves no unfit character of all that there are', () => {
  for (let code = 0; code <= 0x10ffff; code++) {
    const char = code >= 0xd800 && code <= 0xdfff ? String.fromCharCode(code) : String.fromCodePoint(code);
    const shown = plainText(char);
    if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(shown)) expect.fail(`U+${code.toString(16)} comes through`);
  }
});

test('plainText() bounds the length and never cuts a character in two', () => {
  expect(plainText('x'.repeat(10), 10)).toBe('x'.repeat(10));
  expect(plainText('x'.repeat(11), 10)).toBe(`${'x'.repeat(9)}…`);
  expect(plainText(`${'x'.repeat(8)}🐎🐎`, 10)).toBe(`${'x'.repeat(8)}…`);
});

test('plainData() reaches every string and keeps what is fit as it is', () => {
  const fit = { a: ['b', 1, null, undefined, true], c: { d: 'e' } };
  expect(plainData(fit)).toBe(fit);
  expect(plainData({ a: ['\u001bx', { b: 'y\nz' }], n: 1 })).toEqual({ a: ['\ufffdx', { b: 'y z' }], n: 1 });
  expect(plainData({ a: 'x'.repeat(5000) }).a.length).toBe(400);
});

test('plainJson() changes bytes only: it reads back as it was', () => {
  const value = { text: 'a\u001b\u007f\u009b\u202e\n\u2028\u{e0041}ü🐎' };
  const text = plainJson(JSON.stringify(value));
  expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
  expect(text).toContain('ü🐎');
  expect(JSON.parse(text)).toEqual(value);
});
