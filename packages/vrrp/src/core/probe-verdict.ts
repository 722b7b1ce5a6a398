// From single self-probes to "can this frontend serve": hysteresis with a bound on how long a dead proxy stays unseen.
// Not the requests themselves (io/probe/self-probe.ts). A hung proxy is found within 500 + 800 + 500 ms; a proxy that was
// killed and is back within a second changes nothing, since its sockets stay open in the supervisor. Pure.
import { PROBE_TIMES } from '@tospann/config';

/**
 * What one request through the own listener gave. `slow`: the proxy itself answers at once, but the server that it
 * asked does not. `full`: no answer, but the proxy says that all places of the frontend are taken and that it runs.
 * `reset`: a connection that ended without an answer.
 */
export type ProbeResult = 'answered' | 'no-server' | 'slow' | 'full' | 'refused' | 'timed-out' | 'reset';

/** What all results of one listener say by now. `full`: it serves those that it has. */
export type ProbeVerdict = 'unknown' | 'serves' | 'full' | 'no-live-server' | 'cannot-serve';

export interface ProbeState {
  readonly verdict: ProbeVerdict;
  /** Consecutive results that speak for death: refused or timed out. */
  readonly strikes: number;
  /** Consecutive results without any answer, resets too. */
  readonly silences: number;
  /** How long there was no answer, about, ms. */
  readonly silentMs: number;
  /** Consecutive equal answers that differ from the verdict. */
  readonly agreeing: number;
  readonly last: ProbeResult | undefined;
}

/** When to ask again and how long to wait for the answer then. */
export interface ProbePlan {
  readonly state: ProbeState;
  readonly delayMs: number;
  readonly timeoutMs: number;
}

/** A reset alone is the trace of a proxy that is being restarted, so it is no strike; five in a row are. */
const strikesToFall = 2;
const silencesToFall = 5;
const answersToChange = 2;
/** A proxy that has never answered is starting, for so long: then a node whose proxy cannot be had is better than none, ms. */
const startMs = 5000;

export const firstProbe: ProbePlan = {
  state: { verdict: 'unknown', strikes: 0, silences: 0, silentMs: 0, agreeing: 0, last: undefined },
  delayMs: 0,
  timeoutMs: PROBE_TIMES.timeoutMs,
};

/** Takes one result into account. */
export function judgeProbe(state: ProbeState, result: ProbeResult): ProbePlan {
  const answer = abilityOf(result, state.verdict);
  return answer === undefined ? silent(state, result) : answered(state, result, answer);
}

type Answer = 'serves' | 'full' | 'no-live-server';

function abilityOf(result: ProbeResult, verdict: ProbeVerdict): Answer | undefined {
  if (result === 'answered') return 'serves';
  // Whoever fills it on this node would fill it on the other one, too.
  if (result === 'full') return 'full';
  if (result === 'no-server') return 'no-live-server';
  // A server that hangs does so for both nodes: were it a fault of the node, both would leave the election, and nobody
  // would own the address although other servers live. Finding it is the business of the health checks.
  if (result === 'slow') return verdict === 'serves' || verdict === 'full' ? 'serves' : 'no-live-server';
  return undefined;
}

function answered(state: ProbeState, result: ProbeResult, answer: ProbeVerdict): ProbePlan {
  const sameAsLast = state.last !== undefined && abilityOf(state.last, state.verdict) === answer;
  // A proxy that could not serve and now answers is alive, whatever it answers.
  const aliveAgain = state.verdict === 'cannot-serve' && state.agreeing > 0;
  const agreeing = sameAsLast || aliveAgain ? state.agreeing + 1 : 1;
  const first = state.verdict === 'unknown';
  const verdict = first || agreeing >= answersToChange ? answer : state.verdict;
  const calm = verdict === answer;
  return {
    state: { verdict, strikes: 0, silences: 0, silentMs: 0, agreeing, last: result },
    delayMs: calm ? PROBE_TIMES.calmMs : PROBE_TIMES.suspiciousMs,
    timeoutMs: PROBE_TIMES.timeoutMs,
  };
}

function silent(state: ProbeState, result: ProbeResult): ProbePlan {
  const strikes = result === 'reset' ? state.strikes : state.strikes + 1;
  const silences = state.silences + 1;
  const fallen = strikes >= strikesToFall || silences >= silencesToFall;
  const askedMs = result === 'timed-out' ? PROBE_TIMES.secondTimeoutMs : 0;
  const silentMs = state.silentMs + askedMs + PROBE_TIMES.suspiciousMs;
  // Before the proxy has ever answered there is nothing to fall from: the node waits for it, though not for ever.
  const starting = state.verdict === 'unknown' && silentMs < startMs;
  const verdict = fallen && !starting ? 'cannot-serve' : state.verdict;
  return {
    state: { verdict, strikes, silences, silentMs, agreeing: 0, last: result },
    delayMs: result === 'timed-out' && strikes === 1 ? 0 : PROBE_TIMES.suspiciousMs,
    timeoutMs: strikes === 1 ? PROBE_TIMES.secondTimeoutMs : PROBE_TIMES.timeoutMs,
  };
}
