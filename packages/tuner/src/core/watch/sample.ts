// What the watch reads once a second and what it makes of it: plain data. Counters are totals since boot, as the kernel
// keeps them; rates come from two samples. Absent: the kernel does not offer it. Pure.
import type { LimitCounters } from '../report.ts';
import type { SourceShare } from './sources.ts';

/** The connection tracking table. */
export interface ConntrackSample {
  readonly entries: number;
  readonly limit: number;
  /** Connections that could not be entered, and packets dropped because the table was full: totals. */
  readonly insertFailed: number;
  readonly dropped: number;
  readonly earlyDropped: number;
}

/** The destination that has most local ports in use, of those that may be given out for it. */
export interface PortUse {
  readonly destination: string;
  readonly used: number;
  readonly usable: number;
}

/** One second's reading. */
export interface WatchSample {
  /** Monotonic ms. */
  readonly atMs: number;
  readonly conntrack?: ConntrackSample;
  /** TcpExt ListenOverflows: a full accept queue turned somebody away. */
  readonly listenOverflows?: number;
  readonly timeWaitOverflows?: number;
  /** Packets that the softirq queue could not take. */
  readonly softnetDropped?: number;
  readonly ports?: PortUse;
  /** Clock ticks of all processors: in all, and taken by the hypervisor. */
  readonly cpu?: { readonly total: number; readonly steal: number };
}

export const watchAlarms = [
  'conntrack-filling',
  'conntrack-full',
  'listen-overflow',
  'ports',
  'time-wait-overflow',
  'softnet-dropped',
  'steal',
] as const;
export type WatchAlarmName = (typeof watchAlarms)[number];

/** An alarm that stands. */
export interface WatchAlarm {
  readonly name: WatchAlarmName;
  /** warning: users will be hurt. alarm: they are now. */
  readonly severity: 'warning' | 'alarm';
  readonly sinceMs: number;
  readonly text: string;
}

/** The beginning or the end of an alarm. */
export interface WatchNews {
  readonly alarm: WatchAlarmName;
  readonly change: 'raised' | 'cleared';
  readonly severity: 'warning' | 'alarm' | 'info';
  readonly text: string;
  readonly evidence: Readonly<Record<string, number | string>>;
}

/** What status and metrics show of the watch. */
export interface WatchView {
  readonly conntrack?: ConntrackSample & {
    readonly ratePerSecond?: number;
    /** Infinity: it does not grow. */
    readonly fullInSeconds?: number;
    /** Of a sample, largest first; empty while nobody asked. */
    readonly sources: readonly SourceShare[];
  };
  /** 0..1 over the last ten seconds. */
  readonly stealRatio?: number;
  readonly listenOverflows?: number;
  readonly timeWaitOverflows?: number;
  readonly softnetDropped?: number;
  readonly ports?: PortUse;
  readonly alarms: readonly WatchAlarm[];
}

/** What the watch needs of one look at the counters. */
export function watchSample(counters: LimitCounters, ports: PortUse | undefined): WatchSample {
  const { atMs, table, conntrack, tcp, cpu, softnetDropped } = counters;
  const count = (name: string): number => conntrack.get(name) ?? 0;
  const total = (
    key: 'listenOverflows' | 'timeWaitOverflows',
    name: string,
  ): { readonly [K in typeof key]?: number } => {
    const value = tcp.get(`TcpExt ${name}`);
    return value === undefined ? {} : { [key]: value };
  };
  return {
    atMs,
    ...(table === undefined
      ? {}
      : {
          conntrack: {
            ...table,
            insertFailed: count('insert_failed'),
            dropped: count('drop'),
            earlyDropped: count('early_drop'),
          },
        }),
    ...total('listenOverflows', 'ListenOverflows'),
    ...total('timeWaitOverflows', 'TCPTimeWaitOverflow'),
    softnetDropped,
    ...(ports === undefined ? {} : { ports }),
    ...(cpu === undefined ? {} : { cpu: { total: cpu.total, steal: cpu.steal } }),
  };
}
