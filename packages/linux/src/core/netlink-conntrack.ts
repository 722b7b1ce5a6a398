// Connection tracking entries over netlink (nfnetlink_conntrack): the request for a dump and the source and destination
// of an entry. Nothing else of an entry is read. Pure.
import { formatIp } from './ip-text.ts';
import { decodeAttributes, encodeMessage, Netlink } from './netlink.ts';

/** (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET of linux/netfilter/nfnetlink_conntrack.h. */
const messageType = (1 << 8) | 1;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_IP = 1;
/** The first four of ctattr_ip. */
const Address = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
/** struct nfgenmsg: family, version, resource id. */
const headerBytes = 4;

/** Who opened a tracked connection, and towards whom; canonical text. */
export interface ConntrackEntry {
  readonly source: string;
  readonly destination: string;
}

/** Asks for all entries of all families. */
export function encodeConntrackDump(sequence: number): Uint8Array {
  const flags = Netlink.REQUEST | Netlink.DUMP;
  return encodeMessage({ type: messageType, flags, sequence }, [new Uint8Array(headerBytes)]);
}

/**
 * Reads one entry of a dump.
 *
 * @param body From struct nfgenmsg on.
 * @returns undefined for an entry without addresses of IP.
 * @throws {TospannError} LB_KERNEL_BAD_MESSAGE.
 */
export function decodeConntrackEntry(body: Uint8Array): ConntrackEntry | undefined {
  const tuple = decodeAttributes(body.subarray(headerBytes)).find(({ type }) => type === CTA_TUPLE_ORIG);
  if (tuple === undefined) return undefined;
  const ip = decodeAttributes(tuple.value).find(({ type }) => type === CTA_TUPLE_IP);
  if (ip === undefined) return undefined;
  let source = '';
  let destination = '';
  for (const { type, value } of decodeAttributes(ip.value)) {
    if (type === Address.V4_SRC || type === Address.V6_SRC) source = formatIp(value);
    if (type === Address.V4_DST || type === Address.V6_DST) destination = formatIp(value);
  }
  return source === '' ? undefined : { source, destination };
}
