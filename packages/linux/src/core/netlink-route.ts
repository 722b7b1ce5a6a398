// rtnetlink messages about routes (RTM_GETROUTE): only what finds the default gateway. Pure.
import { formatIp } from './ip-text.ts';
import { badMessage, decodeAttributes, decodeUint32, encodeMessage, Netlink, type NetlinkMessage } from './netlink.ts';

const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_MULTIPATH = 9;
const RTN_UNICAST = 1;
const RT_TABLE_MAIN = 254;

/** A default route of the main table. */
export interface DefaultRoute {
  /** The router, as text. */
  readonly gateway: string;
  readonly interfaceIndex: number;
  /** The lower one is used. */
  readonly metric: number;
}

/** Asks for all routes of a family (AF_INET, AF_INET6). */
export function encodeRouteDump(family: number, sequence: number): Uint8Array {
  const route = new Uint8Array(12); // struct rtmsg
  route[0] = family;
  return encodeMessage({ type: RTM_GETROUTE, flags: Netlink.REQUEST | Netlink.DUMP, sequence }, [route]);
}

/** The default route that a message tells of; null: it is another route, or it has no gateway. */
export function decodeDefaultRoute({ type, body }: NetlinkMessage): DefaultRoute | null {
  if (type !== RTM_NEWROUTE) return null;
  if (body.length < 12) throw badMessage(`route of ${body.length} bytes`);
  const [, destinationBits, , , table, , , kind] = body;
  if (destinationBits !== 0 || table !== RT_TABLE_MAIN || kind !== RTN_UNICAST) return null;
  const route = { gateway: '', interfaceIndex: 0, metric: 0 };
  readHop(body.subarray(12), route);
  return route.gateway === '' || route.interfaceIndex === 0 ? null : route;
}

function readHop(bytes: Uint8Array, route: { gateway: string; interfaceIndex: number; metric: number }): void {
  for (const { type, value } of decodeAttributes(bytes)) {
    if (type === RTA_OIF) route.interfaceIndex = decodeUint32(value);
    else if (type === RTA_PRIORITY) route.metric = decodeUint32(value);
    else if (type === RTA_GATEWAY && (value.length === 4 || value.length === 16)) route.gateway = formatIp(value);
    // The first of several next hops: struct rtnexthop (length, flags, weight, interface), then its attributes.
    else if (type === RTA_MULTIPATH && value.length >= 8 && route.gateway === '') {
      const length = (value[0] ?? 0) | ((value[1] ?? 0) << 8);
      route.interfaceIndex = decodeUint32(value, 4);
      readHop(value.subarray(8, Math.max(8, length)), route);
    }
  }
}
