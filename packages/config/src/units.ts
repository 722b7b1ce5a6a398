// Values with units as people write them: durations, addresses with ports, networks. Text in, numbers and plain
// objects out, or the reason why not. Addresses are checked by zod's formats, never by a parser of our own.
import { z } from 'zod';
import type { BindConfig, RateConfig } from './model.ts';

/** What a reader of one value says: the value, or what it must be instead (completes "must be ..."). */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: 'value' | 'range' | 'unsupported'; readonly must: string };

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const UNITS_DOWN = ['d', 'h', 'm', 's', 'ms'] as const;

const ipv4 = z.ipv4();
const ipv6 = z.ipv6();
const cidrv4 = z.cidrv4();
const cidrv6 = z.cidrv6();

/** What a duration must be, in words. */
export const DURATION_MUST = 'a duration with a unit (ms, s, m, h, d)';

/**
 * Reads a duration such as `500ms`, `10s` or `1m30s`.
 *
 * @returns Milliseconds; units stand from large to small, each once, whole numbers only.
 */
export function readDuration(text: string): Reading<number> {
  const parts = text.match(/\d+(?:ms|[smhd])/g);
  if (parts === null || parts.join('') !== text) return { ok: false, reason: 'value', must: DURATION_MUST };
  let totalMs = 0;
  let last = Number.POSITIVE_INFINITY;
  for (const part of parts) {
    const unitMs = UNIT_MS[part.replace(/^\d+/, '')] ?? 0;
    if (unitMs >= last) return { ok: false, reason: 'value', must: `${DURATION_MUST}, the largest unit first` };
    last = unitMs;
    totalMs += Number.parseInt(part, 10) * unitMs;
  }
  return { ok: true, value: totalMs };
}

