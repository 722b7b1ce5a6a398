import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { text } from './bytes.ts';
import { ClockText, JSON_TIME_AT, LOG_TIME_AT } from './clock-text.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

describe('ClockText', () => {
  it('writes what Date writes, for any order of times from 1970 to 2200', () => {
    const clock = new ClockText();
    const times = fc.array(fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(times, (list) => {
        for (const ms of list) {
          clock.render(ms);
          const date = new Date(ms);
          const iso = date.toISOString();
          expect(text(clock.json, JSON_TIME_AT, JSON_TIME_AT + 24)).toBe(iso);
          const day = `${iso.slice(8, 10)}/${MONTHS[date.getUTCMonth()]}/${iso.slice(0, 4)}`;
          expect(text(clock.haproxy, LOG_TIME_AT)).toBe(`${day}:${iso.slice(11, 23)}`);
        }
      }),
      { numRuns: 200 },
    );
  });
});
