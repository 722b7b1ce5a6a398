// rtnetlink messages about addresses (RTM_NEWADDR, RTM_DELADDR) and links (RTM_NEWLINK), both ways. Pure.
// An address carries a lease (IFA_CACHEINFO) and a tag (IFA_PROTO, kernel 5.18, and a label for older ones).
import { formatIp, parseIp } from './ip-text.ts';
import {
  badMessage,
  decodeAttributes,
  decodeString,
  decodeUint32,
  encodeAttribute,
  encodeMessage,
  encodeString,
  encodeUint32,
  Netlink,
  type NetlinkMessage,
} from './netlink.ts';
import { AF_INET, AF_INET6 } from './sockaddr.ts';

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_PROTO = 11;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_OPERSTATE = 16;
const IFLA_CARRIER = 33;
const INFINITE = 0xffffffff;
const FOR_EVER = -1;
const NOTHING = new Uint8Array(0);

/** Flags of an address (IFA_FLAGS): no duplicate address detection, no route for the prefix. */
export const AddressFlag = { NODAD: 0x02, DEPRECATED: 0x20, TENTATIVE: 0x40, NOPREFIXROUTE: 0x200 } as const;

/** An address as it is asked for. */
export interface AddressRequest {
  readonly interfaceIndex: number;
  /** IPv4 or IPv6 literal. */
  readonly address: string;
  readonly prefixLength: number;
  /** Seconds until the kernel removes it; -1 never. Default -1. */
  readonly validSeconds?: number;
  /** Seconds until it is no longer chosen as a source; at most `validSeconds`, -1 never. Default -1. */
  readonly preferredSeconds?: number;
  /** AddressFlag bits. Default 0. */
  readonly flags?: number;
  /** 0 global, 253 link, 254 host. Default 0. */
  readonly scope?: number;
  /** IFA_PROTO, 1..255: who manages it. Kernels before 5.18 ignore it. */
  readonly protocol?: number;
  /** At most 15 characters, must begin with the interface's name; IPv4 only. */
  readonly label?: string;
}

/** An address as the kernel reports it. */
export interface AddressRecord {
  readonly interfaceIndex: number;
  readonly address: string;
  readonly prefixLength: number;
  readonly scope: number;
  readonly flags: number;
  /** IFA_PROTO; 0 when unset or when the kernel does not know it. */
  readonly protocol: number;
  readonly label: string;
  /** Seconds left; -1 for ever. */
  readonly validSeconds: number;
  readonly preferredSeconds: number;
  /** When its lifetimes were set last: ms since boot, in steps of 10; about the clock of `monotonicMs`. 0 when not told. */
  readonly updatedAtMs: number;
}

/** A link as the kernel reports it. `running` is IFF_RUNNING: administratively up and with a carrier. */
export interface LinkRecord {
  readonly index: number;
  readonly name: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly flags: number;
  readonly up: boolean;
  readonly running: boolean;
  /** IF_OPER_*: 6 up, 2 down, 0 unknown (loopback, some tunnels). */
  readonly operationalState: number;
  readonly carrier: boolean;
}

/**
 * Encodes the request to add an address, or to replace lease and flags of one that is there.
 *
 * @throws {TospannError} LB_KERNEL_BAD_ADDRESS.
 */
export function encodeAddressAdd(request: AddressRequest, sequence: number): Uint8Array {
  const flags = Netlink.REQUEST | Netlink.ACK | Netlink.CREATE | Netlink.REPLACE;
  const parts = addressParts(request);
  const cacheInfo = new Uint8Array(16);
  const view = new DataView(cacheInfo.buffer);
  view.setUint32(0, seconds(request.preferredSeconds), true);
  view.setUint32(4, seconds(request.validSeconds), true);
  parts.push(encodeAttribute(IFA_CACHEINFO, cacheInfo), encodeAttribute(IFA_FLAGS, encodeUint32(request.flags ?? 0)));
  if (request.protocol !== undefined) parts.push(encodeAttribute(IFA_PROTO, Uint8Array.of(request.protocol)));
  if (request.label !== undefined) parts.push(encodeAttribute(IFA_LABEL, encodeString(request.label)));
  return encodeMessage({ type: Netlink.NEWADDR, flags, sequence }, parts);
}

/**
 * Encodes the request to delete exactly this address with this prefix length (IFA_ADDRESS is always there:
 * without it the kernel would delete the first that matches).
 *
 * @throws {TospannError} LB_KERNEL_BAD_ADDRESS.
 */
export function encodeAddressDelete(request: AddressRequest, sequence: number): Uint8Array {
  const flags = Netlink.REQUEST | Netlink.ACK;
  return encodeMessage({ type: Netlink.DELADDR, flags, sequence }, addressParts(request));
}

