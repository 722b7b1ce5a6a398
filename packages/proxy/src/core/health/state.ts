// Health of one server as a pure state machine: what a check's result does to its state, and when the next check is
// due. HAProxy's meaning of rise, fall and fastinter: a new server takes traffic until its first check has failed.
import type { CheckConfig } from '@tospann/config';
import type { ServerState } from '../snapshot.ts';

/** What a check found: `detail` in words, `code` in HAProxy's short form for its statistics. */
export interface Verdict {
  readonly ok: boolean;
  /** `HTTP 200 in 3 ms`, `connection refused`. */
  readonly detail: string;
  readonly code: CheckCode;
}

/**
 * HAProxy's check status: layer (4, 7) and OK, CON (no connection), TOUT (time-out), RSP (no valid answer), STS (refused);
 * SOCKERR: this node could not ask.
 */
export type CheckCode =
  | 'INI'
  | 'SOCKERR'
  | 'L4OK'
  | 'L4CON'
  | 'L4TOUT'
  | 'L7OK'
  | 'L7TOUT'
  | 'L7RSP'
  | 'L7STS'
  | 'PASSIVE';

/** What a check saw, and when. */
export interface CheckResult extends Verdict {
  /** Monotonic ms. */
  readonly nowMs: number;
}

export interface Health {
  readonly state: ServerState;
  /** Results in a row that speak against `state`. */
  readonly against: number;
  /** Monotonic ms of the last change of `state`. */
  readonly sinceMs: number;
  readonly lastCheck: string;
  readonly code: CheckCode;
  /** As HAProxy counts: of a server that is down already no failure is news. */
  readonly failuresTotal: number;
}

/** Health of a server before its first check; without checks it stays `unchecked` and usable. */
export function initialHealth(checked: boolean, nowMs: number): Health {
  const state = checked ? 'starting' : 'unchecked';
  return { state, against: 0, sinceMs: nowMs, lastCheck: '', code: 'INI', failuresTotal: 0 };
}

/** Whether requests may be sent to a server in this state. */
export function isUsable(state: ServerState): boolean {
  return state !== 'down';
}

/** Takes one result of a check; `state` differs from before when the server went up or down. */
export function afterCheck(health: Health, result: CheckResult, check: Pick<CheckConfig, 'rise' | 'fall'>): Health {
  const failuresTotal = health.failuresTotal + (result.ok || health.state === 'down' ? 0 : 1);
  const stays = { ...health, against: 0, lastCheck: result.detail, code: result.code, failuresTotal };
  if (health.state === 'unchecked') return stays;
  if (health.state === 'starting') return changed(result, failuresTotal);
  const speaksAgainst = result.ok === (health.state === 'down');
  if (!speaksAgainst) return stays;
  const against = health.against + 1;
  const needed = health.state === 'down' ? check.rise : check.fall;
  if (against < needed) return { ...stays, against };
  return changed(result, failuresTotal);
}

/** A check that this node could not make: says why, and nothing of the server. */
export function notAsked(health: Health, detail: string): Health {
  return { ...health, lastCheck: `not asked: ${detail}`, code: 'SOCKERR' };
}

/** Takes a server down whatever its checks said so far: passive health with `mark-down`. */
export function markedDown(health: Health, detail: string, nowMs: number): Health {
  if (health.state === 'down') return health;
  return { ...health, state: 'down', against: 0, sinceMs: nowMs, lastCheck: detail, code: 'PASSIVE' };
}

/** Ms until the next check: the fast interval while the state is in doubt, the down interval while it is down. */
export function nextCheckInMs(
  health: Health,
  check: Pick<CheckConfig, 'intervalMs' | 'fastIntervalMs' | 'downIntervalMs'>,
): number {
  const inDoubt = health.against > 0 || health.state === 'starting' || health.code === 'SOCKERR';
  if (inDoubt) return check.fastIntervalMs;
  return health.state === 'down' ? (check.downIntervalMs ?? check.intervalMs) : check.intervalMs;
}

/**
 * An interval made longer or shorter by chance, so that checks of many servers do not come to march in step.
 *
 * @param random From [0, 1).
 */
export function withJitter(intervalMs: number, percent: number, random: number): number {
  return intervalMs * (1 + (percent / 100) * (2 * random - 1));
}

function changed(result: CheckResult, failuresTotal: number): Health {
  const { detail, code, nowMs } = result;
  return { state: result.ok ? 'up' : 'down', against: 0, sinceMs: nowMs, lastCheck: detail, code, failuresTotal };
}
