// The routes of the API: status, the peer's questions, failover, sessions, metrics, the live stream and the console's
// files. Thin: each asks the node (ApiNode) and answers; who may come is decided in access.ts.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PairConfig } from '@tospann/config';
import { TospannError } from '@tospann/errors';
import { operationRequest, sessionRequest, type Operation, type OperationReport } from '../contract.ts';
import { metricFamilies } from '../core/metrics.ts';
import { requireOwnOrigin, type AccessControl } from './access.ts';
import { expositionType, writeExposition } from './exposition.ts';
import type { LiveHub } from './live-hub.ts';
import type { ApiApp } from './listener.ts';
import { addEventRoutes, type EventNode } from './event-routes.ts';
import { addMoveRoutes, type MoveNode } from './move-routes.ts';
import { addServerRoutes, type ServerNode } from './server-routes.ts';

/** One file of the console. `body` is what is sent; `etag` may come with its quotes or without. */
export interface ConsoleAsset {
  readonly body: Uint8Array;
  readonly type: string;
  readonly etag: string;
}

/** The node behind the API. */
export interface ApiNode extends ServerNode, MoveNode, EventNode {
  readonly access: AccessControl;
  readonly hub: LiveHub;
  /** Does what an operator asks over the control socket. */
  readonly operate: (operation: Operation, options: { readonly force: boolean }) => Promise<OperationReport>;
  readonly runningConfig: (() => PairConfig) | undefined;
  readonly consoleAssets: (path: string) => ConsoleAsset | undefined;
}

/** Puts all routes on a listener. `isSocket`: requests come over the control socket and need no token. */
export function addRoutes(app: ApiApp, node: ApiNode, options: { readonly isSocket: boolean }): void {
  addReadRoutes(app, node);
  addMoveRoutes(app, node, options);
  if (options.isSocket) addOperationRoutes(app, node);
  addServerRoutes(app, node, options);
  addEventRoutes(app, node, (request) => options.isSocket || mayStay(node, request));
  addSessionRoutes(app, node, options);
  addLiveRoute(app, node, options);
  addConsoleRoutes(app, node);
}

function addReadRoutes(app: ApiApp, node: ApiNode): void {
  app.get('/healthz', { config: { access: 'public' } }, () => ({ status: 'ok' }));
  app.get('/api/v1/status', (_request, reply) => noStore(reply).send(node.pair()));
  app.get('/api/v1/node', { config: { access: 'peer-or-operator' } }, (_request, reply) =>
    noStore(reply).send(node.self()),
  );
  app.get('/metrics', async (_request, reply) => {
    const { self, peer } = node.pair();
    const text = await writeExposition(metricFamilies(self, peer));
    return noStore(reply).header('content-type', expositionType).send(text);
  });
}

/** Only on the control socket: what is done is done with files and programs of this machine. */
function addOperationRoutes(app: ApiApp, node: ApiNode): void {
  app.get('/api/v1/config', (request, reply) => {
    if (node.runningConfig === undefined) throw new TospannError('LB_API_NOT_FOUND', { path: request.url });
    return noStore(reply).send(node.runningConfig());
  });
  for (const operation of ['reload', 'upgrade'] as const) {
    const schema = { body: operationRequest.nullish() };
    app.post(`/api/v1/${operation}`, { schema }, async (request, reply) =>
      noStore(reply).send(await node.operate(operation, request.body ?? { force: false })),
    );
  }
}

function addSessionRoutes(app: ApiApp, node: ApiNode, options: { readonly isSocket: boolean }): void {
  const { access, nodeName } = node;
  const anybody = { config: { access: 'public' } } as const;
  app.get('/api/v1/session', anybody, (request, reply) => {
    const authenticated = options.isSocket || access.sessions.holds(request.headers.cookie);
    return noStore(reply).send({ authenticated, node: nodeName });
  });
  app.post('/api/v1/session', { ...anybody, schema: { body: sessionRequest } }, (request, reply) => {
    requireOwnOrigin(request, 'may be absent');
    access.requireToken(request, request.body.token.trim(), 'LB_API_WRONG_TOKEN');
    return noStore(reply).header('set-cookie', access.sessions.open()).send({ authenticated: true, node: nodeName });
  });
  app.delete('/api/v1/session', anybody, (request, reply) => {
    requireOwnOrigin(request, 'may be absent');
    const cookie = access.sessions.close(request.headers.cookie);
    return noStore(reply).header('set-cookie', cookie).send({ authenticated: false, node: nodeName });
  });
}

function addLiveRoute(app: ApiApp, node: ApiNode, options: { readonly isSocket: boolean }): void {
  const refuseWhenFull = (_request: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
    if (node.hub.isFull) throw new TospannError('LB_API_LIVE_FULL', { limit: node.hub.clientLimit });
    done();
  };
  app.get('/api/v1/live', { websocket: true, preHandler: refuseWhenFull }, (socket, request) => {
    node.hub.add(socket, () => options.isSocket || mayStay(node, request));
  });
}

/** A token is good for as long as its connection; a session may end before. */
function mayStay({ access }: ApiNode, { headers }: FastifyRequest): boolean {
  return headers.authorization !== undefined || access.sessions.holds(headers.cookie);
}

function addConsoleRoutes(app: ApiApp, node: ApiNode): void {
  app.get('/*', { config: { access: 'public' } }, (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/';
    const asset = node.consoleAssets(path === '/' ? '/index.html' : path);
    if (asset === undefined) throw new TospannError('LB_API_NOT_FOUND', { path: path.slice(0, 200) });
    const etag = asset.etag.startsWith('"') ? asset.etag : `"${asset.etag}"`;
    const hashed = path.startsWith('/assets/');
    void reply
      .header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
      .header('etag', etag);
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.header('content-type', asset.type).send(Buffer.from(asset.body));
  });
  app.setNotFoundHandler((request) => {
    throw new TospannError('LB_API_NOT_FOUND', { path: request.url.slice(0, 200) });
  });
}

function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store');
}
