// How fast a dead proxy is found, and what must not look like one. Time is summed up from the plans.
import { expect, test } from 'vitest';
import { firstProbe, judgeProbe, type ProbePlan, type ProbeResult } from './probe-verdict.ts';

/** Milliseconds that a probe with this result takes at most. */
function lengthMs(plan: ProbePlan, result: ProbeResult): number {
  return result === 'timed-out' ? plan.timeoutMs : 0;
}

function after(results: readonly ProbeResult[], from: ProbePlan = firstProbe): { plan: ProbePlan; ms: number } {
  let plan = from;
  let ms = 0;
  for (const result of results) {
    ms += plan.delayMs + lengthMs(plan, result);
    plan = judgeProbe(plan.state, result);
  }
  return { plan, ms };
}

const serving = after(['answered']).plan;

test('the first answer decides; before it nothing is a death', () => {
  expect(after(['refused', 'refused', 'timed-out', 'refused']).plan.state.verdict).toBe('unknown');
  expect(serving.state.verdict).toBe('serves');
  expect(after(['no-server']).plan.state.verdict).toBe('no-live-server');
});

test('a proxy that never answers is waited for, but not for ever: the address is better with it than with nobody', () => {
  let from = firstProbe;
  let ms = 0;
  while (from.state.verdict === 'unknown' && ms < 60_000) {
    const { plan, ms: took } = after(['refused'], from);
    from = plan;
    ms += took;
  }
  expect(from.state.verdict).toBe('cannot-serve');
  expect(ms).toBeGreaterThan(4000);
  expect(ms).toBeLessThan(6000);
  expect(after(Array.from({ length: 10 }, () => 'timed-out' as const)).plan.state.verdict).toBe('cannot-serve');
  expect(after(['answered', 'answered'], from).plan.state.verdict).toBe('serves');
});

test('a hung proxy is found within two seconds of its last answer', () => {
  const { plan, ms } = after(['timed-out', 'timed-out'], serving);
  expect(plan.state.verdict).toBe('cannot-serve');
  expect(ms).toBeLessThanOrEqual(2000);
});

test('a proxy that refuses is found within a second', () => {
  const { plan, ms } = after(['refused', 'refused'], serving);
  expect(plan.state.verdict).toBe('cannot-serve');
  expect(ms).toBeLessThanOrEqual(1000);
});

test('a killed proxy that is back within a second changes nothing', () => {
  expect(after(['reset', 'answered'], serving).plan.state.verdict).toBe('serves');
  expect(after(['reset', 'timed-out', 'answered'], serving).plan.state.verdict).toBe('serves');
  expect(after(['refused', 'answered', 'refused', 'answered'], serving).plan.state.verdict).toBe('serves');
});

test('a proxy that only resets is found in the end', () => {
  expect(after(['reset', 'reset', 'reset', 'reset', 'reset'], serving).plan.state.verdict).toBe('cannot-serve');
});

test('one 503 changes nothing, two do, and two answers bring it back', () => {
  expect(after(['no-server', 'answered', 'no-server'], serving).plan.state.verdict).toBe('serves');
  const none = after(['no-server', 'no-server'], serving).plan;
  expect(none.state.verdict).toBe('no-live-server');
  expect(after(['answered'], none).plan.state.verdict).toBe('no-live-server');
  expect(after(['answered', 'answered'], none).plan.state.verdict).toBe('serves');
});

test('a dead node needs two answers to come back', () => {
  const dead = after(['refused', 'refused'], serving).plan;
  expect(after(['answered'], dead).plan.state.verdict).toBe('cannot-serve');
  expect(after(['answered', 'answered'], dead).plan.state.verdict).toBe('serves');
});

test('a full frontend is not dead, however long it is full, and serves again with two answers', () => {
  const full = after(['full', 'full', 'full', 'full', 'full', 'full'], serving).plan;
  expect(full.state.verdict).toBe('full');
  expect(after(['answered', 'answered'], full).plan.state.verdict).toBe('serves');
  // Full once is a crowd that comes and goes.
  expect(after(['full', 'answered', 'full'], serving).plan.state.verdict).toBe('serves');
  // A proxy that hangs does not say that it is full.
  expect(after(['timed-out', 'timed-out'], full).plan.state.verdict).toBe('cannot-serve');
  expect(after(['full']).plan.state.verdict).toBe('full');
});

test('a server that hangs moves nothing, and is no reason to stay out of the election', () => {
  const slow: readonly ProbeResult[] = ['slow', 'slow', 'slow', 'answered', 'slow', 'slow', 'slow'];
  expect(after(slow, serving).plan.state.verdict).toBe('serves');
  expect(after(['slow']).plan.state.verdict).toBe('no-live-server');
  const dead = after(['timed-out', 'timed-out'], serving).plan;
  expect(after(['slow'], dead).plan.state.verdict).toBe('cannot-serve');
  expect(after(['slow', 'slow'], dead).plan.state.verdict).toBe('no-live-server');
  expect(after(['slow', 'answered'], dead).plan.state.verdict).toBe('serves');
  expect(after(['slow', 'answered', 'answered'], after(['no-server']).plan).plan.state.verdict).toBe('serves');
});
