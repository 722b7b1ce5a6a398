// Who must do what for a planned failover or for maintenance, and whether it may be done at all. Pure: a decision over the
// pair. What can be overruled with force is still made before break by the agent: nobody loses an address that nobody takes.
import type { NodeStatus, PairStatus } from '../contract.ts';
import { describeChecks, failedChecks, openPromises, takerFor, type FailedCheck } from './move-checks.ts';

/** `resign`: this node gives its addresses up; `ask-peer`: the peer must; `refuse`: `detail` says all that is missing. */
export type FailoverPlan =
  | { readonly action: 'resign' | 'ask-peer'; readonly to: string; readonly notPromised: readonly string[] }
  | { readonly action: 'unknown-node'; readonly to: string; readonly known: readonly string[] }
  | { readonly action: 'refuse'; readonly to: string; readonly detail: string };

export interface MoveWish {
  /** The node that shall own the addresses; absent: the one that owns none now. */
  readonly to?: string | undefined;
  readonly force?: boolean | undefined;
}

/**
 * Decides how to move all addresses to a node.
 *
 * @param pair The pair as this node sees it.
 */
export function planFailover(pair: PairStatus, { to, force = false }: MoveWish = {}): FailoverPlan {
  const { self, peer } = pair;
  const known = [self.node, ...(peer === undefined ? [] : [peer.name])];
  const target = to ?? defaultTarget(pair);
  if (!known.includes(target)) return { action: 'unknown-node', to: target, known };
  if (peer === undefined) return { action: 'refuse', to: target, detail: 'the cluster has one node' };
  return planBetween(pair, { target, force });
}

/** Both nodes are known to the configuration. */
function planBetween(
  pair: PairStatus,
  { target, force }: { readonly target: string; readonly force: boolean },
): FailoverPlan {
  const { self } = pair;
  const refuse = (detail: string): FailoverPlan => ({ action: 'refuse', to: target, detail });
  const isGiver = target !== self.node;
  const other = takerFor(pair);
  if (other === undefined) {
    if (force && isGiver && owns(self)) return { action: 'resign', to: target, notPromised: [] };
    return refuse(describeChecks([silentPeer(pair)]));
  }
  const nodes = isGiver ? { taker: other, giver: self } : { taker: self, giver: other };
  const nothing = nothingToGive(nodes.giver, nodes.taker);
  if (nothing !== undefined) return refuse(nothing);
  const failed = force ? [] : failedChecks(nodes);
  if (failed.length > 0) return refuse(describeChecks(failed));
  return { action: isGiver ? 'resign' : 'ask-peer', to: target, notPromised: openPromises(nodes) };
}

/** `go`: `to` is who serves meanwhile; `refuse`: `detail` says why the pair cannot spare this node. */
export type MaintenancePlan =
  | { readonly action: 'go'; readonly to: string; readonly notPromised: readonly string[] }
  | { readonly action: 'refuse'; readonly detail: string };

/** Decides whether this node may go into maintenance. One that owns nothing leaves too: the other must be able to go on. */
export function planMaintenance(pair: PairStatus, force: boolean): MaintenancePlan {
  const { self, peer } = pair;
  const to = peer?.name ?? '';
  if (force || self.vrrp?.maintenance !== undefined) return { action: 'go', to, notPromised: [] };
  if (peer === undefined) return { action: 'refuse', detail: 'the cluster has one node: use --force to serve nobody' };
  const other = takerFor(pair);
  if (other === undefined) return { action: 'refuse', detail: describeChecks([silentPeer(pair)]) };
  const nodes = { taker: other, giver: self };
  // A node that owns nothing may well be taken out because its configuration is wrong.
  const failed = failedChecks(owns(self) ? nodes : { ...nodes, giver: other });
  if (failed.length > 0) return { action: 'refuse', detail: describeChecks(failed) };
  return { action: 'go', to, notPromised: openPromises(nodes) };
}

function silentPeer({ peer }: PairStatus): FailedCheck {
  const why = peer?.error ?? 'no status yet';
  const remedy = 'start it, or look at the path between the nodes (admin.bind)';
  return { problem: `"${peer?.name ?? ''}" does not answer (${why})`, remedy };
}

function nothingToGive(giver: NodeStatus, taker: NodeStatus): string | undefined {
  if (owns(giver)) return undefined;
  return owns(taker) ? 'it owns the addresses already' : 'no node owns an address that could move';
}

function defaultTarget({ self, peer }: PairStatus): string {
  return owns(self) ? (peer?.name ?? self.node) : self.node;
}

function owns(node: NodeStatus): boolean {
  return node.vrrp?.vips.some((vip) => vip.state === 'master') ?? false;
}
