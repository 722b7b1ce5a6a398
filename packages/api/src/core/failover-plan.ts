// Who must do what for a planned failover or for maintenance, and whether it may be done at all. Pure: a decision over the
// pair. What can be overruled with force is still made before break by the agent: nobody loses an address that nobody takes.
import type { NodeStatus, PairStatus } from '../contract.ts';
import { describeChecks, failedChecks, openPromises, takerFor, type FailedCheck } from './move-checks.ts';

/** A move of addresses between two nodes, with what it cannot promise. */
export interface Move {
  readonly from: string;
  readonly to: string;
  /** Names of the addresses that move. */
  readonly vips: readonly string[];
  readonly notPromised: readonly string[];
}

/**
 * `resign`: this node gives its addresses up; `ask-peer`: the peer must; `nothing`: `to` owns them already; `refuse`: `detail`
 * says all that is missing.
 */
export type FailoverPlan =
  | ({ readonly action: 'resign' | 'ask-peer' } & Move)
  | { readonly action: 'nothing'; readonly to: string; readonly vips: readonly string[] }
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
  const { self } = pair;
  const known = [...new Set([self.node, ...otherNodes(pair)])];
  const target = to ?? defaultTarget(pair);
  if (!known.includes(target)) return { action: 'unknown-node', to: target, known };
  if (known.length === 1) return { action: 'refuse', to: target, detail: 'the cluster has one node' };
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
    const vips = ownedBy(self);
    if (force && isGiver && vips.length > 0)
      return { action: 'resign', from: self.node, to: target, vips, notPromised: [] };
    return refuse(describeChecks([silentPeer(pair)]));
  }
  const nodes = isGiver ? { taker: other, giver: self } : { taker: self, giver: other };
  const vips = ownedBy(nodes.giver);
  if (vips.length === 0) {
    const there = ownedBy(nodes.taker);
    return there.length > 0
      ? { action: 'nothing', to: target, vips: there }
      : refuse('no node owns an address that could move');
  }
  const failed = force ? [] : failedChecks(nodes);
  if (failed.length > 0) return refuse(describeChecks(failed));
  const move = { from: nodes.giver.node, to: target, vips, notPromised: openPromises(nodes) };
  return { action: isGiver ? 'resign' : 'ask-peer', ...move };
}

/** `go`: `to` is who serves meanwhile; `refuse`: `detail` says why the pair cannot spare this node. */
export type MaintenancePlan =
  | { readonly action: 'go'; readonly to: string; readonly notPromised: readonly string[] }
  | { readonly action: 'refuse'; readonly detail: string };

/** Decides whether this node may go into maintenance. One that owns nothing leaves too: the other must be able to go on. */
export function planMaintenance(pair: PairStatus, force: boolean): MaintenancePlan {
  const { self } = pair;
  const to = otherNodes(pair)[0] ?? '';
  if (force || self.vrrp?.maintenance !== undefined) return { action: 'go', to, notPromised: [] };
  if (to === '') return { action: 'refuse', detail: 'the cluster has one node: use --force to serve nobody' };
  const other = takerFor(pair);
  if (other === undefined) return { action: 'refuse', detail: describeChecks([silentPeer(pair)]) };
  const nodes = { taker: other, giver: self };
  // A node that owns nothing may well be taken out because its configuration is wrong.
  const failed = failedChecks(ownedBy(self).length > 0 ? nodes : { ...nodes, giver: other });
  if (failed.length > 0) return { action: 'refuse', detail: describeChecks(failed) };
  return { action: 'go', to, notPromised: openPromises(nodes) };
}

/** The other nodes by name: the peer that is asked, and those of the configuration that nobody can ask. */
function otherNodes({ self, peer }: PairStatus): readonly string[] {
  const configured = (self.nodes ?? []).filter((name) => name !== self.node);
  return peer === undefined ? configured : [...new Set([peer.name, ...configured])];
}

/** Why the other node's word is missing. Without an address in admin.bind nobody asks for it. */
function silentPeer(pair: PairStatus): FailedCheck {
  const { peer } = pair;
  if (peer === undefined) {
    const name = otherNodes(pair)[0] ?? '';
    return {
      problem: `nobody can ask "${name}" whether it could serve, as admin.bind names no address of it`,
      remedy:
        'add an address of each node to admin.bind on both, and reload; or say --force: what nobody takes stays here',
    };
  }
  const why = peer.error ?? 'no status yet';
  const remedy = 'start it, or look at the path between the nodes (admin.bind)';
  return { problem: `"${peer.name}" does not answer (${why})`, remedy };
}

function defaultTarget(pair: PairStatus): string {
  const { self } = pair;
  return ownedBy(self).length > 0 ? (otherNodes(pair)[0] ?? self.node) : self.node;
}

function ownedBy(node: NodeStatus): readonly string[] {
  return (node.vrrp?.vips ?? []).flatMap(({ name, state }) => (state === 'master' ? [name] : []));
}
