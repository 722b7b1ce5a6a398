// The last minutes of each node's counters, for the charts of a console that has just been opened. Pure: the caller
// brings the samples; bounded; a counter that starts again is for the reader to notice.
import type { HistorySample, NodeStatus } from '../contract.ts';

/** Five minutes at one sample a second and node. */
export const historyLimit = 300;

/**
 * Makes the sample of one node.
 *
 * @param timeMs Where it stands on the charts' axis: the same clock for both nodes.
 * @returns undefined while the node's data plane does not answer.
 */
export function sampleOf(status: NodeStatus, timeMs: number): HistorySample | undefined {
  if (status.proxy === undefined) return undefined;
  let requests = 0;
  let errors = 0;
  for (const frontend of status.proxy.frontends) {
    requests += frontend.requestsTotal;
    errors += frontend.responsesTotal[4];
  }
  return { node: status.node, timeMs, monotonicMs: status.monotonicMs, requests, errors };
}

/**
 * Adds a sample to a node's row.
 *
 * @returns A new row of at most `historyLimit` samples, or the same row when the sample is not newer than its last.
 */
export function remember(row: readonly HistorySample[], sample: HistorySample): readonly HistorySample[] {
  const last = row.at(-1);
  // A clock that jumped back means that the machine has started again: its old row is of another life.
  if (last !== undefined && sample.monotonicMs < last.monotonicMs) return [sample];
  if (last !== undefined && sample.monotonicMs === last.monotonicMs) return row;
  return [...row.slice(-(historyLimit - 1)), sample];
}
