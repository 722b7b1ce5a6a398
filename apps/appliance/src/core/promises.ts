// What a planned hand-over cannot promise on a node, from its configuration and its networks: connections under way live on
// only with wildcard listeners, on one layer-2 segment, between two nodes, and with nft. Pure.
import type { PairConfig } from '@tospann/config';

export interface PromiseFacts {
  readonly config: PairConfig;
  readonly node: string;
  /** Networks of this node's interfaces. */
  readonly networks: readonly { readonly address: string; readonly prefixLength: number }[];
  /** Why the guard cannot stand on this node; empty: it can. */
  readonly guardProblem: string;
}

/** One sentence for each promise that cannot be given; empty: connections under way survive. */
export function notPromised({ config, node, networks, guardProblem }: PromiseFacts): readonly string[] {
  const found: string[] = [];
  const peers = config.cluster.nodes.filter(({ name }) => name !== node);
  for (const frontend of config.frontends) {
    const bound = frontend.binds.find(({ address }) => address !== '0.0.0.0' && address !== '::');
    if (bound !== undefined)
      found.push(`connections of ${frontend.name} break: it listens on ${bound.address}, not on a wildcard address`);
  }
  const far = peers.find(({ address }) => !networks.some((network) => covers(network, address)));
  if (far !== undefined)
    found.push(
      `connections break: ${far.name} (${far.address}) is not on a network of ${node}, so packets cannot be sent on`,
    );
  if (peers.length > 1) found.push('connections break: with more than two nodes nobody knows whose they are');
  if (guardProblem !== '') found.push(`connections break: ${node} cannot send packets on (${guardProblem})`);
  return found;
}

/** IPv4 only: the nodes' own addresses are of this family. */
function covers(network: { readonly address: string; readonly prefixLength: number }, address: string): boolean {
  if (network.address.includes(':') || address.includes(':')) return false;
  const shift = 2 ** (32 - network.prefixLength);
  return Math.floor(ipv4Number(network.address) / shift) === Math.floor(ipv4Number(address) / shift);
}

function ipv4Number(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}
