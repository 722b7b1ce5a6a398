// Raw sockets for one IP protocol (VRRP is 112), IPv4 and IPv6: separate ones to receive and to send, multicast or
// unicast. Non-blocking; reads deliver the IP header too (raw-packet6.ts makes that of IPv6). Needs CAP_NET_RAW.
// IPV6_CHECKSUM is not used: the kernel would throw wrong checksums away uncounted, and the codec knows both addresses.
import { encodeSockaddr } from '../core/sockaddr.ts';
import { parseIp } from '../core/ip-text.ts';
import { encodeString, encodeUint32 } from '../core/netlink.ts';
import { TospannError } from '@tospann/errors';
import { ErrorNumber, kernelError } from './kernel-error.ts';
import { addressOf, errno, libc } from './libc.ts';
import { bindSocket, closeFd, openSocket, setOption } from './sockets.ts';

const calls = libc({
  recv: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i64' },
  sendto: { arguments: ['i32', 'pointer', 'u64', 'i32', 'pointer', 'u32'], return: 'i64' },
});

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_RAW_NONBLOCK = 3 | 0o4000;
// DSCP CS6: network control (RFC 9568 does not say; routers treat adverts so).
const TOS_NETWORK_CONTROL = 0xc0;
const PRIORITY_CONTROL = 6;

export interface RawSocketOptions {
  /** IP protocol number. */
  readonly protocol: number;
  /** Interface name; the socket sees and sends only there. */
  readonly interface: string;
  readonly interfaceIndex: number;
  /**
   * The primary address on it, IPv4 or IPv6, which decides the family: the source of what is sent; in unicast mode the
   * destination of what is read. For an IPv6 group the link-local one.
   */
  readonly localAddress: string;
  /** The group to join and send to, for instance `224.0.0.18` or `ff02::12`; missing for unicast. */
  readonly multicastGroup?: string;
}

export interface RawReceiverOptions extends RawSocketOptions {
  /** Default 256 KiB: a freeze of seconds at 100 adverts a second fits. */
  readonly receiveBufferBytes?: number;
  /** A classic BPF program (socket-filter.ts), attached before the first packet can come in. */
  readonly filter?: Uint8Array;
}

/**
 * Opens the receiving socket.
 *
 * @throws {TospannError} LB_KERNEL_NO_CAPABILITY (CAP_NET_RAW), LB_KERNEL_NO_INTERFACE, LB_KERNEL_CALL.
 */
export function openRawReceiver(options: RawReceiverOptions): number {
  const six = options.localAddress.includes(':');
  return openRaw(options, (fd) => {
    if (options.filter !== undefined) attachFilter(fd, options.filter);
    setOption(fd, 'RCVBUF', options.receiveBufferBytes ?? 262_144);
    if (six) {
      setOption(fd, 'IPV6_RECVPKTINFO', 1);
      setOption(fd, 'IPV6_RECVHOPLIMIT', 1);
    }
    if (options.multicastGroup === undefined) {
      // The address may come later (an interface that is still starting): bind without it being there.
      setOption(fd, six ? 'IPV6_FREEBIND' : 'IP_FREEBIND', 1);
      bindOn(fd, options, options.localAddress);
      return;
    }
    setOption(fd, six ? 'IPV6_MULTICAST_ALL' : 'IP_MULTICAST_ALL', 0);
    setOption(fd, six ? 'IPV6_ADD_MEMBERSHIP' : 'IP_ADD_MEMBERSHIP', membership(options, options.multicastGroup));
    bindOn(fd, options, options.multicastGroup);
  });
}

/**
 * Opens the sending socket: TTL or hop limit 255, DSCP CS6, bound to the primary address so that the source never is a
 * VIP.
 *
 * @throws {TospannError} LB_KERNEL_NO_CAPABILITY (CAP_NET_RAW), LB_KERNEL_NO_INTERFACE, LB_KERNEL_ADDRESS_NOT_LOCAL
 *   (also while duplicate address detection of an IPv6 address runs), LB_KERNEL_CALL.
 */
