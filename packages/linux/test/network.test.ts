// Addresses, links, raw and packet sockets against the real kernel, in a namespace with one veth pair.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AddressControl,
  AddressMonitor,
  decodeArp,
  encodeDestination,
  encodeGratuitousArp,
  encodePacketAddress,
  localAddress,
  openArpReceiver,
  openListener,
  openPacketSender,
  openRawReceiver,
  openRawSender,
  closeFd,
  Poller,
  receivePacket,
  sendPacket,
  setBacklog,
  waitingToAccept,
  type LinkRecord,
} from '../src/index.ts';
import { enterNamespace, run } from './namespace.ts';

const VRRP = 112;
const GROUP = '224.0.0.18';
let leave: () => void;
let control: AddressControl;
let left: LinkRecord;
let right: LinkRecord;

beforeAll(() => {
  leave = enterNamespace();
  run('ip link add left type veth peer name right');
  // Both ends are in one namespace: without these the kernel takes the other end's packets for forged ones.
  for (const name of ['all', 'left', 'right']) {
    writeFileSync(`/proc/sys/net/ipv4/conf/${name}/accept_local`, '1');
    writeFileSync(`/proc/sys/net/ipv4/conf/${name}/rp_filter`, '0');
  }
  // ... and without these it would deliver to its own addresses over lo instead of the wire.
  run('ip rule add pref 10 iif left lookup local');
  run('ip rule add pref 11 iif right lookup local');
  run('ip rule add pref 32800 lookup local');
  run('ip rule del pref 0');
  run('ip link set left up');
  run('ip link set right up');
  control = new AddressControl();
  left = control.link('left');
  right = control.link('right');
  control.add({ interfaceIndex: left.index, address: '10.9.0.1', prefixLength: 24 });
  control.add({ interfaceIndex: right.index, address: '10.9.0.2', prefixLength: 24 });
});

afterAll(() => {
  control.close();
  leave();
});

describe('AddressControl', () => {
  it('adds an address with lease, tag and label, renews it, and deletes exactly it', () => {
    const vip = { interfaceIndex: left.index, address: '10.9.0.200', prefixLength: 32 };
    const neighbour = { ...vip, address: '10.9.0.201' };
    control.add({ ...vip, validSeconds: 30, preferredSeconds: 0, protocol: 112, label: 'left:vip' });
    control.add(neighbour);
    const first = control.list(left.index).find(({ address }) => address === vip.address);
    expect(first).toMatchObject({ prefixLength: 32, label: 'left:vip', preferredSeconds: 0 });
    expect(first?.validSeconds).toBeGreaterThan(25);
    expect(first?.protocol).toBe(112); // from kernel 5.18
    control.add({ ...vip, validSeconds: 90, preferredSeconds: 0, protocol: 112, label: 'left:vip' });
    const renewed = control.list(left.index).filter(({ address }) => address === vip.address);
    expect(renewed.length).toBe(1);
    expect(renewed[0]?.validSeconds).toBeGreaterThan(80);
    expect(control.delete(vip)).toBe(true);
    expect(control.delete(vip)).toBe(false);
    expect(control.list(left.index).some(({ address }) => address === neighbour.address)).toBe(true);
    expect(control.delete(neighbour)).toBe(true);
  });

  it('leaves the removal to the kernel when a lease ends', async () => {
    const monitor = new AddressMonitor();
    control.add({
      interfaceIndex: left.index,
      address: '10.9.0.210',
      prefixLength: 32,
      validSeconds: 1,
      preferredSeconds: 1,
    });
    const poller = new Poller([monitor.fd]);
    const seen: string[] = [];
    for (let i = 0; i < 50 && !seen.includes('address-removed 10.9.0.210'); i++) {
      poller.wait(200);
      for (const event of monitor.read()) if ('address' in event) seen.push(`${event.kind} ${event.address.address}`);
    }
    expect(seen).toContain('address-added 10.9.0.210');
    expect(seen).toContain('address-removed 10.9.0.210');
    monitor.close();
  });

  it('adds and deletes IPv6 without duplicate address detection', () => {
    const vip = { interfaceIndex: left.index, address: 'fd00:9::200', prefixLength: 128, flags: 0x02 };
    control.add(vip);
    expect(run('ip -6 addr show dev left')).toContain('fd00:9::200/128');
    expect(control.delete(vip)).toBe(true);
  });

  it('throws LB_KERNEL_NO_INTERFACE for an interface that is not there', () => {
    const refused = expect.objectContaining({ code: 'LB_KERNEL_NO_INTERFACE' });
    expect(() => control.link('eth99')).toThrow(refused);
    expect(() => control.add({ interfaceIndex: 9999, address: '10.9.0.5', prefixLength: 32 })).toThrow(refused);
    expect(control.delete({ interfaceIndex: 9999, address: '10.9.0.5', prefixLength: 32 })).toBe(false);
  });

  it('throws LB_KERNEL_CALL with EINVAL for a prefix length that cannot be', () => {
    expect(() => control.add({ interfaceIndex: left.index, address: '10.9.0.5', prefixLength: 33 })).toThrow(
      /EINVAL from rtnetlink/,
    );
  });

  it('reads more addresses than one datagram holds', () => {
    const spare = { interfaceIndex: right.index, prefixLength: 32 };
    for (let i = 0; i < 500; i++) control.add({ ...spare, address: `10.10.${i >> 8}.${i & 255}` });
    expect(control.list(right.index).filter(({ address }) => address.startsWith('10.10.')).length).toBe(500);
    for (let i = 0; i < 500; i++) control.delete({ ...spare, address: `10.10.${i >> 8}.${i & 255}` });
  });
});

