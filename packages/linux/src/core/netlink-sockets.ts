// sock_diag messages (linux/sock_diag.h, inet_diag.h): the TCP sockets of this machine on some addresses in one state, and
// the end of one. Pure.
import { formatIp, parseIp } from './ip-text.ts';
import { encodeAttribute, encodeMessage, Netlink, type NetlinkMessage } from './netlink.ts';
import { AF_INET, AF_INET6 } from './sockaddr.ts';

const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const IPPROTO_TCP = 6;
const INET_DIAG_REQ_BYTECODE = 1;
const INET_DIAG_BC_JMP = 1;
const INET_DIAG_BC_S_COND = 7;

/** States of a TCP socket, as the kernel numbers them. */
export const TcpState = { ESTABLISHED: 1, TIME_WAIT: 6 } as const;

/** A socket as the kernel names it. */
export interface TcpSocketRecord {
  readonly family: number;
  readonly local: string;
  readonly remote: string;
  /** struct inet_diag_sockid: both ends, interface, cookie. */
  readonly id: Uint8Array;
}

/** Asks for all TCP sockets in a state whose own address is one of these, of one family; the kernel filters. */
export function encodeSocketDump(addresses: readonly string[], state: number, sequence: number): Uint8Array {
  const ips = addresses.map(parseIp);
  const request = new Uint8Array(56); // struct inet_diag_req_v2
  request[0] = ips[0]?.length === 16 ? AF_INET6 : AF_INET;
  request[1] = IPPROTO_TCP;
  new DataView(request.buffer).setUint32(4, 1 << state, true);
  const filter = encodeAttribute(INET_DIAG_REQ_BYTECODE, localAddressFilter(ips));
  return encodeMessage({ type: SOCK_DIAG_BY_FAMILY, flags: Netlink.REQUEST | Netlink.DUMP, sequence }, [
    request,
    filter,
  ]);
}

/** Asks for the end of one socket; one in TIME_WAIT is forgotten without a packet. */
export function encodeSocketDestroy(socket: TcpSocketRecord, state: number, sequence: number): Uint8Array {
  const request = new Uint8Array(56);
  request[0] = socket.family;
  request[1] = IPPROTO_TCP;
  new DataView(request.buffer).setUint32(4, 1 << state, true);
  request.set(socket.id, 8);
  return encodeMessage({ type: SOCK_DESTROY, flags: Netlink.REQUEST | Netlink.ACK, sequence }, [request]);
}

/** The socket of one answer (struct inet_diag_msg); null when it is none. */
export function decodeSocket({ type, body }: NetlinkMessage): TcpSocketRecord | null {
  if (type !== SOCK_DIAG_BY_FAMILY || body.length < 72) return null;
  const family = body[0] ?? 0;
  const length = family === AF_INET6 ? 16 : 4;
  return {
    family,
    local: formatIp(body.subarray(8, 8 + length)),
    remote: formatIp(body.subarray(24, 24 + length)),
    id: body.slice(4, 52),
  };
}

/**
 * A condition for each address (struct inet_diag_bc_op and inet_diag_hostcond with any port): where it holds, a jump to the
 * end, which takes the socket; where none does, the last one jumps behind the end.
 */
function localAddressFilter(ips: readonly Uint8Array[]): Uint8Array {
  const lengths = ips.map((ip) => conditionBytes + ip.length + jumpBytes);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  ips.forEach((ip, index) => {
    const length = conditionBytes + ip.length;
    const left = bytes.length - at;
    const isLast = index === ips.length - 1;
    bytes[at] = INET_DIAG_BC_S_COND;
    bytes[at + 1] = length;
    view.setUint16(at + 2, isLast ? left + 4 : length + jumpBytes, true);
    bytes[at + 4] = ip.length === 4 ? AF_INET : AF_INET6;
    bytes[at + 5] = ip.length * 8;
    view.setInt32(at + 8, -1, true);
    bytes.set(ip, at + conditionBytes);
    at += length;
    bytes[at] = INET_DIAG_BC_JMP;
    bytes[at + 1] = jumpBytes;
    view.setUint16(at + 2, bytes.length - at, true);
    at += jumpBytes;
  });
  return bytes;
}

const conditionBytes = 12;
const jumpBytes = 4;
