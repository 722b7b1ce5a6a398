// What a run of probes says, as a pure function: how many failed and how, the outages, who answered from when on.
// Times are monotonic ms of one machine.

/** One request of the prober: when it started, how long it took, what came of it. */
export interface Probe {
  readonly atMs: number;
  readonly tookMs: number;
  /** When the connection was there, from `atMs`; -1 when it never was. */
  readonly connectMs: number;
  readonly ok: boolean;
  /** `ok`, `refused`, `reset`, `timeout`, `unreachable`, `empty`, `truncated`, `status-503`, or an errno name. */
  readonly kind: string;
  /** Name of the web server that answered; empty when none did. */
  readonly origin: string;
  /** The address from which the web server was asked: which load balancer it was. */
  readonly via: string;
}

/** A run of probes, in order of start, that all failed: from the first failed start to the next good one. */
export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
  readonly failed: number;
}

export interface ProbeReport {
  readonly total: number;
  readonly failed: number;
  /** Of the failed: those that got no connection. The others were under way when they were lost. */
  readonly failedToConnect: number;
  readonly byKind: Readonly<Record<string, number>>;
  readonly outages: readonly Outage[];
  /** Length of the longest outage in ms; 0 when every probe was answered. */
  readonly longestOutageMs: number;
  /** From the first refused start to the next that was not, the longest such run in ms. */
  readonly longestRefusedMs: number;
  /** The longest time in which no good answer came, in ms: it also sees requests that only had to wait. */
  readonly longestSilenceMs: number;
  readonly slowestAnswerMs: number;
  /** The load balancers in the order in which they began to answer, by start of the request. */
  readonly answeredBy: readonly { readonly via: string; readonly fromMs: number; readonly count: number }[];
  readonly byOrigin: Readonly<Record<string, number>>;
}

/** Evaluates probes; their order does not matter. An outage that has not ended counts up to the last start. */
export function evaluateProbes(probes: readonly Probe[]): ProbeReport {
  const ordered = probes.toSorted((one, other) => one.atMs - other.atMs);
  const good = ordered.filter((probe) => probe.ok);
  const outages = runsOf(ordered, (probe) => !probe.ok);
  return {
    total: ordered.length,
    failed: ordered.length - good.length,
    failedToConnect: ordered.filter((probe) => !probe.ok && probe.connectMs < 0).length,
    byKind: countBy(ordered, (probe) => probe.kind),
    outages,
    longestOutageMs: longest(outages),
    longestRefusedMs: longest(runsOf(ordered, (probe) => probe.kind === 'refused')),
    longestSilenceMs: longestSilence(ordered, good),
    slowestAnswerMs: good.reduce((slowest, probe) => Math.max(slowest, probe.tookMs), 0),
    answeredBy: answeredBy(good),
    byOrigin: countBy(good, (probe) => probe.origin),
  };
}

function runsOf(ordered: readonly Probe[], bad: (probe: Probe) => boolean): Outage[] {
  const runs: Outage[] = [];
  let start: number | undefined;
  let failed = 0;
  for (const probe of ordered) {
    if (bad(probe)) {
      start ??= probe.atMs;
      failed += 1;
    } else if (start !== undefined) {
      runs.push({ fromMs: start, toMs: probe.atMs, failed });
      start = undefined;
      failed = 0;
    }
  }
  if (start !== undefined) runs.push({ fromMs: start, toMs: ordered.at(-1)?.atMs ?? start, failed });
  return runs;
}

function longest(runs: readonly Outage[]): number {
  return runs.reduce((most, run) => Math.max(most, run.toMs - run.fromMs), 0);
}

function longestSilence(ordered: readonly Probe[], good: readonly Probe[]): number {
  const ends = good.map((probe) => probe.atMs + probe.tookMs).toSorted((one, other) => one - other);
  const last = ordered.reduce((latest, probe) => Math.max(latest, probe.atMs), -Infinity);
  let silenceMs = 0;
  let previous = ordered[0]?.atMs ?? 0;
  for (const end of [...ends, last]) {
    silenceMs = Math.max(silenceMs, end - previous);
    previous = Math.max(previous, end);
  }
  return Number.isFinite(silenceMs) ? silenceMs : 0;
}

function answeredBy(good: readonly Probe[]): { via: string; fromMs: number; count: number }[] {
  const turns: { via: string; fromMs: number; count: number }[] = [];
  for (const probe of good) {
    const current = turns.at(-1);
    if (current !== undefined && current.via === probe.via) current.count += 1;
    else turns.push({ via: probe.via, fromMs: probe.atMs, count: 1 });
  }
  return turns;
}

function countBy(probes: readonly Probe[], key: (probe: Probe) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const probe of probes) counts[key(probe)] = (counts[key(probe)] ?? 0) + 1;
  return counts;
}
