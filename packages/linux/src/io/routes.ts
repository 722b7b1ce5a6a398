// Default routes through rtnetlink, and counting of established connections through sock_diag. Reads only; no capability.
import { decodeDefaultRoute, encodeRouteDump, type DefaultRoute } from '../core/netlink-route.ts';
import { decodeConnection, encodeEstablishedDump, type ConnectionEnds } from '../core/netlink-sockets.ts';
import { AF_INET, AF_INET6 } from '../core/sockaddr.ts';
import { NetlinkFamily, NetlinkSocket } from './netlink-socket.ts';

/** The default route of a family that is used now; undefined: there is none. @throws {TospannError} LB_KERNEL_CALL. */
export function defaultRoute(family: 4 | 6): DefaultRoute | undefined {
  const socket = new NetlinkSocket();
  try {
    const number = family === 4 ? AF_INET : AF_INET6;
    const messages = socket.dump((sequence) => encodeRouteDump(number, sequence), 'list routes');
    const routes = messages.map(decodeDefaultRoute).filter((route) => route !== null);
    return routes.toSorted((one, other) => one.metric - other.metric)[0];
  } finally {
    socket.close();
  }
}

/** All established TCP connections of this network namespace, both families. @throws {TospannError} LB_KERNEL_CALL. */
export function establishedConnections(): ConnectionEnds[] {
  const socket = new NetlinkSocket(0, NetlinkFamily.SOCK_DIAG);
  try {
    return [AF_INET, AF_INET6].flatMap((family) =>
      socket
        .dump((sequence) => encodeEstablishedDump(family, sequence), 'list connections')
        .map(decodeConnection)
        .filter((ends) => ends !== null),
    );
  } finally {
    socket.close();
  }
}
