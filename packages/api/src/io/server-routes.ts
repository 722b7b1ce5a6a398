// What an operator may do with servers: list them, take one out of turn, put it back, weigh it. A change is made on
// this node first, then on the other one: whoever owns the address next must think the same of the server.
import { TospannError } from '@tospann/errors';
import {
  serverChange,
  serverOrder,
  type NodeStatus,
  type PairStatus,
  type ServerChange,
  type ServerChangeReport,
  type ServerList,
  type ServerOrder,
} from '../contract.ts';
import { leftWithout } from '../core/traffic.ts';
import type { ApiApp } from './listener.ts';

/** The node behind these routes. */
export interface ServerNode {
  readonly self: () => NodeStatus;
  readonly pair: () => PairStatus;
  /** Changes a server on this node. */
  readonly changeServer: (order: ServerOrder) => Promise<ServerChangeReport>;
  /** Asks the peer for the same; undefined: there is no peer. Never rejects: the text says how it went. */
  readonly changePeersServer: (order: ServerOrder) => Promise<string | undefined>;
}

/** Puts the routes on a listener. `isSocket`: only there the peer's route is missing. */
export function addServerRoutes(app: ApiApp, node: ServerNode, options: { readonly isSocket: boolean }): void {
  app.get('/api/v1/servers', (_request, reply) =>
    reply.header('cache-control', 'no-store').send(serverList(node.self())),
  );
  app.put<{ Params: { backend: string; server: string } }>(
    '/api/v1/servers/:backend/:server',
    { schema: { body: serverChange } },
    async (request, reply) => {
      const { backend, server } = request.params;
      const { force = false, ...change } = request.body as ServerChange; // checked by the schema
      const order = { backend, server, ...change };
      if (!force) refuseLast(node.pair(), order);
      const report = await node.changeServer(order);
      const peer = await node.changePeersServer(order);
      return reply.header('cache-control', 'no-store').send({ ...report, ...(peer === undefined ? {} : { peer }) });
    },
  );
  // Only the peer's proof opens this one, and the control socket has none.
  if (options.isSocket) return;
  const forPeer = { config: { access: 'peer' }, schema: { body: serverOrder } } as const;
  app.post('/api/v1/node/servers', forPeer, async (request, reply) =>
    reply.header('cache-control', 'no-store').send(await node.changeServer(request.body)),
  );
}

/** Nobody means to answer every request with 503: who does, says so. @throws {TospannError} LB_API_LAST_SERVER. */
function refuseLast({ self, peer }: PairStatus, order: ServerOrder): void {
  const nodes = peer?.reachable === true && peer.status !== undefined ? [self, peer.status] : [self];
  const node = leftWithout(nodes, order);
  if (node === undefined) return;
  const { backend, server } = order;
  throw new TospannError('LB_API_LAST_SERVER', { name: `${backend}/${server}`, backend, node });
}

/**
 * All servers of a node.
 *
 * @throws {TospannError} LB_API_NO_PROXY while the data plane does not answer.
 */
export function serverList(status: NodeStatus): ServerList {
  if (status.proxy === undefined) throw new TospannError('LB_API_NO_PROXY');
  const { backends } = status.proxy;
  return {
    node: status.node,
    servers: backends.flatMap(({ name, queued = 0, servers }) =>
      servers.map((server) => ({ backend: name, backendQueued: queued, ...server })),
    ),
  };
}
