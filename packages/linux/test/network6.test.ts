// IPv6 against the real kernel, in a namespace with one veth pair: raw sockets, the filter on them, addresses with a
// lease, and the neighbour advertisement that changes another node's cache. What the failover agent builds on.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AddressControl,
  AddressFlag,
  closeFd,
  decodeNeighbourAdvertisement,
  encodeDestination,
  encodeNeighbourAdvertisement,
  encodePacketAddress,
  ETHERTYPE_IPV6,
  formatIp,
  openFrameReceiver,
  openPacketSender,
  openRawReceiver,
  openRawSender,
  Poller,
  receivePacket,
  receivePacket6,
  routerIdFilter,
  sendPacket,
  setShortReach,
  type LinkRecord,
} from '../src/index.ts';
import { enterNamespace, run } from './namespace.ts';

const VRRP = 112;
const GROUP = 'ff02::12';
const vipFlags = AddressFlag.NODAD | AddressFlag.NOPREFIXROUTE;
let leave: () => void;
let control: AddressControl;
let left: LinkRecord;
let right: LinkRecord;

beforeAll(() => {
  leave = enterNamespace();
  run('ip link add left type veth peer name right');
  for (const name of ['left', 'right']) {
    // Addresses at once: no duplicate address detection, no link-local address of the kernel's own.
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/accept_dad`, '0');
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/addr_gen_mode`, '1');
    writeFileSync(`/proc/sys/net/ipv4/conf/${name}/accept_local`, '1');
    writeFileSync(`/proc/sys/net/ipv4/conf/${name}/rp_filter`, '0');
  }
  // Both ends are in one namespace: otherwise the kernel would deliver to its own addresses over lo.
  for (const family of ['-4', '-6']) {
    run(`ip ${family} rule add pref 10 iif left lookup local`);
    run(`ip ${family} rule add pref 11 iif right lookup local`);
    run(`ip ${family} rule add pref 32800 lookup local`);
    run(`ip ${family} rule del pref 0`);
  }
  run('ip link set left up');
  run('ip link set right up');
  control = new AddressControl();
  left = control.link('left');
  right = control.link('right');
  const nodad = { prefixLength: 64, flags: AddressFlag.NODAD };
  control.add({ ...nodad, interfaceIndex: left.index, address: 'fe80::1', scope: 253 });
  control.add({ ...nodad, interfaceIndex: left.index, address: 'fd00:9::1' });
  control.add({ ...nodad, interfaceIndex: right.index, address: 'fe80::2', scope: 253 });
  control.add({ ...nodad, interfaceIndex: right.index, address: 'fd00:9::2' });
  control.add({ interfaceIndex: left.index, address: '10.9.0.1', prefixLength: 24 });
  control.add({ interfaceIndex: right.index, address: '10.9.0.2', prefixLength: 24 });
});

afterAll(() => {
  control.close();
  leave();
});

function socketOf(
  link: LinkRecord,
  localAddress: string,
  multicastGroup?: string,
): Parameters<typeof openRawSender>[0] {
  const group = multicastGroup === undefined ? {} : { multicastGroup };
  return { protocol: VRRP, interface: link.name, interfaceIndex: link.index, localAddress, ...group };
}

