// Raw IPv4 sockets for one IP protocol (VRRP is 112): separate ones to receive and to send, multicast or unicast.
// Non-blocking; reads deliver the IP header too. Needs CAP_NET_RAW.
import { encodeSockaddr } from '../core/sockaddr.ts';
import { parseIp } from '../core/ip-text.ts';
import { encodeString, encodeUint32 } from '../core/netlink.ts';
import { TospannError } from '@tospann/errors';
import { ErrorNumber, kernelError } from './kernel-error.ts';
import { errno, libc } from './libc.ts';
import { bindSocket, closeFd, openSocket, setOption } from './sockets.ts';

const calls = libc({
  recv: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i64' },
  sendto: { arguments: ['i32', 'pointer', 'u64', 'i32', 'pointer', 'u32'], return: 'i64' },
});

const AF_INET = 2;
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
  /** The primary IPv4 address on it: the source of what is sent; in unicast mode the destination of what is read. */
  readonly localAddress: string;
  /** The group to join and send to, for instance `224.0.0.18`; missing for unicast. */
  readonly multicastGroup?: string;
}

/**
 * Opens the receiving socket.
 *
 * @param options.receiveBufferBytes Default 256 KiB: a freeze of seconds at 100 adverts a second fits.
 * @throws {TospannError} LB_KERNEL_NO_CAPABILITY (CAP_NET_RAW), LB_KERNEL_NO_INTERFACE, LB_KERNEL_CALL.
 */
export function openRawReceiver(options: RawSocketOptions & { readonly receiveBufferBytes?: number }): number {
  return openRaw(options, (fd) => {
    setOption(fd, 'RCVBUF', options.receiveBufferBytes ?? 262_144);
    if (options.multicastGroup === undefined) {
      // The address may come later (an interface that is still starting): bind without it being there.
      setOption(fd, 'IP_FREEBIND', 1);
      bindSocket(fd, { address: options.localAddress, port: 0 });
      return;
    }
    setOption(fd, 'IP_MULTICAST_ALL', 0);
    setOption(fd, 'IP_ADD_MEMBERSHIP', membership(options, options.multicastGroup));
    bindSocket(fd, { address: options.multicastGroup, port: 0 });
  });
}

/**
 * Opens the sending socket: TTL 255, DSCP CS6, bound to the primary address so that the source never is a VIP.
 *
 * @throws {TospannError} LB_KERNEL_NO_CAPABILITY (CAP_NET_RAW), LB_KERNEL_NO_INTERFACE, LB_KERNEL_ADDRESS_NOT_LOCAL,
 *   LB_KERNEL_CALL.
 */
export function openRawSender(options: RawSocketOptions): number {
  return openRaw(options, (fd) => {
    setOption(fd, 'IP_TTL', 255);
    setOption(fd, 'IP_TOS', TOS_NETWORK_CONTROL);
    setOption(fd, 'PRIORITY', PRIORITY_CONTROL);
    setOption(fd, 'RCVBUF', 0); // it never reads; the kernel keeps its minimum
    if (options.multicastGroup !== undefined) {
      setOption(fd, 'IP_MULTICAST_IF', membership(options, options.multicastGroup));
      setOption(fd, 'IP_MULTICAST_TTL', 255);
      setOption(fd, 'IP_MULTICAST_LOOP', 0);
    }
    bindSocket(fd, { address: options.localAddress, port: 0 });
  });
}

/**
 * Reads one packet, IP header first.
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

/** The destination for `sendPacket`, made once. @throws {TospannError} LB_KERNEL_BAD_ADDRESS. */
export function encodeDestination(address: string): Uint8Array {
  return encodeSockaddr({ address, port: 0 });
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

function openRaw(options: RawSocketOptions, configure: (fd: number) => void): number {
  const fd = openSocket({ family: AF_INET, type: SOCK_RAW_NONBLOCK, protocol: options.protocol });
  try {
    bindToInterface(fd, options.interface);
    configure(fd);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

function bindToInterface(fd: number, name: string): void {
  try {
    setOption(fd, 'BINDTODEVICE', encodeString(name));
  } catch (cause) {
    const gone = cause instanceof TospannError && cause.params['errno'] === 'ENODEV';
    throw gone ? new TospannError('LB_KERNEL_NO_INTERFACE', { interface: name }, { cause }) : cause;
  }
}

/** struct ip_mreqn: group, local address, interface index. */
function membership(options: RawSocketOptions, group: string): Uint8Array {
  const bytes = new Uint8Array(12);
  bytes.set(parseIp(group), 0);
  bytes.set(parseIp(options.localAddress), 4);
  bytes.set(encodeUint32(options.interfaceIndex), 8);
  return bytes;
}
