// One look at the counters that tell who loses packets and connections: read now, compared with a later look by
// core/report.ts. Files only. Missing files give absent values.
import { decodeCpuTimes } from '@tospann/linux';
import {
  eachTcpSocket,
  parseConntrackStat,
  parsePairedLines,
  parsePressure,
  parseSockstat,
  parseSoftnet,
} from '../core/proc.ts';
import type { CounterSample, LimitCounters, SocketCensus } from '../core/report.ts';
import type { SystemRoot } from './system-root.ts';

/** Reads all counters. @param atMs Monotonic ms of now. */
export function readCounters(root: SystemRoot, atMs: number): CounterSample {
  const pressure = (what: string): ReturnType<typeof parsePressure> =>
    parsePressure(root.read(`/proc/pressure/${what}`) ?? '');
  return {
    ...readLimitCounters(root, atMs),
    interfaces: readInterfaces(root),
    pressure: { cpu: pressure('cpu'), memory: pressure('memory'), io: pressure('io') },
  };
}

/** Reads what the watch needs each second: a few small files. @param atMs Monotonic ms of now. */
export function readLimitCounters(root: SystemRoot, atMs: number): LimitCounters {
  const text = (path: string): string => root.read(path) ?? '';
  const softnet = parseSoftnet(text('/proc/net/softnet_stat'));
  const number = (path: string): number | undefined => {
    const raw = root.read(path)?.trim() ?? '';
    return /^\d+$/.test(raw) ? Number(raw) : undefined;
  };
  const entries = number('/proc/sys/net/netfilter/nf_conntrack_count');
  const limit = number('/proc/sys/net/netfilter/nf_conntrack_max');
  const cpu = decodeCpuTimes(text('/proc/stat'));
  return {
    atMs,
    tcp: new Map([...parsePairedLines(text('/proc/net/netstat')), ...parsePairedLines(text('/proc/net/snmp'))]),
    conntrack: parseConntrackStat(text('/proc/net/stat/nf_conntrack')),
    ...(entries === undefined || limit === undefined ? {} : { table: { entries, limit } }),
    sockstat: parseSockstat(text('/proc/net/sockstat')),
    softnetDropped: softnet.reduce((sum, one) => sum + one.dropped, 0),
    timeSqueeze: softnet.reduce((sum, one) => sum + one.timeSqueeze, 0),
    ...(cpu === undefined ? {} : { cpu }),
  };
}

function readInterfaces(root: SystemRoot): CounterSample['interfaces'] {
  return root.list('/sys/class/net').flatMap((name) => {
    if (name === 'lo') return [];
    const value = (counter: string): number =>
      Number((root.read(`/sys/class/net/${name}/statistics/${counter}`) ?? '0').trim());
    return [
      { name, rxDropped: value('rx_dropped'), rxMissed: value('rx_missed_errors'), txDropped: value('tx_dropped') },
    ];
  });
}

/** Counts the TCP sockets of this network namespace. Reads all of them: for a command, not for every second. */
export function readCensus(root: SystemRoot): SocketCensus {
  const states = new Map<number, number>();
  const destinations = new Map<string, number>();
  const listenPorts = new Set<number>();
  const queues: { port: number; waiting: number }[] = [];
  const files = ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => root.read(file) ?? '');
  for (const text of files) {
    eachTcpSocket(text, ({ state, localPort, waiting }) => {
      if (state !== LISTEN) return;
      listenPorts.add(localPort);
      if (waiting > 0) queues.push({ port: localPort, waiting });
    });
  }
  for (const text of files) {
    eachTcpSocket(text, (socket) => {
      states.set(socket.state, (states.get(socket.state) ?? 0) + 1);
      // A connection whose local port is a listener's came in; all others took a port of their own.
      if (socket.state === LISTEN || socket.remotePort === 0 || listenPorts.has(socket.localPort)) return;
      const to = `${socket.localHex} ${socket.remoteHex} ${socket.remotePort}`;
      destinations.set(to, (destinations.get(to) ?? 0) + 1);
    });
  }
  return { states, destinations, queues };
}

const LISTEN = 10;
