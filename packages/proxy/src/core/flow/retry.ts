// Retries of requests that a server may have seen: only what the configuration names, only idempotent requests without a
// body, only while not a byte of an answer has gone to the client, and only within the budget. RFC 9110 section 9.2.2.
// A request that cannot be repeated has no kept copy of its head, and without one nothing is sent again.
import type { HttpConfig } from '@tospann/config';
import { NONE } from '../buffers.ts';
import type { Client, Upstream } from '../connection.ts';
import { repeat } from '../dispatch.ts';
import type { Engine } from '../engine.ts';
import { RetryBudget } from './retry-budget.ts';

/** What went wrong; from 100 on it is the status of the answer. BAD_ANSWER: not HTTP, or only a part of a head. */
export const RetryCause = { EMPTY: 1, TIMEOUT: 2, BAD_ANSWER: 3 } as const;

const NAMES = { empty: RetryCause.EMPTY, timeout: RetryCause.TIMEOUT, 'bad-answer': RetryCause.BAD_ANSWER } as const;
const DEFAULT_BUDGET_PERCENT = 20;

/** What is retried, and how often. */
export class RetryPolicy {
  readonly budget: RetryBudget;
  /** 1 for each cause that is retried. */
  readonly #causes = new Uint8Array(1000);

  constructor(retryOn: NonNullable<HttpConfig['retryOn']>, budgetPercent = DEFAULT_BUDGET_PERCENT) {
    this.budget = new RetryBudget(budgetPercent);
    for (const entry of retryOn) this.#causes[typeof entry === 'number' ? entry : NAMES[entry]] = 1;
  }

  wants(cause: number): boolean {
    return this.#causes[cause] === 1;
  }
}

/** The policy of a configuration; null: only failed connections are retried. */
export function retryPolicy(http: Pick<HttpConfig, 'retryOn' | 'retryBudgetPercent'>): RetryPolicy | null {
  if (http.retryOn === undefined || http.retryOn.length === 0) return null;
  return new RetryPolicy(http.retryOn, http.retryBudgetPercent);
}

/** Sends the request once more, to another server if there is one; false when it must not be. */
// oxlint-disable-next-line max-params -- long: no object for a failure
export function retryAnswer(engine: Engine, client: Client, upstream: Upstream, cause: number): boolean {
  const policy = engine.retry;
  if (policy === null || !policy.wants(cause)) return false;
  if (client.repeatOffset === NONE || client.answering || client.interims > 0) return false;
  if (client.retries >= engine.options.http.retries || !policy.budget.take(engine.transport.nowMs())) return false;
  repeat(engine, client, upstream, true);
  return true;
}
