// Parsers of /proc on texts of several kernels, the kind of machine by its signs, findings from two looks, and the rules
// against tracking.
import { expect, test } from 'vitest';
import { notrackObstacles, notrackRules } from '../src/core/notrack.ts';
import {
  addressOfHex,
  eachTcpSocket,
  parseConntrackStat,
  parseOpenFiles,
  parsePairedLines,
  parsePressure,
  parseSockstat,
  parseSoftnet,
  isReadOnly,
  type TcpSocket,
} from '../src/core/proc.ts';
import { censusFindings, findingsOf, portsLeft, socketsByState, type CounterSample } from '../src/core/report.ts';
import { virtualisationOf, type MachineSigns } from '../src/core/virtualisation.ts';

test('parsers read what kernels from 5.10 to 6.18 write', () => {
  const netstat = parsePairedLines('TcpExt: SyncookiesSent ListenDrops\nTcpExt: 3 7\nIpExt: InNoRoutes\nIpExt: 1\n');
  expect([...netstat]).toEqual([
    ['TcpExt SyncookiesSent', 3],
    ['TcpExt ListenDrops', 7],
    ['IpExt InNoRoutes', 1],
  ]);
  expect(parseSockstat('sockets: used 5\nTCP: inuse 2 orphan 0 tw 9 alloc 3 mem 328\n').get('TCP tw')).toBe(9);
  const softnet = '07051c92 00000002 0000008d 0 0 0 0 0 0 0 0 00000000 00000000\nffffffff 0 0 0 0 0 0 0 0 0 0\n';
  expect(parseSoftnet(softnet)).toEqual([
    { processed: 0x07051c92, dropped: 2, timeSqueeze: 0x8d },
    { processed: 0xffffffff, dropped: 0, timeSqueeze: 0 },
  ]);
  // 5.10 has other columns than 6.18: they are found by their names.
  const old =
    'entries  searched found new insert_failed drop\n000000ff  00000000 00000001 00000000 00000002 00000003\n';
  const recent =
    'entries  clashres found new invalid insert_failed drop early_drop\n0000000a 0 0 0 0 0 1 2\n0000000a 0 0 0 0 0 4 0\n';
  expect(parseConntrackStat(old).get('entries')).toBe(255);
  expect(parseConntrackStat(old).get('insert_failed')).toBe(2);
  expect(parseConntrackStat(old).get('early_drop')).toBeUndefined();
  expect([parseConntrackStat(recent).get('drop'), parseConntrackStat(recent).get('entries')]).toEqual([5, 10]);
  expect(parsePressure('some avg10=1.50 avg60=0.91 avg300=1.37 total=9118\nfull avg10=0.00')).toEqual({
    avg10: 1.5,
    avg60: 0.91,
    totalUs: 9118,
  });
  expect(parsePressure('')).toBeUndefined();
  expect(parseOpenFiles('Max open files            1024                 unlimited            files')).toEqual({
    soft: 1024,
    hard: Number.POSITIVE_INFINITY,
  });
});

test.each([
  ['/proc rw', '/proc/sys/vm/swappiness', false],
  ['/proc rw,/proc/sys ro', '/proc/sys/vm/swappiness', true],
  ['/proc rw,/proc/sys ro', '/proc/sys/net/core/somaxconn', true],
  ['/proc rw,/proc/sys ro,/proc/sys/net rw', '/proc/sys/net/core/somaxconn', false],
  ['/proc/sys/net rw,/proc/sys ro', '/proc/sys/net/core/somaxconn', false],
  ['/proc rw,/proc/sys ro,/proc/sys/net rw', '/proc/sys/vm/swappiness', true],
  ['/proc rw,/proc/sys ro,/proc/sys rw', '/proc/sys/vm/swappiness', false],
  ['/proc rw,/proc/sys ro,/proc/sys/net rw', '/proc/sys/network', true],
])('isReadOnly(): with %s, %s is %s', (mounts, path, expected) => {
  const lines = mounts.split(',').map((mount, i) => `${i} 0 0:1 / ${mount},relatime - proc proc rw`);
  expect(isReadOnly(lines.join('\n'), path)).toBe(expected);
});

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 1
   1: 0100007F:8001 0A0A0A0A:0050 01 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0100007F:8002 0A0A0A0A:0050 06 00000000:00000000 03:000014B5 00000000     0        0 0
   3: 0100007F:1F90 0101A8C0:C001 01 00000000:00000000 00:00000000 00000000     0        0 3
