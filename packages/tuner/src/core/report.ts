// From two looks at the counters to findings: what drops users now, what is tight, what is fine. Pure. Totals since boot
// prove nothing about now, so only what grew between the looks counts as happening.
import { addressOfHex, TCP_STATES, type Pressure } from './proc.ts';
import { parsePorts } from './ports.ts';

/** What the watch looks at each second. */
export interface LimitCounters {
  readonly atMs: number;
  /** /proc/net/netstat and snmp: `TcpExt ListenDrops`. */
  readonly tcp: ReadonlyMap<string, number>;
  readonly conntrack: ReadonlyMap<string, number>;
  readonly table?: { readonly entries: number; readonly limit: number };
  readonly sockstat: ReadonlyMap<string, number>;
  readonly softnetDropped: number;
  readonly timeSqueeze: number;
  /** Clock ticks of all processors together since boot. */
  readonly cpu?: { readonly total: number; readonly softirq: number; readonly steal: number };
}

/** One look at all counters. */
export interface CounterSample extends LimitCounters {
  readonly interfaces: readonly {
    readonly name: string;
    readonly rxDropped: number;
    readonly rxMissed: number;
    readonly txDropped: number;
  }[];
  readonly pressure: Readonly<Record<'cpu' | 'memory' | 'io', Pressure | undefined>>;
}

/** The TCP sockets of the namespace, counted. */
export interface SocketCensus {
  readonly states: ReadonlyMap<number, number>;
  /** `LOCALHEX REMOTEHEX REMOTEPORT` to the number of sockets. */
  readonly destinations: ReadonlyMap<string, number>;
  /** Listeners whose accept queue is not empty. */
  readonly queues: readonly { readonly port: number; readonly waiting: number }[];
}

/** One finding. `dropping`: users are affected now (exit code 4). `warning`: soon, or in part. */
export interface Finding {
  readonly level: 'dropping' | 'warning' | 'ok';
  readonly what: string;
  /** With its unit. */
  readonly value: string;
  readonly detail: string;
}

/** Counters whose growth means that somebody's connection or packet was lost. */
const LOSSES: readonly (readonly [counter: string, detail: string])[] = [
  ['TcpExt ListenOverflows', 'accept queues are full: raise net.core.somaxconn, or give the proxy more processor'],
  ['TcpExt ListenDrops', 'connections are dropped before they are accepted'],
  ['TcpExt TCPReqQFullDrop', 'half-open connections are dropped: set net.ipv4.tcp_syncookies=1'],
  ['TcpExt TCPAbortOnMemory', 'connections are reset for want of memory: raise net.ipv4.tcp_mem'],
  ['TcpExt TCPBacklogDrop', 'packets are dropped while a socket is busy'],
  ['TcpExt TCPRcvQDrop', 'packets are dropped for want of memory'],
];

const HINTS: readonly (readonly [counter: string, detail: string])[] = [
  ['TcpExt TCPReqQFullDoCookies', 'SYN cookies are being sent: a SYN flood, or net.core.somaxconn is too small'],
  ['TcpExt TCPTimeWaitOverflow', 'TIME_WAIT is cut short: raise net.ipv4.tcp_max_tw_buckets'],
  ['TcpExt TCPMemoryPressures', 'TCP memory is tight: see net.ipv4.tcp_mem'],
  ['TcpExt PruneCalled', 'receive buffers are being pruned'],
  ['TcpExt IPReversePathFilter', 'rp_filter drops packets: set net.ipv4.conf.all.rp_filter=2'],
];

/** Reads of both samples: findings in the order of a report. */
export function findingsOf(before: CounterSample, after: CounterSample): readonly Finding[] {
  const seconds = Math.max(0.001, (after.atMs - before.atMs) / 1000);
  const grew = (name: string, from: ReadonlyMap<string, number>, to: ReadonlyMap<string, number>): number =>
    Math.max(0, (to.get(name) ?? 0) - (from.get(name) ?? 0)) / seconds;
  const rate = (level: Finding['level']) => {
    return ([name, detail]: readonly [string, string]): Finding => {
      const perSecond = grew(name, before.tcp, after.tcp);
      const what = name.replace('TcpExt ', '');
      if (perSecond === 0) return { level: 'ok', what, value: '0/s', detail: total(after.tcp.get(name)) };
      return { level, what, value: perSecondText(perSecond), detail };
    };
  };
  return [
    ...LOSSES.map(rate('dropping')),
    ...HINTS.map(rate('warning')),
    ...conntrackFindings(before, after, seconds),
    ...packetFindings(before, after, seconds),
    ...hostFindings(before, after),
  ];
}

