// Default routes through rtnetlink. Reads only; no capability.
import { decodeDefaultRoute, encodeRouteDump, type DefaultRoute } from '../core/netlink-route.ts';
import { AF_INET, AF_INET6 } from '../core/sockaddr.ts';
import { NetlinkSocket } from './netlink-socket.ts';

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
