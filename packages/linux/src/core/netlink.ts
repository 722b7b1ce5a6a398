// Netlink framing: messages, attributes, acknowledgements. Pure; 4-byte alignment and host (little-endian) order.
import { TospannError } from '@tospann/errors';

/** Message types and flags that this package uses (linux/netlink.h, linux/rtnetlink.h). */
export const Netlink = {
  ERROR: 2,
  DONE: 3,
  OVERRUN: 4,
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  REQUEST: 0x1,
  ACK: 0x4,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  DUMP_INTERRUPTED: 0x10,
} as const;

/** One message: `body` follows the 16-byte header (family structure, then attributes). */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** One attribute; of nested ones the value holds further attributes. */
export interface NetlinkAttribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Encodes one message; `parts` are concatenated behind the header, each padded to 4 bytes. */
export function encodeMessage(
  header: { readonly type: number; readonly flags: number; readonly sequence: number },
  parts: readonly Uint8Array[],
): Uint8Array {
  const length = 16 + parts.reduce((sum, part) => sum + align(part.length), 0);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, header.type, true);
  view.setUint16(6, header.flags, true);
  view.setUint32(8, header.sequence, true);
  let at = 16;
  for (const part of parts) {
    bytes.set(part, at);
    at += align(part.length);
  }
  return bytes;
}

/** Encodes one attribute, without the padding behind it. */
export function encodeAttribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + value.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, bytes.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

/**
 * Splits one datagram into its messages.
 *
 * @param bytes Borrowed; the bodies are copies.
 * @throws {TospannError} LB_KERNEL_BAD_MESSAGE when a length does not fit.
 */
export function decodeMessages(bytes: Uint8Array): NetlinkMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.length - at >= 16 ? view.getUint32(at, true) : 0;
    if (length < 16 || at + length > bytes.length) throw badMessage(`message of ${length} bytes at ${at}`);
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: bytes.slice(at + 16, at + length),
    });
    at += align(length);
  }
  return messages;
}

/**
 * Splits a run of attributes.
 *
 * @param bytes From the first attribute on; the values are views into it.
 * @throws {TospannError} LB_KERNEL_BAD_MESSAGE when a length does not fit.
 */
export function decodeAttributes(bytes: Uint8Array): NetlinkAttribute[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const attributes: NetlinkAttribute[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.length - at >= 4 ? view.getUint16(at, true) : 0;
    if (length < 4 || at + length > bytes.length) throw badMessage(`attribute of ${length} bytes at ${at}`);
    // The two highest bits of the type mark nesting and byte order.
    attributes.push({ type: view.getUint16(at + 2, true) & 0x3fff, value: bytes.subarray(at + 4, at + length) });
    at += align(length);
  }
  return attributes;
}

/** The errno of an acknowledgement (NLMSG_ERROR): 0 is success. */
export function decodeAck(body: Uint8Array): number {
  if (body.length < 4) throw badMessage('acknowledgement without a result');
  return 0 - new DataView(body.buffer, body.byteOffset, 4).getInt32(0, true); // never -0
}

/** The text of a NUL-terminated attribute such as a label or an interface name. */
export function decodeString(value: Uint8Array): string {
  const end = value.indexOf(0);
  return new TextDecoder().decode(end < 0 ? value : value.subarray(0, end));
}

/** The bytes of a NUL-terminated text. */
export function encodeString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

/** 4 bytes, host order. */
export function encodeUint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** 4 bytes, host order; 0 when the attribute is shorter. */
export function decodeUint32(value: Uint8Array, at = 0): number {
  return value.length < at + 4 ? 0 : new DataView(value.buffer, value.byteOffset + at, 4).getUint32(0, true);
}

export function badMessage(detail: string): TospannError<'LB_KERNEL_BAD_MESSAGE'> {
  return new TospannError('LB_KERNEL_BAD_MESSAGE', { detail });
}

function align(length: number): number {
  return (length + 3) & ~3;
}
