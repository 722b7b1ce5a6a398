// The verdicts over conditions: hysteresis, scripts, gateway, pressure, and their sum.
import { expect, test } from 'vitest';
import { noteFinding, sumUp, type Condition, type ConditionKind, type ConditionState } from './condition.ts';
import { gatewayFinding, judgeGateway, newGateway, type GatewayResult } from './gateway-verdict.ts';
import { noPressure, press, pressureFinding } from './pressure.ts';
import { count, noResults } from './rise-and-fall.ts';
import { judgeScript, newScript, scriptFinding, type ScriptOutcome } from './script-verdict.ts';

const limits = { rise: 2, fall: 3 };
const passed: ScriptOutcome = { type: 'passed' };
const failed: ScriptOutcome = { type: 'failed', how: 'exit code 3' };
const timedOut: ScriptOutcome = { type: 'timed-out', afterMs: 500 };
const notStarted: ScriptOutcome = { type: 'not-started', why: 'spawn /x ENOENT' };

function condition(kind: ConditionKind, state: ConditionState, name: string = kind): Condition {
  return {
    name: kind === 'frontend' ? `frontend ${name}` : name,
    kind,
    state,
    sinceMs: 0,
    sentence: `${name} is ${state}`,
  };
}

function verdicts(results: readonly boolean[]): readonly string[] {
  let tally = noResults;
  return results.map((good) => (tally = count(tally, good, limits)).verdict);
}

test('count() lets the first result decide, then needs a row of equal ones', () => {
  expect(verdicts([false, true, true, false, false, true, false, false, false])).toEqual([
    'bad',
    'bad',
    'good',
    'good',
    'good',
    'good',
    'good',
    'good',
    'bad',
  ]);
});

function script(outcomes: readonly ScriptOutcome[]): ReturnType<typeof scriptFinding> {
  return scriptFinding(
    outcomes.reduce((state, outcome) => judgeScript(state, outcome, limits), newScript),
    'output',
  );
}

test.each([
  [[], 'waiting'],
  [[passed], 'ok'],
  [[failed], 'impaired'],
  [[timedOut], 'impaired'],
  [[passed, failed, timedOut], 'warning'],
  [[passed, failed, timedOut, failed], 'impaired'],
  [[passed, failed, failed, failed, passed], 'impaired'],
  [[passed, failed, failed, failed, passed, passed], 'ok'],
] as const)('a script with the runs %j is %s', (outcomes, state) => {
  expect(script(outcomes).state).toBe(state);
});

test('a script that cannot be started never moves the address, in either direction', () => {
  expect(script([notStarted]).state).toBe('warning');
  expect(script([passed, notStarted, notStarted, notStarted, notStarted]).state).toBe('warning');
  expect(script([failed, notStarted, notStarted]).state).toBe('impaired');
  // It neither adds to a row nor ends one.
  expect(script([passed, failed, notStarted, failed, notStarted, failed]).state).toBe('impaired');
  expect(script([notStarted])).toMatchObject({ sentence: expect.stringContaining('ENOENT'), output: 'output' });
});

const answered: GatewayResult = { type: 'answered', address: '10.0.0.1', by: 'ARP' };
const silent: GatewayResult = { type: 'silent', address: '10.0.0.1' };

test.each([
  [[], 'waiting'],
  [[silent, silent, silent, silent], 'warning'],
  [[{ type: 'no-route' }, { type: 'no-route' }, { type: 'no-route' }], 'warning'],
  [[silent, silent, silent, answered], 'ok'],
  [[answered, silent, silent], 'warning'],
  [[answered, silent, silent, silent], 'impaired'],
  [[answered, { type: 'no-route' }, { type: 'no-route' }, { type: 'no-route' }], 'impaired'],
  [[answered, silent, silent, silent, answered], 'impaired'],
  [[answered, silent, silent, silent, answered, answered], 'ok'],
  [[answered, { type: 'not-asked', why: 'EPERM' }, { type: 'not-asked', why: 'EPERM' }], 'warning'],
] as const satisfies readonly (readonly [readonly GatewayResult[], ConditionState])[])(
  'a gateway with the results %j is %s',
  (results, state) => {
    const all: readonly GatewayResult[] = results;
    const end = all.reduce((before, result) => judgeGateway(before, result, limits), newGateway);
    expect(gatewayFinding(end).state).toBe(state);
  },
);

test('pressure needs its time in both directions, and one calm sample begins anew', () => {
  let pressure = noPressure;
  const states = [20, 20, 5, 20, 20, 20, 5, 20, 5, 5, 5].map((value, second) => {
    pressure = press(pressure, { nowMs: second * 1000, value }, { limit: 10, forMs: 2000 });
    return pressureFinding(pressure, '').state;
  });
  const text = 'warning warning ok warning warning impaired impaired impaired impaired impaired ok';
  expect(states).toEqual(text.split(' '));
});

test('sumUp() is the worst of all, and blind to side frontends unless they are named', () => {
  const main = condition('frontend', 'ok', 'main');
  const side = condition('frontend', 'no-server', 'side');
  const sum = (conditions: readonly Condition[], required: readonly string[] = []): string =>
    sumUp(conditions, required).ability;
  expect(sum([])).toBe('serves');
  expect(sum([main, side])).toBe('serves');
  expect(sum([main, side], ['side'])).toBe('no-live-server');
  expect(sum([main, side], ['main'])).toBe('serves');
  expect(sum([side])).toBe('no-live-server');
  expect(sum([main, condition('frontend', 'waiting', 'new')])).toBe('unknown');
  expect(sum([main, condition('script', 'waiting')])).toBe('serves');
  expect(sum([main, condition('script', 'warning')])).toBe('serves');
  expect(sum([main, condition('gateway', 'impaired')])).toBe('impaired');
  expect(sum([side, condition('steal', 'impaired')])).toBe('no-live-server');
  // One frontend of several that does not answer takes not the rest; all of them do, and one that is needed.
  const hung = condition('frontend', 'failed', 'hung');
  expect(sum([main, hung])).toBe('impaired');
  expect(sum([side, hung])).toBe('no-live-server');
  expect(sum([main, hung], ['hung'])).toBe('no-live-server');
  expect(sum([hung, condition('frontend', 'failed', 'other')])).toBe('cannot-serve');
  expect(sum([main, condition('frontend', 'warning', 'full')])).toBe('serves');
  // The loop sees its links itself.
  expect(sum([main, condition('link', 'failed')])).toBe('serves');
  expect(sumUp([main, condition('gateway', 'impaired')], []).reason).toBe('gateway: gateway is impaired');
});

test('noteFinding() counts from the change of the state, not from each finding', () => {
  const place = { name: 'gateway', kind: 'gateway' } as const;
  const first = noteFinding(undefined, { state: 'ok', sentence: 'a' }, { ...place, nowMs: 5 });
  const second = noteFinding(first, { state: 'ok', sentence: 'b' }, { ...place, nowMs: 6 });
  expect(second).toMatchObject({ sinceMs: 5, sentence: 'b' });
  expect(noteFinding(second, { state: 'warning', sentence: 'c' }, { ...place, nowMs: 7 }).sinceMs).toBe(7);
});
