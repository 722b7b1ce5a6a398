// Values with units as people write them: durations, addresses with ports, networks. Text in, numbers and plain
// objects out, or the reason why not. Addresses are checked by zod's formats, never by a parser of our own.
import { z } from 'zod';
import type { BindConfig } from './model.ts';

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

/** Reads one IPv4 address that one host can have: not 0.0.0.0, multicast or broadcast. */
export function readHostAddress(text: string): Reading<string> {
  const must = 'an IPv4 address of one host';
  if (isIpv6(text)) return { ok: false, reason: 'unsupported', must: `the IPv6 address "${text}"` };
  if (!isIpv4(text)) return { ok: false, reason: 'value', must };
  const first = ipv4Number(text) / 2 ** 24;
  if (first < 1 || first >= 224) return { ok: false, reason: 'range', must };
  return { ok: true, value: text };
}

/** Reads `address:port` of a server: an IPv4 address and a port from 1 to 65535. */
export function readEndpoint(text: string): Reading<BindConfig> {
  const must = 'an IPv4 address and a port (1 to 65535), such as 10.10.10.1:80';
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon === -1 ? text.length : colon);
  if (isIpv6(text) || host.startsWith('[')) {
    return { ok: false, reason: 'unsupported', must: `the IPv6 address "${text}"` };
  }
  const address = readHostAddress(host);
  if (colon === -1 || !address.ok) return { ok: false, reason: 'value', must };
  const port = readPort(text.slice(colon + 1));
  if (port === undefined) return { ok: false, reason: /:\d+$/.test(text) ? 'range' : 'value', must };
  return { ok: true, value: { address: host, port } };
}

/** Reads an address to listen on: `*:80` or `10.10.0.11:80`; `*` becomes 0.0.0.0. */
export function readBind(text: string): Reading<BindConfig> {
  const must = '"*:PORT" or "ADDRESS:PORT" with an IPv4 address and a port from 1 to 65535';
  const wildcard = /^(?:\*|0\.0\.0\.0):(.*)$/.exec(text);
  if (wildcard !== null) {
    const port = readPort(wildcard[1] ?? '');
    return port === undefined
      ? { ok: false, reason: 'range', must }
      : { ok: true, value: { address: '0.0.0.0', port } };
  }
  const endpoint = readEndpoint(text);
  return endpoint.ok || endpoint.reason === 'unsupported' ? endpoint : { ...endpoint, must };
}

/** Reads `192.168.1.200/24`: a host's address with the prefix length (1 to 32) of its network. */
export function readInterfaceAddress(text: string): Reading<{ address: string; prefixLength: number }> {
  const must = 'an IPv4 address with its prefix length (1 to 32), such as 192.168.1.200/24';
  if (cidrv6.safeParse(text).success || isIpv6(text)) {
    return { ok: false, reason: 'unsupported', must: `the IPv6 address "${text}"` };
  }
  const [address = '', prefix = ''] = text.split('/');
  if (!cidrv4.safeParse(text).success || !readHostAddress(address).ok) return { ok: false, reason: 'value', must };
  const prefixLength = Number(prefix);
  if (prefixLength < 1) return { ok: false, reason: 'range', must };
  if (prefixLength < 31) {
    const hostBits = 2 ** (32 - prefixLength);
    const host = ipv4Number(address) % hostBits;
    if (host === 0 || host === hostBits - 1) {
      return { ok: false, reason: 'range', must: `the address of a host, not the network's first or last address` };
    }
  }
  return { ok: true, value: { address, prefixLength } };
}

/** Reads an IPv4 network; a single address means /32. The result always has a prefix length. */
export function readNetwork(text: string): Reading<string> {
  const must = 'an IPv4 network or address, such as 127.0.0.0/8';
  if (cidrv6.safeParse(text).success || isIpv6(text)) {
    return { ok: false, reason: 'unsupported', must: `the IPv6 network "${text}"` };
  }
  if (isIpv4(text)) return { ok: true, value: `${text}/32` };
  return cidrv4.safeParse(text).success ? { ok: true, value: text } : { ok: false, reason: 'value', must };
}

function readPort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : undefined;
}
