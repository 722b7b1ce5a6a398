// The watch's judgement: (state, sample, thresholds) -> new state, what is shown, and which alarms began or ended. An
// alarm ends only when its cause has been away for a while, so that one at its threshold does not chatter. Pure.
import { addSample, forecast, type FillSample, type Forecast } from './forecast.ts';
import type { ConntrackSample, WatchAlarm, WatchAlarmName, WatchNews, WatchSample, WatchView } from './sample.ts';
import type { SourceShare } from './sources.ts';

export interface WatchThresholds {
  readonly conntrackAlarmPercent: number;
  readonly stealAlarmPercent: number;
}

export interface WatchState {
  readonly fill: readonly FillSample[];
  /** Samples of the last ten seconds, for rates. */
  readonly recent: readonly WatchSample[];
  readonly alarms: ReadonlyMap<WatchAlarmName, StandingAlarm>;
  readonly sources: readonly SourceShare[];
}

interface StandingAlarm extends WatchAlarm {
  /** When its cause was there last. */
  readonly lastMs: number;
}

/** A cause that is there now. */
interface Cause {
  readonly name: WatchAlarmName;
  readonly severity: 'warning' | 'alarm';
  readonly text: string;
  readonly evidence: Readonly<Record<string, number | string>>;
}

/** Rates are over this long. */
const recentMs = 10_000;
/** An alarm whose cause is away for so long ends. */
const quietMs = 10_000;
/** A table that is full sooner than this at the present rate is worth waking somebody. */
const forecastAlarmSeconds = 900;
/** Below this fill a forecast is a guess about a table that is nearly empty. */
const forecastLeastPercent = 25;
const portAlarmRatio = 0.8;
/** Who fills the table is asked from this fill on. */
const askSourcesPercent = 40;

export const firstWatch: WatchState = { fill: [], recent: [], alarms: new Map(), sources: [] };

/** Is it worth asking the kernel who fills the table? Looking costs milliseconds, so not always. */
export function wantsSources(sample: WatchSample): boolean {
  const { conntrack } = sample;
  return conntrack !== undefined && percentOf(conntrack) >= askSourcesPercent;
}

/**
 * Takes one second's sample.
 *
 * @param sources Who fills the table, when somebody looked; absent: as before.
 */
export function judgeSample(
  state: WatchState,
  input: { readonly sample: WatchSample; readonly sources?: readonly SourceShare[] },
  thresholds: WatchThresholds,
): { readonly state: WatchState; readonly view: WatchView; readonly news: readonly WatchNews[] } {
  const { sample, sources = state.sources } = input;
  const { conntrack } = sample;
  const fill = conntrack === undefined ? [] : addSample(state.fill, { atMs: sample.atMs, entries: conntrack.entries });
  const recent = [...state.recent.filter(({ atMs }) => atMs > sample.atMs - recentMs - 1), sample];
  const outlook = conntrack === undefined ? undefined : forecast(fill, conntrack.limit);
  const shown = conntrack !== undefined && percentOf(conntrack) >= askSourcesPercent ? sources : [];
  const facts = { sample, recent, outlook, sources: shown };
  const causes = findCauses(facts, thresholds);
  const { alarms, news } = follow(state.alarms, causes, sample.atMs);
  return { state: { fill, recent, alarms, sources: shown }, view: viewOf(facts, alarms), news };
}

interface Facts {
  readonly sample: WatchSample;
  readonly recent: readonly WatchSample[];
  readonly outlook: Forecast | undefined;
  readonly sources: readonly SourceShare[];
}

function findCauses(facts: Facts, thresholds: WatchThresholds): readonly Cause[] {
  const causes = [
    filling(facts, thresholds),
    full(facts),
    grown(facts, 'listen-overflow', {
      key: 'listenOverflows',
      text: (count) =>
        `${count} connections were turned away in the last 10 s: an accept queue is full (net.core.somaxconn and the listener's backlog)`,
    }),
    grown(facts, 'time-wait-overflow', {
      key: 'timeWaitOverflows',
      text: (count) =>
        `${count} sockets left TIME_WAIT early in the last 10 s: net.ipv4.tcp_max_tw_buckets is reached, old packets may reach new connections`,
    }),
    grown(facts, 'softnet-dropped', {
      key: 'softnetDropped',
      text: (count) =>
        `${count} packets were dropped before the network stack in the last 10 s: net.core.netdev_max_backlog is reached, or a processor is overloaded`,
    }),
    ports(facts),
    steal(facts, thresholds),
  ];
  return causes.filter((cause) => cause !== undefined);
}

function filling({ sample, outlook, sources }: Facts, thresholds: WatchThresholds): Cause | undefined {
  const { conntrack } = sample;
  if (conntrack === undefined) return undefined;
  const percent = percentOf(conntrack);
  const soon =
    outlook !== undefined && outlook.fullInSeconds <= forecastAlarmSeconds && percent >= forecastLeastPercent;
  if (percent < thresholds.conntrackAlarmPercent && !soon) return undefined;
  const when = outlook !== undefined && outlook.fullInSeconds < Infinity ? outlook.fullInSeconds : undefined;
  const first = sources[0];
  const text = [
    `Connection tracking is ${Math.round(percent)} % full (${conntrack.entries} of ${conntrack.limit})`,
    ...(when === undefined ? [] : [`full in ${duration(when)} at this rate`]),
    ...(first === undefined ? [] : [`${Math.round(first.share * 100)} % from ${first.source}`]),
  ].join(', ');
  const evidence = {
    entries: conntrack.entries,
    limit: conntrack.limit,
    ...(when === undefined ? {} : { fullInSeconds: Math.round(when) }),
    ...(outlook === undefined ? {} : { ratePerSecond: Math.round(outlook.ratePerSecond) }),
    ...(first === undefined ? {} : { source: first.source, sourcePercent: Math.round(first.share * 100) }),
  };
  return { name: 'conntrack-filling', severity: 'warning', text, evidence };
}