function total(count: number | undefined): string {
  return count === undefined ? 'not counted by this kernel' : `${count} since boot`;
}

function perSecondText(perSecond: number): string {
  return `${perSecond >= 10 ? Math.round(perSecond) : Math.round(perSecond * 10) / 10}/s`;
}

function conntrackFindings(before: CounterSample, after: CounterSample, seconds: number): readonly Finding[] {
  if (after.table === undefined) {
    return [{ level: 'ok', what: 'conntrack', value: 'off', detail: 'connection tracking is not loaded' }];
  }
  const { entries, limit } = after.table;
  const share = limit === 0 ? 0 : entries / limit;
  const level = share >= 1 ? 'dropping' : share >= 0.8 ? 'warning' : 'ok';
  const fill: Finding = {
    level,
    what: 'conntrack fill',
    value: `${entries} of ${limit}`,
    detail: entries === 0 ? 'nothing tracks here' : `${Math.round(share * 100)} %`,
  };
  const losses = ['drop', 'early_drop', 'insert_failed'].flatMap((name): Finding[] => {
    const count = after.conntrack.get(name);
    if (count === undefined) return [];
    const grew = Math.max(0, count - (before.conntrack.get(name) ?? 0)) / seconds;
    const what = `conntrack ${name}`;
    if (grew === 0) return [{ level: 'ok', what, value: '0/s', detail: total(count) }];
    const detail = 'new connections are dropped: raise nf_conntrack_max and _buckets, or set tuner.notrack';
    return [{ level: 'dropping', what, value: perSecondText(grew), detail }];
  });
  return [fill, ...losses];
}

function packetFindings(before: CounterSample, after: CounterSample, seconds: number): readonly Finding[] {
  const dropped = Math.max(0, after.softnetDropped - before.softnetDropped) / seconds;
  const squeezed = Math.max(0, after.timeSqueeze - before.timeSqueeze) / seconds;
  const softirq: Finding[] = [
    dropped > 0
      ? {
          level: 'dropping',
          what: 'softirq drops',
          value: perSecondText(dropped),
          detail: 'the queue between interface and processor overflows: raise net.core.netdev_max_backlog',
        }
      : { level: 'ok', what: 'softirq drops', value: '0/s', detail: total(after.softnetDropped) },
    {
      level: squeezed > 1 ? 'warning' : 'ok',
      what: 'softirq squeezed',
      value: perSecondText(squeezed),
      detail: squeezed > 1 ? 'rounds end with work left: see net.core.netdev_budget' : total(after.timeSqueeze),
    },
  ];
  return [...softirq, ...after.interfaces.flatMap((one) => interfaceFinding(one, before, seconds))];
}

function interfaceFinding(
  { name, rxDropped, rxMissed, txDropped }: CounterSample['interfaces'][number],
  before: CounterSample,
  seconds: number,
): readonly Finding[] {
  const was = before.interfaces.find((one) => one.name === name);
  if (was === undefined) return [];
  const missed = Math.max(0, rxMissed - was.rxMissed) / seconds;
  const dropped = Math.max(0, rxDropped - was.rxDropped + txDropped - was.txDropped) / seconds;
  const what = `${name} drops`;
  if (missed > 0)
    return [{ level: 'dropping', what, value: perSecondText(missed), detail: 'the interface has no room: rx_missed' }];
  // Packets of protocols that nobody here speaks are counted as dropped too.
  if (dropped > 0)
    return [
      {
        level: 'warning',
        what,
        value: perSecondText(dropped),
        detail: 'rx_dropped + tx_dropped; some of it may be noise',
      },
    ];
  return [{ level: 'ok', what, value: '0/s', detail: `${rxDropped + txDropped + rxMissed} since it came up` }];
}