describe('raw IPv6 sockets', () => {
  const payload = Uint8Array.of(0x31, 51, 200, 1, 0, 100, 0xbe, 0xef, ...Array.from({ length: 16 }, (_, i) => i));

  it.each([
    { mode: 'multicast', from: 'fe80::1', at: 'fe80::2', group: GROUP, to: GROUP },
    { mode: 'unicast', from: 'fd00:9::1', at: 'fd00:9::2', group: undefined, to: 'fd00:9::2' },
  ])('carry a $mode advert with hop limit 255 from $from', ({ from, at, group, to }) => {
    // A VIP on the sending interface must not become the source.
    const vip = { interfaceIndex: left.index, address: 'fd00:9::100', prefixLength: 128, flags: vipFlags };
    control.add(vip);
    const receiver = openRawReceiver(socketOf(right, at, group));
    const sender = openRawSender(socketOf(left, from, group));
    const packet = new Uint8Array(2048);
    expect(receivePacket6(receiver, packet)).toBe(-1);
    expect(sendPacket(sender, payload, encodeDestination(to, left.index))).toBe(0);
    expect(new Poller([receiver]).wait(2000)).toBe(1);
    expect(receivePacket6(receiver, packet)).toBe(40 + payload.length);
    // The header that receivePacket6 makes, and the checksum untouched though it is wrong: the codec counts that.
    expect([...packet.subarray(0, 8)]).toEqual([0x60, 0, 0, 0, 0, payload.length, VRRP, 255]);
    expect(formatIp(packet.subarray(8, 24))).toBe(from);
    expect(formatIp(packet.subarray(24, 40))).toBe(to);
    expect([...packet.subarray(40, 40 + payload.length)]).toEqual([...payload]);
    closeFd(sender);
    closeFd(receiver);
    control.delete(vip);
  });

  it('tell the hop limit of a packet that cannot be a neighbour', () => {
    const receiver = openRawReceiver(socketOf(right, 'fd00:9::2'));
    const sender = openRawSender(socketOf(left, 'fd00:9::1'));
    setShortReach(sender);
    expect(sendPacket(sender, payload, encodeDestination('fd00:9::2'))).toBe(0);
    const packet = new Uint8Array(2048);
    expect(new Poller([receiver]).wait(2000)).toBe(1);
    expect(receivePacket6(receiver, packet)).toBeGreaterThan(0);
    expect(packet[7]).toBe(1);
    closeFd(sender);
    closeFd(receiver);
  });

  it('throw LB_KERNEL_ADDRESS_NOT_LOCAL for a source that this machine does not have', () => {
    const refused = expect.objectContaining({ code: 'LB_KERNEL_ADDRESS_NOT_LOCAL' });
    expect(() => openRawSender(socketOf(left, 'fd00:99::1'))).toThrow(refused);
    expect(() => openRawSender(socketOf(left, 'fe80::99', GROUP))).toThrow(refused);
  });
});

describe('routerIdFilter', () => {
  /** What of `packets` came through, by its second byte. */
  function passed(six: boolean, ids: readonly number[], packets: readonly Uint8Array[]): number[] {
    const [from, to] = six ? ['fd00:9::1', 'fd00:9::2'] : ['10.9.0.1', '10.9.0.2'];
    const filter = routerIdFilter(six ? 'message' : 'ipv4-header', ids, 1000);
    const receiver = openRawReceiver({ ...socketOf(right, to), filter });
    const sender = openRawSender(socketOf(left, from));
    const into = new Uint8Array(2048);
    const seen: number[] = [];
    // The first packet waits for address resolution; the others then follow in order.
    for (const packet of packets) expect(sendPacket(sender, packet, encodeDestination(to))).toBe(0);
    const poller = new Poller([receiver]);
    while (seen.length < packets.length && poller.wait(300) > 0) {
      const length = six ? receivePacket6(receiver, into) : receivePacket(receiver, into);
      seen.push(into[(six ? 40 : 20) + 1] ?? -1);
      expect(length).toBeGreaterThan(six ? 40 : 20);
    }
    closeFd(sender);
    closeFd(receiver);
    return seen;
  }

  it.each([true, false])('lets only our router ids and sane lengths through (IPv6: %s)', (six) => {
    const of = (id: number, length = 28): Uint8Array => Uint8Array.from({ length }, (_, i) => [0x31, id][i] ?? 7);
    const packets = [of(51), of(50), of(52), of(0), of(51, 1), of(51, 2), of(255), of(51, 1200), of(53), of(52, 900)];
    expect(passed(six, [51, 52, 53], packets)).toEqual([51, 52, 51, 53, 52]);
    expect(passed(six, [], packets)).toEqual([]);
  });
});

