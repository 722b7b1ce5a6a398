import { describe, expect, it } from 'vitest';
import { initialAgent, type AgentState } from './agent.ts';
import { standingOf, type ServerSetting, type Standing } from './standing.ts';
import { initialHealth, type Health } from './state.ts';

const health = (state: Health['state']): Health => ({ ...initialHealth(true, 0), state });

interface Case {
  readonly check?: Health['state'];
  readonly agent?: Partial<AgentState>;
  readonly setting?: ServerSetting;
  readonly unresolved?: string;
}

function standing({ check = 'up', agent = {}, setting = { state: 'ready' }, unresolved = '' }: Case): Standing {
  return standingOf({
    configuredWeight: 100,
    health: health(check),
    agent: { ...initialAgent, ...agent },
    setting,
    unresolved,
  });
}

describe('standingOf()', () => {
  it.each<[string, Case, Partial<Standing>]>([
    ['a server that is simply up', {}, { status: 'up', usable: true, weight: 100, effectiveWeight: 100, detail: '' }],
    ['down by its check', { check: 'down' }, { status: 'down', state: 'down', usable: false }],
    ['down by its agent', { agent: { down: true } }, { status: 'down', state: 'down', usable: false }],
    [
      'down without an address',
      { unresolved: 'no address' },
      { status: 'down', effectiveWeight: 0, detail: 'no address' },
    ],
    [
      'drained by the operator',
      { setting: { state: 'drain' } },
      { status: 'drain', state: 'up', usable: true, effectiveWeight: 0, detail: 'drain by operator' },
    ],
    ['drained and down', { check: 'down', setting: { state: 'drain' } }, { status: 'down', usable: false }],
    [
      'in maintenance, whatever the check says',
      { setting: { state: 'maint' } },
      { status: 'maint', state: 'up', usable: false, effectiveWeight: 0 },
    ],
    ['in maintenance and down', { check: 'down', setting: { state: 'maint' } }, { status: 'maint', state: 'down' }],
    [
      'the stricter of operator and agent: agent',
      { agent: { admin: 'maint', lastWords: 'maint' }, setting: { state: 'drain' } },
      { admin: 'maint', detail: 'maint by agent; agent: maint' },
    ],
    [
      'the stricter of operator and agent: operator',
      { agent: { admin: 'ready' }, setting: { state: 'maint' } },
      { admin: 'maint', detail: 'maint by operator' },
    ],
    ['the percentage of the configured weight', { agent: { percent: 75 } }, { weight: 100, effectiveWeight: 75 }],
    [
      'the percentage of the operator weight, rounded up',
      { agent: { percent: 33 }, setting: { state: 'ready', weight: 1 } },
      { weight: 1, effectiveWeight: 1 },
    ],
    ['no share at all', { agent: { percent: 0 } }, { effectiveWeight: 0, status: 'up', usable: true }],
    ['at most 256', { agent: { percent: 1000 } }, { effectiveWeight: 256 }],
    ['a limit by the agent', { agent: { maxConnections: 4 } }, { maxConnections: 4 }],
  ])('%s', (_name, given, expected) => {
    expect(standing(given)).toMatchObject(expected);
  });
});
