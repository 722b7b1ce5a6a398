// Who owns each floating address, from what the nodes say: the one answer that verdict, console and others share.
// Pure, and free of zod, so that the console can carry it.
import type { NodeStatus, VipStatus } from '../contract.ts';

/** Owner of one address: one name, none (nobody is known to own it) or two (they contradict each other). */
export interface Owner {
  readonly vip: string;
  readonly nodes: readonly string[];
}

interface Claim {
  readonly node: string;
  readonly ageMs: number;
}

// The two statuses are up to two and a half seconds apart: a move seen by one and not yet by the other is no
// conflict. Only claims older than this contradict each other.
const settledMs = 4000;

/**
 * Finds the owner of each address.
 *
 * @param nodes The statuses that can be believed now: this node's, and the peer's while it answers.
 */
export function ownersOf(nodes: readonly NodeStatus[]): readonly Owner[] {
  const names = new Set(nodes.flatMap((node) => vipsOf(node).map((vip) => vip.name)));
  return [...names].map((vip) => ({ vip, nodes: ownersOfVip(vip, nodes) }));
}

/** The addresses that a node tells about; none while its agent does not answer. */
export function vipsOf(node: NodeStatus): readonly VipStatus[] {
  return node.vrrp?.vips ?? [];
}

function ownersOfVip(name: string, nodes: readonly NodeStatus[]): readonly string[] {
  const claims: Claim[] = [];
  for (const node of nodes) {
    for (const vip of vipsOf(node)) {
      if (vip.name === name && vip.state === 'master')
        claims.push({ node: node.node, ageMs: node.monotonicMs - vip.sinceMs });
    }
  }
  claims.sort((a, b) => a.ageMs - b.ageMs);
  const youngest = claims[0];
  if (youngest !== undefined) return youngest.ageMs < settledMs ? [youngest.node] : claims.map((claim) => claim.node);
  // Nobody says "I"; but an advert may have been heard from a node whose status is old or out of reach.
  const heard = nodes.flatMap((node) =>
    vipsOf(node).filter((vip) => vip.name === name && vip.owner !== '' && vip.owner !== node.node),
  );
  return heard.slice(0, 1).map((vip) => vip.owner);
}
