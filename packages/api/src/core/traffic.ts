// Whether servers take new requests: said by the data plane that chooses among them, and asked here by the verdict, the
// checks of a move, statistics, metrics, the console and orders alike. Pure, and free of zod.
import type { BackendStatus, NodeStatus, ServerOrder, ServerStatus } from '../contract.ts';

/** It could take new requests: healthy, ready, with a weight. A node of an older version says it in pieces only. */
export function isLive(server: ServerStatus): boolean {
  const { live, state, admin = 'ready', weight, effectiveWeight = weight } = server;
  return live ?? (state !== 'down' && admin === 'ready' && effectiveWeight > 0);
}

/** It takes new requests now: one that is live and whose turn it is, or one that is chosen for want of better ones. */
export function takesTraffic(server: ServerStatus): boolean {
  return server.takesTraffic ?? isLive(server);
}

/** Why it takes none; empty: it does. */
export function idleBecause(server: ServerStatus): string {
  if (takesTraffic(server)) return '';
  if (server.idleBecause !== undefined && server.idleBecause !== '') return server.idleBecause;
  if (server.admin === 'maint') return 'in maintenance';
  if (server.state === 'down') return 'down';
  return server.admin === 'drain' ? 'draining' : 'weight 0';
}

/** Every request that needs one of its servers anew is refused. One without any server is so by its configuration. */
export function isOut(backend: BackendStatus): boolean {
  return backend.servers.length > 0 && !backend.servers.some(takesTraffic);
}

/** Why no server takes requests, `web1 draining, web2 down`: at most three by name. */
export function whyOut({ servers }: BackendStatus): string {
  const shown = servers.slice(0, 3).map((server) => `${server.name} ${idleBecause(server)}`);
  return [...shown, ...(servers.length > 3 ? [`${servers.length - 3} more`] : [])].join(', ');
}

/**
 * Whether an order takes the last live server of its backend out.
 *
 * @returns The name of a node that would have none left, or undefined.
 */
export function leftWithout(nodes: readonly NodeStatus[], order: ServerOrder): string | undefined {
  const takesOut = (order.state ?? 'ready') !== 'ready' || order.weight === 0;
  if (!takesOut) return undefined;
  return nodes.find((node) => {
    const servers = node.proxy?.backends.find(({ name }) => name === order.backend)?.servers ?? [];
    const others = servers.filter(({ name }) => name !== order.server);
    const target = servers.find(({ name }) => name === order.server);
    return target !== undefined && isLive(target) && !others.some(isLive);
  })?.node;
}
