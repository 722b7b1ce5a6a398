// Whether a node could serve if the addresses came to it. Pure; the verdict and the failover plan ask the same.
import type { NodeStatus } from '../contract.ts';
import { isOut, whyOut } from './traffic.ts';

/**
 * Says what a node lacks to serve.
 *
 * @returns A clause for a sentence about the node, or undefined when it is ready.
 */
export function notReady(node: NodeStatus): string | undefined {
  if (node.proxy === undefined) return 'its proxy does not answer';
  if (node.vrrp === undefined) return 'its failover agent does not answer';
  if (node.vrrp.maintenance !== undefined) return 'it is in maintenance';
  const fault = node.vrrp.vips.find((vip) => vip.state === 'fault' || vip.state === 'init');
  if (fault !== undefined) return `${fault.name} is in state ${fault.state} there (${fault.reason})`;
  const out = node.proxy.backends.find(isOut);
  return out === undefined ? undefined : `no server of backend "${out.name}" takes traffic there (${whyOut(out)})`;
}
