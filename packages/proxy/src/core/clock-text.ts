// Time of day as log text, in UTC, without Date: the text is kept and only the part that has changed is written again.
import { latin1, putPadded } from './bytes.ts';

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const DAY_S = 86_400;

/** Where the time begins in `ClockText.json` and in `ClockText.haproxy`. */
export const JSON_TIME_AT = 9;
export const LOG_TIME_AT = 2;

/** Renders wall-clock ms into the two forms that logs use, with what always stands around them. */
export class ClockText {
  /** Begin of a JSON line: `{"time":"2026-11-22T17:20:30.123Z","client":"`. */
  readonly json: Uint8Array = latin1('{"time":"1970-01-01T00:00:00.000Z","client":"');
  /** Part of a HAProxy line: ` [22/Nov/2026:17:20:30.123`. The time's first 20 bytes are the common log format's. */
  readonly haproxy: Uint8Array = latin1(' [01/Jan/1970:00:00:00.000');
  #second = 0;
  #day = 0;
  #ms = 0;

  /** @param wallMs Milliseconds since 1970, UTC. */
  render(wallMs: number): void {
    const second = Math.floor(wallMs / 1000);
    if (second !== this.#second) this.#renderSecond(second);
    const ms = Math.floor(wallMs - second * 1000);
    if (ms === this.#ms) return;
    this.#ms = ms;
    putPadded(this.json, JSON_TIME_AT + 20, ms, 3);
    putPadded(this.haproxy, LOG_TIME_AT + 21, ms, 3);
  }

  #renderSecond(second: number): void {
    this.#second = second;
    const day = Math.floor(second / DAY_S);
    if (day !== this.#day) this.#renderDay(day);
    const ofDay = second - day * DAY_S;
    const hour = Math.floor(ofDay / 3600);
    const minute = Math.floor(ofDay / 60) % 60;
    for (const [target, at] of [
      [this.json, JSON_TIME_AT + 11],
      [this.haproxy, LOG_TIME_AT + 12],
    ] as const) {
      putPadded(target, at, hour, 2);
      putPadded(target, at + 3, minute, 2);
      putPadded(target, at + 6, ofDay % 60, 2);
    }
  }

  /** Days since 1970 to a civil date: years are counted from 1 March, in eras of 400 years (146 097 days). */
  #renderDay(day: number): void {
    this.#day = day;
    const shifted = day + 719_468;
    const era = Math.floor(shifted / 146_097);
    const ofEra = shifted - era * 146_097;
    const yearOfEra = Math.floor(
      (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
    );
    const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
    const marchMonth = Math.floor((5 * ofYear + 2) / 153);
    const date = ofYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
    const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
    const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
    putPadded(this.json, JSON_TIME_AT + 0, year, 4);
    putPadded(this.json, JSON_TIME_AT + 5, month, 2);
    putPadded(this.json, JSON_TIME_AT + 8, date, 2);
    putPadded(this.haproxy, LOG_TIME_AT + 0, date, 2);
    for (let i = 0; i < 3; i++) this.haproxy[LOG_TIME_AT + 3 + i] = MONTHS.charCodeAt((month - 1) * 3 + i);
    putPadded(this.haproxy, LOG_TIME_AT + 7, year, 4);
  }
}