export function openRawSender(options: RawSocketOptions): number {
  const six = options.localAddress.includes(':');
  return openRaw(options, (fd) => {
    setOption(fd, six ? 'IPV6_UNICAST_HOPS' : 'IP_TTL', 255);
    setOption(fd, six ? 'IPV6_TCLASS' : 'IP_TOS', TOS_NETWORK_CONTROL);
    setOption(fd, 'PRIORITY', PRIORITY_CONTROL);
    setOption(fd, 'RCVBUF', 0); // it never reads; the kernel keeps its minimum
    attachFilter(fd, dropAll);
    if (options.multicastGroup !== undefined) {
      if (six) setOption(fd, 'IPV6_MULTICAST_IF', options.interfaceIndex);
      else setOption(fd, 'IP_MULTICAST_IF', membership(options, options.multicastGroup));
      setOption(fd, six ? 'IPV6_MULTICAST_HOPS' : 'IP_MULTICAST_TTL', 255);
      setOption(fd, six ? 'IPV6_MULTICAST_LOOP' : 'IP_MULTICAST_LOOP', 0);
    }
    bindOn(fd, options, options.localAddress);
  });
}

/**
 * Reads one packet of an IPv4 socket, IP header first.
 *
 * @param into At least 2048 bytes; a longer packet is cut.
 * @returns Its length, or -1 when none is waiting.
 * @throws {TospannError} LB_KERNEL_CALL (ENETDOWN once after the interface went down: go on).
 */
export function receivePacket(fd: number, into: Uint8Array): number {
  const length = Number(calls.recv(fd, into, BigInt(into.length), 0));
  if (length >= 0) return length;
  const number = errno();
  if (number === ErrorNumber.EAGAIN || number === ErrorNumber.EINTR) return -1;
  throw kernelError('recv', 'receive from a raw socket', number);
}

/**
 * The destination for `sendPacket`, made once; `interfaceIndex` is needed for link-local IPv6.
 *
 * @throws {TospannError} LB_KERNEL_BAD_ADDRESS.
 */
export function encodeDestination(address: string, interfaceIndex = 0): Uint8Array {
  return encodeSockaddr({ address, port: 0, scope: interfaceIndex });
}

/**
 * Sends one packet (payload of the IP protocol, or a whole frame on a packet socket).
 *
 * @returns 0, or the positive errno (ENETDOWN 100, ENETUNREACH 101, EADDRNOTAVAIL 99, ENOBUFS 105): the caller counts it.
 */
export function sendPacket(fd: number, payload: Uint8Array, destination: Uint8Array): number {
  const sent = calls.sendto(fd, payload, BigInt(payload.length), 0, destination, destination.length);
  return sent >= 0n ? 0 : errno();
}

/** BPF_RET 0: a socket that only sends costs nothing under a flood. */
const dropAll = Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 0);

/**
 * Attaches a classic BPF program; what it drops is counted nowhere.
 *
 * @param program struct sock_filter[], 8 bytes an instruction.
 * @throws {TospannError} LB_KERNEL_CALL (EINVAL: the kernel does not take the program).
 */
export function attachFilter(fd: number, program: Uint8Array): void {
  // The pointer must be to memory outside the JavaScript heap, which small arrays are not.
  const copy = new Uint8Array(new ArrayBuffer(Math.max(64, program.length)));
  copy.set(program);
  const description = new Uint8Array(new ArrayBuffer(64));
  const view = new DataView(description.buffer);
  view.setUint16(0, program.length / 8, true);
  view.setBigUint64(8, addressOf(copy), true);
  setOption(fd, 'ATTACH_FILTER', description.subarray(0, 16));
}

function openRaw(options: RawSocketOptions, configure: (fd: number) => void): number {
  const family = options.localAddress.includes(':') ? AF_INET6 : AF_INET;
  const fd = openSocket({ family, type: SOCK_RAW_NONBLOCK, protocol: options.protocol });
  try {
    bindToInterface(fd, options.interface);
    configure(fd);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

function bindOn(fd: number, { interfaceIndex }: RawSocketOptions, address: string): void {
  const linkOnly = /^(fe[89ab]|ff02)/i.test(address);
  bindSocket(fd, { address, port: 0, scope: linkOnly ? interfaceIndex : 0 });
}

function bindToInterface(fd: number, name: string): void {
  try {
    setOption(fd, 'BINDTODEVICE', encodeString(name));
  } catch (cause) {
    const gone = cause instanceof TospannError && cause.params['errno'] === 'ENODEV';
    throw gone ? new TospannError('LB_KERNEL_NO_INTERFACE', { interface: name }, { cause }) : cause;
  }
}

/** struct ip_mreqn (group, local address, interface index), or struct ipv6_mreq (group, interface index). */
function membership(options: RawSocketOptions, group: string): Uint8Array {
  const ip = parseIp(group);
  const bytes = new Uint8Array(ip.length === 4 ? 12 : 20);
  bytes.set(ip, 0);
  if (ip.length === 4) bytes.set(parseIp(options.localAddress), 4);
  bytes.set(encodeUint32(options.interfaceIndex), bytes.length - 4);
  return bytes;
}
