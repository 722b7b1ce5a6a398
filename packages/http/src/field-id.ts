// Numbers for the field names that the proxy has to know, and the recogniser: by length and first letter, then
// one comparison of bytes. All other fields have number 0 and are passed on as they are.
import { ascii, sameIgnoringCase } from './bytes.ts';

/** Fields that mean something to the proxy. */
export const FieldId = {
  OTHER: 0,
  HOST: 1,
  CONNECTION: 2,
  CONTENT_LENGTH: 3,
  TRANSFER_ENCODING: 4,
  EXPECT: 5,
  UPGRADE: 6,
  TE: 7,
  KEEP_ALIVE: 8,
  PROXY_CONNECTION: 9,
  COOKIE: 10,
  X_FORWARDED_FOR: 11,
  TRAILER: 12,
  HTTP2_SETTINGS: 13,
  USER_AGENT: 14,
  REFERER: 15,
  SET_COOKIE: 16,
  CACHE_CONTROL: 17,
  PRAGMA: 18,
} as const;

/** Lower-case first letter of a name. */
const Letter = { C: 99, E: 101, H: 104, K: 107, P: 112, R: 114, S: 115, T: 116, U: 117, X: 120 } as const;

const HOST = ascii('host');
const CONNECTION = ascii('connection');
const CONTENT_LENGTH = ascii('content-length');
const TRANSFER_ENCODING = ascii('transfer-encoding');
const EXPECT = ascii('expect');
const UPGRADE = ascii('upgrade');
const TE = ascii('te');
const KEEP_ALIVE = ascii('keep-alive');
const PROXY_CONNECTION = ascii('proxy-connection');
const COOKIE = ascii('cookie');
const X_FORWARDED_FOR = ascii('x-forwarded-for');
const TRAILER = ascii('trailer');
const HTTP2_SETTINGS = ascii('http2-settings');
const USER_AGENT = ascii('user-agent');
const REFERER = ascii('referer');
const SET_COOKIE = ascii('set-cookie');
const CACHE_CONTROL = ascii('cache-control');
const PRAGMA = ascii('pragma');

/**
 * Recognises a field name, in any case.
 *
 * @param at Offset of a name that is a token.
 * @param length Its bytes.
 * @returns A `FieldId`; OTHER if the name is none of them.
 */
// oxlint-disable-next-line complexity -- long: the table of names as a switch
export function identifyField(memory: Uint8Array, at: number, length: number): number {
  const first = memory[at]! | 32;
  switch (length) {
    case 2:
      return first === Letter.T && sameIgnoringCase(memory, at, TE) ? FieldId.TE : 0;
    case 4:
      return first === Letter.H && sameIgnoringCase(memory, at, HOST) ? FieldId.HOST : 0;
    case 6:
      if (first === Letter.C) return sameIgnoringCase(memory, at, COOKIE) ? FieldId.COOKIE : 0;
      if (first === Letter.E) return sameIgnoringCase(memory, at, EXPECT) ? FieldId.EXPECT : 0;
      return first === Letter.P && sameIgnoringCase(memory, at, PRAGMA) ? FieldId.PRAGMA : 0;
    case 7:
      if (first === Letter.U) return sameIgnoringCase(memory, at, UPGRADE) ? FieldId.UPGRADE : 0;
      if (first === Letter.T) return sameIgnoringCase(memory, at, TRAILER) ? FieldId.TRAILER : 0;
      return first === Letter.R && sameIgnoringCase(memory, at, REFERER) ? FieldId.REFERER : 0;
    case 10:
      return identifyTen(memory, at, first);
    case 13:
      return first === Letter.C && sameIgnoringCase(memory, at, CACHE_CONTROL) ? FieldId.CACHE_CONTROL : 0;
    case 14:
      if (first === Letter.C) return sameIgnoringCase(memory, at, CONTENT_LENGTH) ? FieldId.CONTENT_LENGTH : 0;
      return first === Letter.H && sameIgnoringCase(memory, at, HTTP2_SETTINGS) ? FieldId.HTTP2_SETTINGS : 0;
    case 15:
      return first === Letter.X && sameIgnoringCase(memory, at, X_FORWARDED_FOR) ? FieldId.X_FORWARDED_FOR : 0;
    case 16:
      return first === Letter.P && sameIgnoringCase(memory, at, PROXY_CONNECTION) ? FieldId.PROXY_CONNECTION : 0;
    case 17:
      return first === Letter.T && sameIgnoringCase(memory, at, TRANSFER_ENCODING) ? FieldId.TRANSFER_ENCODING : 0;
    default:
      return 0;
  }
}

function identifyTen(memory: Uint8Array, at: number, first: number): number {
  if (first === Letter.C) return sameIgnoringCase(memory, at, CONNECTION) ? FieldId.CONNECTION : 0;
  if (first === Letter.U) return sameIgnoringCase(memory, at, USER_AGENT) ? FieldId.USER_AGENT : 0;
  if (first === Letter.K) return sameIgnoringCase(memory, at, KEEP_ALIVE) ? FieldId.KEEP_ALIVE : 0;
  return first === Letter.S && sameIgnoringCase(memory, at, SET_COOKIE) ? FieldId.SET_COOKIE : 0;
}
