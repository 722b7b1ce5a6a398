// nftables over netlink (linux/netfilter/nf_tables.h): the question which rules stand in a chain. Nothing of a rule is read:
// they are counted. Pure.
import { encodeAttribute, encodeMessage, encodeString, Netlink, type NetlinkMessage } from './netlink.ts';

const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_NEWRULE = (NFNL_SUBSYS_NFTABLES << 8) | 6;
const NFT_MSG_GETRULE = (NFNL_SUBSYS_NFTABLES << 8) | 7;
const NFTA_RULE_TABLE = 1;
const NFTA_RULE_CHAIN = 2;
/** NFPROTO_IPV4 and NFPROTO_IPV6. */
const familyNumber = { ip: 2, ip6: 10 } as const;

/** One chain of one table. */
export interface ChainName {
  readonly family: 'ip' | 'ip6';
  readonly table: string;
  readonly chain: string;
}

/** Asks for all rules of a chain; a table that is not there has none. */
export function encodeRuleDump({ family, table, chain }: ChainName, sequence: number): Uint8Array {
  const head = Uint8Array.of(familyNumber[family], 0, 0, 0); // struct nfgenmsg
  return encodeMessage({ type: NFT_MSG_GETRULE, flags: Netlink.REQUEST | Netlink.DUMP, sequence }, [
    head,
    encodeAttribute(NFTA_RULE_TABLE, encodeString(table)),
    encodeAttribute(NFTA_RULE_CHAIN, encodeString(chain)),
  ]);
}

export function isRule({ type }: NetlinkMessage): boolean {
  return type === NFT_MSG_NEWRULE;
}
