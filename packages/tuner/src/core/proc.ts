// Parsers of what /proc tells of sockets, packets, memory and time: text in, numbers out. Columns are found by their
// headers wherever there is one, because kernels differ. No parser throws: what is not understood is absent.

/** `Tcp: RtoAlgorithm ... / Tcp: 1 ...` of /proc/net/netstat and /proc/net/snmp, as `TcpExt ListenDrops` to its value. */
export function parsePairedLines(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  const lines = text.split('\n');
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const [name = '', ...names] = (lines[index] ?? '').trim().split(/\s+/);
    const [again, ...numbers] = (lines[index + 1] ?? '').trim().split(/\s+/);
    if (name !== again) continue;
    names.forEach((field, column) => values.set(`${name.replace(':', '')} ${field}`, Number(numbers[column] ?? 0)));
  }
  return values;
}

/** /proc/net/sockstat: `TCP tw` to its value; memory is in pages. */
export function parseSockstat(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name = '', ...words] = line.trim().split(/\s+/);
    for (let index = 0; index + 1 < words.length; index += 2) {
      values.set(`${name.replace(':', '')} ${words[index] ?? ''}`, Number(words[index + 1]));
    }
  }
  return values;
}

/** One processor's line of /proc/net/softnet_stat. */
export interface SoftnetCpu {
  readonly processed: number;
  readonly dropped: number;
  readonly timeSqueeze: number;
}

/** /proc/net/softnet_stat: hexadecimal, a line for each processor, no header; the first three columns never changed. */
export function parseSoftnet(text: string): readonly SoftnetCpu[] {
  return text.split('\n').flatMap((line) => {
    const [processed, dropped, timeSqueeze] = line
      .trim()
      .split(/\s+/)
      .map((word) => Number.parseInt(word, 16));
    if (processed === undefined || dropped === undefined || timeSqueeze === undefined) return [];
    return [{ processed, dropped, timeSqueeze }];
  });
}

/**
 * /proc/net/stat/nf_conntrack by its header, summed over processors; `entries` is the same in every line. Absent columns
 * are absent here.
 */
export function parseConntrackStat(text: string): ReadonlyMap<string, number> {
  const [head = '', ...rows] = text.trim().split('\n');
  const names = head.trim().split(/\s+/);
  const sums = new Map<string, number>();
  for (const row of rows) {
    const words = row.trim().split(/\s+/);
    if (words.length !== names.length) continue;
    names.forEach((name, column) => {
      const value = Number.parseInt(words[column] ?? '', 16);
      if (Number.isNaN(value)) return;
      sums.set(name, name === 'entries' ? value : (sums.get(name) ?? 0) + value);
    });
  }
  return sums;
}

/** Shares of time (percent) in which somebody waited, and the total in us. */
export interface Pressure {
  readonly avg10: number;
  readonly avg60: number;
  readonly totalUs: number;
}

/** /proc/pressure/{cpu,memory,io}: the line `some`; undefined where the kernel has none. */
export function parsePressure(text: string): Pressure | undefined {
  const [, avg10, avg60, total] = /^some avg10=([\d.]+) avg60=([\d.]+) avg300=[\d.]+ total=(\d+)/m.exec(text) ?? [];
  if (avg10 === undefined) return undefined;
  return { avg10: Number(avg10), avg60: Number(avg60), totalUs: Number(total) };
}

/** MiB of `MemTotal` in /proc/meminfo; 0 when it is not there. */
export function parseMemoryMib(text: string): number {
  return Math.floor(Number(/^MemTotal:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024);
}

/** Soft and hard limit of open files in /proc/PID/limits; Infinity for "unlimited". */
export function parseOpenFiles(text: string): { readonly soft: number; readonly hard: number } | undefined {
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text) ?? [];
  if (soft === undefined || hard === undefined) return undefined;
  const value = (word: string): number => (word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word));
  return { soft: value(soft), hard: value(hard) };
}

/** States of TCP sockets by the number that /proc/net/tcp has. */
export const TCP_STATES: readonly string[] = [
  '',
  'ESTABLISHED',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'CLOSE',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
  'NEW-SYN-RECV',
];

/** One socket of /proc/net/tcp or tcp6. */
export interface TcpSocket {
  /** As the kernel writes them: hexadecimal words in the order of the machine. */
  readonly localHex: string;
  readonly localPort: number;
  readonly remoteHex: string;
  readonly remotePort: number;
  readonly state: number;
  /** Of a listener: connections that wait to be accepted. */
  readonly waiting: number;
}

/** Calls `each` for every socket of /proc/net/tcp or tcp6: there may be a hundred thousand, so no list is made. */
export function eachTcpSocket(text: string, each: (socket: TcpSocket) => void): void {
  let from = text.indexOf('\n') + 1;
  while (from > 0 && from < text.length) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end < 0 ? text.length : end);
    const [, local = '', remote = '', state = '', queues = ''] = line.trim().split(/\s+/, 5);
    const [localHex = '', localPort = ''] = local.split(':');
    const [remoteHex = '', remotePort = ''] = remote.split(':');
    if (state !== '') {
      each({
        localHex,
        localPort: Number.parseInt(localPort, 16),
        remoteHex,
        remotePort: Number.parseInt(remotePort, 16),
        state: Number.parseInt(state, 16),
        waiting: Number.parseInt(queues.split(':')[1] ?? '0', 16),
      });
    }
    from = end < 0 ? -1 : end + 1;
  }
}

/** An address of /proc/net/tcp (little-endian words) as text; IPv6 without shortening, IPv4 in IPv6 as IPv4. */
export function addressOfHex(hex: string): string {
  const bytes: number[] = [];
  for (let word = 0; word < hex.length; word += 8) {
    for (let byte = 6; byte >= 0; byte -= 2) bytes.push(Number.parseInt(hex.slice(word + byte, word + byte + 2), 16));
  }
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.slice(0, 10).every((one) => one === 0) && bytes[10] === 255 && bytes[11] === 255) {
    return bytes.slice(12).join('.');
  }
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0));
  return groups.map((group) => group.toString(16)).join(':');
}

/**
 * Whether a path below /proc is mounted read-only, by /proc/self/mountinfo. Containers often have /proc/sys read-only and
 * /proc/sys/net, which belongs to their own network, writable.
 */
export function isReadOnly(mountinfo: string, path: string): boolean {
  let nearest = '';
  let readOnly = false;
  for (const line of mountinfo.split('\n')) {
    const [, , , , mountPoint = '', options = ''] = line.split(' ');
    const covers = path === mountPoint || path.startsWith(`${mountPoint}/`);
    // Of mounts on the same place the last one covers those before it.
    if (!mountPoint.startsWith('/proc') || !covers || mountPoint.length < nearest.length) continue;
    nearest = mountPoint;
    readOnly = options.split(',').includes('ro');
  }
  return readOnly;
}
