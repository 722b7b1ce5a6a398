// The connection guard as nftables text: packets to a VIP that are no new connection and belong to no established
// socket here go on, unchanged, to the old owner. It needs wildcard listeners (only established sockets are bound to the
// VIP itself) and one layer-2 segment. Not the running of nft. Pure.

/** What the guard protects. */
export interface GuardTarget {
  /** VIPs, dotted. */
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
  /** The old owner's own address and the interface towards it. */
  readonly peer: string;
  readonly interface: string;
}

export const guardTable = 'tospann_guard';

/**
 * The code point (pool 2: local use, RFC 2474 section 6) that marks a packet as sent on: it is sent on once, so two
 * guards that stand against each other never pass a packet to and fro.
 */
const sentOn = '0x2b';

/** The script that removes the guard; harmless when there is none. */
export const noGuard = `table ip ${guardTable}\ndelete table ip ${guardTable}\n`;

/** The script that makes the guard for these addresses in one transaction, whatever was there. */
export function guardRules(target: GuardTarget): string {
  const { addresses, ports, peer } = target;
  if (addresses.length === 0 || ports.length === 0) return noGuard;
  const match = `ip daddr { ${addresses.join(', ')} } tcp dport { ${ports.join(', ')} } ip dscp != ${sentOn}`;
  return (
    `${noGuard}table ip ${guardTable} {\n chain guard {\n  type filter hook prerouting priority mangle; policy accept;\n` +
    `  ${match} tcp flags & (syn|rst) == 0 socket wildcard 1 counter ip dscp set ${sentOn} ` +
    `dup to ${peer} device "${target.interface}" drop\n }\n}\n`
  );
}
