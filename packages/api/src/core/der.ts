// Writes DER (X.690): the few types that a certificate is made of. Pure. No reader: what is read comes from node:crypto.

const Tag = {
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  OID: 0x06,
  UTF8_STRING: 0x0c,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;
const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;

const utf8 = new TextEncoder();

/** A value with its tag and length (the definite form in as few bytes as it takes). */
function tagged(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = length < 128 ? [tag, length] : [tag, CONTEXT | bytesOf(length).length, ...bytesOf(length)];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  let at = head.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Big-endian, without leading zeros. */
function bytesOf(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes;
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return tagged(Tag.SEQUENCE, parts);
}

/** Of one element: more would have to be sorted. */
export function setOf(part: Uint8Array): Uint8Array {
  return tagged(Tag.SET, [part]);
}

/** A positive integer of these bytes, the highest first. */
export function integer(magnitude: Uint8Array): Uint8Array {
  const first = magnitude.findIndex((byte) => byte !== 0);
  const plain = first < 0 ? new Uint8Array(1) : magnitude.subarray(first);
  // A first bit of 1 would make it negative.
  return tagged(Tag.INTEGER, plain[0]! >= 128 ? [new Uint8Array(1), plain] : [plain]);
}

/** A string of whole bytes. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return tagged(Tag.BIT_STRING, [new Uint8Array(1), bytes]);
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return tagged(Tag.OCTET_STRING, [bytes]);
}

export function utf8String(text: string): Uint8Array {
  return tagged(Tag.UTF8_STRING, [utf8.encode(text)]);
}

/** An object identifier in dots, `1.2.840.10045.4.3.2`. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift(128 | (left % 128));
    return groups;
  });
  return tagged(Tag.OID, [Uint8Array.from(bytes)]);
}

/** A time of ISO 8601 in UTC, in whole seconds; in the short form until 2049, as RFC 5280 section 4.1.2.5 wants it. */
export function time(iso: string): Uint8Array {
  const digits = iso.replaceAll(/[-:T]|\.\d+/g, '');
  const isShort = digits < '2050';
  return tagged(isShort ? Tag.UTC_TIME : Tag.GENERALIZED_TIME, [utf8.encode(isShort ? digits.slice(2) : digits)]);
}

/** A value around others, known by its place: `[0] EXPLICIT`. */
export function explicit(number: number, part: Uint8Array): Uint8Array {
  return tagged(CONTEXT | CONSTRUCTED | number, [part]);
}

/** A value of a type that its place tells: `[2] IMPLICIT`. */
export function implicit(number: number, bytes: Uint8Array): Uint8Array {
  return tagged(CONTEXT | number, [bytes]);
}