describe('an IPv6 address with a lease', () => {
  const vip = { address: 'fd00:9::200', prefixLength: 128, flags: vipFlags, protocol: 112, preferredSeconds: 0 };

  it('is tagged, has no route of its own, is never a source by itself, and is renewed by the same request', () => {
    const at = { ...vip, interfaceIndex: left.index };
    control.add({ ...at, validSeconds: 30 });
    const first = control.list(left.index).find(({ address }) => address === vip.address);
    expect(first).toMatchObject({ prefixLength: 128, preferredSeconds: 0, protocol: 112 });
    expect((first?.flags ?? 0) & AddressFlag.TENTATIVE).toBe(0);
    expect(first?.validSeconds).toBeGreaterThan(25);
    control.add({ ...at, validSeconds: 90 });
    const renewed = control.list(left.index).filter(({ address }) => address === vip.address);
    expect(renewed.length).toBe(1);
    expect(renewed[0]?.validSeconds).toBeGreaterThan(80);
    expect(run('ip -6 route show table main')).not.toContain(vip.address);
    expect(run('ip -6 route get fd00:9::77 oif left')).toContain('src fd00:9::1 ');
    expect(control.delete(at)).toBe(true);
    expect(control.delete(at)).toBe(false);
  });

  it('is removed by the kernel when it ends, on an interface and on lo', async () => {
    const places = [left.index, control.link('lo').index];
    for (const interfaceIndex of places) control.add({ ...vip, interfaceIndex, validSeconds: 1 });
    expect(control.list().filter(({ address }) => address === vip.address).length).toBe(2);
    const there = (): boolean => control.list().some(({ address }) => address === vip.address);
    for (let i = 0; i < 100 && there(); i++) await sleep(100);
    expect(there()).toBe(false);
  });
});

describe('neighbour discovery', () => {
  it("an unsolicited advertisement replaces another node's entry at once", async () => {
    const sender = openPacketSender();
    const receiver = openFrameReceiver(right.index, ETHERTYPE_IPV6);
    run('ip -6 neigh replace fd00:9::100 dev right lladdr 02:00:00:00:00:99 nud reachable');
    const frame = encodeNeighbourAdvertisement(left.mac, 'fd00:9::100', false);
    const to = encodePacketAddress(left.index, frame.subarray(0, 6), ETHERTYPE_IPV6);
    expect(sendPacket(sender, frame, to)).toBe(0);
    const mac = [...left.mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    for (let i = 0; i < 100 && !run('ip -6 neigh show fd00:9::100').includes(mac); i++) await sleep(20);
    expect(run('ip -6 neigh show fd00:9::100')).toContain(mac);
    const bytes = new Uint8Array(2048);
    const seen: string[] = [];
    for (let length = receivePacket(receiver, bytes); length >= 0; length = receivePacket(receiver, bytes))
      seen.push(decodeNeighbourAdvertisement(bytes.subarray(0, length))?.target ?? '');
    expect(seen).toContain('fd00:9::100');
    closeFd(sender);
    closeFd(receiver);
  });

  it('does not answer for an address on lo: a draining VIP is silent without any setting', async () => {
    const vip = { address: 'fd00:9::201', prefixLength: 128, flags: vipFlags };
    const sender = openRawSender(socketOf(right, 'fd00:9::2'));
    /** Asks the link for the address: three solicitations a second apart, then the kernel says FAILED. */
    const resolve = async (): Promise<string> => {
      const state = (): string => run('ip -6 neigh show fd00:9::201 dev right').trim().split(' ').at(-1) ?? '';
      run('ip -6 neigh flush dev right');
      sendPacket(sender, new Uint8Array(64), encodeDestination(vip.address));
      for (let i = 0; i < 500 && ['', 'INCOMPLETE'].includes(state()); i++) await sleep(20);
      return state();
    };
    const places: readonly [number, string][] = [
      [control.link('lo').index, 'FAILED'],
      [left.index, 'REACHABLE'],
    ];
    for (const [interfaceIndex, expected] of places) {
      control.add({ ...vip, interfaceIndex });
      expect(await resolve()).toBe(expected);
      control.delete({ ...vip, interfaceIndex });
    }
    closeFd(sender);
  });
});
