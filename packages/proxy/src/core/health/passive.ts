// Passive health: what the faults that real requests have met do to a server (HAProxy's on-error). Pure. Counting is
// the workers' (faults.ts); they raise a flag when `errorLimit` faults came in a row.
import type { CheckConfig, ObserveConfig } from '@tospann/config';
import { afterCheck, markedDown, type Health } from './state.ts';

/** How long a server without checks stays down before a connection is tried, ms. */
export const TRIAL_AFTER_MS = 5000;

/** The check of a server that has none but is observed: only while it is down, one good connection brings it back. */
export const TRIAL_CHECK: CheckConfig = {
  type: 'tcp',
  method: 'GET',
  path: '/',
  intervalMs: TRIAL_AFTER_MS,
  fastIntervalMs: TRIAL_AFTER_MS,
  timeoutMs: TRIAL_AFTER_MS,
  rise: 1,
  fall: 1,
};

export interface FaultsInput {
  readonly observe: ObserveConfig;
  readonly check: CheckConfig;
  /** False: `check` is TRIAL_CHECK. */
  readonly hasCheck: boolean;
  readonly nowMs: number;
}

export interface FaultsReaction {
  readonly health: Health;
  /** The next check comes after so long at the latest. */
  readonly checkInMs: number;
}

/**
 * Reacts to `errorLimit` faults in a row. Without a check of its own a server is always marked down: nothing else
 * would ask it.
 */
export function afterFaults(health: Health, input: FaultsInput): FaultsReaction {
  const { observe, check, hasCheck, nowMs } = input;
  const detail = `${observe.errorLimit} requests in a row failed`;
  if (!hasCheck) return { health: markedDown(health, detail, nowMs), checkInMs: TRIAL_AFTER_MS };
  const checkInMs = check.fastIntervalMs;
  if (observe.onError === 'mark-down') return { health: markedDown(health, detail, nowMs), checkInMs };
  if (observe.onError === 'fast-check' || health.state === 'down') return { health, checkInMs };
  return { health: afterCheck(health, { ok: false, detail, code: 'PASSIVE', nowMs }, check), checkInMs };
}
