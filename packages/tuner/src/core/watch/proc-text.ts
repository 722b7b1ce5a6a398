// The kernel's counters as its /proc files print them: netstat, softnet_stat, the statistics of connection tracking,
// sockets, the processors' time. Columns are found by their names where the file has names. Pure; never throws: what
// cannot be read is undefined.
import type { ConntrackSample, PortUse } from './sample.ts';

/** One figure of /proc/net/netstat or /proc/net/snmp: lines of names and of values come in pairs. */
export function netstatFigure(text: string, group: string, name: string): number | undefined {
  const lines = text.split('\n').filter((line) => line.startsWith(`${group}:`));
  const at = lines[0]?.split(' ').indexOf(name) ?? -1;
  const value = at < 1 ? undefined : lines[1]?.split(' ')[at];
  return value === undefined ? undefined : Number(value);
}

/** Packets dropped before the stack: the second hexadecimal column of /proc/net/softnet_stat, over all processors. */
export function softnetDropped(text: string): number | undefined {
  const rows = text.split('\n').filter((line) => line !== '');
  if (rows.length === 0) return undefined;
  return rows.reduce((sum, row) => sum + Number.parseInt(row.split(' ')[1] ?? '0', 16), 0);
}

/**
 * The statistics of connection tracking: /proc/net/stat/nf_conntrack, one row of hexadecimal numbers a processor below
 * a row of names; which names there are depends on the kernel.
 */
export function conntrackCounters(text: string): Omit<ConntrackSample, 'entries' | 'limit'> | undefined {
  const [head = '', ...rows] = text.split('\n').filter((line) => line !== '');
  const names = head.trim().split(/\s+/);
  if (!names.includes('drop') || rows.length === 0) return undefined;
  const sum = (name: string): number => {
    const at = names.indexOf(name);
    if (at < 0) return 0;
    return rows.reduce((total, row) => total + Number.parseInt(row.trim().split(/\s+/)[at] ?? '0', 16), 0);
  };
  return { insertFailed: sum('insert_failed'), dropped: sum('drop'), earlyDropped: sum('early_drop') };
}

/** TCP sockets that have a local port: in use and in TIME_WAIT, of /proc/net/sockstat. */
export function tcpSockets(text: string): number {
  const words = (text.split('\n').find((line) => line.startsWith('TCP:')) ?? '').split(' ');
  const figure = (name: string): number => {
    const at = words.indexOf(name);
    return at < 0 ? 0 : Number(words[at + 1] ?? 0);
  };
  return figure('inuse') + figure('tw');
}

/** Ports that the kernel gives out: from ip_local_port_range and ip_local_reserved_ports (`8080,9000-9010`). */
export interface PortRange {
  readonly from: number;
  readonly to: number;
  readonly reserved: readonly { readonly from: number; readonly to: number }[];
}

/** Reads both files; undefined when the range is not there. */
export function portRange(range: string, reserved: string): PortRange | undefined {
  const [from, to] = range.trim().split(/\s+/).map(Number);
  if (from === undefined || to === undefined || !(from <= to)) return undefined;
  const parts = reserved.trim() === '' ? [] : reserved.trim().split(',');
  return {
    from,
    to,
    reserved: parts.map((part) => {
      const [first = Number.NaN, last = first] = part.split('-').map(Number);
      return { from: first, to: last };
    }),
  };
}

/** How many ports a range has to give. */
export function usablePorts({ from, to, reserved }: PortRange): number {
  const taken = reserved.reduce(
    (sum, part) => sum + Math.max(0, Math.min(to, part.to) - Math.max(from, part.from) + 1),
    0,
  );
  return to - from + 1 - taken;
}

/** LISTEN in /proc/net/tcp. */
const listening = '0A';

/**
 * The destination that most sockets with a local port of the range go to.
 *
 * @param texts /proc/net/tcp and /proc/net/tcp6: addresses in hexadecimal, each 32 bits in host order.
 */
export function fullestDestination(texts: readonly string[], range: PortRange): PortUse | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const line of text.split('\n').slice(1)) {
      const [, local = '', remote = '', state] = line.trim().split(/\s+/);
      const port = Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16);
      if (state === listening || remote === '' || !(port >= range.from && port <= range.to)) continue;
      counts.set(remote, (counts.get(remote) ?? 0) + 1);
    }
  }
  let most: readonly [string, number] | undefined;
  for (const entry of counts) if (most === undefined || entry[1] > most[1]) most = entry;
  return most && { destination: socketText(most[0]), used: most[1], usable: usablePorts(range) };
}

/** `0100007F:0050` is 127.0.0.1:80: little-endian words. */
function socketText(hex: string): string {
  const [address = '', port = ''] = hex.split(':');
  const words = address.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) =>
    (word.match(/../g) ?? []).toReversed().map((byte) => Number.parseInt(byte, 16)),
  );
  const number = Number.parseInt(port, 16);
  if (bytes.length === 4) return `${bytes.join('.')}:${number}`;
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (mapped) return `${bytes.slice(12).join('.')}:${number}`;
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return `[${groups.join(':')}]:${number}`;
}

/** Time of all processors in clock ticks: the first line of /proc/stat (guest time is in user time). */
export function cpuTicks(text: string): { readonly total: number; readonly steal: number } | undefined {
  const fields = /^cpu\s+([\d ]+)/.exec(text)?.[1]?.trim().split(' ').slice(0, 8).map(Number) ?? [];
  if (fields.length < 8) return undefined;
  return { total: fields.reduce((sum, value) => sum + value, 0), steal: fields[7] ?? 0 };
}
