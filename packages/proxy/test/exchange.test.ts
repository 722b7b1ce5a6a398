// Every case of cases/, at every cut. EXCHANGE_CASE=name runs one.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cutsOf, parseCase, playCase } from './exchange.ts';

const folder = new URL('cases/', import.meta.url);
const only = process.env['EXCHANGE_CASE'];
const names = readdirSync(folder).filter(
  (name) => name.endsWith('.case') && (only === undefined || name === `${only}.case`),
);

describe('exchanges', () => {
  for (const name of names) {
    const exchange = parseCase(readFileSync(new URL(name, folder), 'utf8'));
    it(`${name}: ${exchange.title}`, () => {
      for (const cut of cutsOf(exchange)) {
        const wrong = playCase(exchange, cut);
        expect(wrong === '' ? '' : `cut ${JSON.stringify(cut)}: ${wrong}`).toBe('');
      }
    });
  }
});
