// Health of one server as a pure state machine: what a check's result does to its state, and when the next check is
// due. HAProxy's meaning of rise, fall and fastinter: a new server takes traffic until its first check has failed.
import type { CheckConfig } from '@tospann/config';
import type { ServerState } from './snapshot.ts';

/** What a check saw. `detail` is in words: `HTTP 200 in 3 ms`, `connection refused`. */
export interface CheckResult {
  readonly ok: boolean;
  readonly detail: string;
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
  readonly failuresTotal: number;
}

/** Health of a server before its first check; without checks it stays `unchecked` and usable. */
export function initialHealth(checked: boolean, nowMs: number): Health {
  return { state: checked ? 'starting' : 'unchecked', against: 0, sinceMs: nowMs, lastCheck: '', failuresTotal: 0 };
}

/** Whether requests may be sent to a server in this state. */
export function isUsable(state: ServerState): boolean {
  return state !== 'down';
}

/** Takes one result of a check; `state` differs from before when the server went up or down. */
export function afterCheck(health: Health, result: CheckResult, check: Pick<CheckConfig, 'rise' | 'fall'>): Health {
  const failuresTotal = health.failuresTotal + (result.ok ? 0 : 1);
  const lastCheck = result.detail;
  const stays = { ...health, against: 0, lastCheck, failuresTotal };
  if (health.state === 'unchecked') return stays;
  if (health.state === 'starting') return changed(result.ok ? 'up' : 'down', result, failuresTotal);
  const speaksAgainst = result.ok === (health.state === 'down');
  if (!speaksAgainst) return stays;
  const against = health.against + 1;
  const needed = health.state === 'down' ? check.rise : check.fall;
  if (against < needed) return { ...stays, against };
  return changed(result.ok ? 'up' : 'down', result, failuresTotal);
}

/** Ms until the next check: the fast interval while the state is in doubt. */
export function nextCheckInMs(health: Health, check: Pick<CheckConfig, 'intervalMs' | 'fastIntervalMs'>): number {
  return health.against > 0 || health.state === 'starting' ? check.fastIntervalMs : check.intervalMs;
}

function changed(state: ServerState, result: CheckResult, failuresTotal: number): Health {
  return { state, against: 0, sinceMs: result.nowMs, lastCheck: result.detail, failuresTotal };
}
