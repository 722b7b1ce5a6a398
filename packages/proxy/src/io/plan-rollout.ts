// Brings a new plan to all workers or to none: every worker works it out first, and only when all have done so is it put
// in place. Also hears when the workers no longer refer to what a plan has left out. Main thread; no sockets, no health.
import type { Worker } from 'node:worker_threads';
import { TospannError } from '@tospann/errors';
import { HeaderWord } from '../core/shared.ts';
import type { PlanInput, WorkerControl, WorkerMessage } from '../core/worker-data.ts';

/** How long workers may take to work out a plan, or to put it in place, ms. */
const STEP_LIMIT_MS = 10_000;

export interface PlanRolloutOptions {
  readonly workers: readonly Worker[];
  readonly words: Int32Array;
  readonly wake: () => void;
  /** No connection refers any more to what was left out by this step or one before. */
  readonly onSettled: (step: number) => void;
}

export class PlanRollout {
  readonly #options: PlanRolloutOptions;
  /** Last step that each worker has settled. */
  readonly #settled: number[] = [];
  #settledAll = 0;
  #step = 0;
  /** Hears the workers' answers to what was sent last. */
  #heard: (worker: number, message: WorkerMessage) => void = () => undefined;

  constructor(options: PlanRolloutOptions) {
    this.#options = options;
  }

  /** The number of the plan that serves; the first one is 0. */
  get step(): number {
    return this.#step;
  }

  /** Every message of a worker comes here. */
  hear(worker: number, message: WorkerMessage): void {
    if (message.type === 'settled') this.#settle(worker, message.step);
    else this.#heard(worker, message);
  }

  /**
   * Has all workers work the plan out, then calls `beforeCommit`, then puts it in place.
   *
   * @returns When all workers serve it.
   * @throws {TospannError} LB_OPERATION_RELOAD_REFUSED when a worker cannot work it out; then nothing has changed.
   */
  async roll(input: PlanInput, beforeCommit: (step: number) => void): Promise<void> {
    const step = this.#step + 1;
    try {
      await this.#all({ type: 'prepare', step, input }, 'prepared');
    } catch (error) {
      this.#send({ type: 'abandon', step });
      throw error;
    }
    this.#step = step;
    beforeCommit(step);
    await this.#all({ type: 'commit', step }, 'committed');
  }

  #all(control: Exclude<WorkerControl, { readonly type: 'map' }>, wanted: 'prepared' | 'committed'): Promise<void> {
    return new Promise((resolve, reject) => {
      const missing = new Set(this.#options.workers.keys());
      const refused = (detail: string): void => reject(new TospannError('LB_OPERATION_RELOAD_REFUSED', { detail }));
      const timer = setTimeout(() => refused(`no answer from a worker thread in ${STEP_LIMIT_MS} ms`), STEP_LIMIT_MS);
      this.#heard = (worker, message) => {
        if (!('step' in message) || message.step !== control.step) return;
        if (message.type === 'refused') {
          clearTimeout(timer);
          refused(message.detail);
        }
        if (message.type !== wanted) return;
        missing.delete(worker);
        if (missing.size > 0) return;
        clearTimeout(timer);
        resolve();
      };
      this.#send(control);
    });
  }

  /** Tells all workers something that needs no answer. */
  tell(control: WorkerControl): void {
    this.#send(control);
  }

  #send(control: WorkerControl): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    for (const worker of this.#options.workers) worker.postMessage(control);
    Atomics.add(this.#options.words, HeaderWord.messages, 1);
    this.#options.wake();
  }

  #settle(worker: number, step: number): void {
    this.#settled[worker] = step;
    const all = Math.min(...this.#options.workers.map((_, i) => this.#settled[i] ?? 0));
    if (all <= this.#settledAll) return;
    this.#settledAll = all;
    this.#options.onSettled(all);
  }
}
