// Where this node's admin API listens and where the other node's is: pure. The file is the same on both nodes,
// so it lists the addresses of both; each node takes its own.
import type { AdminConfig, BindConfig, PairConfig } from '@tospann/config';

const WILDCARDS = ['0.0.0.0', '::'];

/** The binds that this machine has: those on one of its addresses, and wildcard ones. */
export function adminBinds(
  config: { readonly admin: Pick<AdminConfig, 'binds'> },
  localAddresses: readonly string[],
): readonly BindConfig[] {
  return config.admin.binds.filter(({ address }) => WILDCARDS.includes(address) || localAddresses.includes(address));
}

/** The other nodes that cannot be asked. Without virtual addresses there is nothing to ask for. */
export function unaskedNodes(config: PairConfig, node: string): readonly string[] {
  if (config.vips.length === 0) return [];
  const asked = new Set(adminPeers(config, node).map(({ name }) => name));
  return config.cluster.nodes.flatMap(({ name }) => (name === node || asked.has(name) ? [] : [name]));
}

/** The other nodes whose admin API the file names; a node without one cannot be asked. */
export function adminPeers(
  config: PairConfig,
  node: string,
): readonly { readonly name: string; readonly address: string; readonly port: number }[] {
  const others = config.cluster.nodes.filter(({ name }) => name !== node);
  return others.flatMap(({ name, address }) => {
    const bind =
      config.admin.binds.find((candidate) => candidate.address === address) ??
      config.admin.binds.find((candidate) => WILDCARDS.includes(candidate.address));
    return bind === undefined ? [] : [{ name, address, port: bind.port }];
  });
}
