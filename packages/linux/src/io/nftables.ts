// What stands in nftables, and news that somebody changed it, over netlink: no program is started for it. Rules are made by
// nft itself. Needs CAP_NET_ADMIN. Not shared between threads.
import { encodeRuleDump, isRule, type ChainName } from '../core/netlink-nftables.ts';
import { NetlinkFamily, NetlinkSocket } from './netlink-socket.ts';

/** NFNLGRP_NFTABLES is group 7. */
const groupNftables = 1 << 6;
/** Messages of one look: a reload of a large ruleset must not hold the thread. */
const readsMost = 64;

/** How many rules a chain has; 0: there is no such chain. @throws {TospannError} LB_KERNEL_CALL. */
export function countRules(chain: ChainName): number {
  const socket = new NetlinkSocket(0, NetlinkFamily.NETFILTER);
  try {
    return socket.dump((sequence) => encodeRuleDump(chain, sequence), 'list rules').filter(isRule).length;
  } finally {
    socket.close();
  }
}

/** Wakes whoever polls `fd` when any rule is changed by anybody, this node included. */
export class RulesMonitor {
  readonly #socket = new NetlinkSocket(groupNftables, NetlinkFamily.NETFILTER);

  get fd(): number {
    return this.#socket.fd;
  }

  /** Takes what has come; true: something has changed. @throws {TospannError} LB_KERNEL_CALL. */
  read(): boolean {
    let changed = false;
    for (let count = 0; count < readsMost; count++) {
      if (this.#socket.readNow() === 'empty') break;
      changed = true;
    }
    return changed;
  }

  close(): void {
    this.#socket.close();
  }
}

/** News of the rules; undefined where this kernel or this process cannot have them. */
export function openRulesMonitor(): RulesMonitor | undefined {
  try {
    return new RulesMonitor();
  } catch {
    return undefined;
  }
}