/** Writes milliseconds the way `readDuration` reads them, with the largest units first: 90000 is `1m30s`. */
export function formatDuration(durationMs: number): string {
  let rest = durationMs;
  let text = '';
  for (const unit of UNITS_DOWN) {
    const unitMs = UNIT_MS[unit] ?? 1;
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text === '' ? '0ms' : text;
}

/** Tells whether the text is an IPv4 address in dotted form. */
export function isIpv4(text: string): boolean {
  return ipv4.safeParse(text).success;
}

/** Tells whether the text is an IPv6 address, without brackets. */
export function isIpv6(text: string): boolean {
  return ipv6.safeParse(text).success;
}

/** The address as a 32-bit number, for comparisons; the text must be IPv4 (see `isIpv4`). */
export function ipv4Number(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Whether an address lies in a network (`192.168.1.200/24`, `2001:db8::1/64`); both must be valid and of any family. */
export function inNetwork(address: string, network: string): boolean {
  const [base = '', prefix = ''] = network.split('/');
  if (base.includes(':') !== address.includes(':')) return false;
  const bits = Number(prefix);
  return binary(base).slice(0, bits) === binary(address).slice(0, bits);
}

/** All bits of an address as text. */
function binary(address: string): string {
  if (!address.includes(':')) return ipv4Number(address).toString(2).padStart(32, '0');
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const first = groups(head);
  const last = groups(tail ?? '');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => '0');
  return [...first, ...zeros, ...last].map((part) => Number.parseInt(part, 16).toString(2).padStart(16, '0')).join('');
}

/** Reads one IPv4 address that one host can have: not 0.0.0.0, multicast or broadcast. */
export function readHostAddress(text: string): Reading<string> {
  const must = 'an IPv4 address of one host';
  if (isIpv6(text)) return { ok: false, reason: 'unsupported', must: `the IPv6 address "${text}"` };
  if (!isIpv4(text)) return { ok: false, reason: 'value', must };
  const first = ipv4Number(text) / 2 ** 24;
  if (first < 1 || first >= 224) return { ok: false, reason: 'range', must };
  return { ok: true, value: text };
}

/** Where a server is: an IP address, or a host name when `isName`. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly isName?: true;
}

/** Reads `address:port` of a server: IPv4, IPv6 in brackets, or a host name, and a port from 1 to 65535. */
export function readEndpoint(text: string): Reading<Endpoint> {
  const must =
    'an address or host name and a port (1 to 65535), such as 10.10.10.1:80, "[2001:db8::1]:80" or web1.example:80';
  const { host, port, hasPort } = splitPort(text);
  if (!hasPort) return { ok: false, reason: 'value', must };
  const address = readAnyAddress(host);
  const isName = !address.ok && readHostName(host).ok;
  if (!address.ok && !isName) return { ok: false, reason: address.reason, must };
  if (port === undefined) return { ok: false, reason: /:\d+$/.test(text) ? 'range' : 'value', must };
  if (address.ok) return { ok: true, value: { address: address.value, port } };
  return { ok: true, value: { address: host.toLowerCase(), port, isName: true } };
}

/** Reads an address to listen on: `*:80`, `[::]:80`, `10.10.0.11:80` or `[2001:db8::1]:80`; `*` becomes 0.0.0.0. */
export function readBind(text: string): Reading<BindConfig> {
  const must = '"*:PORT", "ADDRESS:PORT" or "[IPV6]:PORT" with a port from 1 to 65535';
  const { host, port, hasPort } = splitPort(text);
  if (!hasPort) return { ok: false, reason: 'value', must };
  const wildcard = WILDCARDS[host];
  const address: Reading<string> = wildcard === undefined ? readAnyAddress(host) : { ok: true, value: wildcard };
  if (!address.ok) return { ok: false, reason: address.reason, must };
  if (port === undefined) return { ok: false, reason: /:\d+$/.test(text) ? 'range' : 'value', must };
  return { ok: true, value: { address: address.value, port } };
}

/** As `readBind`, for listeners that are IPv4 only. */
export function readBindV4(text: string): Reading<BindConfig> {
  const result = readBind(text);
  if (!result.ok || !result.value.address.includes(':')) return result;
  return { ok: false, reason: 'unsupported', must: `the IPv6 address "${text}"` };
}

const WILDCARDS: Readonly<Record<string, string>> = { '*': '0.0.0.0', '0.0.0.0': '0.0.0.0', '[::]': '::' };

function splitPort(text: string): {
  readonly host: string;
  readonly port: number | undefined;
  readonly hasPort: boolean;
} {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon === -1 ? text.length : colon);
  // The last colon of a bare IPv6 address does not begin a port.
  if (colon === -1 || isIpv6(text) || (host.includes(':') && !host.startsWith('['))) {
    return { host: text, port: undefined, hasPort: false };
  }
  return { host, port: readPort(text.slice(colon + 1)), hasPort: true };
}

/** One address of a host: IPv4 as `readHostAddress`, IPv6 in brackets; IPv6 in its shortest form (RFC 5952). */
function readAnyAddress(host: string): Reading<string> {
  const inner = /^\[(.*)\]$/.exec(host)?.[1];
  if (inner === undefined) return readHostAddress(host);
  if (!isIpv6(inner)) return { ok: false, reason: 'value', must: 'an IPv6 address in brackets' };
  const address = shortIpv6(inner);
  const usable = address !== '::' && !address.startsWith('ff');
  return usable ? { ok: true, value: address } : { ok: false, reason: 'range', must: 'an IPv6 address of one host' };
}

/** The shortest form of an IPv6 address, so that two spellings of one address are equal. */
function shortIpv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

/** Reads a host name: labels of letters, digits, "-" and "_", at most 253 characters, not all digits. */
export function readHostName(text: string): Reading<string> {
  const must = 'a host name';
  const name = text.toLowerCase();
  const labels = name.split('.');
  const fits = name.length <= 253 && labels.every((label) => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/.test(label));
  // 10.10.10 and 10.10.10.300 are addresses that went wrong, not names.
  return fits && !/^\d+$/.test(labels.at(-1) ?? '') ? { ok: true, value: name } : { ok: false, reason: 'value', must };
}

/** Reads one IPv6 address that one host can have, without brackets; in its shortest form (RFC 5952). */
export function readHostAddress6(text: string): Reading<string> {
  if (!isIpv6(text)) return { ok: false, reason: 'value', must: 'an IPv6 address of one host' };
  return readAnyAddress(`[${text}]`);
}