function full({ sample, recent, sources }: Facts): Cause | undefined {
  const before = recent[0]?.conntrack;
  const now = sample.conntrack;
  if (before === undefined || now === undefined) return undefined;
  const lost = now.dropped - before.dropped;
  const early = now.earlyDropped - before.earlyDropped;
  if (lost <= 0 && early <= 0) return undefined;
  const first = sources[0];
  const who = first === undefined ? '' : `; ${Math.round(first.share * 100)} % of the entries are from ${first.source}`;
  const text = `The kernel drops new connections: the connection tracking table is full (${now.limit} entries), ${lost + early} dropped in the last 10 s${who}`;
  return { name: 'conntrack-full', severity: 'alarm', text, evidence: { dropped: lost, earlyDropped: early } };
}

function grown(
  { sample, recent }: Facts,
  name: WatchAlarmName,
  what: {
    readonly key: 'listenOverflows' | 'timeWaitOverflows' | 'softnetDropped';
    readonly text: (count: number) => string;
  },
): Cause | undefined {
  const now = sample[what.key];
  const before = recent[0]?.[what.key];
  if (now === undefined || before === undefined || now <= before) return undefined;
  return { name, severity: 'alarm', text: what.text(now - before), evidence: { count: now - before } };
}

function ports({ sample }: Facts): Cause | undefined {
  const use = sample.ports;
  if (use === undefined || use.used < use.usable * portAlarmRatio) return undefined;
  const text = `${use.used} of ${use.usable} local ports are in use towards ${use.destination}: beyond that no connection to it can be opened`;
  const severity = use.used >= use.usable ? 'alarm' : 'warning';
  return { name: 'ports', severity, text, evidence: { ...use } };
}

function steal(facts: Facts, thresholds: WatchThresholds): Cause | undefined {
  const ratio = stealRatio(facts.recent);
  if (ratio === undefined || ratio * 100 < thresholds.stealAlarmPercent) return undefined;
  const percent = Math.round(ratio * 100);
  const text = `The hypervisor took ${percent} % of the processor time in the last 10 s: the machine is slower than it looks, ask the provider`;
  return { name: 'steal', severity: 'warning', text, evidence: { stealPercent: percent } };
}

/** Needs nearly the whole window: one bad second after the start is not a tenth of the time. */
function stealRatio(recent: readonly WatchSample[]): number | undefined {
  const first = recent[0];
  const last = recent.at(-1);
  if (first?.cpu === undefined || last?.cpu === undefined || last.atMs - first.atMs < recentMs * 0.85) return undefined;
  const total = last.cpu.total - first.cpu.total;
  return total > 0 ? Math.min(1, Math.max(0, last.cpu.steal - first.cpu.steal) / total) : undefined;
}

function follow(
  standing: ReadonlyMap<WatchAlarmName, StandingAlarm>,
  causes: readonly Cause[],
  nowMs: number,
): { readonly alarms: ReadonlyMap<WatchAlarmName, StandingAlarm>; readonly news: readonly WatchNews[] } {
  const alarms = new Map(standing);
  const news: WatchNews[] = [];
  for (const { name, severity, text, evidence } of causes) {
    const before = alarms.get(name);
    alarms.set(name, { name, severity, text, sinceMs: before?.sinceMs ?? nowMs, lastMs: nowMs });
    if (before === undefined || (before.severity === 'warning' && severity === 'alarm'))
      news.push({ alarm: name, change: 'raised', severity, text, evidence });
  }
  for (const [name, { lastMs, sinceMs, text }] of alarms) {
    if (nowMs - lastMs < quietMs) continue;
    alarms.delete(name);
    const evidence = { lastedSeconds: Math.round((lastMs - sinceMs) / 1000) };
    news.push({ alarm: name, change: 'cleared', severity: 'info', text: `Over: ${text}`, evidence });
  }
  return { alarms, news };
}

function viewOf(
  { sample, recent, outlook, sources }: Facts,
  alarms: ReadonlyMap<WatchAlarmName, StandingAlarm>,
): WatchView {
  const { conntrack, listenOverflows, timeWaitOverflows, softnetDropped } = sample;
  const stolen = stealRatio(recent);
  return {
    ...(conntrack === undefined ? {} : { conntrack: { ...conntrack, ...outlook, sources } }),
    ...(stolen === undefined ? {} : { stealRatio: stolen }),
    ...(listenOverflows === undefined ? {} : { listenOverflows }),
    ...(timeWaitOverflows === undefined ? {} : { timeWaitOverflows }),
    ...(softnetDropped === undefined ? {} : { softnetDropped }),
    ...(sample.ports === undefined ? {} : { ports: sample.ports }),
    alarms: [...alarms.values()].map(({ lastMs: _lastMs, ...alarm }) => alarm),
  };
}

function percentOf({ entries, limit }: ConntrackSample): number {
  return limit > 0 ? (entries / limit) * 100 : 0;
}

/** 40 s, 11 min, 3 h: two digits are more than such a forecast knows. */
function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