`;

test('eachTcpSocket() and addressOfHex() read the sockets of both families', () => {
  const sockets: TcpSocket[] = [];
  eachTcpSocket(TCP, (socket) => sockets.push(socket));
  expect(sockets.map(({ localPort, remotePort, state, waiting }) => [localPort, remotePort, state, waiting])).toEqual([
    [8080, 0, 10, 3],
    [0x8001, 80, 1, 0],
    [0x8002, 80, 6, 0],
    [8080, 0xc001, 1, 0],
  ]);
  expect(addressOfHex('0101A8C0')).toBe('192.168.1.1');
  expect(addressOfHex('0000000000000000FFFF00000101A8C0')).toBe('192.168.1.1');
  expect(addressOfHex('B80D0120000000000000000001000000')).toBe('2001:db8:0:0:0:0:0:1');
});

const signs: MachineSigns = {
  runContainer: '',
  initContainer: '',
  cgroup: '0::/init.scope',
  markers: [],
  vz: false,
  bc: false,
  beancounters: false,
  dmi: '',
  hypervisor: '',
  cpuFlag: false,
  initialNetns: true,
  initialPids: true,
  procSysReadOnly: false,
};

test.each<[Partial<MachineSigns>, string, RegExp]>([
  [{}, 'none none', /^$/],
  [{ dmi: 'QEMU Standard PC', cpuFlag: true }, 'virtual-machine kvm', /steal/],
  [{ dmi: 'Hetzner vServer', cpuFlag: true }, 'virtual-machine kvm', /steal/],
  [{ cpuFlag: true }, 'virtual-machine hypervisor', /steal/],
  [{ runContainer: 'lxc\n', initialNetns: false, initialPids: false }, 'container lxc', /host/],
  [{ initContainer: 'lxc-libvirt', initialPids: false }, 'container lxc-libvirt', /shared/],
  [{ markers: ['/.dockerenv'], initialPids: false, procSysReadOnly: true }, 'container docker', /read-only/],
  [{ cgroup: '1:name=systemd:/docker/abc', initialPids: false }, 'container docker', /shared/],
  // A machine that was booted from an image of a container keeps its mark.
  [{ markers: ['/.dockerenv'], cpuFlag: true }, 'virtual-machine hypervisor', /steal/],
  [{ vz: true, beancounters: true, initialNetns: false }, 'openvz openvz', /provider/],
  // The host of OpenVZ containers is none.
  [{ vz: true, bc: true, dmi: 'Dell' }, 'none none', /^$/],
])('virtualisationOf(%j) is %s', (some, expected, limits) => {
  const { kind, name, limits: said } = virtualisationOf({ ...signs, ...some });
  expect(`${kind} ${name}`).toBe(expected);
  expect(said.join(' ')).toMatch(limits);
});

function sample(atMs: number, over: Partial<CounterSample> = {}): CounterSample {
  return {
    atMs,
    tcp: new Map([['TcpExt ListenDrops', 1000]]),
    conntrack: new Map([['drop', 50]]),
    table: { entries: 100, limit: 1000 },
    sockstat: new Map(),
    softnetDropped: 4105,
    timeSqueeze: 280,
    interfaces: [{ name: 'eth0', rxDropped: 7, rxMissed: 3, txDropped: 0 }],
    cpu: { total: 1000, softirq: 0, steal: 0 },
    pressure: { cpu: undefined, memory: undefined, io: undefined },
    ...over,
  };
}

test('findingsOf() counts what grew between two looks, never old totals', () => {
  const bad = (after: Partial<CounterSample>): readonly string[] =>
    findingsOf(sample(0), sample(2000, after)).flatMap(({ level, what, value }) =>
      level === 'ok' ? [] : [`${level} ${what} ${value}`],
    );
  expect(bad({})).toEqual([]);
  expect(bad({ tcp: new Map([['TcpExt ListenDrops', 1030]]) })).toEqual(['dropping ListenDrops 15/s']);
  expect(bad({ conntrack: new Map([['drop', 51]]) })).toEqual(['dropping conntrack drop 0.5/s']);
  expect(bad({ table: { entries: 1000, limit: 1000 } })).toEqual(['dropping conntrack fill 1000 of 1000']);
  expect(bad({ table: { entries: 850, limit: 1000 } })).toEqual(['warning conntrack fill 850 of 1000']);
  expect(bad({ softnetDropped: 4107 })).toEqual(['dropping softirq drops 1/s']);
  expect(bad({ timeSqueeze: 300 })).toEqual(['warning softirq squeezed 10/s']);
  expect(bad({ interfaces: [{ name: 'eth0', rxDropped: 9, rxMissed: 3, txDropped: 0 }] })).toEqual([
    'warning eth0 drops 1/s',
  ]);
  expect(bad({ cpu: { total: 1400, softirq: 0, steal: 100 } })).toEqual(['warning steal 25 %']);
  // A counter that began anew (another namespace, a new module) is no loss.
  expect(bad({ tcp: new Map([['TcpExt ListenDrops', 5]]) })).toEqual([]);
});

test('portsLeft() counts by destination, without the reserved ports', () => {
  const census = {
    states: new Map([
      [1, 3],
      [6, 20],
    ]),
    destinations: new Map([
      ['0100007F 0A0A0A0A 80', 8],
      ['0100007F 0B0A0A0A 80', 2],
    ]),
    queues: [{ port: 8080, waiting: 3 }],
  };
  const left = portsLeft(census, { range: '32768\t32777', reserved: '32770-32771,9000' });
  expect(left).toEqual([
    { from: '127.0.0.1', to: '10.10.10.10 port 80', used: 8, left: 0 },
    { from: '127.0.0.1', to: '10.10.10.11 port 80', used: 2, left: 6 },
  ]);
  const findings = censusFindings(left, census, { limit: 1024, wanted: 8192 });
  expect(findings.map(({ level, what }) => `${level} ${what}`)).toEqual([
    'dropping ports left',
    'ok accept queue :8080',
    'warning open files',
  ]);
  expect(socketsByState(census)).toEqual([
    ['TIME-WAIT', 20],
    ['ESTABLISHED', 3],
  ]);
});

const flows = {
  addresses: ['192.168.1.200', '10.10.0.11', 'fd00::200'],
  ports: [443, 80, 80],
  servers: [
    { address: '10.10.10.1', port: 8080 },
    { address: 'fd00::1', port: 8080 },
  ],
  vrrp: true,
};

test('notrackRules() names both directions of clients and servers, in both families', () => {
  expect(notrackRules(flows)).toBe(`table inet tospann_notrack
