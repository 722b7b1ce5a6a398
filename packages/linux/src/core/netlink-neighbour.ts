// rtnetlink messages about neighbours (RTM_GETNEIGH): which hardware address the kernel knows of an address. Pure.
import { formatIp } from './ip-text.ts';
import { badMessage, decodeAttributes, encodeMessage, Netlink, type NetlinkMessage } from './netlink.ts';

const RTM_NEWNEIGH = 28;
const RTM_GETNEIGH = 30;
const NDA_DST = 1;
const NDA_LLADDR = 2;
/** NUD_REACHABLE, STALE, DELAY, PROBE, PERMANENT: it has answered at some time, and has not failed to since. */
const KNOWN = 0x02 | 0x04 | 0x08 | 0x10 | 0x80;
const headerBytes = 12;

/** A neighbour whose hardware address is known. */
export interface NeighbourRecord {
  readonly interfaceIndex: number;
  readonly address: string;
  readonly mac: Uint8Array;
}

/** Asks for all neighbours of a family (AF_INET, AF_INET6). */
export function encodeNeighbourDump(family: number, sequence: number): Uint8Array {
  const neighbour = new Uint8Array(headerBytes); // struct ndmsg
  neighbour[0] = family;
  return encodeMessage({ type: RTM_GETNEIGH, flags: Netlink.REQUEST | Netlink.DUMP, sequence }, [neighbour]);
}

/** The neighbour that a message tells of; null: it is something else, or its hardware address is not known. */
export function decodeNeighbour({ type, body }: NetlinkMessage): NeighbourRecord | null {
  if (type !== RTM_NEWNEIGH) return null;
  if (body.length < headerBytes) throw badMessage(`neighbour of ${body.length} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if ((view.getUint16(8, true) & KNOWN) === 0) return null;
  let address = '';
  let mac = new Uint8Array(0);
  for (const { type: kind, value } of decodeAttributes(body.subarray(headerBytes))) {
    if (kind === NDA_DST && (value.length === 4 || value.length === 16)) address = formatIp(value);
    else if (kind === NDA_LLADDR) mac = value.slice();
  }
  return address === '' || mac.length === 0 ? null : { interfaceIndex: view.getInt32(4, true), address, mac };
}
