// The connection guard as nftables text: packets to a VIP that are no new connection and belong to no established
// socket here go on, unchanged, to the old owner. It needs wildcard listeners (only established sockets are bound to the
// VIP itself) and one layer-2 segment with the other node. A table for each family: `dup to` is not in `inet`. The rules
// look at packets of every interface, and what they send on leaves by the node's own. Not the running of nft. Pure.

/** What the guard protects. */
export interface GuardTarget {
  /** VIPs of both families, as text. */
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
  /** The old owner's own addresses and the interface towards it; without `peer6` nothing stands for IPv6 VIPs. */
  readonly peer: string;
  readonly peer6?: string;
  readonly interface: string;
}

export const guardTable = 'tospann_guard';
export const guardChain = 'guard';

/**
 * The code point (pool 2: local use, RFC 2474 section 6) that marks a packet as sent on: it is sent on once, so two
 * guards that stand against each other never pass a packet to and fro.
 */
const sentOn = '0x2b';

/** The script that removes the guard; harmless when there is none. */
export const noGuard = ['ip', 'ip6'].map((family) => noTable(family)).join('');

/** The chains that the script makes, each with one rule: where they are missing, somebody has removed them. */
export function guardChains({ addresses, ports, peer6 }: GuardTarget): readonly ('ip' | 'ip6')[] {
  if (ports.length === 0) return [];
  const four = addresses.some((address) => !address.includes(':'));
  const six = peer6 !== undefined && addresses.some((address) => address.includes(':'));
  return [...(four ? (['ip'] as const) : []), ...(six ? (['ip6'] as const) : [])];
}

/** The script that makes the guard for these addresses in one transaction, whatever was there. */
export function guardRules(target: GuardTarget): string {
  const { addresses, ports, peer, peer6 } = target;
  if (addresses.length === 0 || ports.length === 0) return noGuard;
  const six = addresses.filter((address) => address.includes(':'));
  const four = addresses.filter((address) => !address.includes(':'));
  return (
    noGuard + table('ip', { target, addresses: four, peer }) + table('ip6', { target, addresses: six, peer: peer6 })
  );
}

function noTable(family: string): string {
  return `table ${family} ${guardTable}\ndelete table ${family} ${guardTable}\n`;
}

function table(
  family: 'ip' | 'ip6',
  of: { readonly target: GuardTarget; readonly addresses: readonly string[]; readonly peer: string | undefined },
): string {
  const { target, addresses, peer } = of;
  if (addresses.length === 0 || peer === undefined) return '';
  const match =
    `${family} daddr { ${addresses.join(', ')} } tcp dport { ${target.ports.join(', ')} } ` +
    `${family} dscp != ${sentOn}`;
  return (
    `table ${family} ${guardTable} {\n chain ${guardChain} {\n  type filter hook prerouting priority mangle; policy accept;\n` +
    `  ${match} tcp flags & (syn|rst) == 0 socket wildcard 1 counter ${family} dscp set ${sentOn} ` +
    `dup to ${peer} device "${target.interface}" drop\n }\n}\n`
  );
}
