// Checks of nodes and VIPs against each other and against the servers.
import type { Draft } from '../draft.ts';
import { didYouMean } from '../suggest.ts';
import type { Finding } from '../problem.ts';
import { eachDuplicate, errorAt, warningAt } from './finding.ts';

/** Problems of nodes and VIPs. */
export function lintCluster(draft: Draft): Finding[] {
  return [...nodeCount(draft), ...nodeAddresses(draft), ...vipAddresses(draft), ...preferred(draft)];
}

function nodeCount(draft: Draft): Finding[] {
  const path = ['cluster', 'nodes'];
  if (draft.nodes.length > 2) {
    const params = { what: 'more than two nodes', advice: 'Keep two nodes; use a second pair for more.' };
    return [{ severity: 'error', code: 'LB_CONFIG_NOT_SUPPORTED', path, at: 'key', params }];
  }
  if (draft.nodes.length === 1 && draft.vips.length > 0) {
    return [warningAt(['vips'], 'LB_CONFIG_NOTHING_TO_FAIL_OVER', {})];
  }
  return [];
}

function nodeAddresses(draft: Draft): Finding[] {
  return eachDuplicate(
    draft.nodes,
    (node) => node.address?.value,
    (node, first) =>
      errorAt(node.address?.path ?? [], 'LB_CONFIG_DUPLICATE_ADDRESS', {
        address: node.address?.value ?? '',
        other: `node "${first.name}"`,
      }),
  );
}

function vipAddresses(draft: Draft): Finding[] {
  const taken = new Map<string, string>();
  for (const node of draft.nodes) {
    if (node.address !== undefined) taken.set(node.address.value, `node "${node.name}"`);
  }
  for (const backend of draft.backends) {
    for (const server of backend.servers) {
      const address = server.address?.value.address;
      if (address !== undefined && !taken.has(address)) taken.set(address, `server "${backend.name}/${server.name}"`);
    }
  }
  const conflicts = draft.vips.flatMap((vip) => {
    const other = vip.address === undefined ? undefined : taken.get(vip.address.value);
    if (vip.address === undefined || other === undefined) return [];
    return [errorAt(vip.address.path, 'LB_CONFIG_VIP_CONFLICT', { address: vip.address.value, other })];
  });
  const twice = eachDuplicate(
    draft.vips,
    (vip) => vip.address?.value,
    (vip, first) =>
      errorAt(vip.address?.path ?? [], 'LB_CONFIG_DUPLICATE_ADDRESS', {
        address: vip.address?.value ?? '',
        other: `VIP "${first.name}"`,
      }),
  );
  return [...conflicts, ...twice];
}

function preferred(draft: Draft): Finding[] {
  const names = draft.nodes.map((node) => node.name);
  return draft.vips.flatMap((vip) => {
    if (vip.preferred === undefined || names.includes(vip.preferred.value)) return [];
    const name = vip.preferred.value;
    return [errorAt(vip.preferred.path, 'LB_CONFIG_UNKNOWN_NODE', { name, suggestion: suggestName(name, names) })];
  });
}

/** The hint for a name that is not defined. */
export function suggestName(wrong: string, names: readonly string[]): string {
  const nearest = didYouMean(wrong, names);
  if (nearest !== undefined) return `Did you mean "${nearest}"?`;
  return names.length === 0 ? 'Define it first.' : `Use one of: ${names.join(', ')}.`;
}
