import { describe, expect, test } from 'vitest';
import {
  conntrackCounters,
  cpuTicks,
  fullestDestination,
  netstatFigure,
  portRange,
  softnetDropped,
  tcpSockets,
  usablePorts,
} from './proc-text.ts';

describe('counters', () => {
  test('netstat: a value stands below its name', () => {
    const text = 'TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 4 17 18\nIpExt: InOctets\nIpExt: 9\n';
    expect(netstatFigure(text, 'TcpExt', 'ListenOverflows')).toBe(17);
    expect(netstatFigure(text, 'IpExt', 'InOctets')).toBe(9);
    expect(netstatFigure(text, 'TcpExt', 'Unknown')).toBeUndefined();
    expect(netstatFigure('', 'TcpExt', 'ListenOverflows')).toBeUndefined();
  });

  test('softnet_stat: hexadecimal, added over processors', () => {
    expect(softnetDropped('0000ab12 00000010 00000001\n00000001 00000002 00000000\n')).toBe(18);
    expect(softnetDropped('')).toBeUndefined();
  });

  test('conntrack: by the names of this kernel (6.x) and of an older one with other columns (5.10)', () => {
    const now =
      'entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new\n' +
      '00000005  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 0000000a 00000002 00000001 00000000  00000000\n' +
      '00000005  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000001 00000000 00000000  00000000\n';
    expect(conntrackCounters(now)).toEqual({ insertFailed: 11, dropped: 3, earlyDropped: 1 });
    const before = 'entries searched found insert_failed drop early_drop\n00000001 0 0 00000003 00000004 00000005\n';
    expect(conntrackCounters(before)).toEqual({ insertFailed: 3, dropped: 4, earlyDropped: 5 });
    expect(conntrackCounters('')).toBeUndefined();
  });

  test('sockstat and stat', () => {
    expect(tcpSockets('sockets: used 300\nTCP: inuse 40 orphan 0 tw 2 alloc 41 mem 3\nUDP: inuse 9 mem 0\n')).toBe(42);
    expect(tcpSockets('')).toBe(0);
    expect(cpuTicks('cpu  10 1 2 100 3 0 4 7 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n')).toEqual({ total: 127, steal: 7 });
    expect(cpuTicks('nonsense')).toBeUndefined();
  });
});

describe('local ports', () => {
  test('reserved ports are not given out', () => {
    const range = portRange('32768\t60999\n', '30000-32769,40000,60999-65000\n');
    expect(range && usablePorts(range)).toBe(28_232 - 2 - 1 - 1);
    expect(portRange('', '')).toBeUndefined();
  });

  test('the fullest destination, listeners and fixed ports left out', () => {
    const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
    const line = (local: string, remote: string, state = '01'): string =>
      `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n`;
    const tcp =
      head +
      line('0100007F:8001', '0201A8C0:0050') +
      line('0100007F:8002', '0201A8C0:0050', '06') +
      line('0100007F:8003', '0301A8C0:0050') +
      line('0100007F:0050', '0301A8C0:C001') +
      line('00000000:8005', '00000000:0000', '0A');
    const tcp6 = head + line('00000000000000000000000001000000:8006', 'B80D0120000000000000000001000000:01BB');
    const range = portRange('32768 32777', '');
    if (range === undefined) throw new Error('no range');
    expect(fullestDestination([tcp, tcp6], range)).toEqual({ destination: '192.168.1.2:80', used: 2, usable: 10 });
    expect(fullestDestination([tcp6], range)?.destination).toBe('[2001:db8:0:0:0:0:0:1]:443');
    expect(fullestDestination([head], range)).toBeUndefined();
  });
});