/** Reads an address of one host, IPv4 or IPv6 without brackets. */
export function readAnyHost(text: string): Reading<string> {
  return isIpv6(text) ? readHostAddress6(text) : readHostAddress(text);
}

/** Reads `192.168.1.200/24` or `2001:db8::200/64`: a host's address with the prefix length of its network. */
export function readInterfaceAddress(text: string): Reading<{ address: string; prefixLength: number }> {
  const must = 'an IP address with its prefix length, such as 192.168.1.200/24 or 2001:db8::200/64';
  const [host = '', prefix = ''] = text.split('/');
  const address = readAnyHost(host);
  const isNetwork = cidrv4.safeParse(text).success || cidrv6.safeParse(text).success;
  if (!isNetwork || !address.ok) return { ok: false, reason: 'value', must };
  const prefixLength = Number(prefix);
  if (prefixLength < 1) return { ok: false, reason: 'range', must };
  if (!isIpv6(host) && prefixLength < 31) {
    const hostBits = 2 ** (32 - prefixLength);
    const number = ipv4Number(host) % hostBits;
    if (number === 0 || number === hostBits - 1) {
      return { ok: false, reason: 'range', must: `the address of a host, not the network's first or last address` };
    }
  }
  return { ok: true, value: { address: address.value, prefixLength } };
}

/** Reads a network; a single address means /32 or /128. The result always has a prefix length. */
export function readNetwork(text: string): Reading<string> {
  const must = 'a network or address, such as 10.0.0.0/8 or 2001:db8::/32';
  if (isIpv4(text)) return { ok: true, value: `${text}/32` };
  if (isIpv6(text)) return { ok: true, value: `${shortIpv6(text)}/128` };
  if (cidrv4.safeParse(text).success) return { ok: true, value: text };
  if (!cidrv6.safeParse(text).success) return { ok: false, reason: 'value', must };
  const [address = '', prefix = ''] = text.split('/');
  return { ok: true, value: `${shortIpv6(address)}/${Number(prefix)}` };
}

const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** What a size must be, in words. */
export const SIZE_MUST = 'a size with a unit (B, KiB, MiB, GiB)';

/** Reads a size such as `16KiB` or `10MiB`: bytes. `0` needs no unit. */
export function readSize(text: string): Reading<number> {
  const match = /^(\d{1,12})(B|KiB|MiB|GiB)$/.exec(text);
  if (text === '0') return { ok: true, value: 0 };
  if (match === null) return { ok: false, reason: 'value', must: SIZE_MUST };
  return { ok: true, value: Number(match[1]) * (SIZE_UNITS[match[2] ?? ''] ?? 1) };
}

/** Writes bytes the way `readSize` reads them, with the largest unit that divides them. */
export function formatSize(bytes: number): string {
  const units = Object.entries(SIZE_UNITS).toReversed();
  const [unit, factor] = units.find(([, size]) => bytes >= size && bytes % size === 0) ?? ['B', 1];
  return `${bytes / factor}${unit}`;
}

/** Reads a percentage such as `20%`: whole percents. */
export function readPercent(text: string): Reading<number> {
  const match = /^(\d{1,4})%$/.exec(text);
  return match === null
    ? { ok: false, reason: 'value', must: 'a percentage, such as 20%' }
    : { ok: true, value: Number(match[1]) };
}

/** Reads a rate such as `100/10s`: so many in a period of 1s to 1h. */
export function readRate(text: string): Reading<RateConfig> {
  const must = 'a rate such as 100/10s: 1 to 1000000 in a period of 1s to 1h';
  const [, count = '', period = ''] = /^(\d{1,7})\/(.+)$/.exec(text) ?? [];
  const periodMs = readDuration(/^(?:ms|[smhd])$/.test(period) ? `1${period}` : period);
  if (count === '' || !periodMs.ok) return { ok: false, reason: 'value', must };
  const fits =
    Number(count) >= 1 && Number(count) <= 1_000_000 && periodMs.value >= 1000 && periodMs.value <= 3_600_000;
  return fits
    ? { ok: true, value: { count: Number(count), periodMs: periodMs.value } }
    : { ok: false, reason: 'range', must };
}

function readPort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : undefined;
}
