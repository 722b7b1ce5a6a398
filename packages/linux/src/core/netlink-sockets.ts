// sock_diag messages (linux/sock_diag.h, inet_diag.h): the TCP sockets of this machine in one state. Pure.
import { formatIp } from './ip-text.ts';
import { encodeMessage, Netlink, type NetlinkMessage } from './netlink.ts';
import { AF_INET6 } from './sockaddr.ts';

const SOCK_DIAG_BY_FAMILY = 20;
const IPPROTO_TCP = 6;
const TCP_ESTABLISHED = 1;

/** Both ends of a connection. */
export interface ConnectionEnds {
  readonly local: string;
  readonly localPort: number;
  readonly remote: string;
}

/** Asks for all established TCP connections of a family (AF_INET, AF_INET6). */
export function encodeEstablishedDump(family: number, sequence: number): Uint8Array {
  const request = new Uint8Array(56); // struct inet_diag_req_v2
  const view = new DataView(request.buffer);
  request[0] = family;
  request[1] = IPPROTO_TCP;
  view.setUint32(4, 1 << TCP_ESTABLISHED, true);
  return encodeMessage({ type: SOCK_DIAG_BY_FAMILY, flags: Netlink.REQUEST | Netlink.DUMP, sequence }, [request]);
}

/** The ends of one answer (struct inet_diag_msg); null when it is none. */
export function decodeConnection({ type, body }: NetlinkMessage): ConnectionEnds | null {
  if (type !== SOCK_DIAG_BY_FAMILY || body.length < 72) return null;
  const length = body[0] === AF_INET6 ? 16 : 4;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return {
    local: formatIp(body.subarray(8, 8 + length)),
    localPort: view.getUint16(4, false),
    remote: formatIp(body.subarray(24, 24 + length)),
  };
}