function hostFindings(before: CounterSample, after: CounterSample): readonly Finding[] {
  const findings: Finding[] = [];
  if (before.cpu !== undefined && after.cpu !== undefined) {
    const ticks = Math.max(1, after.cpu.total - before.cpu.total);
    const percent = (part: number): number => Math.round((1000 * part) / ticks) / 10;
    const steal = percent(after.cpu.steal - before.cpu.steal);
    const softirq = percent(after.cpu.softirq - before.cpu.softirq);
    findings.push({
      level: steal > 5 ? 'warning' : 'ok',
      what: 'steal',
      value: `${steal} %`,
      detail:
        steal > 5 ? 'the host gives this machine too little processor: ask the provider, or move' : 'of all processors',
    });
    findings.push({
      level: softirq > 70 ? 'warning' : 'ok',
      what: 'softirq',
      value: `${softirq} %`,
      detail: 'of all processors',
    });
  }
  for (const what of ['cpu', 'memory', 'io'] as const) {
    const pressure = after.pressure[what];
    if (pressure === undefined) continue;
    const isHigh = pressure.avg10 > (what === 'memory' ? 10 : 50);
    findings.push({
      level: isHigh ? 'warning' : 'ok',
      what: `${what} pressure`,
      value: `${pressure.avg10} %`,
      detail: `of the last 10 s somebody waited; last minute ${pressure.avg60} %`,
    });
  }
  return findings;
}

/** Ports that are left towards one server address. */
export interface PortsLeft {
  readonly from: string;
  readonly to: string;
  readonly used: number;
  readonly left: number;
}

/**
 * Ports left by destination, the tightest first.
 *
 * @param range ip_local_port_range. @param reserved ip_local_reserved_ports.
 * @param limit Destinations at most. Default 10.
 */
export function portsLeft(
  census: SocketCensus,
  kernel: { readonly range: string; readonly reserved: string },
  limit = 10,
): readonly PortsLeft[] {
  const [low, high] = kernel.range.trim().split(/\s+/).map(Number);
  if (low === undefined || high === undefined) return [];
  const reserved = (parsePorts(kernel.reserved) ?? []).filter((port) => port >= low && port <= high).length;
  const room = high - low + 1 - reserved;
  return [...census.destinations]
    .map(([key, used]) => ({ key, used }))
    .sort((a, b) => b.used - a.used)
    .slice(0, limit)
    .map(({ key, used }) => {
      const [from = '', to = '', port = ''] = key.split(' ');
      return { from: addressOfHex(from), to: `${addressOfHex(to)} port ${port}`, used, left: Math.max(0, room - used) };
    });
}

/** Sockets by the name of their state, most first. */
export function socketsByState(census: SocketCensus): readonly (readonly [state: string, count: number])[] {
  return [...census.states]
    .map(([state, count]) => [TCP_STATES[state] ?? `state ${state}`, count] as const)
    .sort((a, b) => b[1] - a[1]);
}

/** Findings about ports, the accept queues and open files. */
export function censusFindings(
  left: readonly PortsLeft[],
  census: SocketCensus,
  openFiles: { readonly limit?: number; readonly wanted: number },
): readonly Finding[] {
  const findings: Finding[] = [];
  const tightest = left[0];
  if (tightest !== undefined) {
    const room = tightest.used + tightest.left;
    const level = tightest.left === 0 ? 'dropping' : tightest.left < room * 0.2 ? 'warning' : 'ok';
    const detail = `to ${tightest.to}; ${tightest.used} used`;
    findings.push({ level, what: 'ports left', value: String(tightest.left), detail });
  }
  for (const { port, waiting } of census.queues.slice(0, 5)) {
    findings.push({
      level: 'ok',
      what: `accept queue :${port}`,
      value: String(waiting),
      detail: 'connections wait to be accepted',
    });
  }
  const { limit, wanted } = openFiles;
  if (limit !== undefined) {
    const level = limit < wanted ? 'warning' : 'ok';
    const detail =
      level === 'ok'
        ? `${wanted} are wanted`
        : `${wanted} are wanted: LimitNOFILE=${wanted} in a drop-in of the service`;
    findings.push({ level, what: 'open files', value: String(limit), detail });
  }
  return findings;
}
