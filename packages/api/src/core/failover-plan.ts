// Who must do what for a planned failover, and whether it may be done at all. Pure: a decision over the pair.
import type { NodeStatus, PairStatus } from '../contract.ts';
import { notReady } from './ready.ts';

/** `resign`: this node gives its addresses up; `ask-peer`: the peer must; `refuse`: `detail` says what is missing. */
export type FailoverPlan =
  | { readonly action: 'resign'; readonly to: string }
  | { readonly action: 'ask-peer'; readonly to: string }
  | { readonly action: 'unknown-node'; readonly to: string; readonly known: readonly string[] }
  | { readonly action: 'refuse'; readonly to: string; readonly detail: string };

/**
 * Decides how to move all addresses to a node.
 *
 * @param pair The pair as this node sees it.
 * @param to The node that shall own the addresses; absent: the one that owns none now.
 */
export function planFailover(pair: PairStatus, to?: string): FailoverPlan {
  const { self, peer } = pair;
  const known = [self.node, ...(peer === undefined ? [] : [peer.name])];
  const target = to ?? defaultTarget(pair);
  if (!known.includes(target)) return { action: 'unknown-node', to: target, known };
  if (peer === undefined) return { action: 'refuse', to: target, detail: 'the cluster has one node' };
  if (!peer.reachable || peer.status === undefined) {
    return {
      action: 'refuse',
      to: target,
      detail: `"${peer.name}" does not answer (${peer.error ?? 'no status yet'})`,
    };
  }
  const [taker, giver] = target === self.node ? [self, peer.status] : [peer.status, self];
  const missing = notReady(taker) ?? nothingToGive(giver, taker);
  if (missing !== undefined) return { action: 'refuse', to: target, detail: missing };
  return { action: target === self.node ? 'ask-peer' : 'resign', to: target };
}

function nothingToGive(giver: NodeStatus, taker: NodeStatus): string | undefined {
  if (giver.vrrp?.vips.some((vip) => vip.state === 'master')) return undefined;
  return taker.vrrp?.vips.some((vip) => vip.state === 'master')
    ? 'it owns the addresses already'
    : 'no node owns an address that could move';
}

function defaultTarget({ self, peer }: PairStatus): string {
  const holds = self.vrrp?.vips.some((vip) => vip.state === 'master') ?? false;
  return holds ? (peer?.name ?? self.node) : self.node;
}
