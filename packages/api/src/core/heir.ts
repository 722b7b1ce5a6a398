// Who takes an address when its owner stops: another thing than a planned move, which may be refused for much that no election
// asks about. Pure: what the nodes say, and how old that is.
import type { NodeStatus, PairStatus } from '../contract.ts';

/** `to` takes it; or nobody does, and `why`. */
export type Heir = { readonly to: string } | { readonly why: string };

/** Who takes an address that this node owns, if this node stops now. */
export function heirOf(vip: string, { self, peer }: PairStatus): Heir {
  const name = peer?.name ?? self.nodes?.find((other) => other !== self.node);
  if (name === undefined) return { why: 'the cluster has one node' };
  const link = self.vrrp?.peerLink;
  const status = peer?.reachable === true ? peer.status : undefined;
  if (status === undefined) {
    // Its agent speaks for itself, on the path that takes no console.
    if (link?.peer === name && link.speaking) return { to: name };
    return {
      why: peer === undefined ? `nothing is known of ${name}` : `${name} is not heard (${peer.error ?? 'no answer'})`,
    };
  }
  const lack = lackOf(vip, status);
  return lack === '' ? { to: name } : { why: lack };
}

/** What keeps a node that is heard from an election; empty: nothing. */
function lackOf(vip: string, { node, vrrp }: NodeStatus): string {
  if (vrrp === undefined) return `the failover agent of ${node} does not answer`;
  if (vrrp.maintenance !== undefined) return `${node} is in maintenance`;
  const there = vrrp.vips.find(({ name }) => name === vip);
  if (there === undefined) return `${node} has no such address`;
  return there.state === 'fault' || there.state === 'init' ? `${node} cannot: ${there.reason}` : '';
}

/** Why nobody takes what this node owns; empty: somebody takes all of it, or it owns nothing. */
export function heirless(pair: PairStatus): string {
  for (const { name, state } of pair.self.vrrp?.vips ?? []) {
    const heir = state === 'master' ? heirOf(name, pair) : undefined;
    if (heir !== undefined && 'why' in heir) return `${name}: ${heir.why}`;
  }
  return '';
}
