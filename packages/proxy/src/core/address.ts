// Client addresses as text: shortened for the log (privacy), ready as bytes for X-Forwarded-For. Once a connection.
import type { LogConfig } from '@tospann/config';

/**
 * The address as it may be logged.
 *
 * @param address An IPv4 or IPv6 literal.
 * @param policy full: as it is; truncate: its /24 or /48 with zeros behind; none: `-`.
 */
export function loggedAddress(address: string, policy: LogConfig['privacy']['clientAddress']): string {
  if (policy === 'full') return address;
  if (policy === 'none' || address === '') return '-';
  if (!address.includes(':')) return `${address.slice(0, address.lastIndexOf('.'))}.0`;
  const groups = expandIpv6(address).slice(0, 3);
  while (groups.length > 0 && groups.at(-1) === '0') groups.pop();
  return groups.length === 0 ? '::' : `${groups.join(':')}::`;
}

/** The eight groups of an IPv6 literal, without leading zeros. */
function expandIpv6(address: string): string[] {
  const [left = '', right] = address.replace(/%.*$/, '').split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const missing = right === undefined ? 0 : 8 - head.length - tail.length;
  const zeros = Array.from({ length: Math.max(0, missing) }, () => '0');
  return [...head, ...zeros, ...tail].map((group) => group.replace(/^0+(?=.)/, '').toLowerCase());
}
