// The hand-over that an operator asked for and that is under way: one at a time, over all elections that this node owns.
// Remembers who waits for it and gathers the results. Not the hand-over itself (core/machine.ts).
import type { TospannError } from '@tospann/errors';
import { monotonicMs } from '@tospann/linux';
import type { Effect } from '../../core/state.ts';
import type { HandoverResult, LoopMessage } from '../messages.ts';
import { plainError } from '../plain-error.ts';

interface Waiting {
  readonly id: number;
  readonly elections: Set<number>;
  readonly results: HandoverResult[];
}

export class HandOvers {
  readonly #send: (message: LoopMessage) => void;
  #waiting: Waiting | undefined;

  constructor(send: (message: LoopMessage) => void) {
    this.#send = send;
  }

  get busy(): boolean {
    return this.#waiting !== undefined;
  }

  refuse(id: number, error: TospannError): void {
    this.#send({ type: 'failover-refused', id, error: plainError(error) });
  }

  /** From now on the answer to command `id` waits for these elections. */
  begin(id: number, elections: readonly number[]): void {
    if (elections.length === 0) return this.#send({ type: 'failover-ended', id, results: [] });
    this.#waiting = { id, elections: new Set(elections), results: [] };
  }

  /** One election has ended its hand-over; the last one answers the command. */
  ended(
    election: number,
    effect: Extract<Effect, { type: 'handover-ended' }>,
    of: { readonly group: string; readonly vips: readonly string[] },
  ): void {
    const waiting = this.#waiting;
    if (waiting === undefined || !waiting.elections.delete(election)) return;
    const { taken, detail, durationUs } = effect;
    const durationMs = durationUs / 1000;
    const startedAtMs = monotonicMs() - durationMs;
    for (const vip of of.vips) waiting.results.push({ vip, group: of.group, taken, detail, durationMs, startedAtMs });
    if (waiting.elections.size > 0) return;
    this.#waiting = undefined;
    this.#send({ type: 'failover-ended', id: waiting.id, results: waiting.results });
  }
}
