// One listener of the API: fastify with its plugins over a unix socket or TLS. Both have the same routes; who may
// use them differs. Bodies, headers, connections, times and frames are bounded here.
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { randomUUID } from 'node:crypto';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { TospannError } from '@tospann/errors';
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
  /** @default 600 a minute and client address, on the network only. */
  readonly requestsPerMinute?: number;
}

const bodyLimitBytes = 16 * 1024;
const httpLimits = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 20_000,
  maxHeaderSize: 16 * 1024,
} as const satisfies ServerOptions;
const connectionLimit = 512;
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
      const server = serverFor(certificate);
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
  if (certificate !== undefined) access.guard(app, certificate.fingerprint);
  return app;
}

function withZod(app: FastifyInstance): ReturnType<typeof app.withTypeProvider<ZodTypeProvider>> {
  return app
    .withTypeProvider<ZodTypeProvider>()
    .setValidatorCompiler(validatorCompiler)
    .setSerializerCompiler(serializerCompiler);
}

function serverFor(certificate?: NodeCertificate): Server {
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
  server.maxConnections = connectionLimit;
  server.setTimeout(silentConnectionMs);
  return server;
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
