// The session cookie of a request: which server it means, whether the session is still young enough, and what of it the
// server gets to see. Values and dates are compared where they lie.
import { fieldName } from '@tospann/http';
import { CookieState, type Client } from '../connection.ts';
import type { Engine } from '../engine.ts';
import type { BackendPlan, ServerPlan } from '../plan.ts';
import { DATE_DELIMITER, readDate } from './cookie-date.ts';
import { CookieMode, type SessionCookie } from './session-cookie.ts';

const COOKIE = fieldName('Cookie');
const TILDE = 126;
/** A date so far in the future is not believed: clocks differ, but not by more than a day. */
const MAX_AHEAD_S = 86_400;

/**
 * Reads the cookies of the backend's name in the request that the engine's parser holds, before its head is written for
 * the server. There should be one; of several the first that can be used decides, and none of them gets to the server.
 */
export function readCookie(engine: Engine, client: Client, backend: BackendPlan): void {
  const cookie = backend.cookie!;
  const { finder } = cookie;
  const { edits } = engine.requestWriter;
  // What a rule takes out of the request is not there.
  if (edits !== null && edits.removes(COOKIE)) return;
  if (!finder.find(engine.requestHead)) return;
  if (cookie.mode === CookieMode.PREFIX) engine.requestWriter.removeCookie(finder, TILDE);
  else if (cookie.mode === CookieMode.INSERT && cookie.indirect) engine.requestWriter.removeCookie(finder);
  do {
    readOne(engine, client, backend);
  } while (client.cookieState !== CookieState.VALID && finder.findNext(engine.requestHead));
}

/** Reads the cookie that the finder is at; what it says about the session counts if the ones before said less. */
function readOne(engine: Engine, client: Client, backend: BackendPlan): void {
  const cookie = backend.cookie!;
  const { finder } = cookie;
  const { memory } = engine.buffers;
  let end: number;
  client.cookieFirstS = 0;
  client.cookieLastS = 0;
  if (cookie.mode === CookieMode.PREFIX) {
    end = finder.valueStart;
    while (end < finder.valueEnd && memory[end] !== TILDE) end++;
    if (end === finder.valueEnd) return; // the server's own: nobody has put a name in front of it
  } else end = readDates(engine, client, cookie);
  if (client.cookieState === CookieState.NONE) client.cookieState = CookieState.INVALID;
  const server = serverOf(memory, finder.valueStart, end, backend);
  if (server === null) return;
  const state = ageOf(engine, client, cookie);
  if (state !== CookieState.VALID) {
    client.cookieState = state;
    client.cookieFirstS = 0;
    client.cookieLastS = 0;
    return;
  }
  client.cookieServer = server;
  if (engine.mayTakeSession(server)) {
    client.cookieState = CookieState.VALID;
    client.wanted = server;
  } else client.cookieState = CookieState.DOWN;
}

/** Takes the dates behind the value; returns where the value itself ends. */
function readDates(engine: Engine, client: Client, { finder }: SessionCookie): number {
  const { memory } = engine.buffers;
  const end = finder.valueEnd;
  let at = finder.valueStart;
  while (at < end && memory[at] !== DATE_DELIMITER) at++;
  if (at === end) return end;
  client.cookieLastS = Math.max(0, readDate(memory, at + 1, end));
  let next = at + 1;
  while (next < end && memory[next] !== DATE_DELIMITER) next++;
  if (next < end) client.cookieFirstS = Math.max(0, readDate(memory, next + 1, end));
  return at;
}

/** VALID, EXPIRED (idle for too long) or OLD (too long in all). */
function ageOf(engine: Engine, client: Client, cookie: SessionCookie): number {
  if (!cookie.isDated) return CookieState.VALID;
  const nowS = (engine.transport.nowMs() + engine.wallOffsetMs) / 1000;
  if (cookie.maxLifeS > 0 && client.cookieFirstS > 0 && isPast(nowS - client.cookieFirstS, cookie.maxLifeS)) {
    return CookieState.OLD;
  }
  if (cookie.maxIdleS > 0 && client.cookieLastS > 0 && isPast(nowS - client.cookieLastS, cookie.maxIdleS)) {
    return CookieState.EXPIRED;
  }
  return CookieState.VALID;
}

function isPast(ageS: number, limitS: number): boolean {
  return ageS > limitS || ageS < -MAX_AHEAD_S;
}

// oxlint-disable-next-line max-params -- long: for each request, a range object would be allocated
function serverOf(memory: Uint8Array, start: number, end: number, backend: BackendPlan): ServerPlan | null {
  const length = end - start;
  for (let i = 0; i < backend.servers.length; i++) {
    const server = backend.servers[i]!;
    const value = server.cookie;
    if (value.length !== length || length === 0) continue;
    let same = 0;
    while (same < length && memory[start + same] === value[same]) same++;
    if (same === length) return server;
  }
  return null;
}
