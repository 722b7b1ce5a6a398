// The last events of both nodes as the page lists them: newest first, by this node's clock where the clocks differ. Pure.
import type { NodeEvent, PairStatus } from '@tospann/api/contract';

/** Rows on the overview. */
export const shownEvents = 10;

export interface EventView extends Pick<NodeEvent, 'node' | 'severity' | 'text' | 'event'> {
  readonly key: string;
  /** How long ago. */
  readonly ageMs: number;
}

/** The last events of the pair; undefined while no node tells any. */
export function eventViews(pair: PairStatus): readonly EventView[] | undefined {
  const { self, peer } = pair;
  const statuses = [self, ...(peer?.status === undefined ? [] : [peer.status])];
  if (statuses.every(({ events }) => events === undefined)) return undefined;
  // A peer that does not answer any more: its clock has gone on meanwhile.
  const silentMs = peer !== undefined && !peer.reachable ? Math.max(0, peer.lastSeenAgeMs) : 0;
  const views = statuses.flatMap((status) =>
    (status.events ?? []).map(({ seq, node, severity, text, event, timeMs }): EventView => {
      const ageMs = Math.max(0, status.timeMs - timeMs) + (status === self ? 0 : silentMs);
      return { key: `${node} ${seq}`, node, severity, text, event, ageMs };
    }),
  );
  return views.sort((a, b) => a.ageMs - b.ageMs).slice(0, shownEvents);
}