delete table inet tospann_notrack
table inet tospann_notrack {
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    ip daddr { 192.168.1.200, 10.10.0.11 } tcp dport { 80, 443 } notrack
    ip saddr . tcp sport { 10.10.10.1 . 8080 } notrack
    ip6 daddr { fd00::200 } tcp dport { 80, 443 } notrack
    ip6 saddr . tcp sport { fd00::1 . 8080 } notrack
    meta l4proto 112 notrack
  }
  chain output {
    type filter hook output priority raw; policy accept;
    ip saddr { 192.168.1.200, 10.10.0.11 } tcp sport { 80, 443 } notrack
    ip daddr { 192.168.1.200, 10.10.0.11 } tcp dport { 80, 443 } notrack
    ip daddr . tcp dport { 10.10.10.1 . 8080 } notrack
    ip6 saddr { fd00::200 } tcp sport { 80, 443 } notrack
    ip6 daddr { fd00::200 } tcp dport { 80, 443 } notrack
    ip6 daddr . tcp dport { fd00::1 . 8080 } notrack
    meta l4proto 112 notrack
  }
}
`);
});

function ruleset(chain: object, ...exprs: readonly object[][]): object {
  const place = { family: 'inet', table: 'filter' };
  return {
    nftables: [
      { metainfo: {} },
      { chain: { ...place, name: 'c', ...chain } },
      ...exprs.map((expr) => ({ rule: { ...place, chain: 'c', expr } })),
    ],
  };
}

const state = (what: unknown): object => ({ match: { op: 'in', left: { ct: { key: 'state' } }, right: what } });

test('notrackObstacles() refuses NAT, and firewalls that live on tracked connections', () => {
  const input = { type: 'filter', hook: 'input', prio: 0 };
  expect(notrackObstacles(ruleset({ ...input, policy: 'accept' }), [])).toEqual([]);
  const firewall = { ...input, policy: 'drop' };
  const established = [state(['established', 'related']), { accept: null }];
  expect(notrackObstacles(ruleset(firewall, established), [])[0]).toMatch(/ct state untracked accept/);
  expect(notrackObstacles(ruleset(firewall, established, [state('untracked'), { accept: null }]), [])).toEqual([]);
  expect(notrackObstacles(ruleset({ ...input, policy: 'accept' }, [{ drop: null }]), []).length).toBe(1);
  expect(notrackObstacles(ruleset({ type: 'nat', hook: 'prerouting' }, [{ dnat: { port: 1 } }]), [])[0]).toMatch(/NAT/);
  expect(notrackObstacles(ruleset({ type: 'nat', hook: 'prerouting' }), [])).toEqual([]);
  expect(notrackObstacles({ nftables: [] }, ['filter', 'nat'])[0]).toMatch(/legacy/);
  for (const garbage of [undefined, null, 'x', { nftables: 7 }, { nftables: [null, { chain: 7 }, { rule: {} }] }]) {
    expect(notrackObstacles(garbage, [])).toEqual([]);
  }
});