describe('AddressMonitor', () => {
  it('reports what somebody else changed', () => {
    const monitor = new AddressMonitor();
    run('ip addr add 10.9.0.77/32 dev left');
    run('ip addr del 10.9.0.77/32 dev left');
    run('ip link set right down');
    run('ip link set right up');
    const events = monitor.read();
    const seen = events.map((event) => ('address' in event ? `${event.kind} ${event.address.address}` : event.kind));
    expect(seen).toContain('address-added 10.9.0.77');
    expect(seen).toContain('address-removed 10.9.0.77');
    const links = events.flatMap((event) => ('link' in event ? [`${event.link.name} ${event.link.up}`] : []));
    expect(links).toContain('right false');
    expect(links.at(-1)).toMatch(/true$/);
    expect(monitor.read()).toEqual([]);
    monitor.close();
  });

  it('says overflow when the kernel had to drop events, and goes on after that', () => {
    const monitor = new AddressMonitor();
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 256; i++)
        control.add({ interfaceIndex: left.index, address: `10.11.${round}.${i}`, prefixLength: 32 });
    }
    const first = Array.from({ length: 40 }, () => monitor.read()).flat();
    expect(first).toContainEqual({ kind: 'overflow' });
    run('ip addr flush dev left to 10.11.0.0/16');
    while (monitor.read().length > 0); // the flush may have overflowed again
    run('ip addr add 10.9.0.78/32 dev left');
    expect(monitor.read()).toMatchObject([{ kind: 'address-added', address: { address: '10.9.0.78' } }]);
    run('ip addr del 10.9.0.78/32 dev left');
    monitor.close();
  });
});

describe('raw sockets', () => {
  const payload = Uint8Array.of(0x31, 51, 200, 1, 0, 100, 0, 0, 192, 168, 1, 200);

  it.each([
    { mode: 'multicast', multicastGroup: GROUP, destination: GROUP },
    { mode: 'unicast', destination: '10.9.0.2' },
  ])('carry a $mode advert with TTL 255 from the primary address', ({ multicastGroup, destination }) => {
    const group = multicastGroup === undefined ? {} : { multicastGroup };
    const at = (link: LinkRecord, localAddress: string): Parameters<typeof openRawSender>[0] => ({
      protocol: VRRP,
      interface: link.name,
      interfaceIndex: link.index,
      localAddress,
      ...group,
    });
    // A VIP on the sending interface must not become the source.
    const vip = { interfaceIndex: left.index, address: '10.9.0.200', prefixLength: 32 };
    control.add(vip);
    const receiver = openRawReceiver(at(right, '10.9.0.2'));
    const sender = openRawSender(at(left, '10.9.0.1'));
    const packet = new Uint8Array(2048);
    expect(receivePacket(receiver, packet)).toBe(-1);
    expect(sendPacket(sender, payload, encodeDestination(destination))).toBe(0);
    expect(new Poller([receiver]).wait(2000)).toBe(1);
    expect(receivePacket(receiver, packet)).toBe(20 + payload.length);
    expect(packet[8]).toBe(255);
    expect([...packet.subarray(12, 16)]).toEqual([10, 9, 0, 1]);
    expect(packet[1]).toBe(0xc0);
    expect([...packet.subarray(20, 20 + payload.length)]).toEqual([...payload]);
    closeFd(sender);
    closeFd(receiver);
    control.delete(vip);
  });

  it('throw LB_KERNEL_NO_INTERFACE for an interface that is not there', () => {
    const options = { protocol: VRRP, interface: 'eth99', interfaceIndex: 99, localAddress: '10.9.0.1' };
    expect(() => openRawSender(options)).toThrow(expect.objectContaining({ code: 'LB_KERNEL_NO_INTERFACE' }));
  });

  it('throw LB_KERNEL_ADDRESS_NOT_LOCAL for a source that this machine does not have', () => {
    const options = { protocol: VRRP, interface: 'left', interfaceIndex: left.index, localAddress: '10.99.0.1' };
    expect(() => openRawSender(options)).toThrow(expect.objectContaining({ code: 'LB_KERNEL_ADDRESS_NOT_LOCAL' }));
  });
});

describe('setBacklog', () => {
  it('gives an open listener the length that the kernel allows by now, and keeps who waits', () => {
    const length = (port: number): string => run(`ss -ltnH sport = :${port}`).split(/\s+/)[2] ?? '';
    writeFileSync('/proc/sys/net/core/somaxconn', '100');
    const listener = openListener({ address: '127.0.0.1', port: 0, backlog: 65_535 });
    const { port } = localAddress(listener);
    expect(length(port)).toBe('100');
    run(`timeout 1 bash -c echo>/dev/tcp/127.0.0.1/${port}`);
    writeFileSync('/proc/sys/net/core/somaxconn', '5000');
    setBacklog(listener, 65_535);
    expect(length(port)).toBe('5000');
    expect(waitingToAccept(listener)).toBe(1);
    closeFd(listener);
  });
});

describe('packet sockets', () => {
  it('send a gratuitous ARP that the other end of the wire sees', () => {
    const receiver = openArpReceiver(right.index);
    const sender = openPacketSender();
    const frame = encodeGratuitousArp('request', left.mac, '10.9.0.200');
    const bytes = new Uint8Array(2048);
    while (receivePacket(receiver, bytes) >= 0); // what address changes before this left behind
    expect(sendPacket(sender, frame, encodePacketAddress(left.index))).toBe(0);
    expect(new Poller([receiver]).wait(2000)).toBe(1);
    const length = receivePacket(receiver, bytes);
    expect(decodeArp(bytes.subarray(0, length))).toMatchObject({ senderIp: '10.9.0.200', senderMac: left.mac });
    closeFd(sender);
    closeFd(receiver);
  });
});
