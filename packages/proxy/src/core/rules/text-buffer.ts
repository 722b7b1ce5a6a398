// Where rules write text for a request: bounded, with percent-encoding for places in a URL.
import { latin1, putNumber } from '../bytes.ts';

/** Most bytes that a template may become; more is a failure of its own. */
const MAX_TEXT_BYTES = 8192;
const HEX = latin1('0123456789ABCDEF');
const PERCENT = 37;

/** What a byte needs at its place: `VALUE` leaves control bytes to HeadEdits, the others write %XX where it must be. */
export const Place = { VALUE: 0, URL: 1, PATH: 2 } as const;

/** 1: may stand in a URL as it is; 2: not in a path (it would begin a query). "#" may stand in a URL of ours. */
const URL_BYTES = new Uint8Array(256).fill(1, 0x21, 0x7f);
for (const byte of latin1('"<>\\^`{|}')) URL_BYTES[byte] = 0;
URL_BYTES[63] = 2;
URL_BYTES[35] = 2;

/** Where a template is written: the first `length` of `bytes`. */
export class TextBuffer {
  readonly bytes = new Uint8Array(MAX_TEXT_BYTES);
  length = 0;
  overflowed = false;
  /** A number of `Place`: for what `put` appends. */
  place: number = Place.VALUE;

  clear(): void {
    this.length = 0;
    this.overflowed = false;
  }

  /** Appends source[from, to), with percent-encoding for a place in a URL. */
  put(source: Uint8Array, from: number, to: number): void {
    const { place } = this;
    if (this.length + (place === Place.VALUE ? 1 : 3) * (to - from) > MAX_TEXT_BYTES) {
      this.overflowed = true;
      return;
    }
    const bytes = this.bytes;
    let at = this.length;
    for (let i = from; i < to; i++) {
      const byte = source[i]!;
      const kind = URL_BYTES[byte]!;
      if (place === Place.VALUE || kind === 1 || (kind === 2 && place === Place.URL)) bytes[at++] = byte;
      else {
        bytes[at++] = PERCENT;
        bytes[at++] = HEX[byte >>> 4]!;
        bytes[at++] = HEX[byte & 15]!;
      }
    }
    this.length = at;
  }

  /** Appends a decimal number. */
  putNumber(value: number): void {
    if (this.length + 16 > MAX_TEXT_BYTES) this.overflowed = true;
    else this.length = putNumber(this.bytes, this.length, value);
  }
}
