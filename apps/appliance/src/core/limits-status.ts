// From the watch's view of the kernel's limits to the words of the API and of the event stream. Pure.
import type { EventDraft, HostStatus } from '@tospann/api';
import type { WatchNews, WatchView } from '@tospann/tuner';

/** What the status shows of the limits; JSON, so a time that never comes is absent. */
export function limitsStatus(view: WatchView): HostStatus {
  const { conntrack, ports } = view;
  const fullIn = conntrack?.fullInSeconds;
  return {
    ...(conntrack === undefined
      ? {}
      : {
          conntrackEntries: conntrack.entries,
          conntrackLimit: conntrack.limit,
          conntrackDroppedTotal: conntrack.dropped + conntrack.earlyDropped,
          conntrackInsertFailedTotal: conntrack.insertFailed,
          conntrackSources: [...conntrack.sources],
        }),
    ...(fullIn === undefined || !Number.isFinite(fullIn) ? {} : { conntrackFullInSeconds: fullIn }),
    ...(view.stealRatio === undefined ? {} : { cpuStealRatio: view.stealRatio }),
    ...(view.listenOverflows === undefined ? {} : { listenOverflowsTotal: view.listenOverflows }),
    ...(view.timeWaitOverflows === undefined ? {} : { timeWaitOverflowsTotal: view.timeWaitOverflows }),
    ...(view.softnetDropped === undefined ? {} : { softnetDroppedTotal: view.softnetDropped }),
    ...(ports === undefined ? {} : { localPorts: ports }),
    alarms: [...view.alarms],
  };
}

/** Tables that are full on this node and may not be on the other; what an overloaded proxy does is not among them. */
const ownTables: ReadonlySet<string> = new Set(['conntrack-full', 'ports']);

/** What drops users now for want of room in this node's tables; empty: nothing. */
export function droppingNow(view: WatchView): string {
  const full = view.alarms.find(({ name, severity }) => severity === 'alarm' && ownTables.has(name));
  return full?.text ?? '';
}

/** An alarm of the watch as an event. */
export function limitsEvent(news: WatchNews, node: string): Omit<EventDraft, 'timeMs' | 'monotonicMs'> {
  const { alarm, change, severity, text, evidence } = news;
  return { event: 'tuner', severity, text: `${node}: ${text}`, evidence: { alarm, change, ...evidence } };
}
