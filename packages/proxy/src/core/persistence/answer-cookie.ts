// The session cookie of an answer: which Set-Cookie of the server stays, goes or is rewritten, and which line of ours is
// put in. Without dates and rewriting that is a line made once for each server.
import {
  FIELD_ID,
  FIELD_STRIDE,
  FieldId,
  fieldName,
  isSharedCacheable,
  ResponseFlag,
  VALUE_END,
  VALUE_START,
} from '@tospann/http';
import { latin1 } from '../bytes.ts';
import { CookieState, SetCookieState, type Client } from '../connection.ts';
import { answerEdits } from '../edits.ts';
import type { Engine } from '../engine.ts';
import type { ServerPlan } from '../plan.ts';
import { DATE_BYTES, DATE_DELIMITER, putDate } from './cookie-date.ts';
import { CookieMode, type SessionCookie } from './session-cookie.ts';

const EMPTY = new Uint8Array(0);
const SET_COOKIE = fieldName('Set-Cookie');
const EQUALS_BYTE = 61;
const SEMICOLON = 59;
const SPACE = 32;
const TAB = 9;
const EQUALS = latin1('=');
const TILDE = latin1('~');
/** Takes a cookie away that means a server which has none any more. */
const GONE = latin1('=; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/');

/** Sets what the writer does to the cookies of the final answer that the engine's parser holds. */
export function writeCookie(engine: Engine, client: Client): void {
  const writer = engine.answerWriter;
  const head = engine.answerHead;
  const cookie = client.backend!.cookie;
  client.setCookie = SetCookieState.NONE;
  writer.insert = EMPTY;
  writer.cachePrivate = false;
  if (cookie === null) return;
  const server = client.server!;
  if ((head.flags & ResponseFlag.SET_COOKIE) !== 0) followServersCookies(engine, client, cookie);
  if (cookie.mode !== CookieMode.INSERT) return;
  if (cookie.preserve && client.setCookie === SetCookieState.PROVIDED) return;
  const isDirect = client.cookieServer === server;
  if (isDirect && !isStale(engine, client, cookie)) return;
  if (server.cookie.length === 0) {
    if (client.cookieState === CookieState.NONE) return;
    insertLine(engine, client, cookie, GONE);
  } else if (cookie.isDated) insertDated(engine, client, cookie, server);
  else writer.insert = server.setCookie;
  client.setCookie = isDirect ? SetCookieState.UPDATED : SetCookieState.INSERTED;
  writer.cachePrivate = cookie.nocache && isSharedCacheable(head, client.method);
}

/** Whether the dates of a client's cookie need to be written anew. */
function isStale(engine: Engine, client: Client, cookie: SessionCookie): boolean {
  const first = client.cookieFirstS;
  const last = client.cookieLastS;
  if (cookie.maxLifeS > 0 ? first === 0 : first > 0) return true;
  if (cookie.maxIdleS === 0 && last === 0) return false;
  return last === 0 || last < nowS(engine);
}

function nowS(engine: Engine): number {
  return Math.floor((engine.transport.nowMs() + engine.wallOffsetMs) / 1000);
}

/** Goes through the server's Set-Cookie fields of this name. */
function followServersCookies(engine: Engine, client: Client, cookie: SessionCookie): void {
  const { fields, memory } = engine.answerHead;
  const { entries } = fields;
  const stop = fields.count * FIELD_STRIDE;
  for (let entry = 0; entry < stop; entry += FIELD_STRIDE) {
    if (entries[entry + FIELD_ID] !== FieldId.SET_COOKIE) continue;
    const end = entries[entry + VALUE_END]!;
    const value = valueStart(memory, entries[entry + VALUE_START]!, end, cookie.name);
    if (value < 0) continue;
    client.setCookie = SetCookieState.PROVIDED;
    if (cookie.preserve) continue;
    // In the other modes it is the application's own: without a new value it could not end or renew a session.
    if (cookie.mode === CookieMode.INSERT) {
      fields.drop(entry);
      client.setCookie = SetCookieState.DELETED;
    } else if (client.server!.cookie.length > 0 && cookie.mode !== CookieMode.PASSIVE) {
      fields.drop(entry);
      rewrite(engine, client, cookie, value, end);
      client.setCookie = SetCookieState.REWRITTEN;
    }
  }
}

/** Where the value of `name=value` begins, or -1 if the cookie has another name. */
// oxlint-disable-next-line max-params -- long: a range object would be allocated
function valueStart(memory: Uint8Array, start: number, end: number, name: Uint8Array): number {
  for (let i = 0; i < name.length; i++) if (start + i >= end || memory[start + i] !== name[i]) return -1;
  let at = skipBlanks(memory, start + name.length, end);
  if (at >= end || memory[at] !== EQUALS_BYTE) return -1;
  at = skipBlanks(memory, at + 1, end);
  return at;
}

function skipBlanks(memory: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (memory[at] === SPACE || memory[at] === TAB)) at++;
  return at;
}

/** The server's field once more, with the server's own value in the place of its value, or in front of it. */
// oxlint-disable-next-line max-params -- long: a range object would be allocated
function rewrite(engine: Engine, client: Client, cookie: SessionCookie, value: number, end: number): void {
  const { memory } = engine.answerHead;
  const edits = answerEdits(engine, client);
  if (!edits.begin(SET_COOKIE)) return;
  edits.put(cookie.name);
  edits.put(EQUALS);
  edits.put(client.server!.cookie);
  let rest = value;
  if (cookie.mode === CookieMode.PREFIX) edits.put(TILDE);
  else while (rest < end && memory[rest] !== SEMICOLON) rest++;
  edits.put(memory, rest, end);
  edits.end();
}

// oxlint-disable-next-line max-params -- what is set, and for whom
function insertLine(engine: Engine, client: Client, cookie: SessionCookie, rest: Uint8Array): void {
  const edits = answerEdits(engine, client);
  if (!edits.begin(SET_COOKIE)) return;
  edits.put(cookie.name);
  edits.put(rest);
  edits.end();
}

/** `NAME=VALUE|LAST|FIRST` and the attributes; FIRST only where the life of a session has an end. */
// oxlint-disable-next-line max-params -- what is set, and for whom
function insertDated(engine: Engine, client: Client, cookie: SessionCookie, server: ServerPlan): void {
  const edits = answerEdits(engine, client);
  if (!edits.begin(SET_COOKIE)) return;
  const dates = engine.cookieDates;
  const now = nowS(engine);
  dates[0] = DATE_DELIMITER;
  let length = putDate(dates, 1, now);
  if (cookie.maxLifeS > 0) {
    dates[length] = DATE_DELIMITER;
    length = putDate(dates, length + 1, client.cookieFirstS > 0 ? client.cookieFirstS : now);
  }
  edits.put(cookie.name);
  edits.put(EQUALS);
  edits.put(server.cookie);
  edits.put(dates, 0, length);
  edits.put(cookie.attributes);
  edits.end();
}

/** Room for two dates and their delimiters. */
export const COOKIE_DATES_BYTES = 2 * (DATE_BYTES + 1);