/** Encodes the request for all addresses; `family` 0 for both. */
export function encodeAddressDump(sequence: number, family = 0): Uint8Array {
  const header = new Uint8Array(8);
  header[0] = family;
  return encodeMessage({ type: Netlink.GETADDR, flags: Netlink.REQUEST | Netlink.DUMP, sequence }, [header]);
}

/** Encodes the request for all links. */
export function encodeLinkDump(sequence: number): Uint8Array {
  const flags = Netlink.REQUEST | Netlink.DUMP;
  return encodeMessage({ type: Netlink.GETLINK, flags, sequence }, [new Uint8Array(16)]);
}

/**
 * Decodes an RTM_NEWADDR or RTM_DELADDR.
 *
 * @returns null for a family that is neither IPv4 nor IPv6.
 * @throws {TospannError} LB_KERNEL_BAD_MESSAGE.
 */
export function decodeAddress({ body }: NetlinkMessage): AddressRecord | null {
  if (body.length < 8) throw badMessage(`address of ${body.length} bytes`);
  const family = body[0] ?? 0;
  const ipLength = family === AF_INET ? 4 : family === AF_INET6 ? 16 : 0;
  if (ipLength === 0) return null;
  const attributes = attributesByType(body.subarray(8));
  // On a point-to-point link IFA_ADDRESS is the other end; IFA_LOCAL is ours where it is given.
  const ip = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (ip?.length !== ipLength) throw badMessage('address message without an address');
  const flags = attributes.get(IFA_FLAGS) ?? body.subarray(2, 3);
  const cacheInfo = attributes.get(IFA_CACHEINFO);
  return {
    interfaceIndex: decodeUint32(body, 4),
    address: formatIp(ip),
    prefixLength: byteAt(body, 1),
    scope: byteAt(body, 3),
    flags: flags.length === 4 ? decodeUint32(flags) : byteAt(flags, 0),
    protocol: byteAt(attributes.get(IFA_PROTO) ?? NOTHING, 0),
    label: decodeString(attributes.get(IFA_LABEL) ?? NOTHING),
    validSeconds: lifetime(cacheInfo, 4),
    preferredSeconds: lifetime(cacheInfo, 0),
    // ifa_cacheinfo.tstamp, hundredths of a second.
    updatedAtMs: cacheInfo === undefined ? 0 : decodeUint32(cacheInfo, 12) * 10,
  };
}

/** Decodes an RTM_NEWLINK or RTM_DELLINK. @throws {TospannError} LB_KERNEL_BAD_MESSAGE. */
export function decodeLink({ body }: NetlinkMessage): LinkRecord {
  if (body.length < 16) throw badMessage(`link of ${body.length} bytes`);
  const attributes = attributesByType(body.subarray(16));
  const flags = decodeUint32(body, 8);
  return {
    index: decodeUint32(body, 4),
    name: decodeString(attributes.get(IFLA_IFNAME) ?? NOTHING),
    mac: attributes.get(IFLA_ADDRESS)?.slice() ?? NOTHING,
    mtu: decodeUint32(attributes.get(IFLA_MTU) ?? NOTHING),
    flags,
    up: (flags & 0x1) !== 0,
    running: (flags & 0x40) !== 0,
    operationalState: byteAt(attributes.get(IFLA_OPERSTATE) ?? NOTHING, 0),
    carrier: byteAt(attributes.get(IFLA_CARRIER) ?? NOTHING, 0) === 1,
  };
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function addressParts(request: AddressRequest): Uint8Array[] {
  const ip = parseIp(request.address);
  const header = new Uint8Array(8);
  header[0] = ip.length === 4 ? AF_INET : AF_INET6;
  header[1] = request.prefixLength;
  header[2] = (request.flags ?? 0) & 0xff;
  header[3] = request.scope ?? 0;
  header.set(encodeUint32(request.interfaceIndex), 4);
  return [header, encodeAttribute(IFA_LOCAL, ip), encodeAttribute(IFA_ADDRESS, ip)];
}

function attributesByType(bytes: Uint8Array): Map<number, Uint8Array> {
  return new Map(decodeAttributes(bytes).map(({ type, value }) => [type, value]));
}

function seconds(value: number | undefined): number {
  return value === undefined || value === FOR_EVER ? INFINITE : value;
}

function lifetime(cacheInfo: Uint8Array | undefined, at: number): number {
  if (cacheInfo === undefined) return FOR_EVER;
  const value = decodeUint32(cacheInfo, at);
  return value === INFINITE ? FOR_EVER : value;
}
