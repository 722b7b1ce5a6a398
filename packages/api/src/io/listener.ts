// One listener of the API: fastify with its plugins over a unix socket or TLS. Both have the same routes; who may
// use them differs. Bodies, headers, connections, times and frames are bounded here.
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server as NetServer, Socket } from 'node:net';
import { randomUUID } from 'node:crypto';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { TospannError } from '@tospann/errors';
import { ConnectionGate } from '../core/connection-gate.ts';
import type { ApiLog } from './log.ts';
import type { AccessControl } from './access.ts';
import type { NodeCertificate } from './certificate.ts';
import { sendProblem } from './problem.ts';

/** A fastify instance whose schemas are zod's. */
export type ApiApp = ReturnType<typeof withZod>;

export interface ListenerOptions {
  readonly log: ApiLog;
  readonly access: AccessControl;
  /** Absent: a unix socket, where no token is needed. */
  readonly certificate?: NodeCertificate;
  /** Addresses of the other nodes: they have places of their own. */
  readonly peerAddresses?: readonly string[];
  /** @default 600 a minute and client address, on the network only. */
  readonly requestsPerMinute?: number;
}

/** The live stream, the only WebSocket. */
export const livePath = '/api/v1/live';
const bodyLimitBytes = 16 * 1024;
const httpLimits = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 20_000,
  // Otherwise the first two are looked at every half minute only.
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16 * 1024,
} as const satisfies ServerOptions;
const connectionLimit = 512;
// A browser opens six and a live stream; a few people behind one address, and what watches them.
const connectionsPerAddress = 48;
// The other node keeps two; those of a process that has just died are in the way for a moment.
const connectionsPerPeer = 16;
// A connection on which nothing moves: longer than a planned failover at the slowest allowed advert interval.
const silentConnectionMs = 150_000;

/** Builds one listener without opening it. */
export async function buildListener(options: ListenerOptions): Promise<ApiApp> {
  const { certificate, log, access } = options;
  const bare = Fastify({
    bodyLimit: bodyLimitBytes,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
    serverFactory: (handler) => {
      const server = serverFor(options);
      server.on('request', handler);
      return server;
    },
  });
  const app = withZod(bare);
  app.setErrorHandler((error, request, reply) => sendProblem(log, error, { request, reply }));
  app.decorateRequest('rawBody', '');
  app.decorateRequest('peerNonce', '');
  readJsonBodies(app);
  await app.register(helmet, helmetOptions);
  if (certificate !== undefined) {
    await app.register(rateLimit, {
      max: options.requestsPerMinute ?? 600,
      timeWindow: 60_000,
      errorResponseBuilder: () => new TospannError('LB_API_TOO_MANY_REQUESTS'),
    });
  }
  await app.register(websocket, {
    options: { maxPayload: 1024, perMessageDeflate: false },
    errorHandler: (_error, socket) => socket.terminate(),
  });
  refuseOtherUpgrades(app);
  if (certificate !== undefined) access.guard(app, certificate.fingerprint);
  return app;
}

function withZod(app: FastifyInstance): ReturnType<typeof app.withTypeProvider<ZodTypeProvider>> {
  return app
    .withTypeProvider<ZodTypeProvider>()
    .setValidatorCompiler(validatorCompiler)
    .setSerializerCompiler(serializerCompiler);
}

function serverFor({ certificate, peerAddresses = [] }: ListenerOptions): Server {
  const server =
    certificate === undefined
      ? createServer(httpLimits)
      : createTlsServer({
          ...httpLimits,
          key: certificate.keyPem,
          cert: certificate.certificatePem,
          minVersion: 'TLSv1.2',
          handshakeTimeout: 5000,
          ALPNProtocols: ['http/1.1'],
        });
  server.setTimeout(silentConnectionMs);
  if (certificate === undefined) {
    server.maxConnections = connectionLimit;
    return server;
  }
  guardConnections(
    server,
    new ConnectionGate({
      total: connectionLimit,
      perAddress: connectionsPerAddress,
      peers: peerAddresses,
      perPeer: connectionsPerPeer,
    }),
  );
  return server;
}

/** Closes connections that the gate has no place for, before TLS costs anything. */
export function guardConnections(server: NetServer, gate: ConnectionGate): void {
  server.maxConnections = gate.limit;
  server.on('connection', (socket: Socket) => {
    const leave = gate.enter(socket.remoteAddress ?? '');
    if (leave === undefined) socket.destroy();
    else socket.once('close', leave);
  });
}

/** An upgrade is for the one path that has it: others must not hold a WebSocket open that nobody asked a login for. */
function refuseOtherUpgrades(app: ApiApp): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const isUpgrade = request.headers.upgrade !== undefined && request.headers.connection !== undefined;
    if (isUpgrade && request.routeOptions.url !== livePath) throw new TospannError('LB_API_NO_TOKEN');
    done();
  });
}

/** JSON only, with its text kept for proofs; an empty body is no body. */
function readJsonBodies(app: ApiApp): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = typeof body === 'string' ? body : body.toString('utf8');
    request.rawBody = text;
    if (text === '') return done(null, undefined);
    return parse(request, text, done);
  });
}

const self = ["'self'"];
const none = ["'none'"];

const helmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: self,
      scriptSrc: self,
      styleSrc: self,
      imgSrc: self,
      connectSrc: self,
      objectSrc: none,
      baseUri: none,
      formAction: self,
      frameAncestors: none,
    },
  },
  // With HSTS a browser refuses for good the exception that a self-signed certificate needs.
  strictTransportSecurity: false,
  referrerPolicy: { policy: 'no-referrer' },
  xFrameOptions: { action: 'deny' },
} as const;
