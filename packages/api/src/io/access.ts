// Who may use a route. On the control socket the file's permissions have decided; on the network it takes the
// cluster's token, a session of the console, or a peer's proof. A route that does not say what it needs is for
// operators only.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TospannError } from '@tospann/errors';
import { clientKey } from '../core/connection-gate.ts';
import { FailureLimiter, NonceWindow } from '../core/limits.ts';
import type { Sessions } from './sessions.ts';
import { peerFields, proveAnswer, proveRequest, sameProof } from './peer-proof.ts';

/** `public`: anybody. `operator`: token or session. `peer`: the other node's proof. */
export type Access = 'public' | 'operator' | 'peer' | 'peer-or-operator';

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly access?: Access;
  }
  interface FastifyRequest {
    /** The body as it came, for proofs. */
    rawBody: string;
    /** The nonce of a peer that has proved itself; empty otherwise. */
    peerNonce: string;
  }
}

export interface AccessOptions {
  readonly nodeName: string;
  readonly sessions: Sessions;
  readonly peerNames: readonly string[];
  readonly peerKey: Buffer;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
}

// Clocks of the two nodes may differ by this much; beyond it the peer is told so.
const clockToleranceMs = 60_000;

/** What all listeners of a node share: wrong tokens and seen nonces count once, wherever they come in. */
export class AccessControl {
  readonly #options: AccessOptions;
  readonly #failures = new FailureLimiter({ allowed: 10, windowMs: 60_000, addresses: 4096 });
  readonly #nonces = new NonceWindow(2 * clockToleranceMs, 16_384);

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  get sessions(): Sessions {
    return this.#options.sessions;
  }

  /**
   * Checks token or session.
   *
   * @throws {TospannError} LB_API_NO_TOKEN, LB_API_TOO_MANY_FAILURES, LB_API_FOREIGN_ORIGIN.
   */
  requireOperator(request: FastifyRequest): void {
    const token = /^Bearer +([\w.~+/=-]+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token !== undefined) return this.requireToken(request, token, 'LB_API_NO_TOKEN');
    if (!this.sessions.holds(request.headers.cookie)) throw new TospannError('LB_API_NO_TOKEN');
    // SameSite=Strict keeps other sites away already; the origin is the second lock, also for the live stream.
    const changes = request.method !== 'GET' && request.method !== 'HEAD';
    if (changes || request.ws) requireOwnOrigin(request, 'must be present');
  }

  /**
   * Checks a token. The right one passes even from an address with many failures: it has 256 bits, so the limit
   * is there for the log and the processor, not against guessing.
   */
  requireToken(request: FastifyRequest, token: string, code: 'LB_API_NO_TOKEN' | 'LB_API_WRONG_TOKEN'): void {
    if (this.sessions.isToken(token)) return;
    const waitMs = this.#failures.fail(clientKey(request.ip), this.#options.nowMs());
    if (waitMs > 0) throw new TospannError('LB_API_TOO_MANY_FAILURES', { waitSeconds: Math.ceil(waitMs / 1000) });
    throw new TospannError(code);
  }

  /**
   * Checks the proof of a peer over the request and this listener's certificate.
   *
   * @throws {TospannError} LB_API_PEER_KEY, LB_API_PEER_CLOCK, LB_API_PEER_REPLAY.
   */
  requirePeer(request: FastifyRequest, fingerprint: string): void {
    const { nodeName, peerKey, peerNames, nowMs, wallMs } = this.#options;
    const [from, to, time, nonce, proof] = [
      field(request, peerFields.from),
      field(request, peerFields.to),
      field(request, peerFields.timeMs),
      field(request, peerFields.nonce),
      field(request, peerFields.proof),
    ];
    const timeMs = Number(time);
    const covered = { method: request.method, path: request.url, from, to, nonce, fingerprint, body: request.rawBody };
    const isProved = sameProof(proof, proveRequest(peerKey, { ...covered, timeMs }));
    if (!isProved || to !== nodeName || !peerNames.includes(from)) throw new TospannError('LB_API_PEER_KEY');
    // From here on it is the peer: nobody else learns about clocks or fills the memory of nonces.
    const differenceMs = Math.abs(wallMs() - timeMs);
    if (!(differenceMs <= clockToleranceMs)) {
      throw new TospannError('LB_API_PEER_CLOCK', { differenceSeconds: Math.round(differenceMs / 1000) });
    }
    if (!this.#nonces.accept(nonce, nowMs())) throw new TospannError('LB_API_PEER_REPLAY');
    request.peerNonce = nonce;
  }

  /** Puts the checks before all routes of a network listener. */
  guard(app: FastifyInstance, fingerprint: string): void {
    app.addHook('onRequest', (request, _reply, done) => {
      const access = accessOf(request);
      const isPeer = isPeerRequest(request, access);
      if (access !== 'public' && !isPeer && access !== 'peer') this.requireOperator(request);
      done();
    });
    // A proof covers the body, so it is checked after the body has been read (it is bounded).
    app.addHook('preValidation', (request, _reply, done) => {
      const access = accessOf(request);
      if (access === 'peer' || isPeerRequest(request, access)) this.requirePeer(request, fingerprint);
      done();
    });
    app.addHook('onSend', (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
      if (request.peerNonce !== '') {
        const body = typeof payload === 'string' ? payload : '';
        const answer = { nonce: request.peerNonce, fingerprint, status: reply.statusCode, body };
        void reply.header(peerFields.proof, proveAnswer(this.#options.peerKey, answer));
      }
      return Promise.resolve(payload);
    });
  }
}

/**
 * Refuses a request that the page of another origin has made.
 *
 * @param absent What to think of a request without an Origin field.
 * @throws {TospannError} LB_API_FOREIGN_ORIGIN.
 */
export function requireOwnOrigin(request: FastifyRequest, absent: 'must be present' | 'may be absent'): void {
  const { origin, host } = request.headers;
  if (origin === undefined && absent === 'may be absent') return;
  if (host === undefined || origin?.toLowerCase() !== `https://${host.toLowerCase()}`) {
    throw new TospannError('LB_API_FOREIGN_ORIGIN');
  }
}

function accessOf(request: FastifyRequest): Access {
  // A path that does not exist tells nobody anything.
  if (request.is404) return 'public';
  return request.routeOptions.config.access ?? 'operator';
}

function isPeerRequest(request: FastifyRequest, access: Access): boolean {
  return access === 'peer-or-operator' && request.headers[peerFields.proof] !== undefined;
}

function field(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}
