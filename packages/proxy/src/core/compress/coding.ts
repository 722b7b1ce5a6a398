// Content codings: which one a client takes (Accept-Encoding, RFC 9110 section 12.5.3) of those that a frontend offers.
// Works on the bytes of a parsed head; allocates nothing.
import { FIELD_STRIDE, NAME_END, NAME_START, type RequestHeadParser, VALUE_END, VALUE_START } from '@tospann/http';
import { isName } from './names.ts';
import { latin1 } from '../bytes.ts';

/** A content coding that we make. */
export const Coding = { NONE: 0, GZIP: 1, BR: 2 } as const;

const ACCEPT_ENCODING = latin1('accept-encoding');
const GZIP = latin1('gzip');
const X_GZIP = latin1('x-gzip');
const BR = latin1('br');
const IDENTITY = latin1('identity');
const COMMA = 44;
const SEMICOLON = 59;
const EQUALS = 61;
const STAR = 42;
const DOT = 46;

/** Not named in the field. */
const UNSAID = -1;
/** What the fields of one request say, in thousandths; one record for all requests. */
const said = { gzip: UNSAID, br: UNSAID, identity: UNSAID, any: UNSAID };

/**
 * The coding for the answer to the request that the parser holds.
 *
 * @param offered Numbers of `Coding`, the preferred one first.
 * @returns A number of `Coding`; NONE when the client takes none of them, or would rather have the plain bytes.
 */
export function chooseCoding(head: RequestHeadParser, offered: readonly number[]): number {
  said.gzip = UNSAID;
  said.br = UNSAID;
  said.identity = UNSAID;
  said.any = UNSAID;
  const { entries, count } = head.fields;
  let found = false;
  for (let entry = 0; entry < count * FIELD_STRIDE; entry += FIELD_STRIDE) {
    if (!isName(head.memory, entries[entry + NAME_START]!, entries[entry + NAME_END]!, ACCEPT_ENCODING)) continue;
    found = true;
    readList(head.memory, entries[entry + VALUE_START]!, entries[entry + VALUE_END]!);
  }
  if (!found) return Coding.NONE;
  let best: number = Coding.NONE;
  let quality = 0;
  for (let i = 0; i < offered.length; i++) {
    const coding = offered[i]!;
    const own = coding === Coding.GZIP ? said.gzip : said.br;
    const weight = own === UNSAID ? said.any : own;
    if (weight <= quality) continue;
    best = coding;
    quality = weight;
  }
  return quality >= said.identity ? best : Coding.NONE;
}

function readList(memory: Uint8Array, start: number, end: number): void {
  let p = start;
  while (p < end) {
    let stop = p;
    while (stop < end && memory[stop] !== COMMA) stop++;
    readMember(memory, p, stop);
    p = stop + 1;
  }
}

function readMember(memory: Uint8Array, start: number, end: number): void {
  let from = start;
  while (from < end && isBlank(memory[from]!)) from++;
  let stop = from;
  while (stop < end && memory[stop] !== SEMICOLON && !isBlank(memory[stop]!)) stop++;
  if (stop === from) return;
  const weight = readWeight(memory, stop, end);
  if (isName(memory, from, stop, GZIP) || isName(memory, from, stop, X_GZIP)) said.gzip = weight;
  else if (isName(memory, from, stop, BR)) said.br = weight;
  else if (isName(memory, from, stop, IDENTITY)) said.identity = weight;
  else if (stop - from === 1 && memory[from] === STAR) said.any = weight;
}

/** `;q=0.5` in thousandths; 1000 without it, 0 when it is malformed: then the coding is better not used. */
function readWeight(memory: Uint8Array, start: number, end: number): number {
  let p = start;
  while (p < end && (isBlank(memory[p]!) || memory[p] === SEMICOLON)) p++;
  if (p === end) return 1000;
  if ((memory[p]! | 32) !== 113 || memory[p + 1] !== EQUALS || p + 2 >= end) return 0;
  const whole = memory[p + 2]! - 48;
  if (whole !== 0 && whole !== 1) return 0;
  let stop = end;
  while (stop > p && isBlank(memory[stop - 1]!)) stop--;
  return readFraction(memory, p + 3, stop, whole * 1000);
}

/** Adds the decimals to the thousandths; 0 when there is anything else, or when it is more than 1. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function readFraction(memory: Uint8Array, start: number, end: number, whole: number): number {
  if (start === end) return whole;
  if (memory[start] !== DOT || end - start > 4) return 0;
  let weight = whole;
  let unit = 100;
  for (let p = start + 1; p < end; p++) {
    const digit = memory[p]! - 48;
    if (digit < 0 || digit > 9) return 0;
    weight += unit * digit;
    unit = Math.trunc(unit / 10);
  }
  return weight <= 1000 ? weight : 0;
}

function isBlank(byte: number): boolean {
  return byte === 32 || byte === 9;
}
