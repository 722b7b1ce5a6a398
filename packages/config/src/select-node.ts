// Which node of the pair a machine is. Pure: the caller says what the machine is called and which addresses it has.
import { TospannError } from '@tospann/errors';
import type { NodeConfig } from './model-failover.ts';
import type { PairConfig } from './model.ts';

/**
 * Chooses the node that this machine is: the one named, else the one with the host's name, else the one whose
 * address the machine has.
 *
 * @param config A valid configuration.
 * @param machine `name` is what --node says; `hostname` may have a domain, which is not compared;
 * `localAddresses` are the machine's IPv4 addresses without prefix.
 * @throws {TospannError} LB_CONFIG_NODE_UNKNOWN when `name` is no node; LB_CONFIG_NODE_NOT_FOUND when nothing fits.
 */
export function selectNode(
  config: PairConfig,
  machine: {
    readonly name?: string | undefined;
    readonly hostname: string;
    readonly localAddresses: readonly string[];
  },
): NodeConfig {
  const { nodes } = config.cluster;
  const names = nodes.map((node) => `"${node.name}"`).join(', ');
  if (machine.name !== undefined) {
    const named = nodes.find((node) => node.name === machine.name);
    if (named === undefined) throw new TospannError('LB_CONFIG_NODE_UNKNOWN', { name: machine.name, nodes: names });
    return named;
  }
  const shortName = machine.hostname.split('.')[0] ?? '';
  const found =
    nodes.find((node) => node.name === machine.hostname) ??
    nodes.find((node) => node.name === shortName) ??
    nodes.find((node) => machine.localAddresses.includes(node.address));
  if (found === undefined) {
    throw new TospannError('LB_CONFIG_NODE_NOT_FOUND', { hostname: machine.hostname, nodes: names });
  }
  return found;
}
