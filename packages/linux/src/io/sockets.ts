// TCP and general socket calls: listeners, options, names, descriptor flags. What blocks, blocks: the callers
// are worker threads that own their descriptors. Side effects: file descriptors of this process.
import { TospannError } from '@tospann/errors';
import { AF_INET, AF_INET6, decodeSockaddr, encodeSockaddr, type SocketAddress } from '../core/sockaddr.ts';
import { capabilityError, ErrorNumber, kernelError } from './kernel-error.ts';
import { errno, libc } from './libc.ts';

const calls = libc({
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  bind: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
  listen: { arguments: ['i32', 'i32'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'u32'], return: 'i32' },
  getsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' },
  getpeername: { arguments: ['i32', 'pointer', 'pointer'], return: 'i32' },
  getsockname: { arguments: ['i32', 'pointer', 'pointer'], return: 'i32' },
  shutdown: { arguments: ['i32', 'i32'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
  dup: { arguments: ['i32'], return: 'i32' },
  fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
});

const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const O_NONBLOCK = 0o4000;

/** Option levels and names (level, name) that this package sets. */
export const SocketOption = {
  REUSEADDR: [1, 2],
  BROADCAST: [1, 6],
  RCVBUF: [1, 8],
  PRIORITY: [1, 12],
  LINGER: [1, 13],
  REUSEPORT: [1, 15],
  RCVTIMEO: [1, 20],
  BINDTODEVICE: [1, 25],
  ATTACH_FILTER: [1, 26],
  IP_TOS: [0, 1],
  IP_TTL: [0, 2],
  IP_FREEBIND: [0, 15],
  IP_MULTICAST_IF: [0, 32],
  IP_MULTICAST_TTL: [0, 33],
  IP_MULTICAST_LOOP: [0, 34],
  IP_ADD_MEMBERSHIP: [0, 35],
  IP_MULTICAST_ALL: [0, 49],
  TCP_NODELAY: [6, 1],
  IPV6_UNICAST_HOPS: [41, 16],
  IPV6_MULTICAST_IF: [41, 17],
  IPV6_MULTICAST_HOPS: [41, 18],
  IPV6_MULTICAST_LOOP: [41, 19],
  IPV6_ADD_MEMBERSHIP: [41, 20],
  IPV6_V6ONLY: [41, 26],
  IPV6_MULTICAST_ALL: [41, 29],
  IPV6_RECVPKTINFO: [41, 49],
  IPV6_RECVHOPLIMIT: [41, 51],
  IPV6_TCLASS: [41, 67],
  IPV6_FREEBIND: [41, 78],
} as const satisfies Readonly<Record<string, readonly [number, number]>>;

export type SocketOptionName = keyof typeof SocketOption;

// One thread-local scratch area for names and lengths: these calls are synchronous and keep no pointer.
const nameBytes = new Uint8Array(new ArrayBuffer(128));
const nameWords = new Uint32Array(nameBytes.buffer);
const TCP_INFO = 11;
const lengthWord = new Uint32Array(new ArrayBuffer(64), 0, 1);
const lengthBytes = new Uint8Array(lengthWord.buffer);
const optionWord = new Int32Array(new ArrayBuffer(64), 0, 1);
const optionBytes = new Uint8Array(optionWord.buffer);

/**
 * Creates a socket, close-on-exec.
 *
 * @param kind Family, type (without CLOEXEC) and protocol, as in socket(2).
 * @throws {TospannError} LB_KERNEL_NO_CAPABILITY when it needs CAP_NET_RAW, LB_KERNEL_CALL otherwise.
 */
export function openSocket(kind: {
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
}): number {
  const fd = calls.socket(kind.family, kind.type | SOCK_CLOEXEC, kind.protocol);
  if (fd >= 0) return fd;
  throw capabilityError('CAP_NET_RAW', {
    call: 'socket',
    tried: `open a socket of family ${kind.family}, protocol ${kind.protocol}`,
    errno: errno(),
  });
}

/** Like `openSocket`, but -errno instead of an error: for the hot path, where a full descriptor table is handled. */
export function tryOpenTcpSocket(family: number): number {
  const fd = calls.socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return fd >= 0 ? fd : -errno();
}

/** Sets a socket option: a number is an int, bytes are taken as they are. @throws {TospannError} LB_KERNEL_CALL. */
export function setOption(fd: number, name: SocketOptionName, value: number | Uint8Array): void {
  const [level, option] = SocketOption[name];
  const isNumber = typeof value === 'number';
  if (isNumber) optionWord[0] = value;
  const bytes = isNumber ? optionBytes : value;
  if (calls.setsockopt(fd, level, option, bytes, isNumber ? 4 : value.length) >= 0) return;
  throw capabilityError('CAP_NET_RAW', { call: 'setsockopt', tried: `set socket option ${name}`, errno: errno() });
}

/** Switches Nagle's delay off; failure (a socket that broke meanwhile) does not matter and is not reported. */
export function setNoDelay(fd: number): void {
  optionWord[0] = 1;
  calls.setsockopt(fd, 6, 1, optionBytes, 4);
}

/** Makes the coming close send RST (SO_LINGER with time 0). */
export function setResetOnClose(fd: number): void {
  calls.setsockopt(fd, 1, 13, LINGER_ZERO, 8);
}

/** Lets what is sent from now on reach the next router at most; for either family. A socket that broke does not matter. */
export function setShortReach(fd: number): void {
  optionWord[0] = 1;
  calls.setsockopt(fd, 0, 2, optionBytes, 4); // IP_TTL
  calls.setsockopt(fd, 41, 16, optionBytes, 4); // IPV6_UNICAST_HOPS
}

const LINGER_ZERO = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

/**
 * Binds to an encoded address.
 *
 * @throws {TospannError} LB_KERNEL_PORT_IN_USE, LB_KERNEL_ADDRESS_NOT_LOCAL, LB_KERNEL_NO_CAPABILITY, LB_KERNEL_CALL.
 */
export function bindSocket(fd: number, at: SocketAddress): void {
  const sockaddr = encodeSockaddr(at);
  if (calls.bind(fd, sockaddr, sockaddr.length) < 0) throw bindError(at, errno());
}

/** Binds to a sockaddr of another family (packet, netlink). @throws {TospannError} LB_KERNEL_CALL. */
export function bindRaw(fd: number, sockaddr: Uint8Array, tried: string): void {
  if (calls.bind(fd, sockaddr, sockaddr.length) < 0) throw kernelError('bind', tried, errno());
}

/**
 * Opens a listening TCP socket: blocking (a non-blocking one would break multishot accept), SO_REUSEADDR, IPv6
 * without IPv4. Pass it to a child with `stdio: [..., fd]`.
 *
 * @param options `address` is a literal, `0.0.0.0` or `::` for all; `port` 0 takes a free one (see `localAddress`).
 * @param options.backlog Connections that wait for accept. Default 4096 (the kernel caps it at net.core.somaxconn).
 * @param options.beside Listeners of this process on the same port, which would be in the way of a wildcard address, or
 * it in theirs: the new one is opened all the same. Default none.
 * @param options.freeBind Takes an address that this machine does not have yet, for instance a VIP. Default false.
 * @throws {TospannError} LB_KERNEL_PORT_IN_USE, LB_KERNEL_ADDRESS_NOT_LOCAL, LB_KERNEL_NO_CAPABILITY, LB_KERNEL_CALL.
 */
export function openListener(
  options: SocketAddress & {
    readonly backlog?: number;
    readonly freeBind?: boolean;
    readonly beside?: readonly number[];
  },
): number {
  const family = options.address.includes(':') ? AF_INET6 : AF_INET;
  const fd = openSocket({ family, type: SOCK_STREAM, protocol: 0 });
  try {
    setOption(fd, 'REUSEADDR', 1);
    if (family === AF_INET6) setOption(fd, 'IPV6_V6ONLY', 1);
    if (options.freeBind === true) setOption(fd, 'IP_FREEBIND', 1);
    openBeside(fd, options);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** SO_REUSEPORT on both sides for this moment only: as a rule a second process on the port must be refused. */
function openBeside(
  fd: number,
  options: SocketAddress & { readonly backlog?: number; readonly beside?: readonly number[] },
): void {
  const both = options.beside === undefined || options.beside.length === 0 ? [] : [fd, ...options.beside];
  try {
    for (const socket of both) setOption(socket, 'REUSEPORT', 1);
    bindSocket(fd, options);
    if (calls.listen(fd, options.backlog ?? 4096) < 0) throw bindError(options, errno());
  } finally {
    for (const socket of both) setOption(socket, 'REUSEPORT', 0);
  }
}

/**
 * Gives a listening socket another length of its accept queue, without closing it; those that wait stay.
 *
 * @param backlog Connections; the kernel caps it at net.core.somaxconn as it is now. @throws {TospannError} LB_KERNEL_CALL.
 */
export function setBacklog(fd: number, backlog: number): void {
  if (calls.listen(fd, backlog) < 0) throw kernelError('listen', 'set the length of the accept queue', errno());
}

/** The remote end. @throws {TospannError} LB_KERNEL_CALL (ENOTCONN when it is gone). */
export function peerAddress(fd: number): SocketAddress {
  lengthWord[0] = nameBytes.length;
  if (calls.getpeername(fd, nameBytes, lengthBytes) < 0) {
    throw kernelError('getpeername', "read the peer's address", errno());
  }
  return decodeSockaddr(nameBytes.subarray(0, lengthWord[0]));
}

/** The local end, for instance the port that the kernel chose. @throws {TospannError} LB_KERNEL_CALL. */
export function localAddress(fd: number): SocketAddress {
  lengthWord[0] = nameBytes.length;
  if (calls.getsockname(fd, nameBytes, lengthBytes) < 0) {
    throw kernelError('getsockname', 'read the local address', errno());
  }
  return decodeSockaddr(nameBytes.subarray(0, lengthWord[0]));
}

/** Reads an int option such as `RCVBUF`. @throws {TospannError} LB_KERNEL_CALL. */
export function getOption(fd: number, name: SocketOptionName): number {
  const [level, option] = SocketOption[name];
  lengthWord[0] = 4;
  if (calls.getsockopt(fd, level, option, optionBytes, lengthBytes) < 0) {
    throw kernelError('getsockopt', `read socket option ${name}`, errno());
  }
  return optionWord[0] ?? 0;
}

/** Connections that wait for accept on a listening socket; 0 also when that cannot be said. */
export function waitingToAccept(fd: number): number {
  lengthWord[0] = nameBytes.length;
  if (calls.getsockopt(fd, 6, TCP_INFO, nameBytes, lengthBytes) < 0) return 0;
  // tcpi_unacked of struct tcp_info: of a listening socket, the length of its accept queue.
  return nameWords[6] ?? 0;
}

/** Ends one direction (0 reading, 1 writing, 2 both); false when the socket was not connected any more. */
export function shutdownSocket(fd: number, how: 0 | 1 | 2): boolean {
  return calls.shutdown(fd, how) === 0;
}

/** Closes; never throws (Linux frees the number even when close reports an error). */
export function closeFd(fd: number): void {
  calls.close(fd);
}

/** A second number for the same open file, close-on-exec. @throws {TospannError} LB_KERNEL_CALL. */
export function duplicateFd(fd: number): number {
  const copy = calls.fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) throw kernelError('fcntl', `duplicate descriptor ${fd}`, errno());
  return copy;
}

/** Makes an open file blocking or not: a flag of the file, shared by all its descriptors, in all processes. */
export function setBlocking(fd: number, blocking: boolean): void {
  const flags = calls.fcntl(fd, F_GETFL, 0);
  const wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
  if (flags < 0 || calls.fcntl(fd, F_SETFL, wanted) < 0) {
    throw kernelError('fcntl', `make descriptor ${fd} ${blocking ? 'blocking' : 'non-blocking'}`, errno());
  }
}

/** Tells whether reads of this open file block. @throws {TospannError} LB_KERNEL_CALL. */
export function isBlocking(fd: number): boolean {
  const flags = calls.fcntl(fd, F_GETFL, 0);
  if (flags < 0) throw kernelError('fcntl', `read the flags of descriptor ${fd}`, errno());
  return (flags & O_NONBLOCK) === 0;
}

function bindError({ address, port }: SocketAddress, number: number): TospannError {
  const tried = `bind "${address}" port ${port}`;
  const cause = kernelError('bind', tried, number);
  if (number === ErrorNumber.EADDRINUSE) return new TospannError('LB_KERNEL_PORT_IN_USE', { address, port }, { cause });
  if (number === ErrorNumber.EADDRNOTAVAIL) {
    return new TospannError('LB_KERNEL_ADDRESS_NOT_LOCAL', { address }, { cause });
  }
  return capabilityError('CAP_NET_BIND_SERVICE', { call: 'bind', tried, errno: number });
}
