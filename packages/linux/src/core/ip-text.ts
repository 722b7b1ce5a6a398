// IP addresses as text and as bytes, both families. Literals only, no scopes (fe80::1%eth0), no names; the
// canonical text of IPv6 follows RFC 5952. Pure.
import { TospannError } from '@tospann/errors';

/**
 * Reads an IPv4 or IPv6 literal.
 *
 * @returns 4 or 16 bytes, network order.
 * @throws {TospannError} LB_KERNEL_BAD_ADDRESS.
 */
export function parseIp(text: string): Uint8Array {
  const bytes = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  if (bytes === null) throw new TospannError('LB_KERNEL_BAD_ADDRESS', { address: text });
  return bytes;
}

/** The text of 4 or 16 address bytes; an IPv4-mapped IPv6 address (::ffff:a.b.c.d) becomes its IPv4 text. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (isMapped(bytes)) return bytes.subarray(12).join('.');
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  const gap = longestZeroRun(groups);
  if (gap.length < 2) return groups.map(hex).join(':');
  return `${groups.slice(0, gap.start).map(hex).join(':')}::${groups
    .slice(gap.start + gap.length)
    .map(hex)
    .join(':')}`;
}

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null;
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = groupsOf(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '', true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
}

/** The 16-bit groups of one side of `::`; `last`: an IPv4 literal may close it. */
function groupsOf(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const v4 = last && i === parts.length - 1 ? parseIpv4(part) : null;
    if (v4 === null) return null;
    const [a = 0, b = 0, c = 0, d = 0] = v4;
    groups.push((a << 8) | b, (c << 8) | d);
  }
  return groups;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

function hex(group: number): string {
  return group.toString(16);
}
