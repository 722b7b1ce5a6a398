import type { CheckConfig, ObserveConfig } from '@tospann/config';
import { describe, expect, it } from 'vitest';
import { afterFaults, TRIAL_AFTER_MS, TRIAL_CHECK } from './passive.ts';
import { afterCheck, initialHealth, type Health } from './state.ts';

const CHECK: CheckConfig = { ...TRIAL_CHECK, intervalMs: 2000, fastIntervalMs: 300, rise: 2, fall: 2 };
const observe = (onError: ObserveConfig['onError']): ObserveConfig => ({ layer: 'http', errorLimit: 10, onError });
const up: Health = afterCheck(initialHealth(true, 0), { ok: true, detail: '', code: 'L7OK', nowMs: 1 }, CHECK);

describe('afterFaults()', () => {
  it('fast-check leaves the state to a check that comes soon', () => {
    const reaction = afterFaults(up, { observe: observe('fast-check'), check: CHECK, hasCheck: true, nowMs: 5 });
    expect(reaction).toEqual({ health: up, checkInMs: 300 });
  });

  it('fail-check counts as one failed check', () => {
    const input = { observe: observe('fail-check'), check: CHECK, hasCheck: true, nowMs: 5 } as const;
    const first = afterFaults(up, input);
    expect(first.health).toMatchObject({ state: 'up', against: 1, lastCheck: '10 requests in a row failed' });
    expect(afterFaults(first.health, input).health).toMatchObject({ state: 'down', sinceMs: 5 });
  });

  it('mark-down takes it down until rise checks are good', () => {
    const input = { observe: observe('mark-down'), check: CHECK, hasCheck: true, nowMs: 5 } as const;
    const { health, checkInMs } = afterFaults(up, input);
    expect([health.state, health.code, checkInMs]).toEqual(['down', 'PASSIVE', 300]);
    expect(afterFaults(health, input).health).toBe(health);
  });

  it('without a check it goes down whatever is configured, and is tried again', () => {
    const unchecked = initialHealth(false, 0);
    for (const onError of ['fast-check', 'fail-check', 'mark-down'] as const) {
      const { health, checkInMs } = afterFaults(unchecked, {
        observe: observe(onError),
        check: TRIAL_CHECK,
        hasCheck: false,
        nowMs: 5,
      });
      expect([health.state, checkInMs]).toEqual(['down', TRIAL_AFTER_MS]);
      expect(afterCheck(health, { ok: true, detail: '', code: 'L4OK', nowMs: 9 }, TRIAL_CHECK).state).toBe('up');
    }
  });
});
